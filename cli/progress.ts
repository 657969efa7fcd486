/**
 * How far a long command is, on one line of the terminal that is written anew.
 *
 * @module
 */

import type { Io } from "./io.ts";

/** So often at most, in milliseconds. */
const PAUSE_MS = 200;
/** Back to the line's beginning; forget what stands there. */
const REWIND = "\r\x1b[K";

const encoder = new TextEncoder();

/** One line, on standard error if that is a terminal, else nothing. */
export class Progress {
  readonly #io: Io;
  readonly #now: () => number;
  readonly #shows: boolean;
  #shownAt = -Infinity;
  #shown = false;
  /** What the terminal has not taken yet. */
  #pending: Promise<void> | undefined;

  constructor(
    { io, json }: { io: Io; json: boolean },
    now: () => number = () => performance.now(),
  ) {
    this.#io = io;
    this.#now = now;
    this.#shows = io.errorIsTerminal && !json;
  }

  /** Shows the text, unless the last one is too recent or not written yet. */
  show(text: () => string): void {
    if (!this.#shows || this.#pending !== undefined) return;
    const now = this.#now();
    if (now - this.#shownAt < PAUSE_MS) return;
    this.#shownAt = now;
    this.#shown = true;
    this.#write(REWIND + text());
  }

  /** Takes the line away. */
  async end(): Promise<void> {
    await this.#pending;
    if (!this.#shown) return;
    this.#shown = false;
    this.#write(REWIND);
    await this.#pending;
  }

  #write(text: string): void {
    // A slow terminal makes the line rarer, and nothing slower.
    this.#pending = this.#io.writeError(encoder.encode(text))
      .then(() => {}, () => {})
      .finally(() => this.#pending = undefined);
  }
}

/** A number of bytes as people read it. */
export function renderBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
