/**
 * Proposals: what the leader proposes next, and in which order.
 *
 * First what others began, then its leadership record, then its chores, then
 * the commands of clients, its own and those that other nodes pass on. What
 * has come in one turn goes into one slot.
 *
 * @module
 */
import { type Command, decodeBatch, encodeCommand } from "../protocol/mod.ts";
import type { Ballot, Forward } from "../protocol/mod.ts";
import { type SkipCommand, WireWriter } from "../protocol/mod.ts";
import { checksumOf, LIMITS } from "../store/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import type { Members } from "./members.ts";
import { BATCH_BYTES, type OwnCommands } from "./own_commands.ts";
import type { Replica } from "./replica.ts";
import { changesSeats, type Upkeep } from "./upkeep.ts";
import { isBatch, NO_COMMANDS } from "./value.ts";

/** What proposals are made of. */
export interface ProposalsOptions {
  readonly replica: Replica;
  readonly members: Members;
  readonly own: OwnCommands;
  readonly upkeep: Upkeep;
}

/** Commands of clients that wait for their slot. */
interface Waiting {
  readonly bytes: Uint8Array;
  readonly seats: boolean;
}

/** So many bytes are a slot of their own, whatever is open. */
const PIPELINED_BYTES = 32 << 10;

/** What a slot may hold; a larger batch goes alone. */
const VALUE_BYTES = 2 * BATCH_BYTES;

/** Numbers that one skip may pass over: batches do not have more. */
const SKIP_MAX = 1 << 20;

/** The leader's proposals. */
export class Proposals {
  readonly #options: ProposalsOptions;
  #forwarded: Waiting[] = [];
  #forwardedBytes = 0;
  /** Whether the slot before had no room for what others passed on. */
  #othersFirst = false;
  /** Whether a tick has passed since commands were proposed last. */
  #impatient = false;
  /** The ballot whose leadership record was proposed last. */
  #recorded: Ballot = ZERO_BALLOT;

  constructor(options: ProposalsOptions) {
    this.#options = options;
  }

  /** Whether there is something to propose, and room for it. */
  get waiting(): boolean {
    const { replica, own, upkeep } = this.#options;
    if (!replica.hasRoom) return false;
    if (replica.owes || !this.#isRecorded || upkeep.waiting) return true;
    const hasCommands = own.hasBatches || this.#forwarded.length > 0;
    return hasCommands && !this.#holdsBack || this.#options.members.pending;
  }

  /** Commands that another node passes on. */
  add({ batch, seats }: Forward): void {
    if (this.#forwardedBytes > LIMITS.pendingBytes) return; // Sent again later.
    if (!isFit(batch, seats)) return;
    this.#forwarded.push({ bytes: batch, seats });
    this.#forwardedBytes += batch.length;
  }

  /** Time goes on. */
  tick(): void {
    this.#impatient = true;
  }

  /** Proposes as much as there is room for. */
  propose(): void {
    const { replica } = this.#options;
    while (replica.hasRoom) {
      if (replica.owes) {
        replica.proposeOwed();
        continue;
      }
      const value = this.#next();
      if (value === undefined) return;
      replica.propose(value);
    }
  }

  /** Leads no more: others pass on again what is theirs. */
  deposed(): void {
    this.#forwarded = [];
    this.#forwardedBytes = 0;
  }

  get #isRecorded(): boolean {
    return compareBallots(this.#recorded, this.#options.replica.ballot) === 0;
  }

  #next(): Uint8Array | undefined {
    const { upkeep } = this.#options;
    if (!this.#isRecorded) return this.#leadership();
    const chore = upkeep.next();
    if (chore !== undefined) return encode(chore);
    const commands = this.#commands();
    if (commands !== undefined) return commands;
    // A change of seats takes effect also where nobody writes.
    return this.#options.members.pending ? NO_COMMANDS : undefined;
  }

  #leadership(): Uint8Array {
    const { ballot } = this.#options.replica;
    this.#recorded = ballot;
    return encode({ kind: "lead", ballot });
  }

  /**
   * Commands wait for the slot before them, so that slots grow with the load
   * and cost less each; unless they are many, or that slot takes long.
   */
  get #holdsBack(): boolean {
    const { replica, own } = this.#options;
    return replica.hasOpen && !this.#impatient &&
      this.#forwardedBytes + own.waitingBytes < PIPELINED_BYTES;
  }

  /** What waits, as one value as far as it may be one. */
  #commands(): Uint8Array | undefined {
    if (this.#holdsBack) return undefined;
    this.#impatient = false;
    const first = this.#take();
    if (first === undefined) return undefined;
    const value = first.seats
      ? this.#judged(first.bytes)
      : this.#fill(first.bytes);
    this.#othersFirst = !this.#othersFirst && this.#forwarded.length > 0;
    return value;
  }

  /** With what else fits into the slot. */
  #fill(first: Uint8Array): Uint8Array {
    const parts = [first];
    let bytes = first.length;
    while (bytes < BATCH_BYTES && this.#forwarded.length > 0) {
      const next = this.#forwarded[0]!;
      if (next.seats || bytes + next.bytes.length > VALUE_BYTES) break;
      const { bytes: more } = this.#takeForwarded()!;
      parts.push(more);
      bytes += more.length;
    }
    return parts.length === 1 ? first : join(parts, bytes);
  }

  /** Own commands first; but where they left no room, the others. */
  #take(): Waiting | undefined {
    const { own } = this.#options;
    return this.#othersFirst
      ? this.#takeForwarded() ?? own.next()
      : own.next() ?? this.#takeForwarded();
  }

  #takeForwarded(): Waiting | undefined {
    const waiting = this.#forwarded.shift();
    if (waiting !== undefined) this.#forwardedBytes -= waiting.bytes.length;
    return waiting;
  }

  /** A change of seats as it is, or what tells its client why not. */
  #judged(bytes: Uint8Array): Uint8Array {
    const { upkeep } = this.#options;
    let refused: SkipCommand | undefined;
    decodeBatch(bytes, (command) => {
      const detail = upkeep.refusesSeats(command);
      if (detail === undefined || command.kind !== "mutate") return;
      const { session, number, by } = command;
      const reason = { last: number, code: "SEAT", detail } as const;
      const skip = { kind: "skip", session, number, ...reason } as const;
      const checksum = checksumOf(command.mutations) ?? 0;
      // For a client's session it is an outcome like any other.
      refused = by === undefined ? skip : { ...skip, by, checksum };
    });
    return refused === undefined ? bytes : encode(refused);
  }
}

/**
 * Whether a batch holds what clients can ask for and nothing else: every node
 * will apply it, and one that cannot would stop. C10.
 */
function isFit(batch: Uint8Array, seats: boolean): boolean {
  let commands = 0;
  let fit = true;
  const known = isBatch(batch, (command) => {
    commands++;
    if (command.kind === "open") return;
    if (command.kind === "mutate") {
      fit &&= seats || !changesSeats(command);
      return;
    }
    // What a client's session is refused only the leader itself judges.
    fit &&= command.kind === "skip" && command.by === undefined &&
      command.last >= command.number &&
      command.last - command.number < SKIP_MAX;
  });
  return known && fit && commands > 0 && (!seats || commands === 1);
}

function encode(command: Command): Uint8Array {
  const writer = new WireWriter(256);
  encodeCommand(writer, command);
  return writer.written().slice();
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
