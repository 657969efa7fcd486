/**
 * Revs as words of the command line: the flags `-r` and `--at-least`, and the
 * argument of `set` and `del`.
 *
 * @module
 */

import type { Client, RequestOptions } from "../protocol/net/mod.ts";
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

/** What the flags say about the state to read. */
export type StateOptions = Pick<RequestOptions, "rev" | "read" | "minRev">;

/** Reads `-r`, `--local` and `--at-least`; nothing given: linearizable. */
export function readStateFlags(flags: Flags): StateOptions {
  const least = flags.text("at-least");
  return {
    ...readRevFlag(flags),
    ...flags.on("local") ? { read: "local" } : {},
    ...least === undefined ? {} : { minRev: parseLeast(least) },
  };
}

/** The rev to read all parts of a list at. */
export async function pinRev(
  client: Client,
  { at, timeoutMs }: { at: StateOptions; timeoutMs: number },
): Promise<number> {
  const { rev, ...recent } = at;
  if (rev !== undefined && at.minRev === undefined) return rev;
  const current = await client.rev({ ...recent, timeoutMs });
  return rev ?? current;
}

function parseLeast(text: string): number {
  const rev = parseRev(text);
  if (rev !== undefined && rev >= 0) return rev;
  throw new UsageError(
    `Cannot read at least at the rev "${text}": it is no number from 0 on`,
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
