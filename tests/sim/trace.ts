/**
 * What happened in a run: always as a hash, and as lines where somebody reads
 * them. Two runs with the same hash did the same.
 *
 * @module
 */
import type { Agenda } from "./agenda.ts";

/** What is marked in the hash; the numbers are part of it. */
export const MARKS = {
  deliver: 1,
  run: 2,
  tick: 3,
  invoke: 4,
  complete: 5,
  apply: 6,
  fault: 7,
  link: 8,
  process: 9,
  disk: 10,
  line: 11,
} as const;

/** One kind of mark. */
export type Mark = keyof typeof MARKS;

/** The record of a run. */
export class Trace {
  readonly #agenda: Agenda;
  readonly #write: ((line: string) => void) | undefined;
  #hash = 0x811c9dc5;
  /** How many events were marked. */
  events = 0;

  constructor(agenda: Agenda, write?: (line: string) => void) {
    this.#agenda = agenda;
    this.#write = write;
  }

  /** Whether somebody reads lines: else do not make them. */
  get reads(): boolean {
    return this.#write !== undefined;
  }

  /** The rolling hash of all marks, as eight hexadecimal digits. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** Notes that something happened, to whom (a number), and which. */
  mark(what: Mark, who: number, which = 0): void {
    this.events++;
    let hash = this.#hash;
    hash = mix(hash, this.#agenda.now);
    hash = mix(hash, MARKS[what] * 65536 + who);
    this.#hash = mix(hash, which);
  }

  /** Writes a line: when, who, what. */
  say(who: string, what: string): void {
    if (this.#write === undefined) return;
    const ms = (this.#agenda.now / 1000).toFixed(3).padStart(10);
    this.#write(`${ms} ${who.padEnd(4)} ${what}`);
  }
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ (value | 0), 0x01000193);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
}
