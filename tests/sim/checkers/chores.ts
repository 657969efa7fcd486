/**
 * Chores: what a leader proposes of its own accord, as it is seen on its way.
 * A clear or a seating has no effect after a later leadership record.
 *
 * @module
 */
import {
  type Ballot,
  type ClearCommand,
  type Command,
  decodeBatch,
  type LeadCommand,
  type SeatCommand,
  type Seqn,
} from "../../../protocol/mod.ts";
import type { Micros } from "../agenda.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { type Applied, show } from "./canon.ts";

type Chore = LeadCommand | ClearCommand | SeatCommand;

/** What was proposed in a slot with the highest ballot so far. */
interface Proposal {
  readonly ballot: Ballot;
  /** When this value was first proposed there. */
  readonly since: Micros;
  readonly hash: number;
  readonly chore: Chore | undefined;
}

/** Chores are short; what is longer is not looked into. */
const BYTES_MAX = 400;
const NONE: Ballot = { round: 0, node: "" };

/** Knows what the slots hold, as far as leaders matter. */
export class Chores {
  readonly #slots: Map<Seqn, Proposal> = new Map();
  /** The latest leadership record below `#looked`. */
  #leadership = NONE;
  #looked: Seqn = 1;

  /** A value is proposed. */
  proposed(
    { seqn, ballot, value }: { seqn: Seqn; ballot: Ballot; value: Uint8Array },
    now: Micros,
  ): void {
    const known = this.#slots.get(seqn);
    if (known !== undefined && compare(ballot, known.ballot) <= 0) return;
    const hash = hashBytes(value);
    if (known?.hash === hash) this.#slots.set(seqn, { ...known, ballot });
    else {
      const chore = choreIn(value);
      this.#slots.set(seqn, { ballot, since: now, hash, chore });
    }
  }

  /** When what the slot holds was first proposed there. */
  since(slot: Seqn): Micros | undefined {
    return this.#slots.get(slot)?.since;
  }

  /** An event below /ctl took its place in the order, made by this slot. */
  applied(event: Applied, slot: Seqn): void {
    this.#look(slot);
    // A slot that is decided has the value of the highest ballot there.
    const chore = this.#slots.get(slot)?.chore;
    if (chore === undefined || chore.kind === "lead") return;
    if (compare(chore.ballot, this.#leadership) >= 0) return;
    fail(
      "a stale chore",
      `${show(event)} by ${chore.ballot.round}.${chore.ballot.node}, ` +
        `after ${this.#leadership.round}.${this.#leadership.node} leads`,
    );
  }

  #look(slot: Seqn): void {
    for (; this.#looked < slot; this.#looked++) {
      const chore = this.#slots.get(this.#looked)?.chore;
      const leads = chore?.kind === "lead" &&
        compare(chore.ballot, this.#leadership) > 0;
      if (leads) this.#leadership = chore.ballot;
      this.#slots.delete(this.#looked - 1000);
    }
  }
}

/** The chore that a batch is; undefined for what clients ask for. */
function choreIn(value: Uint8Array): Chore | undefined {
  if (value.length === 0 || value.length > BYTES_MAX) return undefined;
  let first: Command | undefined;
  decodeBatch(value.slice(), (command) => first ??= command);
  const { kind } = first!;
  return kind === "lead" || kind === "clear" || kind === "seat"
    ? first as Chore
    : undefined;
}

function compare(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}
