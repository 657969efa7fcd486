/**
 * Seats: after every change of them there is a cal, nobody sits twice, and who
 * sits is registered; and one change is in force before the next. Also who the
 * cals of each slot are, by a simple account of the files.
 *
 * @module
 */
import { decodeBatch, type NodeId, type Seqn } from "../../../protocol/mod.ts";
import type { Mutation, Path } from "../../../store/mod.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";

const SEAT = /^\/ctl\/cal\/[^/]+$/;
const PREFIX = [...new TextEncoder().encode("/ctl/cal/")];
const SLASH = PREFIX[0]!;
/** What is longer than this is not looked into. */
const BYTES_MAX = 4096;
/** What a leader does of its own accord is shorter, and need not say a path. */
const CHORE_MAX = 400;
const decoder = new TextDecoder();

/** The cals that there are after a slot, until the next set. */
interface CalSet {
  readonly slot: Seqn;
  readonly cals: readonly NodeId[];
}

/** Who would have a seat; "" for nobody. */
type Change = readonly [Path, NodeId];

/** Watches the files of the seats. */
export class Seats {
  readonly #canon: Canon;
  /** After how many slots a change is in force. */
  readonly #window: number;
  readonly #seats: Map<Path, NodeId> = new Map();
  /** The sets of cals, the present one last. */
  readonly #sets: CalSet[] = [];
  /** What would change seats if it were decided, by slot and what it is. */
  readonly #proposed: Map<Seqn, Map<number, readonly Change[]>> = new Map();

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
    const cals = calsOf(this.#seats);
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

  /** Somebody proposes, or finishes what was proposed. */
  proposed({ seqn, value }: { seqn: Seqn; value: Uint8Array }): void {
    if (value.length > CHORE_MAX && !mentionsSeats(value)) return;
    const known = this.#proposed.get(seqn) ?? new Map();
    this.#proposed.set(seqn, known);
    const hash = hashBytes(value);
    if (!known.has(hash)) known.set(hash, this.#changesIn(value));
  }

  /** Somebody has applied all slots up to this one. */
  reached(slot: Seqn): void {
    for (const seqn of this.#proposed.keys()) {
      if (seqn <= slot) this.#proposed.delete(seqn);
    }
  }

  /**
   * Whether the living would have a majority of the cals whichever change of
   * seats is decided that was proposed.
   */
  couldDecide(alive: ReadonlySet<NodeId>): boolean {
    for (const values of this.#proposed.values()) {
      for (const changes of values.values()) {
        const cals = calsOf(new Map([...this.#seats, ...changes]));
        const living = cals.filter((id) => alive.has(id)).length;
        if (2 * living <= cals.length) return false;
      }
    }
    return true;
  }

  /** What would become of seats. */
  #changesIn(value: Uint8Array): Change[] {
    const changes: Change[] = [];
    if (value.length === 0) return changes;
    decodeBatch(value.slice(), (command) => {
      if (command.kind === "clear") {
        for (const [path, holder] of this.#seats) {
          if (holder === command.node) changes.push([path, ""]);
        }
      } else if (command.kind === "mutate" || command.kind === "seat") {
        changes.push(...command.mutations.flatMap(changeBy));
      }
    });
    return changes;
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

function calsOf(seats: ReadonlyMap<Path, NodeId>): NodeId[] {
  return [...seats.values()].filter((id) => id !== "").sort();
}

/** Looked for before a batch is read: most say nothing of seats. */
function mentionsSeats(value: Uint8Array): boolean {
  if (value.length > BYTES_MAX) return false;
  for (
    let at = value.indexOf(SLASH);
    at >= 0;
    at = value.indexOf(SLASH, at + 1)
  ) {
    if (PREFIX.every((byte, i) => value[at + i] === byte)) return true;
  }
  return false;
}

function changeBy(mutation: Mutation): Change[] {
  if (mutation.type === "nop" || !SEAT.test(mutation.path)) return [];
  const holder = mutation.type === "set" ? decoder.decode(mutation.body) : "";
  return [[mutation.path, holder]];
}
