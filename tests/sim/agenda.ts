/**
 * Virtual time: what is to happen, and when. A binary heap; what is due at the
 * same time happens in the order in which it was put there.
 *
 * @module
 */

/** Microseconds of virtual time. */
export type Micros = number;

/** A millisecond of virtual time. */
export const MILLISECOND: Micros = 1000;
/** A second of virtual time. */
export const SECOND: Micros = 1_000_000;

interface Entry {
  readonly at: Micros;
  readonly order: number;
  readonly act: () => void;
}

/** What is to happen. */
export class Agenda {
  /** The time now. */
  now: Micros = 0;
  readonly #heap: Entry[] = [];
  #order = 0;

  /** Lets it happen after so much time, rounded down. */
  after(delay: Micros, act: () => void): void {
    this.#add({
      at: this.now + Math.max(0, Math.floor(delay)),
      order: this.#order++,
      act,
    });
  }

  /** Lets all happen up to that time, and stops early once `done` says so. */
  runUntil(end: Micros, done: () => boolean = () => false): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= end && !done()) {
      const { at, act } = this.#take();
      this.now = at;
      act();
    }
    if (!done()) this.now = Math.max(this.now, end);
  }

  #add(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(entry, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  #take(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const moved = heap.pop()!;
    const { length } = heap;
    if (length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1]!, heap[below]!)) {
        below++;
      }
      if (!isBefore(heap[below]!, moved)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = moved;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || a.at === b.at && a.order < b.order;
}
