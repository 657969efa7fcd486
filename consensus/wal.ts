/**
 * The write-ahead log: what a node must not forget, on disk before others are
 * told (C1).
 *
 * One write is under way at a time. What comes meanwhile joins the next, so
 * that under load many records share a sync: group commit falls out, and
 * nothing waits for a timer. A write begins only when the one before it is
 * durable; so whatever follows a batch proves that it was whole.
 *
 * Some records are lazy: nobody waits for them, and they ride along.
 *
 * @module
 */
import { BatchWriter, type DataFileHeader } from "../protocol/mod.ts";
import { encodeHeader, logName, type LogRecord } from "../protocol/mod.ts";
import { partOf, type Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import type { Disk, DiskFailure, DiskOp } from "./disk.ts";
import type { Outgoing } from "./ready.ts";

/** Lazy records are written by themselves after so many ticks. */
const LAZY_TICKS = 20;
/** Where the disk is full it is tried again after so many ticks. */
const RETRY_TICKS = 50;

/** What a log needs of its surroundings. */
export interface WalOptions {
  readonly disk: Disk;
  /** For a new segment's header: all but number, salt and first batch. */
  readonly header: () => Omit<
    DataFileHeader,
    "kind" | "number" | "salt" | "firstBatch"
  >;
  /** From 0 up to below 1. */
  readonly random: () => number;
  /** Queues what is to be done when the disk has answered, as an input. */
  readonly enqueue: (act: () => void) => void;
  /** The records that these waited for are durable. */
  readonly release: (messages: readonly Outgoing[]) => void;
  /** The disk is broken: the node must not go on. */
  readonly onBroken: (failure: DiskFailure) => void;
}

/** Where a log goes on. */
export interface WalPlace {
  /** The last segment that exists, or 0. */
  readonly segment: number;
  /** The number of the next batch. */
  readonly nextBatch: number;
  /** All slots up to here are marked as decided. */
  readonly marked: Seqn;
  /** What each segment that is still needed takes, in bytes. */
  readonly sizes: ReadonlyMap<number, number>;
  /** To be done before the first segment is written. */
  readonly before: readonly DiskOp[];
}

/** Where the log of a new directory begins. */
export const NEW_PLACE: WalPlace = {
  segment: 0,
  nextBatch: 1,
  marked: 0,
  sizes: new Map(),
  before: [],
};

/** What becomes durable with one batch. */
interface Load {
  readonly writer: BatchWriter;
  /** Whether somebody waits for it. */
  urgent: boolean;
  /** Of the last promise or acceptance in it. */
  position: number;
  marked: Seqn;
  messages: Outgoing[];
}

/** A node's log. */
export class Wal {
  readonly #options: WalOptions;
  #open: Load = newLoad();
  /** What is being written, while something is. */
  #written: Load = newLoad();
  #busy = false;
  /** The segment that is written to, and where its next batch goes. */
  #segment: number;
  #offset = 0;
  #salt: Uint8Array = new Uint8Array(8);
  #nextBatch: number;
  /** Whether what is open goes to a new segment. */
  #rotates = false;
  #before: readonly DiskOp[];
  /** The last slot that is applied, to be marked with the next batch. */
  #mark: Seqn;
  #lazySince = 0;
  /** What the first batch of the last segment takes, with the header. */
  #carried = 0;
  /** Whether lazy records wait no longer. */
  #due = false;
  #busySince = 0;
  #full: DiskFailure | undefined;
  #retry: (() => void) | undefined;
  #retryAt = 0;
  /** While the state that the log goes on from is not durable. */
  #held = false;
  #now = 0;
  /** The last promise or acceptance that is durable. */
  position = 0;
  /** All slots up to here are durably marked as decided. */
  marked: Seqn;
  /** The last segment that is durable. */
  durableSegment: number;
  readonly #sizes: Map<number, number>;

  constructor(options: WalOptions, place: WalPlace) {
    this.#options = options;
    this.#segment = this.durableSegment = place.segment;
    this.#nextBatch = place.nextBatch;
    this.#mark = this.marked = place.marked;
    this.#sizes = new Map(place.sizes);
    this.#before = place.before;
  }

  /** The segment that is written to. */
  get segment(): number {
    return this.#segment + (this.#rotates ? 1 : 0);
  }

  /** Whether a new segment is wanted, and nothing is written of it yet. */
  get rotating(): boolean {
    return this.#rotates;
  }

  /** What is not durable yet, in bytes. */
  get pendingBytes(): number {
    return this.#open.writer.length +
      (this.#busy ? this.#written.writer.length : 0);
  }

  /** What the segments that are still needed take, in bytes. */
  get bytes(): number {
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += size;
    return bytes;
  }

  /** With how many bytes the last segment began: a new one would, too. */
  get carriedBytes(): number {
    return this.#carried;
  }

  /** What the segment that is written to takes, in bytes. */
  get segmentBytes(): number {
    return this.#offset;
  }

  /** How many segments are still needed. */
  get segments(): number {
    return this.#sizes.size;
  }

  /** The segments before this one are needed no more. */
  dropBefore(segment: number): void {
    for (const old of this.#sizes.keys()) {
      if (old < segment) this.#sizes.delete(old);
    }
  }

  /** Why nothing can be written now; the disk is full. */
  get full(): DiskFailure | undefined {
    return this.#full;
  }

  /** For how many ticks the disk has not answered. */
  get silence(): number {
    return this.#busy && this.#full === undefined
      ? this.#now - this.#busySince
      : 0;
  }

  /** The number of the first batch that is not durable. */
  get nextBatch(): number {
    return this.#nextBatch;
  }

  /** Whether all that was given is durable. */
  get idle(): boolean {
    return !this.#busy && !this.#hasLoad;
  }

  /** Adds a record; messages that were held later wait for it. */
  add(record: LogRecord): void {
    const { type } = record;
    if (!this.#hasLoad) this.#lazySince = this.#now;
    this.#open.writer.add(record);
    if (type === "learned" || type === "peer" || type === "decided") return;
    this.#open.urgent = true;
    const position = type === "started"
      ? record.claim.position
      : record.position;
    if (position > this.#open.position) this.#open.position = position;
  }

  /** The slot is applied; marks are lazy. */
  mark(upTo: Seqn): void {
    if (!this.#hasLoad) this.#lazySince = this.#now;
    this.#mark = upTo;
  }

  /** These leave when all that was added before is durable. */
  after(messages: readonly Outgoing[]): void {
    if (messages.length === 0) return;
    if (this.#open.urgent) this.#open.messages.push(...messages);
    else if (this.#busy || this.#held) this.#written.messages.push(...messages);
    else this.#options.release(messages);
  }

  /**
   * What comes from now on goes to a new segment, which begins with these
   * records and can stand without those before it, beside a snapshot of now.
   *
   * @returns its number.
   */
  rotate(carried: readonly LogRecord[]): number {
    assert(!this.#rotates, "C25: a segment is begun before the next");
    this.#rotates = true;
    this.#open.urgent = true;
    for (const record of carried) this.add(record);
    return this.segment;
  }

  /** Whether nothing is to be told to anybody. */
  get held(): boolean {
    return this.#held;
  }

  /** Nothing is to be told to anybody until {@linkcode letGo}. */
  hold(): void {
    this.#held = true;
  }

  /** Messages leave again. */
  letGo(): void {
    this.#held = false;
    if (!this.#busy) this.#release();
  }

  /**
   * The end of a turn: begins to write, if somebody waits and nothing is being
   * written. Not within a turn: what it has marked may not be added yet.
   */
  flush(): void {
    if (this.#busy) return;
    if (this.#open.urgent || this.#due && this.#hasLoad) this.#write();
  }

  /** Lazy records are written at the end of this turn, too. */
  hurry(): void {
    this.#due = true;
  }

  /** Time goes on. */
  tick(now: number): void {
    this.#now = now;
    if (this.#retry !== undefined && now >= this.#retryAt) this.#retry();
    if (this.#hasLoad && now - this.#lazySince >= LAZY_TICKS) this.#due = true;
  }

  get #hasLoad(): boolean {
    const marked = Math.max(this.marked, this.#written.marked);
    return this.#open.writer.length > 0 || this.#mark > marked;
  }

  #write(): void {
    assert(!this.#busy, "C25: a batch is written when that before is durable");
    const load = this.#open;
    // Messages may be left here from while nothing was written.
    load.messages.unshift(...this.#written.messages);
    this.#written.messages = [];
    [this.#open, this.#written] = [this.#written, load];
    if (this.#mark > this.marked) {
      load.writer.add({ type: "decided", upTo: this.#mark });
      load.marked = this.#mark;
    }
    this.#busy = true;
    this.#due = false;
    this.#busySince = this.#now;
    const rotates = this.#rotates;
    this.#rotates = false;
    const list = rotates ? this.#beginSegment(load) : this.#appendTo(load);
    this.#perform(list.ops, () => this.#done(list.end, rotates));
  }

  #appendTo({ writer }: Load): { ops: DiskOp[]; end: number } {
    const file = logName(this.#segment);
    const number = this.#nextBatch;
    const place = { number, offset: this.#offset, salt: this.#salt };
    const bytes = writer.seal(place);
    return {
      ops: [{ type: "append", file, bytes }, { type: "sync", file }],
      end: this.#offset + bytes.length,
    };
  }

  /** A segment has its name only when its first batch is whole. */
  #beginSegment({ writer }: Load): { ops: DiskOp[]; end: number } {
    const { header, random } = this.#options;
    this.#segment++;
    this.#salt = Uint8Array.from(
      { length: 8 },
      () => Math.floor(random() * 256),
    );
    const head = encodeHeader({
      ...header(),
      kind: "log",
      number: this.#segment,
      salt: this.#salt,
      firstBatch: this.#nextBatch,
    });
    const number = this.#nextBatch;
    const place = { number, offset: head.length, salt: this.#salt };
    const bytes = writer.seal(place);
    const to = logName(this.#segment);
    const file = partOf(to);
    const ops: DiskOp[] = [
      ...this.#before,
      { type: "create", file },
      { type: "append", file, bytes: head },
      { type: "append", file, bytes },
      { type: "sync", file },
      { type: "rename", file, to },
      { type: "syncDirectory" },
    ];
    this.#before = [];
    return { ops, end: head.length + bytes.length };
  }

  #perform(ops: readonly DiskOp[], done: () => void): void {
    const { disk, enqueue, onBroken } = this.#options;
    disk.perform("log", {
      ops,
      done: (failure) =>
        enqueue(() => {
          if (failure === undefined) return done();
          if (failure.kind === "broken") return onBroken(failure);
          // What was appended before it must not be appended twice.
          const rest = ops.slice(failure.at);
          this.#waitForSpace(failure, () => this.#perform(rest, done));
        }),
    });
  }

  #waitForSpace(failure: DiskFailure, again: () => void): void {
    this.#full = failure;
    this.#retryAt = this.#now + RETRY_TICKS;
    this.#retry = () => {
      this.#retry = undefined;
      again();
    };
  }

  #done(end: number, rotated: boolean): void {
    const { writer, position, marked } = this.#written;
    this.#full = undefined;
    this.#busy = false;
    this.#nextBatch++;
    this.#offset = end;
    this.#sizes.set(this.#segment, end);
    if (rotated) {
      this.durableSegment = this.#segment;
      this.#carried = end;
    }
    this.position = Math.max(this.position, position);
    this.marked = Math.max(this.marked, marked);
    writer.clear();
    this.#written.urgent = false;
    this.#written.position = this.#written.marked = 0;
    if (!this.#held) this.#release();
  }

  #release(): void {
    const { messages } = this.#written;
    if (messages.length === 0) return;
    this.#written.messages = [];
    this.#options.release(messages);
  }
}

function newLoad(): Load {
  return {
    writer: new BatchWriter(),
    urgent: false,
    position: 0,
    marked: 0,
    messages: [],
  };
}
