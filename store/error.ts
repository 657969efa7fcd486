/**
 * What can go wrong, as a closed set of codes.
 *
 * A `DoozerError` is an answer: deterministic, part of the protocol, made for
 * the client that asked. A failed `assert` is a bug of ours and stops the
 * process, because a node that no longer knows what holds must not go on.
 *
 * @module
 */

/** Every code an answer can carry, with what it tells the reader to do. */
export const ERROR_CODES = {
  BAD_GLOB: "the pattern breaks the grammar of globs: mend it",
  BAD_PATH: "the path breaks the grammar of paths: mend it",
  CLOSED: "the connection is closed: connect again",
  DENIED: "the secret given does not allow this: give another",
  GAP: "a command of the session before this one is missing: send it first",
  ISDIR: "the path is a directory: name a file",
  LIMIT: "a documented limit is exceeded: ask for less",
  LINEAGE: "the history was replaced by another: read it from its beginning",
  MISSING_ARG: "the request lacks a field that its verb needs: add it",
  NOENT: "there is no such directory: name another",
  NOTDIR: "the path, or a part of it, is a file: name a directory",
  NUMBER: "the number does not fit the session's other commands: read why",
  OTHER: "none of the other codes: read the message",
  RANGE: "the offset is past the last entry: the list ends here",
  READONLY: "this node takes no writes: ask another",
  REV_MISMATCH: "the file has changed since the rev given: read it again",
  SEAT: "the change of seats would break a rule of the cluster: read which",
  SESSION: "the session is not open, or no longer: open another",
  TAG_IN_USE: "the tag belongs to a request under way: choose another",
  TIMEOUT: "nothing came within the time given: wait longer",
  TOO_LATE: "the rev is older than the history kept: start at a newer one",
  UNAVAILABLE: "no server or no quorum answers, nothing was done: try again",
  UNKNOWN: "whether the write took effect is not known: read, then decide",
  UNKNOWN_VERB: "the server does not know this request: use a newer server",
} as const;

/** One of the codes of {@linkcode ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** An answer that says no: a code from a closed set, and a sentence. */
export class DoozerError extends Error {
  /** What kind of refusal this is; programs decide by it. */
  readonly code: ErrorCode;
  /** The sentence without the code, as sent to clients. */
  readonly detail: string;

  /** The message becomes the code in brackets, then the detail. */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(`[${code}] ${detail}`, options);
    this.name = "DoozerError";
    this.code = code;
    this.detail = detail;
  }
}

/** Stops the process where something that must hold does not. */
export function assert(
  condition: unknown,
  mustHold: string,
): asserts condition {
  if (!condition) throw new AssertionError(mustHold);
}

/** A broken invariant: a bug of ours, never an answer to a client. */
export class AssertionError extends Error {
  constructor(mustHold: string) {
    super(`Broken invariant: ${mustHold}`);
    this.name = "AssertionError";
  }
}
