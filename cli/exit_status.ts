/**
 * How a run of `doozer` ends, as a number for scripts. One table, so that the
 * code, `doozer help exit` and the tests cannot drift apart.
 *
 * @module
 */

import type { ErrorCode } from "../store/mod.ts";

/** The exit statuses by name. */
export const EXIT = {
  done: 0,
  revMismatch: 1,
  failed: 2,
  notFound: 3,
  denied: 4,
  unreachable: 5,
  unknown: 6,
  usage: 127,
} as const;

/** One of the exit statuses. */
export type ExitStatus = typeof EXIT[keyof typeof EXIT];

/** What each status tells the caller. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done",
  revMismatch: "rev mismatch: the file has changed, or exists already (add)",
  failed: "any other failure, a time-out of wait and watch included",
  notFound: "no such file or directory",
  denied: "permission denied: no secret, or the wrong one",
  unreachable:
    "no server or no quorum answers, nothing was done; status: not ready",
  unknown: "outcome unknown: a write was sent, and may or may not take effect",
  usage: "the command line is wrong; nothing was tried",
};

// A full record, so that a new error code must decide for a status.
const STATUS_OF: Readonly<Record<ErrorCode, ExitStatus>> = {
  BAD_GLOB: EXIT.failed,
  BAD_PATH: EXIT.failed,
  CLOSED: EXIT.unreachable,
  DENIED: EXIT.denied,
  GAP: EXIT.failed,
  ISDIR: EXIT.failed,
  LIMIT: EXIT.failed,
  LINEAGE: EXIT.failed,
  MISSING_ARG: EXIT.failed,
  NOENT: EXIT.notFound,
  NOTDIR: EXIT.failed,
  NUMBER: EXIT.failed,
  OTHER: EXIT.failed,
  RANGE: EXIT.failed,
  READONLY: EXIT.failed,
  REV_MISMATCH: EXIT.revMismatch,
  SEAT: EXIT.failed,
  SESSION: EXIT.failed,
  TAG_IN_USE: EXIT.failed,
  TIMEOUT: EXIT.failed,
  TOO_LATE: EXIT.failed,
  UNAVAILABLE: EXIT.unreachable,
  UNKNOWN: EXIT.unknown,
  UNKNOWN_VERB: EXIT.failed,
};

/** The exit status that an error code leads to. */
export function statusOf(code: ErrorCode): ExitStatus {
  return STATUS_OF[code];
}
