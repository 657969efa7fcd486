/**
 * The WAITs of one connection that await their event.
 *
 * @module
 */
import { type Refusal, Wait } from "../store/mod.ts";
import type { Glob, Rev, StoreEvent, Waiter, Waits } from "../store/mod.ts";
import { Tagged } from "./tagged.ts";

/** A WAIT, and the tag to answer it with. */
export interface HeldWait {
  readonly tag: number | undefined;
  readonly wait: Wait;
}

/** The WAITs of one connection. */
export class HeldWaits {
  readonly #waits: Waits;
  readonly #waiter: Waiter;
  readonly #held: Map<number, HeldWait> = new Map();
  readonly #byTag: Tagged<HeldWait> = new Tagged();
  #nextTicket = 1;

  /** The waiter is told of tickets, which {@linkcode take} turns into waits. */
  constructor(waits: Waits, waiter: Waiter) {
    this.#waits = waits;
    this.#waiter = waiter;
  }

  /** How many there are. */
  get size(): number {
    return this.#held.size;
  }

  /** Whether there is one with that tag. */
  has(tag: number): boolean {
    return this.#byTag.has(tag);
  }

  /** Starts a wait; answers at once where that can be. */
  start(
    tag: number | undefined,
    { glob, from }: { glob: Glob; from: Rev },
  ): StoreEvent | Refusal | undefined {
    const ticket = this.#nextTicket++;
    const wait = new Wait(this.#waiter, { glob, from, ticket });
    const result = this.#waits.start(wait);
    if (result !== undefined) return result;
    const held = { tag, wait };
    this.#held.set(ticket, held);
    this.#byTag.add(held);
    return undefined;
  }

  /** The wait that has ended. */
  take(ticket: number): HeldWait | undefined {
    const held = this.#held.get(ticket);
    if (held === undefined) return undefined;
    this.#held.delete(ticket);
    this.#byTag.delete(held);
    return held;
  }

  /** Ends those with that tag without a word; tells whether there was one. */
  cancel(tag: number): boolean {
    const given = this.#byTag.take(tag);
    for (const { wait } of given) {
      this.#held.delete(wait.ticket);
      this.#waits.cancel(wait);
    }
    return given.length > 0;
  }

  /** Gives up all. */
  clear(): void {
    for (const { wait } of this.#held.values()) this.#waits.cancel(wait);
    this.#held.clear();
    this.#byTag.clear();
  }
}
