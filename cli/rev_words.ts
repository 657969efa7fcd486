/**
 * Revs as words of the command line: the flag `-r`, and the argument of `set`
 * and `del`.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** Reads `-r`: undefined is the current rev, as -1 was in the original. */
export function readRevFlag(flags: Flags): { rev?: number } {
  const text = flags.text("rev");
  if (text === undefined) return {};
  const rev = parseRev(text);
  if (rev === undefined) {
    throw new UsageError(`Cannot read "${text}" as a rev: it is not a number`);
  }
  if (rev >= -1) return rev === -1 ? {} : { rev };
  throw new UsageError(
    `Cannot read at the rev ${text}: a rev is -1 for the current one, or a ` +
      "number from 0 on",
  );
}

/** Reads a rev given as a word; one that is above all numbers forces. */
export function readRevArg(text: string | undefined): number {
  const rev = parseRev(text ?? "");
  // What is below -1 is a slip, and must not overwrite as -1 does.
  if (rev !== undefined && rev >= -1) return rev;
  throw new DoozerError(
    "OTHER",
    rev === undefined
      ? `Cannot read "${text}" as a rev: it is not a whole number`
      : `Cannot use the rev ${text}: a rev is -1 for any, 0 for a new file, ` +
        "or the file's rev",
  );
}

function parseRev(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  // Go clients send 2^62 to force; a double must not round it.
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}
