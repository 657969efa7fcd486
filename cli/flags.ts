/**
 * Flags: what the command table says of one, and the values given.
 *
 * @module
 */

/** A flag; `-word` and `--word` are the same. */
export interface FlagSpec {
  /** The long word, and the key in {@linkcode Flags}. */
  readonly long: string;
  /** The short word, if it has one. */
  readonly short?: string;
  /** What its value is called; a flag without one is a switch. */
  readonly takes?: string;
  readonly help: string;
}

/** The flags given, by their long word. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** The value of a flag, if it was given. */
  text(long: string): string | undefined {
    const value = this.#values[long];
    return typeof value === "string" ? value : undefined;
  }

  /** Whether a switch is on. */
  on(long: string): boolean {
    return this.#values[long] === true;
  }
}
