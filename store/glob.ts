/**
 * The one language of patterns: reads, waits and access rules all use it.
 *
 * `?` matches one character of a name, `*` any number of characters within a
 * name, `**` any number of characters, slashes included; all else matches
 * itself. Matching takes time in proportion to pattern times path at worst,
 * whatever the pattern: there is no backtracking that a client could provoke.
 *
 * @module
 */
import { DoozerError } from "./error.ts";
import { LIMITS } from "./limits.ts";
import { NAME_CHARACTERS, type Path } from "./path.ts";

const GRAMMAR = new RegExp(`^(?:/[${NAME_CHARACTERS}*?]+)+$`);
const SLASH = 47;

/** One step of a pattern: a character's code, or one of the wildcards. */
type Token = number;
const ONE: Token = -1;
const WITHIN: Token = -2;
const ACROSS: Token = -3;

/** Cell `i` tells whether the tokens so far match the first `i` characters. */
const row = new Uint8Array(LIMITS.pathBytes + 1);

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
    this.#least = this.#tokens.filter(needsOne).length;
    this.slashes = this.#tokens.includes(ACROSS)
      ? undefined
      : text.split("/").length - 1;
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
    if (length < this.#least || length >= row.length) return false;
    row.fill(0, 0, length + 1);
    row[0] = 1;
    for (const token of tokens) {
      if (!needsOne(token)) stretch(path, from, token);
      else if (!stepOver(path, from, token)) return false;
    }
    return row[length] === 1;
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

/** Whether the token consumes exactly one character. */
function needsOne(token: Token): boolean {
  return token >= ONE;
}

/**
 * Consumes exactly one character: a literal, or any but a slash.
 *
 * @returns whether anything still matches.
 */
function stepOver(path: Path, from: number, token: Token): boolean {
  let left = 0;
  for (let i = path.length - from; i > 0; i--) {
    const code = path.charCodeAt(from + i - 1);
    const fits = token === ONE ? code !== SLASH : code === token;
    row[i] = fits ? row[i - 1]! : 0;
    left |= row[i]!;
  }
  row[0] = 0;
  return left !== 0;
}

/** Consumes any number of characters, of one name or across names. */
function stretch(path: Path, from: number, token: Token): void {
  for (let i = 1; i <= path.length - from; i++) {
    if (row[i] === 1 || row[i - 1] === 0) continue;
    const code = path.charCodeAt(from + i - 1);
    if (token === ACROSS || code !== SLASH) row[i] = 1;
  }
}
