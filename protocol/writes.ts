/**
 * The writes of a connection that have no outcome yet.
 *
 * They take effect in the order sent, but one that is refused may be settled
 * before one that was sent earlier; reads that keep their place (reads.ts) must
 * know which are settled without a gap.
 *
 * @module
 */
import type { Mutation, Outcome } from "../store/mod.ts";
import type { Backend, Reply } from "./verbs.ts";

/** Learns what became of the writes. */
export interface WriteOwner {
  readonly backend: Backend;
  /** Tells the client. */
  writeSettled(write: Write, outcome: Outcome): void;
}

/** A write that was proposed. */
export class Write implements Reply {
  readonly tag: number | undefined;
  readonly type: Mutation["type"];
  /** Which of the connection's writes it is, from 1. */
  readonly number: number;
  readonly #writes: Writes;

  constructor(
    writes: Writes,
    { tag, type, number }: Pick<Write, "tag" | "type" | "number">,
  ) {
    this.#writes = writes;
    this.tag = tag;
    this.type = type;
    this.number = number;
  }

  settled(outcome: Outcome): void {
    this.#writes.settle(this, outcome);
  }
}

/** The writes of one connection. */
export class Writes {
  readonly #owner: WriteOwner;
  #begun = 0;
  #settled = 0;
  /** Those that are settled though one before them is not. */
  readonly #early: Set<number> = new Set();

  constructor(owner: WriteOwner) {
    this.#owner = owner;
  }

  /** How many there were. */
  get begun(): number {
    return this.#begun;
  }

  /** The write with this number and all before it are settled. */
  get settled(): number {
    return this.#settled;
  }

  /** How many are not settled. */
  get inFlight(): number {
    return this.#begun - this.#settled - this.#early.size;
  }

  /** Has a mutation ordered, to be answered with the tag. */
  propose(tag: number | undefined, mutation: Mutation): void {
    const number = ++this.#begun;
    const write = new Write(this, { tag, type: mutation.type, number });
    this.#owner.backend.propose(mutation, write);
  }

  /** A write has its outcome. */
  settle(write: Write, outcome: Outcome): void {
    this.#count(write.number);
    this.#owner.writeSettled(write, outcome);
  }

  #count(number: number): void {
    if (number !== this.#settled + 1) {
      this.#early.add(number);
      return;
    }
    this.#settled++;
    while (this.#early.size > 0 && this.#early.delete(this.#settled + 1)) {
      this.#settled++;
    }
  }
}
