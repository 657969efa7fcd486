/**
 * The writes of a connection that have no outcome yet.
 *
 * They take effect in the order sent, but one that is refused may be settled
 * before one that was sent earlier; reads that keep their place (reads.ts) must
 * know which are settled without a gap.
 *
 * @module
 */
import type { Mutation, Outcome, SessionNumber } from "../store/mod.ts";
import type { Backend, Orders, Reply } from "./asker.ts";
import type { ResponseEncoder } from "./response.ts";

/**
 * What a write is, which says how it is answered: a mutation; one of a
 * session; a session's number that does nothing; a session's opening.
 */
export type WriteType = Mutation["type"] | "once" | "empty" | "open";

/** Learns what became of the writes. */
export interface WriteOwner {
  readonly backend: Backend;
  /** Tells the client. */
  writeSettled(write: Write, outcome: Outcome): void;
}

/** A write that was proposed. */
export class Write implements Reply {
  readonly tag: number | undefined;
  readonly type: WriteType;
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
export class Writes implements Orders {
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

  propose(tag: number | undefined, mutation: Mutation): void {
    const write = this.#begin(tag, mutation.type);
    this.#owner.backend.propose(mutation, write);
  }

  proposeOnce(
    tag: number | undefined,
    mutation: Mutation | undefined,
    by: SessionNumber,
  ): void {
    const write = this.#begin(tag, mutation === undefined ? "empty" : "once");
    this.#owner.backend.proposeOnce(mutation, by, write);
  }

  openSession(tag: number | undefined, name: string): void {
    const write = this.#begin(tag, "open");
    this.#owner.backend.openSession(name, write);
  }

  /** A write has its outcome. */
  settle(write: Write, outcome: Outcome): void {
    this.#count(write.number);
    this.#owner.writeSettled(write, outcome);
  }

  #begin(tag: number | undefined, type: WriteType): Write {
    return new Write(this, { tag, type, number: ++this.#begun });
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

/** Answers a write with its outcome. */
export function answerWrite(
  answers: ResponseEncoder,
  { tag, type }: Pick<Write, "tag" | "type">,
  outcome: Outcome,
): void {
  if (typeof outcome !== "number") {
    return answers.error(tag, outcome.code, outcome.detail);
  }
  switch (type) {
    case "set":
    case "once":
      return answers.rev(tag, outcome);
    case "open":
      return answers.session(tag, outcome);
    case "empty":
      // The number was free, and nothing was done; or it was not, and this is
      // what became of its command.
      return outcome === 0 ? answers.done(tag) : answers.rev(tag, outcome);
    case "del":
    case "nop":
      return answers.done(tag);
  }
}
