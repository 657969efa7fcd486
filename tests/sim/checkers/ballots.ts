/**
 * Ballots, as the checkers compare and name them.
 *
 * @module
 */
import type { Ballot } from "../../../protocol/mod.ts";

/** Below all others. */
export const NONE: Ballot = { round: 0, node: "" };

/** Below, at or above 0, as the first is to the second. */
export function compare(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** To show it by. */
export function name(ballot: Ballot): string {
  return `${ballot.round}.${ballot.node}`;
}
