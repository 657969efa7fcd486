/**
 * One direction of a line: bytes in order, in pieces of any size, each when it
 * comes through.
 *
 * @module
 */
import type { Agenda, Micros } from "../agenda.ts";
import type { Way } from "../network.ts";
import type { Random } from "../random.ts";

/** How often bytes that were sent together come apart, and in how many. */
const SPLITS = 0.2;
const PIECES_MAX = 4;

/** One direction of a line. */
export class Stream {
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #way: Way;
  #lastArrival: Micros = 0;
  /** Whether it is silent for ever: nothing arrives any more. */
  hushed = false;

  constructor(own: { agenda: Agenda; random: Random; way: Way }) {
    this.#agenda = own.agenda;
    this.#random = own.random;
    this.#way = own.way;
  }

  /** Sends bytes, which must stay as they are; `arrived` is told of each piece. */
  send(
    bytes: Uint8Array,
    arrived: (piece: Uint8Array, last: boolean) => void,
  ): void {
    let from = 0;
    for (const to of this.#cuts(bytes.length)) {
      const piece = bytes.subarray(from, to);
      this.carry(() => arrived(piece, to === bytes.length));
      from = to;
    }
  }

  /** Lets it happen at the other end, after all that was sent before. */
  carry(arrive: () => void): void {
    const agenda = this.#agenda;
    const [least, most] = this.#way.latency;
    const soonest = agenda.now + this.#random.between(least, most);
    this.#lastArrival = Math.max(soonest, this.#lastArrival);
    agenda.after(this.#lastArrival - agenda.now, () => this.#arrive(arrive));
  }

  #arrive(arrive: () => void): void {
    if (this.hushed) return;
    // What comes behind something that waits must wait, too.
    const { state, held } = this.#way;
    if (state === "open") arrive();
    else held.push(() => this.#arrive(arrive));
  }

  /** Where the bytes come apart; the last place is their end. */
  #cuts(length: number): number[] {
    if (length < 2 || !this.#random.chance(SPLITS)) return [length];
    const count = this.#random.between(1, PIECES_MAX - 1);
    const cuts = new Set([length]);
    for (let i = 0; i < count; i++) cuts.add(this.#random.between(1, length));
    return [...cuts].sort((a, b) => a - b);
  }
}
