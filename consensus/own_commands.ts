/**
 * The commands that this node has taken from its clients, until each has its
 * outcome.
 *
 * They travel in the node's own session, numbered in the order in which they
 * came, and stay here until they are applied: whenever the leader changes, all
 * of them go to the new one again, in order. The session sees to it that each
 * takes effect once, and in that order. Numbers are never used again. Where a
 * client has a session of its own, a command names its place in that, too.
 *
 * A client is told within a time limit. A command that was never handed to
 * anybody is dropped, and was certainly not done; any other stays, because it
 * may still be, but its client is told that this is not known.
 *
 * @module
 */
import { encodeCommand, encodeMutation, WireWriter } from "../protocol/mod.ts";
import type { Reply } from "../protocol/mod.ts";
import { assert, LIMITS, type Mutation, type Outcome } from "../store/mod.ts";
import type { Refusal, SessionNumber } from "../store/mod.ts";
import { BatchPool } from "./batch_pool.ts";
import { isSeatPath } from "./members.ts";
import { Replies } from "./replies.ts";

/** A batch is closed when it has so many bytes; one command may exceed it. */
export const BATCH_BYTES = 1 << 20;

/** What is handed out, and not applied for so long, is handed out again. */
const STUCK_TICKS = 30;

/** Numbers that are dropped together, at most. */
const JOINED_MAX = 1 << 19;

/** So much is handed out and not applied, and one batch more. In bytes. */
const HANDED_BYTES = 4 << 20;

/** Commands that travel together. */
export interface Batch {
  readonly bytes: Uint8Array;
  /** The numbers of its first and last command. */
  readonly first: number;
  readonly last: number;
  /** Whether it is one command that wants to change seats. */
  readonly seats: boolean;
  /** The tick at which it was closed. */
  readonly since: number;
  /** Whether it was ever handed to a leader, a peer or the own log. */
  handedOut: boolean;
  /** Whether its clients were told that its outcome is not known. */
  givenUp: boolean;
}

/** What belongs to a command that is taken. */
export interface Taken {
  readonly reply: Reply;
  /** The clock of this node, in milliseconds since 1970. */
  readonly time: number;
  /** Which command of its client's session it is, if it is one. */
  readonly by?: SessionNumber | undefined;
}

/** The commands in flight of one node. */
export class OwnCommands {
  readonly #pool = new BatchPool();
  /** The id of the node's session, 0 while it has none. */
  #session = 0;
  #lastNumber = 0;
  #firstOpen = 1;
  #openSeats = false;
  /** Closed batches in order, from the oldest that is not applied. */
  #batches: Batch[] = [];
  /** Those before this one were handed to the present leader. */
  #handed = 0;
  #bytes = 0;
  /** Of the batches that were handed to the present leader. */
  #handedBytes = 0;
  /** When all was last to be handed out again. */
  #startedAt = -Infinity;
  /** In ticks. */
  #now = 0;
  /** When the oldest batch was last found applied, or handed out. */
  #progressAt = 0;
  readonly #replies: Replies = new Replies();
  /** Refused before they had a number. */
  #refused: { reply: Reply; refusal: Refusal }[] = [];
  /** Why writes are refused: a disk is full. */
  #noSpace: string | undefined;
  /** Whether nobody else will ever see these batches' memory. */
  alone = true;

  /** The id of the node's session, 0 while it has none. */
  get session(): number {
    return this.#session;
  }

  /** The number of the last command that has its outcome. */
  get settled(): number {
    return this.#replies.first - 1;
  }

  /** Whether there are commands that the present leader was not given. */
  get hasBatches(): boolean {
    if (this.#handedBytes > HANDED_BYTES) return false;
    return this.#handed < this.#batches.length || this.#pool.open.length > 0;
  }

  /** How many bytes of them there are. */
  get waitingBytes(): number {
    return this.#pool.open.length + this.#bytes - this.#handedBytes;
  }

  /** Whether all commands have their outcomes. */
  get idle(): boolean {
    return this.#batches.length === 0 && !this.hasBatches;
  }

  /**
   * Takes a command. The body is copied. Without a mutation it only orders its
   * number in a client's session.
   */
  add(mutation: Mutation | undefined, { reply, time, by }: Taken): void {
    const seats = mutation !== undefined && mutation.type !== "nop" &&
      isSeatPath(mutation.path);
    const refusal = by && !isEncodable(by) ? NO_NUMBER : this.#refuses();
    const number = this.#number({ reply, refusal, seats });
    if (number === undefined) return;
    const envelope = { session: this.#session, number, time, by };
    encodeMutation(this.#pool.open, envelope, mutation);
    if (this.#pool.open.length >= BATCH_BYTES) this.#seal();
  }

  /** Takes the command that opens a session for a client of that name. */
  open(name: string, { reply, time }: Taken): void {
    const refusal = this.#refuses();
    const number = this.#number({ reply, refusal, seats: false });
    if (number === undefined) return;
    const command = { session: this.#session, number, name, time };
    encodeCommand(this.#pool.open, { kind: "open", ...command });
    if (this.#pool.open.length >= BATCH_BYTES) this.#seal();
  }

  /** Why writes are refused before they are taken, if they are. */
  refuseWrites(reason: string | undefined): void {
    this.#noSpace = reason;
  }

  /** Tells those who were refused at once. */
  tellRefused(): void {
    const refused = this.#refused;
    if (refused.length === 0) return;
    this.#refused = [];
    for (const { reply, refusal } of refused) reply.settled(refusal);
  }

  /** The next batch for the present leader, if there is one. */
  next(): Batch | undefined {
    if (!this.hasBatches) return undefined;
    if (this.#handed === this.#batches.length) this.#seal();
    const batch = this.#batches[this.#handed];
    if (batch === undefined) return undefined;
    if (this.#handed++ === 0) this.#progressAt = this.#now;
    this.#handedBytes += batch.bytes.length;
    // It may be in two slots now, of which one is applied first.
    if (batch.handedOut) this.#pool.disown(batch.bytes);
    batch.handedOut = true;
    return batch;
  }

  /** All that is not applied has to be handed out again. */
  startAgain(): void {
    this.#handed = 0;
    this.#handedBytes = 0;
    this.#startedAt = this.#now;
  }

  /**
   * A command came too early: one before it was lost. What follows it comes too
   * early as well, so this is told many times and acted on once.
   */
  foundGap(): void {
    if (this.#now - this.#startedAt >= STUCK_TICKS) this.startAgain();
  }

  /** The node's session is open. */
  opened(session: number): void {
    assert(this.#session === 0, "C15: a node has one session at a time");
    this.#session = session;
    this.#lastNumber = 0;
    this.#firstOpen = 1;
    this.#replies.restart();
  }

  /**
   * The session has ended: what was handed out may have been applied or not,
   * and will never be known here; the rest was not.
   */
  ended(): void {
    this.#seal();
    for (const batch of this.#batches) {
      const refusal = batch.handedOut ? UNKNOWN : NO_SESSION;
      if (!batch.givenUp) this.#replies.settleUpTo(batch.last, refusal);
    }
    this.#batches = [];
    this.#handed = 0;
    this.#bytes = 0;
    this.#handedBytes = 0;
    this.#session = 0;
  }

  /** The command of that number is applied, and with it all before it. */
  applied(number: number, outcome: Outcome): void {
    if (number > this.#lastNumber) return; // Somebody has made it up (C10).
    this.#replies.settle(number, outcome);
    this.#dropUpTo(number);
  }

  /** The commands up to that number were ordered to do nothing. */
  skipped(last: number, outcome: Outcome): void {
    if (last > this.#lastNumber) return; // Somebody has made it up (C10).
    this.#replies.settleUpTo(last, outcome);
    this.#dropUpTo(last);
  }

  /** The commands up to that number were applied, unseen by this node. */
  passed(number: number): void {
    this.#replies.settleUpTo(number, UNKNOWN);
    this.#dropUpTo(number);
  }

  /**
   * Another history begins, which may yet vanish with this process: whatever
   * becomes of what was handed out before, nobody is told.
   */
  forsake(): void {
    for (const batch of this.#batches) {
      if (!batch.handedOut || batch.givenUp) continue;
      this.#replies.settleUpTo(batch.last, UNKNOWN);
      batch.givenUp = true;
    }
  }

  /** Gives memory back that nobody looks at any more (C8). */
  giveBack(bytes: Uint8Array): void {
    this.#pool.giveBack(bytes);
  }

  /** Time goes on: tells those who have waited for too long. */
  tick({ now, limit }: { now: number; limit: number }): void {
    this.#now = now;
    this.#seal();
    if (this.#handed > 0 && now - this.#progressAt >= STUCK_TICKS) {
      // Some of it was lost on the way.
      this.#progressAt = now;
      this.startAgain();
    }
    for (let at = 0; at < this.#batches.length; at++) {
      const batch = this.#batches[at]!;
      if (now - batch.since < limit) return;
      if (batch.givenUp) continue;
      if (batch.handedOut) {
        batch.givenUp = true;
        this.#replies.settleUpTo(batch.last, UNKNOWN);
      } else at = this.#drop(at);
    }
  }

  #refuses(): Refusal | undefined {
    if (this.#noSpace !== undefined) {
      const detail = `${this.#noSpace}: nothing was done, reads go on`;
      return { code: "UNAVAILABLE", detail };
    }
    if (this.#session === 0) return NO_SESSION;
    const bytes = this.#bytes + this.#pool.open.length;
    if (bytes <= LIMITS.pendingBytes) return undefined;
    const detail = `The node has ${bytes} bytes of commands that are not ` +
      `applied yet, the limit is ${LIMITS.pendingBytes}`;
    return { code: "UNAVAILABLE", detail };
  }

  /** The number of a command that comes into the open batch, if it does. */
  #number(
    { reply, refusal, seats }: {
      reply: Reply;
      refusal: Refusal | undefined;
      seats: boolean;
    },
  ): number | undefined {
    if (refusal !== undefined) {
      this.#refused.push({ reply, refusal });
      return undefined;
    }
    if (seats || this.#openSeats) this.#seal();
    this.#openSeats = seats;
    const number = ++this.#lastNumber;
    this.#replies.add(number, reply);
    return number;
  }

  #seal(): void {
    if (this.#pool.open.length === 0) return;
    const bytes = this.#pool.seal({ reuse: this.alone });
    this.#push(bytes, this.#lastNumber);
    this.#openSeats = false;
  }

  #push(bytes: Uint8Array, last: number): void {
    this.#batches.push({
      bytes,
      first: this.#firstOpen,
      last,
      seats: this.#openSeats,
      since: this.#now,
      handedOut: false,
      givenUp: false,
    });
    this.#bytes += bytes.length;
    this.#firstOpen = last + 1;
  }

  /**
   * Nobody has seen this batch, and its client is told so: whoever gets it
   * from now on gets its numbers, which shall do nothing. Returns its place.
   */
  #drop(at: number): number {
    const { first, last, since, bytes, handedOut } = this.#batches[at]!;
    assert(!handedOut, "C19: only what nobody has seen was not done");
    this.#replies.settleUpTo(last, NO_LEADER);
    const before = this.#batches[at - 1];
    // Where nobody leads for long, all that is dropped is one skip.
    const joins = before !== undefined && before.givenUp &&
      !before.handedOut && last - before.first < JOINED_MAX;
    const skip = this.#skip(joins ? before.first : first, { last, since });
    this.#bytes += skip.bytes.length - bytes.length -
      (joins ? before.bytes.length : 0);
    this.#batches.splice(joins ? at - 1 : at, joins ? 2 : 1, skip);
    return joins ? at - 1 : at;
  }

  #skip(
    first: number,
    { last, since }: { last: number; since: number },
  ): Batch {
    const { code, detail } = NO_LEADER;
    const writer = new WireWriter(256);
    const numbers = { session: this.#session, number: first, last };
    const reason = { code, detail: detail! };
    encodeCommand(writer, { kind: "skip", ...numbers, ...reason });
    const bytes = writer.written().slice();
    const told = { seats: false, handedOut: false, givenUp: true };
    return { bytes, first, last, since, ...told };
  }

  #dropUpTo(number: number): void {
    let done = 0;
    while (done < this.#batches.length) {
      const batch = this.#batches[done]!;
      if (batch.last > number) break;
      this.#bytes -= batch.bytes.length;
      if (done < this.#handed) this.#handedBytes -= batch.bytes.length;
      done++;
    }
    if (done === 0) return;
    this.#progressAt = this.#now;
    this.#batches.splice(0, done);
    this.#handed = Math.max(0, this.#handed - done);
  }
}

/** What cannot be would stop every node that reads it in the log. */
function isEncodable({ session, number, acknowledged }: SessionNumber) {
  return [session, number, acknowledged].every((value) =>
    Number.isSafeInteger(value) && value >= 0
  );
}

const NO_NUMBER: Refusal = {
  code: "NUMBER",
  detail: "Session, number and acknowledged number are whole numbers of 0 or " +
    "above, nothing was done",
};
const UNKNOWN: Refusal = {
  code: "UNKNOWN",
  detail: "The command was handed on, but nothing was heard of it in time",
};
const NO_LEADER: Refusal = {
  code: "UNAVAILABLE",
  detail: "No leader could be reached in time, nothing was done",
};
const NO_SESSION: Refusal = {
  code: "UNAVAILABLE",
  detail: "This node is not a part of the cluster yet, nothing was done",
};
