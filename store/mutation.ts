/**
 * What is asked of the tree, and what came of it.
 *
 * @module
 */
import type { ErrorCode } from "./error.ts";
import type { Rev } from "./history.ts";
import type { Path } from "./path.ts";

/** Writes a file. */
export interface SetMutation {
  readonly type: "set";
  readonly path: Path;
  /** Succeeds only where the file's rev is at most this, or with CLOBBER. */
  readonly rev: Rev;
  /** The new content, at most LIMITS.valueBytes; copied when applied. */
  readonly body: Uint8Array;
}

/** Removes a file. */
export interface DelMutation {
  readonly type: "del";
  readonly path: Path;
  /** Succeeds only where the file's rev is at most this, or with CLOBBER. */
  readonly rev: Rev;
}

/** Changes nothing, but takes a rev and is an event on the root. */
export interface NopMutation {
  readonly type: "nop";
}

/** One change that is asked for. */
export type Mutation = SetMutation | DelMutation | NopMutation;

/** The rev that makes a mutation succeed whatever the file's rev is. */
export const CLOBBER: Rev = -1;

/** The rev of what does not exist: with it, a SET only creates. */
export const MISSING: Rev = 0;

/** The rev that reads report for a directory. */
export const DIRECTORY: Rev = -2;

/** Why nothing happened. The message, where the code does not say it all. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly detail?: string;
}

/** What applying a mutation did: made this rev, or nothing. */
export type Outcome = Rev | Refusal;

/** Whether a mutation that names this rev may change a file at `fileRev`. */
export function revAllows(rev: Rev, fileRev: Rev): boolean {
  return rev === CLOBBER || rev >= fileRev;
}
