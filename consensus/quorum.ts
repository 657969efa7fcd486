/**
 * Quorums: majorities of the cals of a slot.
 *
 * This is the only place that knows how many votes are enough.
 *
 * @module
 */
import type { NodeId } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";

/** How many of so many cals are a quorum: any two quorums share a cal. */
export function quorumSize(cals: number): number {
  assert(cals >= 1, "a slot has at least one cal");
  const size = Math.floor(cals / 2) + 1;
  assert(2 * size > cals, "C2: two quorums of the same cals intersect");
  return size;
}

/** Whether the voters hold a quorum of the cals. Strangers do not count. */
export function isQuorum(
  voters: ReadonlySet<NodeId>,
  cals: readonly NodeId[],
): boolean {
  let votes = 0;
  for (const cal of cals) if (voters.has(cal)) votes++;
  return votes >= quorumSize(cals.length);
}
