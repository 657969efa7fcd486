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
import { NO_COMMANDS } from "./value.ts";

/** One node's proposer. */
export class Proposer {
  readonly #id: NodeId;
  #ballot: Ballot = ZERO_BALLOT;
  /** The highest ballot that was seen, the own one included. */
  #seen: Ballot = ZERO_BALLOT;
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
    this.#see(seen);
    this.#ballot = ballotAbove(this.#seen, this.#id);
    this.#see(this.#ballot);
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
    if (this.#leading || !cals.includes(from)) return [];
    if (compareBallots(promise.ballot, this.#ballot) !== 0) return [];
    this.#promises.add(from);
    for (const value of promise.accepted) this.#report(value);
    if (!isQuorum(this.#promises, cals)) return [];
    this.#leading = true;
    return this.#unfinished();
  }

  /** A cal has promised a higher ballot: this node leads no more. */
  nacked(
    from: NodeId,
    answer: { nack: Nack; cals: readonly NodeId[] },
  ): void {
    const { nack: { promised }, cals } = answer;
    if (!cals.includes(from)) return;
    this.#see(promised);
    if (compareBallots(promised, this.#ballot) > 0) this.#leading = false;
  }

  /** Phase 2a: proposes a value in the next slot. */
  propose(value: Uint8Array): Accept {
    assert(this.#leading, "C5: only a leader proposes new values");
    const seqn = this.#nextSeqn++;
    return { type: "accept", seqn, ballot: this.#ballot, value };
  }

  #see(ballot: Ballot): void {
    if (compareBallots(ballot, this.#seen) > 0) this.#seen = ballot;
  }

  #report(value: AcceptedValue): void {
    const known = this.#reported.get(value.seqn);
    if (
      known === undefined || compareBallots(known.ballot, value.ballot) < 0
    ) this.#reported.set(value.seqn, value);
  }

  #unfinished(): Accept[] {
    let last = 0;
    for (const seqn of this.#reported.keys()) last = Math.max(last, seqn);
    const accepts: Accept[] = [];
    while (this.#nextSeqn <= last) {
      const reported = this.#reported.get(this.#nextSeqn);
      accepts.push(this.propose(reported?.value ?? NO_COMMANDS));
    }
    this.#reported.clear();
    return accepts;
  }
}
