/**
 * Lines on their way to standard error, which may be a pipe that nobody reads:
 * a node must go on serving then. So lines wait in a queue of bounded size and
 * leave by one asynchronous write at a time; what does not fit is dropped, and
 * how many lines that were is said as soon as there is room.
 *
 * @module
 */

import { joinBytes } from "./output.ts";

/** What waits at most, in bytes. */
export const QUEUE_BYTES = 64 << 10;

/** How a queue leaves. */
export interface LineQueueOptions {
  /** Writes some of the bytes and says how many. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** The line that says how many were dropped. */
  readonly dropped: (lines: number) => string;
}

const encoder = new TextEncoder();

/** Takes lines at once and writes them when they can be written. */
export class LineQueue {
  readonly #options: LineQueueOptions;
  #lines: Uint8Array[] = [];
  /** Of all lines that are not written yet. */
  #bytes = 0;
  #dropped = 0;
  #draining: Promise<void> | undefined;

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  /** Takes a line, or drops it. Never throws, never blocks. */
  push(line: string): void {
    if (!this.#add(line)) this.#dropped++;
    this.#draining ??= this.#drain();
  }

  /** Resolves when all is written, or that takes longer than the time. */
  async drained(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    await Promise.race([this.#draining, late]);
    clearTimeout(timer);
  }

  #add(line: string): boolean {
    if (this.#bytes + line.length > QUEUE_BYTES) return false;
    const gap = this.#dropped === 0 ? "" : this.#options.dropped(this.#dropped);
    const bytes = encoder.encode(gap + line);
    if (this.#bytes + bytes.length > QUEUE_BYTES) return false;
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    this.#dropped = 0;
    return true;
  }

  async #drain(): Promise<void> {
    // What is logged in the same turn leaves in the same write.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const bytes = joinBytes(this.#lines);
      this.#lines = [];
      await this.#writeAll(bytes);
      this.#bytes -= bytes.length;
      if (this.#dropped > 0) this.#add("");
    }
    this.#draining = undefined;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    try {
      for (let rest = bytes; rest.length > 0;) {
        rest = rest.subarray(await this.#options.write(rest));
      }
    } catch {
      // Nobody can be told that nobody can be told; the node must go on.
    }
  }
}
