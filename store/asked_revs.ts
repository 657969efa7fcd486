/**
 * Who asked to be told when the store reaches a rev that is to come.
 *
 * @module
 */
import type { Rev } from "./history.ts";
import type { Waiter } from "./wait.ts";

/** A question about a rev to come. */
export interface AskedRev {
  /** Who is told. */
  readonly waiter: Waiter;
  /** The waiter's own number for the question. */
  readonly ticket: number;
  /** What the waiter keeps for it, in bytes. */
  readonly bytes: number;
}

/** What a question costs beside what its waiter keeps; an estimate. */
const QUESTION_BYTES = 400;

/** What keeping the question costs, in bytes. */
export function costOfQuestion(asked: AskedRev): number {
  return QUESTION_BYTES + asked.bytes;
}

/** All questions about revs to come. */
export class AskedRevs {
  readonly #byRev: Map<Rev, AskedRev[]> = new Map();
  #count = 0;
  #bytes = 0;

  /** How many questions there are. */
  get count(): number {
    return this.#count;
  }

  /** What all questions cost, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps the question until the rev is reached. */
  ask(rev: Rev, asked: AskedRev): void {
    this.#count++;
    this.#bytes += costOfQuestion(asked);
    const list = this.#byRev.get(rev);
    if (list === undefined) this.#byRev.set(rev, [asked]);
    else list.push(asked);
  }

  /** Forgets all questions of a waiter about this rev. */
  forget(rev: Rev, waiter: Waiter): void {
    const list = this.#byRev.get(rev);
    if (list === undefined) return;
    const others = list.filter((asked) => asked.waiter !== waiter);
    for (const asked of list) if (asked.waiter === waiter) this.#drop(asked);
    if (others.length > 0) this.#byRev.set(rev, others);
    else this.#byRev.delete(rev);
  }

  /** Tells those who asked about the rev. */
  reached(rev: Rev): void {
    if (this.#count === 0) return;
    const list = this.#byRev.get(rev);
    if (list === undefined) return;
    this.#byRev.delete(rev);
    for (const asked of list) {
      this.#drop(asked);
      asked.waiter.revReached(asked.ticket, rev);
    }
  }

  /** Tells those who asked about any rev up to this one, in order of revs. */
  reachedUpTo(last: Rev): void {
    const revs = [...this.#byRev.keys()].filter((rev) => rev <= last);
    for (const rev of revs.sort((a, b) => a - b)) this.reached(rev);
  }

  #drop(asked: AskedRev): void {
    this.#count--;
    this.#bytes -= costOfQuestion(asked);
  }
}
