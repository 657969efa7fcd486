/**
 * The proposer: earns a ballot, then proposes values slot after slot.
 *
 * A new leader first finishes what may have been begun before it: of the
 * values that a quorum of acceptors report for a slot it proposes the one of
 * the highest ballot again ("Paxos Made Simple", P2c). Each slot needs the
 * promises of a quorum of its own cals; which those are is known only ALPHA
 * slots ahead, so promises are asked for, and counted, as long as it leads.
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

/** The parts of one acceptor's promise that have come. */
interface Parts {
  /** Of the question that they answer. */
  readonly from: Seqn;
  total: number;
  readonly slots: Set<Seqn>;
}

/** One node's proposer. */
export class Proposer {
  readonly #id: NodeId;
  #ballot: Ballot = ZERO_BALLOT;
  /** The highest ballot that was seen, the own one included. */
  #seen: Ballot = ZERO_BALLOT;
  #campaigning = false;
  #leading = false;
  #from: Seqn = 1;
  #nextSeqn: Seqn = 1;
  #lastReported: Seqn = 0;
  readonly #parts: Map<NodeId, Parts> = new Map();
  readonly #promises: Set<NodeId> = new Set();
  readonly #reported: Map<Seqn, AcceptedValue> = new Map();

  constructor(id: NodeId) {
    this.#id = id;
  }

  /** Whether a quorum has promised this node's ballot. */
  get leading(): boolean {
    return this.#leading;
  }

  /** Whether promises are awaited. */
  get campaigning(): boolean {
    return this.#campaigning;
  }

  /** The ballot in use. */
  get ballot(): Ballot {
    return this.#ballot;
  }

  /** The highest ballot that was seen. */
  get seen(): Ballot {
    return this.#seen;
  }

  /** The first slot of this node's campaign. */
  get from(): Seqn {
    return this.#from;
  }

  /** The slot that is proposed next. */
  get nextSeqn(): Seqn {
    return this.#nextSeqn;
  }

  /** Whether the next slot's value was reported, or lies before one that was. */
  get owes(): boolean {
    return this.#nextSeqn <= this.#lastReported;
  }

  /** Phase 1a: asks for promises, above every ballot that was seen. */
  campaign(from: Seqn, seen: Ballot): Prepare {
    this.see(seen);
    this.#ballot = ballotAbove(this.#seen, this.#id);
    this.see(this.#ballot);
    this.#campaigning = true;
    this.#leading = false;
    this.#from = from;
    this.#nextSeqn = from;
    this.#lastReported = 0;
    this.#parts.clear();
    this.#promises.clear();
    this.#reported.clear();
    return { type: "prepare", ballot: this.#ballot, from };
  }

  /** Asks for the promise of one who has not given it. */
  askAgain(): Prepare {
    return { type: "prepare", ballot: this.#ballot, from: this.#nextSeqn };
  }

  /** Whether the node has promised this ballot. */
  hasPromised(id: NodeId): boolean {
    return this.#promises.has(id);
  }

  /**
   * Counts a promise, or a part of it. Values of slots that this node has
   * proposed in already say nothing: those slots had their quorum.
   *
   * @param cals of the first slot of the campaign.
   */
  promised(
    from: NodeId,
    { promise, cals }: { promise: Promised; cals: readonly NodeId[] },
  ): void {
    if (!this.#campaigning && !this.#leading) return;
    if (compareBallots(promise.ballot, this.#ballot) !== 0) return;
    for (const value of promise.accepted) this.#report(value);
    if (!this.#isWhole(from, promise)) return;
    this.#promises.add(from);
    if (this.#leading || !isQuorum(this.#promises, cals)) return;
    this.#leading = true;
    this.#campaigning = false;
  }

  /** Whether the slot's own cals have promised, so that it can be proposed. */
  covers(cals: readonly NodeId[]): boolean {
    return this.#leading && isQuorum(this.#promises, cals);
  }

  /** A cal has promised a higher ballot: this node leads no more. */
  nacked(
    from: NodeId,
    answer: { nack: Nack; isCal: boolean },
  ): void {
    const { nack: { promised }, isCal } = answer;
    assert(from !== "", "a nack has a sender");
    this.see(promised);
    if (isCal && compareBallots(promised, this.#ballot) > 0) this.abandon();
  }

  /** Leads no more, and campaigns no more. */
  abandon(): void {
    this.#leading = false;
    this.#campaigning = false;
    this.#reported.clear();
    this.#parts.clear();
    this.#lastReported = 0;
  }

  /** The slot is decided: nothing is to be proposed there any more. */
  passed(seqn: Seqn): void {
    this.#reported.delete(seqn);
    this.#nextSeqn = Math.max(this.#nextSeqn, seqn + 1);
  }

  /** Takes note of a ballot that somebody uses. */
  see(ballot: Ballot): void {
    if (compareBallots(ballot, this.#seen) > 0) this.#seen = ballot;
  }

  /**
   * Phase 2a for a slot that may have been begun: the value reported at the
   * highest ballot, or nothing to do where none was.
   */
  proposeOwed(): Accept {
    assert(this.owes, "C5: what was reported is proposed first");
    const reported = this.#reported.get(this.#nextSeqn);
    this.#reported.delete(this.#nextSeqn);
    return this.#accept(reported?.value ?? NO_COMMANDS);
  }

  /** Phase 2a: proposes a value in the next slot. */
  propose(value: Uint8Array): Accept {
    assert(!this.owes, "C5: what was reported is proposed first");
    return this.#accept(value);
  }

  #accept(value: Uint8Array): Accept {
    assert(this.#leading, "C5: only a leader proposes values");
    const seqn = this.#nextSeqn++;
    return { type: "accept", seqn, ballot: this.#ballot, value };
  }

  /** Whether all parts of the sender's promise are here. */
  #isWhole(node: NodeId, { from, accepted, total }: Promised): boolean {
    if (this.#promises.has(node)) return true;
    let parts = this.#parts.get(node);
    // C5: a slot that is in no part of one answer may be in another's.
    if (parts === undefined || parts.from !== from) {
      parts = { from, total: 0, slots: new Set() };
      this.#parts.set(node, parts);
    }
    parts.total = Math.max(parts.total, total);
    for (const { seqn } of accepted) parts.slots.add(seqn);
    return parts.slots.size >= parts.total;
  }

  #report(value: AcceptedValue): void {
    if (value.seqn < this.#nextSeqn) return;
    const known = this.#reported.get(value.seqn);
    if (known === undefined || compareBallots(known.ballot, value.ballot) < 0) {
      this.#reported.set(value.seqn, value);
    }
    this.#lastReported = Math.max(this.#lastReported, value.seqn);
  }
}
