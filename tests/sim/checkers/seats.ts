/**
 * Seats: after every change of them there is a cal, nobody sits twice, and who
 * sits is registered; and one change is in force before the next. Also who the
 * cals of each slot are, by a simple account of the files.
 *
 * @module
 */
import type { NodeId, Seqn } from "../../../protocol/mod.ts";
import type { Path } from "../../../store/mod.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";

const SEAT = /^\/ctl\/cal\/[^/]+$/;

/** The cals that there are after a slot, until the next set. */
interface CalSet {
  readonly slot: Seqn;
  readonly cals: readonly NodeId[];
}

/** Watches the files of the seats. */
export class Seats {
  readonly #canon: Canon;
  /** After how many slots a change is in force. */
  readonly #window: number;
  readonly #seats: Map<Path, NodeId> = new Map();
  /** The sets of cals, the present one last. */
  readonly #sets: CalSet[] = [];

  constructor(canon: Canon, window: number) {
    this.#canon = canon;
    this.#window = window;
  }

  /** How many times the set of cals has changed, the first one included. */
  get changes(): number {
    return this.#sets.length;
  }

  /** The cals by the newest state. */
  get cals(): readonly NodeId[] {
    return this.#sets.at(-1)?.cals ?? [];
  }

  /** The cals of a slot; undefined before there are any. */
  readonly calsOf = (slot: Seqn): readonly NodeId[] | undefined => {
    for (let at = this.#sets.length - 1; at > 0; at--) {
      const set = this.#sets[at]!;
      if (set.slot + this.#window <= slot) return set.cals;
    }
    return this.#sets[0]?.cals;
  };

  /** Whether the path is a seat. */
  static isSeat(path: Path): boolean {
    return SEAT.test(path);
  }

  /**
   * An event took its place in the order, made by this slot. Tells whether
   * there are other cals now.
   */
  applied(event: Applied, slot: Seqn): boolean {
    if (!SEAT.test(event.path)) return false;
    if (event.kind === "set") this.#seats.set(event.path, event.text);
    else this.#seats.delete(event.path);
    const cals = [...this.#seats.values()].filter((id) => id !== "").sort();
    this.#check(cals, event);
    if (cals.join() === this.cals.join()) return false;
    const last = this.#sets.at(-1);
    if (last?.slot === slot) this.#sets.pop();
    else if (this.#sets.length > 1 && slot < last!.slot + this.#window) {
      const when = `slot ${slot}, after one in ${last!.slot}`;
      fail("one change at a time", `${show(event)} in ${when}`);
    }
    this.#sets.push({ slot, cals });
    return true;
  }

  /** Whether the living have a majority of each set that votes after a slot. */
  canDecide(alive: ReadonlySet<NodeId>, applied: Seqn): boolean {
    const sets = this.#sets;
    for (let at = sets.length - 1; at >= 0; at--) {
      const { slot, cals } = sets[at]!;
      const living = cals.filter((id) => alive.has(id)).length;
      if (2 * living <= cals.length) return false;
      if (slot + this.#window <= applied + 1) return true;
    }
    return true;
  }

  #check(cals: readonly NodeId[], event: Applied): void {
    if (cals.length === 0) {
      if (this.#sets.length > 0) fail("seats", `no cal after ${show(event)}`);
      return;
    }
    if (new Set(cals).size !== cals.length) {
      fail("seats", `somebody sits twice after ${show(event)}`);
    }
    if (event.kind !== "set" || event.text === "") return;
    const addr = `/ctl/node/${event.text}/addr`;
    if (this.#canon.fileAt(addr, event.rev) !== undefined) return;
    fail("seats", `${event.text} is not registered: ${show(event)}`);
  }
}
