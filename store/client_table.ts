/**
 * The table of clients' sessions as a value: what an image holds of it, what it
 * counts for, and what can be wrong with one that another node has sent.
 *
 * @module
 */
import { ERROR_CODES } from "./error.ts";
import { mixNumber, mixRevision, mixText, mixWord } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import type { Mutation, Outcome } from "./mutation.ts";

/** What became of a command when it was applied. */
export interface FirstOutcome {
  /** Of what it asked for: 32 bits; 0 where that was nothing. */
  readonly checksum: number;
  /** A rev, the id of what was opened, or why it was refused. */
  readonly outcome: Outcome;
}

/** A client's commands, as far as it may ask for them again. */
export interface ClientSession {
  /** The how-manieth opening it was, from 1. */
  readonly id: number;
  /** What the client calls itself, or "". */
  readonly name: string;
  /** When it was used last, counted in uses of all sessions from 1. */
  readonly used: number;
  /** The client knows the outcomes of its commands up to this number. */
  readonly acknowledged: number;
  /** What became of the commands after that, in order. */
  readonly outcomes: readonly FirstOutcome[];
}

/** All sessions of clients. */
export interface ClientTable {
  /** How many were opened ever: no id is used twice. */
  readonly opened: number;
  /** Those that are open, from the one that was used least lately on. */
  readonly sessions: readonly ClientSession[];
}

/** What a session counts for, beside its name and outcomes. In bytes. */
const SESSION_BYTES = 96;
/** What an outcome counts for, beside the text of its detail. */
const OUTCOME_BYTES = 24;
/** Characters that need three bytes as UTF-8 have one UTF-16 unit. */
const UNIT_BYTES_MAX = 3;

/** What a command asks for as 32 bits, to tell a repeat from another one. */
export function checksumOf(mutations: readonly Mutation[]): number | undefined {
  if (mutations.length === 0) return undefined;
  let hash = 0;
  for (const mutation of mutations) {
    const rev = mutation.type === "nop" ? 0 : mutation.rev;
    hash = mixRevision(hash, rev, mutation);
  }
  return hash >>> 0;
}

/** What a session counts for in the limit `sessionBytes`. */
export function costOf({ name, outcomes }: ClientSession): number {
  let bytes = SESSION_BYTES + UNIT_BYTES_MAX * name.length;
  for (const outcome of outcomes) bytes += costOfOutcome(outcome);
  return bytes;
}

/** What an outcome counts for in the limit `sessionBytes`. */
export function costOfOutcome({ outcome }: FirstOutcome): number {
  if (typeof outcome === "number") return OUTCOME_BYTES;
  const units = outcome.code.length + (outcome.detail?.length ?? 0);
  return OUTCOME_BYTES + UNIT_BYTES_MAX * units;
}

/** A session's part in the table's hash. */
export function sessionHash(
  { id, name, used, acknowledged, outcomes }: ClientSession,
  outcomesHash: number,
): number {
  let hash = mixText(mixNumber(mixNumber(0, id), used), name);
  hash = mixNumber(mixNumber(hash, acknowledged), outcomes.length);
  return mixWord(hash, outcomesHash);
}

/** An outcome's part in its session's hash. */
export function outcomeHash(
  number: number,
  { checksum, outcome }: FirstOutcome,
): number {
  const hash = mixWord(mixNumber(0, number), checksum);
  if (typeof outcome === "number") return mixNumber(mixWord(hash, 0), outcome);
  const { code, detail } = outcome;
  const coded = mixText(mixWord(hash, 1), code);
  // No detail is not an empty one, which has the length 0.
  return detail === undefined ? mixWord(coded, -1) : mixText(coded, detail);
}

/** How many bytes a text has as UTF-8. */
export function textBytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** What is wrong with a table, if anything. */
export function wrongTable(
  { opened, sessions }: ClientTable,
): string | undefined {
  if (!isCount(opened)) return `There cannot be ${opened} clients' sessions`;
  if (sessions.length > LIMITS.clientSessions) {
    return `There are ${sessions.length} clients' sessions, the limit is ` +
      `${LIMITS.clientSessions}`;
  }
  let bytes = 0;
  let used = 0;
  const ids = new Set<number>();
  for (const session of sessions) {
    const wrong = wrongSession(session, { opened, used });
    if (wrong !== undefined) {
      return `Session ${session.id} of a client ${wrong}`;
    }
    used = session.used;
    bytes += costOf(session);
    ids.add(session.id);
  }
  if (ids.size !== sessions.length) return "Two clients' sessions have one id";
  if (bytes <= LIMITS.sessionBytes) return undefined;
  return `The clients' sessions hold ${bytes} bytes, the limit is ` +
    `${LIMITS.sessionBytes}`;
}

function wrongSession(
  { id, name, used, acknowledged, outcomes }: ClientSession,
  { opened, used: before }: { opened: number; used: number },
): string | undefined {
  if (!isCount(id) || id < 1 || id > opened) {
    return `cannot be, where ${opened} were opened`;
  }
  const bytes = textBytes(name);
  if (bytes > LIMITS.sessionNameBytes) {
    return `has a name of ${bytes} bytes, the limit is ` +
      `${LIMITS.sessionNameBytes}`;
  }
  if (!isCount(used) || used <= before) {
    return `was used as number ${used}, but the one before it as ${before}`;
  }
  const { length } = outcomes;
  if (length > LIMITS.sessionWindow) {
    return `has ${length} outcomes, the limit is ${LIMITS.sessionWindow}`;
  }
  if (!isCount(acknowledged) || !isCount(acknowledged + length)) {
    return `cannot have ${acknowledged} commands acknowledged`;
  }
  return outcomes.every(isWhole) ? undefined : "has an outcome that cannot be";
}

function isWhole({ checksum, outcome }: FirstOutcome): boolean {
  if (checksum !== checksum >>> 0) return false;
  return typeof outcome === "number"
    ? isCount(outcome)
    : Object.hasOwn(ERROR_CODES, outcome.code);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
