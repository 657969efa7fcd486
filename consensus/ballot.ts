/**
 * Ballots: the numbers of proposals, totally ordered.
 *
 * A round first, the node's id to break ties, so that no two nodes ever use
 * the same ballot.
 *
 * @module
 */
import type { Ballot, NodeId } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";

/** Below every ballot that a node uses. */
export const ZERO_BALLOT: Ballot = { round: 0, node: "" };

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compareBallots(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** A ballot is its node's own: nobody else asks or proposes with it. */
export function isOwnBallot(from: NodeId, ballot: Ballot): boolean {
  return ballot.node === from;
}

/** The node's ballot of the round after `ballot`'s. */
export function ballotAbove(ballot: Ballot, node: NodeId): Ballot {
  const above = { round: ballot.round + 1, node };
  assert(Number.isSafeInteger(above.round), "C3: no ballot is used twice");
  return above;
}

/** The ballot as people read it. */
export function formatBallot(ballot: Ballot): string {
  return ballot.round === 0 ? "0" : `${ballot.round}.${ballot.node}`;
}
