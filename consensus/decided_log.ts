/**
 * Slots that are decided and applied, kept for those who come later.
 *
 * A node that was away for a moment learns from these what it missed; one
 * that was away for longer needs an image of the state.
 *
 * @module
 */
import type { Learned, Seqn } from "../protocol/mod.ts";
import { assert, LIMITS } from "../store/mod.ts";

/** What a slot costs beside its value, in bytes; an estimate. */
const SLOT_BYTES = 64;

/** What goes into one message, in bytes and slots; one slot always does. */
const MESSAGE_BYTES = 1 << 20;
const MESSAGE_SLOTS = 4096;

/** The last decided slots. */
export class DecidedLog {
  /** Whether anybody may come later: a lone node keeps nothing. */
  #kept = false;
  #values: Uint8Array[] = [];
  #from = 0;
  #first: Seqn = 1;
  #bytes = 0;

  /** The first slot that is kept. */
  get first(): Seqn {
    return this.#first;
  }

  /** The last slot that is kept, below `first` where none is. */
  get last(): Seqn {
    return this.#first + this.#values.length - this.#from - 1;
  }

  /** Starts or stops keeping slots. Returns the values that it lets go of. */
  keep(kept: boolean): Uint8Array[] {
    this.#kept = kept;
    return kept ? [] : this.#dropTo(0);
  }

  /** Adds the next slot. Returns the values that it does not hold on to. */
  add(seqn: Seqn, value: Uint8Array): Uint8Array[] {
    assert(seqn === this.last + 1, "C13: decided slots are kept in order");
    this.#values.push(value);
    this.#bytes += value.length + SLOT_BYTES;
    return this.#dropTo(this.#kept ? LIMITS.decidedLogBytes : 0);
  }

  /** The value of a slot that is kept. */
  valueOf(seqn: Seqn): Uint8Array | undefined {
    return seqn < this.#first
      ? undefined
      : this.#values[this.#from + seqn - this.#first];
  }

  /** The values from a slot on, as many as go into one message. */
  valuesFrom(from: Seqn): Uint8Array[] {
    const values: Uint8Array[] = [];
    let bytes = 0;
    while (values.length < MESSAGE_SLOTS) {
      const value = this.valueOf(from + values.length);
      if (value === undefined) break;
      if (values.length > 0 && bytes + value.length > MESSAGE_BYTES) break;
      values.push(value);
      bytes += value.length;
    }
    return values;
  }

  /** What one who asks from a slot on is told; all up to one is decided. */
  lesson(from: Seqn, decided: Seqn): Learned {
    const values = this.valuesFrom(from);
    return { type: "learned", from, values, first: this.#first, decided };
  }

  /** Begins after a slot up to which another node's state was taken over. */
  skipTo(applied: Seqn): void {
    this.#dropTo(0);
    this.#first = applied + 1;
  }

  #dropTo(bytes: number): Uint8Array[] {
    const dropped: Uint8Array[] = [];
    while (this.#bytes > bytes) {
      const value = this.#values[this.#from]!;
      dropped.push(value);
      this.#bytes -= value.length + SLOT_BYTES;
      this.#from++;
      this.#first++;
    }
    if (this.#from === this.#values.length) {
      this.#values.length = this.#from = 0;
    } else if (this.#from * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#from);
      this.#from = 0;
    }
    return dropped;
  }
}
