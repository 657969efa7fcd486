/**
 * The WAITs of one connection that await their event.
 *
 * @module
 */
import { type Refusal, Wait } from "../store/mod.ts";
import type { Glob, Rev, StoreEvent, Waiter, Waits } from "../store/mod.ts";

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

  /** Whether there is one with that tag. Looks at all. */
  has(tag: number): boolean {
    for (const held of this.#held.values()) {
      if (held.tag === tag) return true;
    }
    return false;
  }

  /** Starts a wait; answers at once where that can be. */
  start(
    tag: number | undefined,
    { glob, from }: { glob: Glob; from: Rev },
  ): StoreEvent | Refusal | undefined {
    const ticket = this.#nextTicket++;
    const wait = new Wait(this.#waiter, { glob, from, ticket });
    const result = this.#waits.start(wait);
    if (result === undefined) this.#held.set(ticket, { tag, wait });
    return result;
  }

  /** The wait that has ended. */
  take(ticket: number): HeldWait | undefined {
    const held = this.#held.get(ticket);
    this.#held.delete(ticket);
    return held;
  }

  /** Ends those with that tag without a word; tells whether there was one. */
  cancel(tag: number): boolean {
    let found = false;
    for (const [ticket, held] of this.#held) {
      if (held.tag !== tag) continue;
      this.#held.delete(ticket);
      this.#waits.cancel(held.wait);
      found = true;
    }
    return found;
  }

  /** Gives up all. */
  clear(): void {
    for (const { wait } of this.#held.values()) this.#waits.cancel(wait);
    this.#held.clear();
  }
}
