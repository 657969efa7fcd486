/**
 * As what a damaged disk is read.
 *
 * @module
 */
import type { Found } from "../../consensus/mod.ts";

/**
 * What is "torn" lacks the last batch, an "older" one ends before that; what is
 * "believed" was never written so, and what is "lost" was there.
 */
export type Verdict =
  | "as it was"
  | "torn"
  | "older"
  | "damaged"
  | "lost"
  | "believed";

/** Compares what was found before with what is found now. */
export function judge(
  before: Found | undefined,
  after: Found | undefined,
): Verdict {
  if (memoryOf(after) === memoryOf(before)) return "as it was";
  if (before === undefined || after === undefined) return "lost";
  if (after.damage !== undefined) return "damaged";
  const missing = behindLast(before) - behindLast(after);
  if (missing === 1 && after.torn !== undefined) return "torn";
  // What is not there at all may never have been: only others can tell.
  const [last] = [...before.sizes.keys()].slice(-1);
  const isShort = after.sizes.has(last!) &&
    after.sizes.get(last!)! + (after.torn?.bytes ?? 0) <
      before.sizes.get(last!)!;
  return missing > 0 && isShort ? "older" : "believed";
}

/** The number after that of the last batch, which is to be repeated or not. */
function behindLast({ nextBatch, repeated }: Found): number {
  return nextBatch + (repeated.length > 0 ? 1 : 0);
}

/** What counts of it. */
function memoryOf(found: Found | undefined): string {
  if (found === undefined) return "";
  const { header, claim, promised, accepted, applied, decided } = found;
  const { node, lineage } = header;
  const who = [node, lineage, claim, found.damage];
  return JSON.stringify([...who, promised, accepted, applied, decided]);
}
