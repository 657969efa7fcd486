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
import type { Ballot, Behind, Nack, Prepare } from "../protocol/mod.ts";
import type { Promised, Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import { sameValue } from "./value.ts";

/** What must be durable before the answer leaves. */
export type LogRecord =
  | { readonly type: "promised"; readonly ballot: Ballot }
  | { readonly type: "accepted"; readonly accepted: AcceptedValue };

/** An answer, and the record that must be durable before it. */
export interface AcceptorAnswer {
  readonly record?: LogRecord;
  readonly message: Promised | Accepted | Nack | Behind;
}

/** One node's acceptor, for all slots. */
export class Acceptor {
  #promised: Ballot = ZERO_BALLOT;
  readonly #accepted: Map<Seqn, AcceptedValue> = new Map();
  #forgotten: Seqn = 0;
  #heldBytes = 0;

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
    const accepted = [...this.#accepted.values()]
      .filter(({ seqn }) => seqn >= from)
      .sort((a, b) => a.seqn - b.seqn);
    return {
      record: { type: "promised", ballot },
      message: {
        type: "promise",
        ballot,
        from,
        accepted,
        total: accepted.length,
      },
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
    this.#checkSuccessor(message);
    const accepted = { seqn, ballot, value };
    const before = this.#accepted.get(seqn)?.value.length ?? 0;
    this.#heldBytes += value.length - before;
    this.#accepted.set(seqn, accepted);
    return {
      record: { type: "accepted", accepted },
      message: { type: "accepted", seqn, ballot },
    };
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

  #checkSuccessor({ seqn, ballot, value }: Accept): void {
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
