/**
 * Ballots: the numbers of proposals, totally ordered.
 *
 * A round first, the node's id to break ties, so that no two nodes ever use
 * the same ballot.
 *
 * @module
 */
import type { Ballot, NodeId } from "../protocol/mod.ts";

/** Below every ballot that a node uses. */
export const ZERO_BALLOT: Ballot = { round: 0, node: "" };

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compareBallots(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** The lowest ballot of the node that is above `ballot`. */
export function ballotAbove(ballot: Ballot, node: NodeId): Ballot {
  return { round: ballot.round + 1, node };
}

/** The ballot as people read it. */
export function formatBallot(ballot: Ballot): string {
  return ballot.round === 0 ? "0" : `${ballot.round}.${ballot.node}`;
}
