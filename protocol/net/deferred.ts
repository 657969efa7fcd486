/**
 * A promise and what settles it: `Promise.withResolvers`, which Node 20 has not.
 *
 * @module
 */

/** A promise that is settled from outside. */
export class Deferred<T> {
  /** Settled by whichever of the two is called first. */
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
