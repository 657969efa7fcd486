/**
 * How long a command may take. With `-t` the whole command has that time;
 * without, each request has the usual time, and to wait for a change has no
 * limit.
 *
 * @module
 */

import { REQUEST_TIMEOUT_MS } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { parseDuration } from "./duration.ts";
import type { Flags } from "./flags.ts";

/**
 * The time for a request whose answer does not depend on what others do. A
 * server that lacks a quorum says so before.
 */
export const REQUEST_MS = REQUEST_TIMEOUT_MS;

/** The time that is left for a command. */
export class TimeLimit {
  readonly #requestMs: number;
  readonly #endsAt: number | undefined;
  readonly #text: string;
  readonly #now: () => number;

  /** Reads `-t`. */
  constructor(
    flags: Flags,
    now: () => number = () => performance.now(),
  ) {
    this.#now = now;
    this.#text = flags.text("timeout") ?? "";
    const given = this.#text === "" ? undefined : parseDuration(this.#text);
    this.#requestMs = given === 0 ? 0 : REQUEST_MS;
    this.#endsAt = given ? this.#now() + given : undefined;
  }

  /** Milliseconds for the next request, 0 for ever. */
  nextMs(): number {
    if (this.#endsAt === undefined) return this.#requestMs;
    // Never 0: a request of no time at all fails as one that took too long.
    return Math.max(1, Math.ceil(this.#endsAt - this.#now()));
  }

  /**
   * Options for what may take many requests, as a list does: each of them has
   * the time that is left when it is made.
   */
  forEach<T extends object>(options: T): T & { readonly timeoutMs: number } {
    const left = () => this.nextMs();
    return {
      ...options,
      get timeoutMs(): number {
        return left();
      },
    };
  }

  /** The same for a wait, whose answer depends on what others do. */
  waitMs(): number {
    return this.#endsAt === undefined ? 0 : this.nextMs();
  }

  /** Between two requests: fails once the command's time is over. */
  check(): void {
    if (this.#endsAt === undefined || this.#now() < this.#endsAt) return;
    throw new DoozerError("TIMEOUT", `the time is over (-t ${this.#text})`);
  }
}
