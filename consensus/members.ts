/**
 * Who votes: the seats, and the sets of cals that follow from them.
 *
 * A seat is a file `/ctl/cal/N`; it holds the id of a cal, or nothing where it
 * is free. "The set of servers that can vote on slot n is part of the state
 * after slot n - ALPHA" (after "Paxos Made Simple", section 3): whoever has
 * applied that slot knows the cals of slot n, and nobody else may propose
 * there. So no two nodes ever disagree about who votes.
 *
 * What is in here is state: the same on every node at the same slot.
 *
 * @module
 */
import type { NodeId, Seqn } from "../protocol/mod.ts";
import { assert, type Path } from "../store/mod.ts";

/**
 * How many slots after a change of seats it takes effect, which is also how
 * many slots may be open at once. Part of the peer protocol's version.
 */
export const ALPHA = 64;

/** The directory of the seats. */
export const SEATS: Path = "/ctl/cal";

const SEATS_PREFIX = `${SEATS}/`;

/** The cals of all slots from one on. */
export interface CalSet {
  readonly from: Seqn;
  readonly cals: readonly NodeId[];
}

/** Whether a path lies in the directory of the seats, or is it. */
export function isSeatPath(path: Path): boolean {
  return path.startsWith(SEATS) &&
    (path.length === SEATS.length || path.startsWith(SEATS_PREFIX));
}

/** The seats and sets of cals of one node's state. */
export class Members {
  /** What each seat holds, by its path; "" where it is free. */
  readonly #seats: Map<Path, NodeId> = new Map();
  /** In order; the first is that of the next slot to apply. */
  #sets: CalSet[] = [];
  #applied: Seqn = 0;

  /** The seats by their paths; "" where one is free. */
  get seats(): ReadonlyMap<Path, NodeId> {
    return this.#seats;
  }

  /** The set in force, and those that come: none before there is a state. */
  get sets(): readonly CalSet[] {
    return this.#sets;
  }

  /** Whether a change of seats has not taken effect yet. */
  get pending(): boolean {
    return this.#sets.length > 1;
  }

  /** Up to which slot the cals are known. */
  get known(): Seqn {
    return this.#sets.length === 0 ? 0 : this.#applied + ALPHA;
  }

  /** The cals that the next slot to apply has. Empty before any state. */
  get current(): readonly NodeId[] {
    return this.#sets[0]?.cals ?? [];
  }

  /** Whether the node is a cal of the set in force or of one that comes. */
  isCal(id: NodeId): boolean {
    return this.#sets.some(({ cals }) => cals.includes(id));
  }

  /** The path of the node's seat, if it has one. */
  seatOf(id: NodeId): Path | undefined {
    for (const [path, holder] of this.#seats) if (holder === id) return path;
    return undefined;
  }

  /** The cals of a slot. C11: not to be asked before they are known. */
  calsOf(seqn: Seqn): readonly NodeId[] {
    assert(
      seqn > this.#applied && seqn <= this.known,
      `C11: the cals of slot ${seqn} are known ${ALPHA} slots before it, ` +
        `here up to ${this.known}`,
    );
    let cals = this.#sets[0]!.cals;
    for (const set of this.#sets) if (set.from <= seqn) cals = set.cals;
    return cals;
  }

  /** The first cal, of a cluster that one node founds. */
  found(id: NodeId): void {
    if (this.#sets.length === 0) this.#sets = [{ from: 1, cals: [id] }];
    assert(sameCals(this.current, [id]), "C12: one node founds a cluster");
  }

  /**
   * Why a seat must not be given this content, if so. C12: there is always a
   * cal, no node has two seats, and only who is registered has one.
   *
   * @param id undefined where the seat is removed.
   */
  refuses(
    path: Path,
    { id, isRegistered }: {
      id: string | undefined;
      isRegistered: (id: NodeId) => boolean;
    },
  ): string | undefined {
    if (path === SEATS || path.indexOf("/", SEATS_PREFIX.length) >= 0) {
      return `A seat is a file right below "${SEATS}"`;
    }
    const before = this.#seats.get(path) ?? "";
    if (before === (id ?? "")) return undefined;
    if (id !== undefined && id !== "") {
      if (!isRegistered(id)) {
        return `"${id}" is not the id of an attached node`;
      }
      const other = this.seatOf(id);
      if (other !== undefined && other !== path) {
        return `Node "${id}" has the seat "${other}" already`;
      }
    }
    if (this.pending) {
      return "An earlier change of seats has not taken effect yet: try again";
    }
    return this.#calsWith(path, id ?? "").length === 0
      ? "The change would leave no cal"
      : undefined;
  }

  /** The cals that there would be if the seat held this. */
  calsAfter(changes: ReadonlyMap<Path, NodeId>): readonly NodeId[] {
    const seats = new Map([...this.#seats, ...changes]);
    return [...seats.values()].filter((id) => id !== "");
  }

  /** Takes note of what a seat holds now; undefined where it is removed. */
  noteSeat(path: Path, id: NodeId | undefined): void {
    if (id === undefined) this.#seats.delete(path);
    else this.#seats.set(path, id);
  }

  /** The slot is applied: its seats decide who votes ALPHA slots later. */
  slotApplied(seqn: Seqn): void {
    assert(seqn === this.#applied + 1, "C11: slots are applied in order");
    this.#applied = seqn;
    // There are seats from the founding on; until then the founder votes.
    if (this.#seats.size === 0) return;
    const cals = [...this.#seats.values()].filter((id) => id !== "");
    const last = this.#sets[this.#sets.length - 1]!;
    if (!sameCals(cals, last.cals)) {
      assert(cals.length > 0, "C12: there is always a cal");
      this.#sets.push({ from: seqn + ALPHA, cals });
    }
    while (this.#sets.length > 1 && this.#sets[1]!.from <= seqn + 1) {
      this.#sets.shift();
    }
  }

  /** Takes over the state of another node, as of a slot. */
  load(state: {
    applied: Seqn;
    sets: readonly CalSet[];
    seats: readonly (readonly [Path, NodeId])[];
  }): void {
    this.#applied = state.applied;
    this.#sets = [...state.sets];
    this.#seats.clear();
    for (const [path, id] of state.seats) this.#seats.set(path, id);
  }

  /**
   * A lost majority is given up: from the next slot on this node alone votes.
   * The one place where the rules of agreement are broken, on command.
   */
  force(id: NodeId): void {
    this.#sets = [{ from: this.#applied + 1, cals: [id] }];
  }

  #calsWith(path: Path, id: NodeId): readonly NodeId[] {
    return this.calsAfter(new Map([[path, id]]));
  }
}

function sameCals(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
