/**
 * What a checker says when a promise is broken.
 *
 * @module
 */

/** A promise that was broken; ends the run. */
export class Violation extends Error {
  /** Which promise, in a word or two. */
  readonly rule: string;

  constructor(rule: string, what: string) {
    super(`${rule}: ${what}`);
    this.name = "Violation";
    this.rule = rule;
  }
}

/** Ends the run: the promise named was broken. */
export function fail(rule: string, what: string): never {
  throw new Violation(rule, what);
}
