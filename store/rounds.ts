/**
 * Turns that are fair to those who do much at once and to those who do little.
 *
 * All take turns, over and over, until each has used its share: that is a
 * round. Who has used its share waits for the next round, so that one with
 * large steps gets no more than one with many small ones.
 *
 * @module
 */

/** What each may use in a round, in units of an event looked at. */
const SHARE = 1024;

/** One that takes turns. */
export interface TakesTurns {
  /** What it may still use in this round; for {@linkcode Rounds} to change. */
  share: number;
}

/** Those that take turns. */
export class Rounds<F extends TakesTurns> {
  /** Those with some of their share left, the next one first. */
  #now: Set<F> = new Set();
  #later: Set<F> = new Set();

  /** How many take turns. */
  get size(): number {
    return this.#now.size + this.#later.size;
  }

  /** All of them. A copy. */
  all(): F[] {
    return [...this.#now, ...this.#later];
  }

  /** Adds one that is not among them, to the next round. */
  add(one: F): void {
    one.share = SHARE;
    this.#later.add(one);
  }

  /** Removes one, if it is among them. */
  delete(one: F): void {
    if (!this.#now.delete(one)) this.#later.delete(one);
  }

  /**
   * Whose turn it is, one after the other, as long as there are any. They may
   * be added and removed meanwhile.
   */
  *turns(): Generator<F, void> {
    while (this.size > 0) {
      for (const one of this.#now) {
        // To the end of the queue, and of this loop.
        this.#now.delete(one);
        this.#now.add(one);
        yield one;
      }
      [this.#now, this.#later] = [this.#later, this.#now];
    }
  }

  /** One has used so many units, at least 1, of its share. */
  use(one: F, units: number): void {
    one.share -= units;
    if (one.share > 0 || !this.#now.delete(one)) return;
    this.add(one);
  }
}
