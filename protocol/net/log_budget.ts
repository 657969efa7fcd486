/**
 * A bound on how much clients can make a node log.
 *
 * Whoever sends rubbish gets a line; whoever sends it a thousand times a second
 * must not fill the disk. What is above the bound is counted, and told when
 * there is room again.
 *
 * @module
 */
import type { Log } from "./log.ts";

/** Warnings in one period, at most. */
const WARNINGS_MAX = 50;

/** Warns of what others do. */
export class LogBudget {
  readonly #log: Log;
  readonly #others: string;
  #left = WARNINGS_MAX;
  #suppressed = 0;

  /** `others` names those that it warns about. */
  constructor(log: Log, others = "clients") {
    this.#log = log;
    this.#others = others;
  }

  /** Warns, if this period has room. */
  warn(message: string, fields: Record<string, unknown>): void {
    if (this.#left === 0) this.#suppressed++;
    else {
      this.#left--;
      this.#log.warn(message, fields);
    }
  }

  /** Begins a period; tells what the last one had no room for. */
  renew(): void {
    this.#left = WARNINGS_MAX;
    if (this.#suppressed === 0) return;
    const count = this.#suppressed;
    this.#suppressed = 0;
    const others = this.#others;
    this.#log.warn("Left out {count} more warnings about {others}", {
      count,
      others,
    });
  }
}
