/**
 * Who asked to be told when the store reaches a rev that is to come.
 *
 * @module
 */
import type { Rev } from "./history.ts";
import type { Waiter } from "./wait.ts";

/** A question about a rev to come. The object is what it is known by. */
export interface AskedRev {
  /** Who is told. */
  readonly waiter: Waiter;
  /** The waiter's own number for the question. */
  readonly ticket: number;
  /** What the waiter keeps for it, in bytes. */
  readonly bytes: number;
}

/** What a question costs beside what its waiter keeps; an estimate. */
const QUESTION_BYTES = 650;

/** What keeping the question costs, in bytes. */
export function costOfQuestion(asked: AskedRev): number {
  return QUESTION_BYTES + asked.bytes;
}

/** All questions about revs to come. */
export class AskedRevs {
  readonly #byRev: Map<Rev, Set<AskedRev>> = new Map();
  #count = 0;
  #bytes = 0;

  /** How many questions there are. */
  get count(): number {
    return this.#count;
  }

  /** How many revs it knows: only those that are asked about. */
  get revs(): number {
    return this.#byRev.size;
  }

  /** What all questions cost, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps the question, which is not kept yet, until the rev is reached. */
  ask(rev: Rev, asked: AskedRev): void {
    this.#count++;
    this.#bytes += costOfQuestion(asked);
    const all = this.#byRev.get(rev);
    if (all === undefined) this.#byRev.set(rev, new Set([asked]));
    else all.add(asked);
  }

  /** Forgets a question about this rev. Harmless where it is not kept. */
  forget(rev: Rev, asked: AskedRev): void {
    const all = this.#byRev.get(rev);
    if (all === undefined || !all.delete(asked)) return;
    this.#drop(asked);
    if (all.size === 0) this.#byRev.delete(rev);
  }

  /** Tells those who asked about the rev. */
  reached(rev: Rev): void {
    if (this.#count === 0) return;
    const all = this.#byRev.get(rev);
    if (all === undefined) return;
    this.#byRev.delete(rev);
    for (const asked of all) {
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
