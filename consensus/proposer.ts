/**
 * The proposer: earns a ballot, then proposes values slot after slot.
 *
 * A new leader first finishes what may have been begun before it: of the
 * values that a quorum of acceptors report for a slot it proposes the one of
 * the highest ballot again ("Paxos Made Simple", P2c).
 *
 * @module
 */
import type { Accept, AcceptedValue, Ballot } from "../protocol/mod.ts";
import type { Nack, NodeId, Prepare, Promised } from "../protocol/mod.ts";
import type { Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { ballotAbove, compareBallots, ZERO_BALLOT } from "./ballot.ts";
import { isQuorum } from "./quorum.ts";

/** A slot in which nothing is to be done. */
const NO_COMMANDS: Uint8Array = new Uint8Array(0);

/** One node's proposer. */
export class Proposer {
  readonly #id: NodeId;
  #ballot: Ballot = ZERO_BALLOT;
  #leading = false;
  #nextSeqn: Seqn = 1;
  readonly #promises: Set<NodeId> = new Set();
  readonly #reported: Map<Seqn, AcceptedValue> = new Map();

  constructor(id: NodeId) {
    this.#id = id;
  }

  /** Whether a quorum has promised this node's ballot. */
  get leading(): boolean {
    return this.#leading;
  }

  /** The ballot in use. */
  get ballot(): Ballot {
    return this.#ballot;
  }

  /** Phase 1a: asks for promises, above every ballot that was seen. */
  campaign(from: Seqn, seen: Ballot): Prepare {
    const highest = compareBallots(seen, this.#ballot) > 0
      ? seen
      : this.#ballot;
    this.#ballot = ballotAbove(highest, this.#id);
    this.#leading = false;
    this.#nextSeqn = from;
    this.#promises.clear();
    this.#reported.clear();
    return { type: "prepare", ballot: this.#ballot, from };
  }

  /**
   * Counts a promise. Once a quorum has promised, returns what must be
   * proposed before anything new: the values reported, and gaps as no-ops.
   */
  promised(
    from: NodeId,
    answer: { promise: Promised; cals: readonly NodeId[] },
  ): Accept[] {
    const { promise, cals } = answer;
    if (this.#leading) return [];
    if (compareBallots(promise.ballot, this.#ballot) !== 0) return [];
    this.#promises.add(from);
    for (const value of promise.accepted) this.#report(value);
    if (!isQuorum(this.#promises, cals)) return [];
    this.#leading = true;
    return this.#unfinished();
  }

  /** Another node has promised a higher ballot: this one leads no more. */
  nacked(nack: Nack): void {
    if (compareBallots(nack.promised, this.#ballot) > 0) this.#leading = false;
  }

  /** Phase 2a: proposes a value in the next slot. */
  propose(value: Uint8Array): Accept {
    assert(this.#leading, "C5: only a leader proposes new values");
    const seqn = this.#nextSeqn++;
    return { type: "accept", seqn, ballot: this.#ballot, value };
  }

  #report(value: AcceptedValue): void {
    const known = this.#reported.get(value.seqn);
    if (
      known === undefined || compareBallots(known.ballot, value.ballot) < 0
    ) this.#reported.set(value.seqn, value);
  }

  #unfinished(): Accept[] {
    const last = Math.max(this.#nextSeqn - 1, ...this.#reported.keys());
    const accepts: Accept[] = [];
    while (this.#nextSeqn <= last) {
      const reported = this.#reported.get(this.#nextSeqn);
      accepts.push(this.propose(reported?.value ?? NO_COMMANDS));
    }
    this.#reported.clear();
    return accepts;
  }
}
