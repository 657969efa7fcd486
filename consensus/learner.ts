/**
 * The learner: counts acceptances until a slot is decided, and hands decided
 * slots on in order, each once.
 *
 * @module
 */
import type { AcceptedValue, Ballot, NodeId } from "../protocol/mod.ts";
import type { Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { compareBallots } from "./ballot.ts";
import { isQuorum } from "./quorum.ts";
import { sameValue } from "./value.ts";

/** A slot that is decided. */
export interface DecidedSlot {
  readonly seqn: Seqn;
  readonly value: Uint8Array;
}

/** A slot that is being voted on. */
interface OpenSlot {
  readonly ballot: Ballot;
  readonly value: Uint8Array;
  readonly cals: readonly NodeId[];
  readonly voters: Set<NodeId>;
}

/** A slot that lacks votes, and of whom. */
export interface LackingSlot {
  readonly seqn: Seqn;
  readonly ballot: Ballot;
  readonly value: Uint8Array;
  readonly missing: readonly NodeId[];
}

/** One node's learner, for all slots. */
export class Learner {
  readonly #open: Map<Seqn, OpenSlot> = new Map();
  readonly #decided: Map<Seqn, Uint8Array> = new Map();
  #nextOut: Seqn = 1;

  /** The first slot that was not handed on. */
  get next(): Seqn {
    return this.#nextOut;
  }

  /** How many slots are being voted on, or decided and not handed on. */
  get held(): number {
    return this.#open.size + this.#decided.size;
  }

  /**
   * Starts counting the votes for a value that is being proposed. Where other
   * news came first they are counted all the same: C4 compares the two.
   */
  open(
    seqn: Seqn,
    proposal: { ballot: Ballot; value: Uint8Array; cals: readonly NodeId[] },
  ): void {
    if (seqn < this.#nextOut) return;
    this.#open.set(seqn, { ...proposal, voters: new Set() });
  }

  /** Stops counting: whoever proposed these values leads no more. */
  closeAll(): void {
    this.#open.clear();
  }

  /** The slots that lack votes, from the first on, at most so many. */
  lacking(most: number): LackingSlot[] {
    const slots: LackingSlot[] = [];
    for (const [seqn, { ballot, value, cals, voters }] of this.#open) {
      if (slots.length === most) break;
      const missing = cals.filter((cal) => !voters.has(cal));
      slots.push({ seqn, ballot, value, missing });
    }
    return slots;
  }

  /** Counts a vote. One of another ballot, or for a closed slot, is nothing. */
  accepted(from: NodeId, vote: { seqn: Seqn; ballot: Ballot }): void {
    const slot = this.#open.get(vote.seqn);
    if (slot === undefined) return;
    if (compareBallots(slot.ballot, vote.ballot) !== 0) return;
    slot.voters.add(from);
    if (!isQuorum(slot.voters, slot.cals)) return;
    this.#open.delete(vote.seqn);
    this.decide(vote.seqn, slot.value);
  }

  /** Notes that a slot is decided. */
  decide(seqn: Seqn, value: Uint8Array): void {
    if (seqn < this.#nextOut) return;
    const before = this.#decided.get(seqn);
    assert(
      before === undefined || sameValue(before, value),
      "C4: a slot is decided once",
    );
    if (before === undefined) this.#decided.set(seqn, value);
  }

  /** Notes that a slot and those that follow it are decided. */
  decideAll(from: Seqn, values: readonly Uint8Array[]): void {
    values.forEach((value, at) => this.decide(from + at, value));
  }

  /**
   * Takes for decided what this node has accepted, up to a slot, as far as
   * there is no gap; only at that ballot, if one is given (C4).
   */
  decideAccepted({ acceptedIn, upTo, ballot }: {
    acceptedIn: (seqn: Seqn) => AcceptedValue | undefined;
    upTo: Seqn;
    ballot?: Ballot;
  }): void {
    for (let seqn = this.#nextOut; seqn <= upTo; seqn++) {
      if (this.#decided.has(seqn)) continue;
      const accepted = acceptedIn(seqn);
      if (accepted === undefined) return;
      const other = ballot !== undefined &&
        compareBallots(accepted.ballot, ballot) !== 0;
      if (other) return;
      this.decide(seqn, accepted.value);
    }
  }

  /** The next decided slot, in order, or undefined while it is open. */
  take(): DecidedSlot | undefined {
    const seqn = this.#nextOut;
    const value = this.#decided.get(seqn);
    if (value === undefined) return undefined;
    this.#decided.delete(seqn);
    this.#open.delete(seqn);
    this.#nextOut++;
    return { seqn, value };
  }

  /** The state was taken over from another node: all up to here is past. */
  skipTo(applied: Seqn): void {
    assert(applied + 1 >= this.#nextOut, "C13: a node never goes back");
    for (const slots of [this.#decided, this.#open]) {
      for (const at of slots.keys()) if (at <= applied) slots.delete(at);
    }
    this.#nextOut = applied + 1;
  }
}
