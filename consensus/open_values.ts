/**
 * Open values: what a leader has proposed and not applied yet, in bytes, and
 * whether it gets on.
 *
 * Without a bound, large values would fill the links, and the signs of life
 * behind them come too late.
 *
 * @module
 */
import type { Seqn } from "../protocol/mod.ts";

/** So many times without progress are a standstill. */
const STUCK_TIMES = 4;

/** The open values of one leader. */
export class OpenValues {
  readonly #sizes: Map<Seqn, number> = new Map();
  #bytes = 0;
  /** What was applied when it was last asked, and how often since. */
  #applied: Seqn = 0;
  #times = 0;

  /** Of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A value is proposed. */
  add(seqn: Seqn, bytes: number): void {
    this.#sizes.set(seqn, bytes);
    this.#bytes += bytes;
  }

  /** A slot is applied, perhaps one of these. */
  applied(seqn: Seqn): void {
    const bytes = this.#sizes.get(seqn);
    if (bytes === undefined) return;
    this.#sizes.delete(seqn);
    this.#bytes -= bytes;
  }

  /** None is open any more. */
  clear(): void {
    this.#sizes.clear();
    this.#bytes = 0;
    this.#times = 0;
  }

  /** Whether nothing was applied while this was asked several times. */
  isStuck(applied: Seqn): boolean {
    if (applied !== this.#applied || this.#sizes.size === 0) this.#times = 0;
    this.#applied = applied;
    this.#times++;
    return this.#sizes.size > 0 && this.#times % STUCK_TIMES === 0;
  }
}
