/**
 * Chance that can be drawn again: sfc32, the "small fast counter" generator of
 * Chris Doty-Humphrey's PractRand (public domain), seeded with one number.
 *
 * @module
 */

/** A stream of random numbers that its seed decides. */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = (seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9 | 0;
    // Neighbouring seeds must not begin alike.
    for (let i = 0; i < 16; i++) this.next();
  }

  /** 32 random bits, as an unsigned number. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** From 0 to below 1. */
  float(): number {
    return this.next() / 2 ** 32;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.float() * end);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of them, which must not be none. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** A time to the next of events that come at random, so far on average. */
  gap(mean: number): number {
    return Math.ceil(-Math.log(1 - this.float()) * mean);
  }

  /** A stream of its own: what one part draws does not move the others. */
  fork(): Random {
    return new Random(this.next() * 2 ** 20 + (this.next() >>> 12));
  }
}
