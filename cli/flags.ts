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
  /** Whether it may be given several times; else the last one wins. */
  readonly many?: boolean;
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
    const last = Array.isArray(value) ? value.at(-1) : value;
    return typeof last === "string" ? last : undefined;
  }

  /** All values of a flag that may be given several times, in order. */
  all(long: string): readonly string[] {
    const value = this.#values[long] ?? [];
    return Array.isArray(value) ? value : [String(value)];
  }

  /** Whether a switch is on. */
  on(long: string): boolean {
    return this.#values[long] === true;
  }
}
