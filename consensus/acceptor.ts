/**
 * The acceptor: the memory that makes a decision stay decided.
 *
 * It returns what it would answer, and never sends: the answer may leave only
 * once the record that goes with it is durable (invariant C1). One promise
 * covers all slots, so that a stable leader needs phase 1 but once.
 *
 * @module
 */
import type { Accept, Accepted, AcceptedValue } from "../protocol/mod.ts";
import type { Ballot, Behind, LogRecord, Nack } from "../protocol/mod.ts";
import type { Prepare } from "../protocol/mod.ts";
import type { Promised, Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import { sameValue } from "./value.ts";

/** An answer, and the record that must be durable before it. */
export interface AcceptorAnswer {
  readonly record?: LogRecord;
  readonly message: Promised | Accepted | Nack | Behind;
}

/** What an acceptor has to go on with, after a restart. */
export interface AcceptorMemory {
  readonly promised: Ballot;
  /** As it was accepted: of two in one slot the later counts. */
  readonly accepted: readonly AcceptedValue[];
  /** All slots up to here are applied. */
  readonly forgotten: Seqn;
  /** How many promises and acceptances it had made. */
  readonly position: number;
}

/** One node's acceptor, for all slots. */
export class Acceptor {
  #promised: Ballot = ZERO_BALLOT;
  readonly #accepted: Map<Seqn, AcceptedValue> = new Map();
  #forgotten: Seqn = 0;
  #heldBytes = 0;
  #position = 0;

  /**
   * How many promises and acceptances it has made. Peers that remember a
   * higher number know that this memory is an old one (C23).
   */
  get position(): number {
    return this.#position;
  }

  /** The highest ballot promised. */
  get promised(): Ballot {
    return this.#promised;
  }

  /** What their values take. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How many slots it holds a value of. */
  get held(): number {
    return this.#accepted.size;
  }

  /**
   * Phase 1b. "If an acceptor receives a prepare request with number n greater
   * than that of any prepare request to which it has already responded, then
   * it responds to the request with a promise not to accept any more proposals
   * numbered less than n" (Paxos Made Simple, 2.2). An equal number is that of
   * a request that was sent twice: it gets its answer again.
   */
  prepare(message: Prepare): AcceptorAnswer {
    const { ballot, from } = message;
    if (compareBallots(ballot, this.#promised) < 0) return this.#nack(ballot);
    // C7: to be silent about a slot would say that nothing was accepted there.
    if (from <= this.#forgotten) {
      const applied = this.#forgotten;
      return { message: { type: "behind", ballot, applied } };
    }
    this.#promise(ballot);
    const position = ++this.#position;
    const accepted = this.acceptedAbove(from - 1);
    const total = accepted.length;
    return {
      record: { type: "promised", ballot, position },
      message: { type: "promise", ballot, from, accepted, total, position },
    };
  }

  /**
   * Phase 2b. "If an acceptor receives an accept request for a proposal
   * numbered n, it accepts the proposal unless it has already responded to a
   * prepare request having a number greater than n" (Paxos Made Simple, 2.2).
   * The value is kept, not copied.
   *
   * @returns undefined where the slot was forgotten.
   */
  accept(message: Accept): AcceptorAnswer | undefined {
    const { seqn, ballot, value } = message;
    if (compareBallots(ballot, this.#promised) < 0) return this.#nack(ballot);
    if (seqn <= this.#forgotten) return undefined; // C7
    this.#promise(ballot);
    const accepted = { seqn, ballot, value };
    this.#hold(accepted);
    const position = ++this.#position;
    return {
      record: { type: "accepted", accepted, position },
      message: { type: "accepted", seqn, ballot, position },
    };
  }

  /** Goes on with a memory that was durable. Only before anything else. */
  restore(memory: AcceptorMemory): void {
    const { promised, accepted, forgotten, position } = memory;
    const { round } = this.#promised;
    assert(
      round === 0 && this.held + this.#forgotten + this.#position === 0,
      "C23: a memory is one node's, from its beginning",
    );
    assert(
      Number.isSafeInteger(position) && position >= 0,
      "C23: promises and acceptances are counted",
    );
    this.#promised = promised;
    this.#forgotten = forgotten;
    this.#position = position;
    for (const value of accepted) {
      assert(
        compareBallots(value.ballot, promised) <= 0,
        "C3: to accept is to promise",
      );
      if (value.seqn > forgotten) this.#hold(value);
    }
  }

  /** What was accepted above a slot, in the slots' order. */
  acceptedAbove(seqn: Seqn): AcceptedValue[] {
    return [...this.#accepted.values()]
      .filter((value) => value.seqn > seqn)
      .sort((a, b) => a.seqn - b.seqn);
  }

  /** What was accepted in the slot, if it was and is not forgotten. */
  readonly acceptedIn = (seqn: Seqn): AcceptedValue | undefined =>
    this.#accepted.get(seqn);

  /**
   * Forgets slots that this node has applied, up to and with this one.
   * Returns their values, in the slots' order: nothing here holds them now.
   */
  forgetUpTo(seqn: Seqn): Uint8Array[] {
    const values: Uint8Array[] = [];
    for (const at of this.#slotsUpTo(seqn)) {
      const { value } = this.#accepted.get(at)!;
      values.push(value);
      this.#heldBytes -= value.length;
      this.#accepted.delete(at);
    }
    this.#forgotten = Math.max(this.#forgotten, seqn);
    return values;
  }

  /** The held slots up to this one, in order. */
  #slotsUpTo(seqn: Seqn): Seqn[] {
    const first = this.#forgotten + 1;
    // Mostly it is one slot after the other; after an image it may be millions.
    if (seqn === first) return this.#accepted.has(seqn) ? [seqn] : [];
    return [...this.#accepted.keys()]
      .filter((at) => at >= first && at <= seqn)
      .sort((a, b) => a - b);
  }

  #hold(accepted: AcceptedValue): void {
    this.#checkSuccessor(accepted);
    const { seqn, value } = accepted;
    const before = this.#accepted.get(seqn)?.value.length ?? 0;
    this.#heldBytes += value.length - before;
    this.#accepted.set(seqn, accepted);
  }

  #checkSuccessor({ seqn, ballot, value }: AcceptedValue): void {
    const before = this.#accepted.get(seqn);
    if (before === undefined) return;
    const order = compareBallots(before.ballot, ballot);
    assert(
      order <= 0,
      "C3: an acceptance never gives way to one of a lower ballot",
    );
    assert(
      order < 0 || sameValue(before.value, value),
      "C3: a ballot has one value in a slot",
    );
  }

  #promise(ballot: Ballot): void {
    assert(
      compareBallots(ballot, this.#promised) >= 0,
      "C3: a promise never goes down",
    );
    this.#promised = ballot;
  }

  #nack(ballot: Ballot): AcceptorAnswer {
    return { message: { type: "nack", ballot, promised: this.#promised } };
  }
}
