/**
 * The one language of patterns: reads, waits and access rules all use it.
 *
 * `?` matches one character of a name, `*` any number of characters within a
 * name, `**` any number of characters, slashes included; all else matches
 * itself. All places of the path are kept in step as bits, 32 to a word, so at
 * worst matching takes time in proportion to pattern times path by 32,
 * whatever the pattern: there is no backtracking that a client could provoke.
 *
 * @module
 */
import { DoozerError } from "./error.ts";
import { LIMITS } from "./limits.ts";
import { NAME_CHARACTERS, type Path } from "./path.ts";

const GRAMMAR = new RegExp(`^(?:/[${NAME_CHARACTERS}*?]+)+$`);
const SLASH = 47;
/** So many cells of a match, as a power of 2, take as long as one entry. */
const CELLS_PER_UNIT_BITS = 9;

/** One step of a pattern: a character's code, or one of the wildcards. */
type Token = number;
const ONE: Token = -1;
const WITHIN: Token = -2;
const ACROSS: Token = -3;

/** A row of bits: bit `i` tells something of the first `i` characters. */
const WORDS_MAX = (LIMITS.pathBytes >> 5) + 1;

/** Whether the tokens so far match the first `i` characters. */
const row = new Int32Array(WORDS_MAX);
/** Whether character `i` (from 1) is no slash. */
const noSlash = new Int32Array(WORDS_MAX);
/** For each ASCII code, whether character `i` (from 1) has it. */
const having = new Int32Array(128 * WORDS_MAX);

/** A compiled pattern. Immutable; compile once, match often. */
export class Glob {
  /** The pattern as it was written. */
  readonly text: string;
  /** What every match begins with, up to the first wildcard. */
  readonly prefix: string;
  /** Whether there is no wildcard: the pattern is a path and matches it only. */
  readonly literal: boolean;
  /** The deepest directory that holds every match. */
  readonly directory: Path;
  /** How many slashes a match has, or undefined where `**` leaves it open. */
  readonly slashes: number | undefined;
  readonly #tokens: readonly Token[];
  /** How many characters the tokens need at least. */
  readonly #least: number;

  /** Use {@linkcode compileGlob}, which checks the grammar. */
  constructor(text: string) {
    const wild = text.search(/[*?]/);
    this.text = text;
    this.prefix = wild < 0 ? text : text.slice(0, wild);
    this.literal = wild < 0;
    this.directory = this.prefix.slice(0, this.prefix.lastIndexOf("/")) || "/";
    this.#tokens = tokenize(text.slice(this.prefix.length));
    this.#least = this.#tokens.filter((token) => token >= ONE).length;
    this.slashes = this.#tokens.includes(ACROSS)
      ? undefined
      : text.split("/").length - 1;
  }

  /**
   * How much work it is at most to match the path, in units of one entry or
   * event looked at.
   */
  costOf(path: Path): number {
    if (this.literal || !path.startsWith(this.prefix)) return 1;
    const cells = this.#tokens.length * (path.length - this.prefix.length);
    return 1 + (cells >> CELLS_PER_UNIT_BITS);
  }

  /** Whether the path matches. */
  matches(path: Path): boolean {
    if (this.literal) return path === this.text;
    if (!path.startsWith(this.prefix)) return false;
    const tokens = this.#tokens;
    if (tokens.length === 1 && tokens[0] === ACROSS) return true;
    const from = this.prefix.length;
    const length = path.length - from;
    // Bounds the work by the path, however long the pattern is.
    if (length < this.#least || length > LIMITS.pathBytes) return false;
    const words = (length >> 5) + 1;
    load(path, from);
    row.fill(0, 0, words);
    row[0] = 1;
    let alive = true;
    for (const token of tokens) {
      alive = token >= ONE ? stepOver(token, words) : stretch(token, words);
      if (!alive) break;
    }
    unload(path, from);
    return alive && (row[length >> 5]! >>> (length & 31) & 1) === 1;
  }
}

/**
 * Compiles a pattern.
 *
 * @throws {DoozerError} `BAD_GLOB` where it breaks the grammar, `LIMIT` where
 * it is too long.
 */
export function compileGlob(text: string): Glob {
  if (text.length > LIMITS.pathBytes) {
    const detail = `The glob has ${text.length} characters, the limit is ` +
      `${LIMITS.pathBytes}`;
    throw new DoozerError("LIMIT", detail);
  }
  if (text !== "/" && !GRAMMAR.test(text)) {
    throw new DoozerError("BAD_GLOB", `invalid glob pattern: ${text}`);
  }
  return new Glob(text);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "?") tokens.push(ONE);
    else if (character !== "*") tokens.push(text.charCodeAt(i));
    else {
      const start = i;
      while (text[i + 1] === "*") i++;
      tokens.push(i > start ? ACROSS : WITHIN);
    }
  }
  return tokens;
}

/** Notes where the path has which character: once for all tokens. */
function load(path: Path, from: number): void {
  noSlash.fill(0, 0, (path.length - from >> 5) + 1);
  for (let i = 1; i <= path.length - from; i++) {
    const code = path.charCodeAt(from + i - 1);
    const bit = 1 << (i & 31);
    if (code !== SLASH) noSlash[i >> 5]! |= bit;
    if (code < 128) having[code * WORDS_MAX + (i >> 5)]! |= bit;
  }
}

/** Forgets what {@linkcode load} noted. */
function unload(path: Path, from: number): void {
  for (let i = 1; i <= path.length - from; i++) {
    const code = path.charCodeAt(from + i - 1);
    if (code < 128) having[code * WORDS_MAX + (i >> 5)] = 0;
  }
}

/**
 * Consumes exactly one character: a literal, or any but a slash.
 *
 * @returns whether anything still matches.
 */
function stepOver(token: Token, words: number): boolean {
  const fits = token === ONE ? noSlash : having;
  const start = token === ONE ? 0 : token * WORDS_MAX;
  let left = 0;
  for (let word = words - 1; word >= 0; word--) {
    const below = word === 0 ? 0 : row[word - 1]! >>> 31;
    const next = (row[word]! << 1 | below) & fits[start + word]!;
    row[word] = next;
    left |= next;
  }
  return left !== 0;
}

/** Consumes any number of characters, of one name or across names. */
function stretch(token: Token, words: number): boolean {
  let below = 0;
  for (let word = 0; word < words; word++) {
    if (token === ACROSS) {
      const bits = row[word]!;
      // From the lowest bit that is set, all above are.
      row[word] = below !== 0 ? -1 : bits | -bits;
      below = row[word]!;
    } else {
      const open = noSlash[word]!;
      row[word] = flood(row[word]! | (below >>> 31 & open & 1), open);
      below = row[word]!;
    }
  }
  return true;
}

/** Spreads set bits upwards, through bits that are open, in five doublings. */
function flood(bits: number, open: number): number {
  let spread = bits;
  let through = open;
  for (let by = 1; by < 32; by *= 2) {
    spread |= through & spread << by;
    through &= through << by;
  }
  return spread;
}
