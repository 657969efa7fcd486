/**
 * A command line that is wrong: the caller's mistake, found before anything
 * was tried. Exit status 127.
 *
 * @module
 */

/** What is wrong with the command line, and what would be right. */
export class UsageError extends Error {
  /** A next step for the reader. */
  readonly hint: string;

  constructor(message: string, hint = 'See "doozer help"') {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}
