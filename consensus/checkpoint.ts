/**
 * Checkpoints: the state is written down by and by while the node goes on,
 * so that the log before it can go.
 *
 * A checkpoint begins a new segment of the log and opens an image of the state
 * in the same turn: the snapshot holds what the slots before have made, the
 * segments from there on hold the rest. The snapshot gets its name when both
 * are durable; only then is removed what came before (C26).
 *
 * @module
 */
import {
  type DataFileHeader,
  encodeHeader,
  ImageWriter,
  logName,
  partOf,
  pieceHead,
  type Seqn,
  snapshotName,
} from "../protocol/mod.ts";
import { assert, type Store } from "../store/mod.ts";
import type { Disk, DiskFailure, DiskOp } from "./disk.ts";

/** What checkpoints need of their surroundings. */
export interface CheckpointOptions {
  readonly disk: Disk;
  readonly store: Store;
  /** Begins a new segment of the log with what still matters; its number. */
  readonly rotate: () => number;
  /** The last segment of the log that is durable. */
  readonly durableSegment: () => number;
  readonly header: () => Omit<
    DataFileHeader,
    "kind" | "number" | "salt" | "firstBatch"
  >;
  /** The state beside the store, and the slot of which it is. */
  readonly state: () => { head: Uint8Array; applied: Seqn };
  readonly enqueue: (act: () => void) => void;
  readonly onBroken: (failure: DiskFailure) => void;
  /** The state up to a slot is durable without the log before it. */
  readonly onDone: (done: CheckpointDone) => void;
}

/** A checkpoint that is durable. */
export interface CheckpointDone {
  readonly number: number;
  readonly applied: Seqn;
  /** The snapshot's size. */
  readonly bytes: number;
}

/** What is written for every tick at least, in bytes: 12.8 MB/s. */
const TICK_BYTES = 128 << 10;
/** So that no turn is long for it. */
const PIECE_BYTES = 64 << 10;
/** So many at once, where the log grows fast. */
const PIECES_MAX = 4;
/** Much more than the log grows, so that it always comes to an end. */
const LOG_FACTOR = 3;
/** So that the kernel never has much to write at once, which others wait for. */
const SYNC_BYTES = 2 << 20;
/** After a failure it is tried again after so many ticks, */
const RETRY_TICKS = 100;
/** twice as many after each, up to so many: each takes space for a while. */
const RETRY_TICKS_MAX = 6_000;

/** A checkpoint that is under way. */
interface Progress {
  readonly number: number;
  readonly applied: Seqn;
  readonly image: ImageWriter;
  bytes: number;
  unsynced: number;
  /** Whether all its bytes are durable. */
  written: boolean;
}

/** A node's checkpoints, one at a time. */
export class Checkpoint {
  readonly #options: CheckpointOptions;
  #progress: Progress | undefined;
  /** Lists of operations that are not done. */
  #pending = 0;
  #budget = 0;
  #notBefore = 0;
  #retryTicks = RETRY_TICKS;
  #now = 0;
  /** What exists before the next one: to be removed by it. */
  #oldest: number;
  /** How many were given up: the image was lost, or the disk full. */
  failures = 0;

  /** `oldest` is the lowest number of any file that exists. */
  constructor(options: CheckpointOptions, oldest: number) {
    this.#options = options;
    this.#oldest = oldest;
  }

  /** Whether one is under way. */
  get running(): boolean {
    return this.#progress !== undefined;
  }

  /** How much of the one that is under way is written, in bytes. */
  get written(): number | undefined {
    return this.#progress?.bytes;
  }

  /** Whether one may begin now: none runs, and none has just failed. */
  get ready(): boolean {
    return !this.running && this.#pending === 0 && this.#now >= this.#notBefore;
  }

  /** Begins one, of the state as it is now. */
  begin(): void {
    assert(this.ready, "C26: one checkpoint is under way at a time");
    const { store, state, rotate } = this.#options;
    const { head, applied } = state();
    const number = rotate();
    const image = new ImageWriter(store, { head, pieceBytes: PIECE_BYTES });
    const file = partOf(snapshotName(number));
    const bytes = encodeHeader({
      ...this.#options.header(),
      kind: "snapshot",
      number,
      salt: new Uint8Array(8),
      firstBatch: 0,
    });
    this.#progress = {
      number,
      applied,
      image,
      bytes: bytes.length,
      unsynced: 0,
      written: false,
    };
    this.#perform([
      { type: "create", file },
      { type: "append", file, bytes },
    ]);
  }

  /** Time goes on, and the log has grown by so many bytes. */
  tick(now: number, logBytes: number): void {
    this.#now = now;
    if (this.#progress === undefined) return;
    this.#budget += Math.max(TICK_BYTES, LOG_FACTOR * logBytes);
    this.goOn();
  }

  /** Does what can be done now: something has become durable. */
  goOn(): void {
    const progress = this.#progress;
    if (progress === undefined || this.#pending > 0) return;
    if (progress.written) this.#finish(progress);
    else if (this.#budget > 0) this.#writePieces(progress);
  }

  /** Gives up the one that is under way; another may begin after a while. */
  giveUp(): void {
    const progress = this.#progress;
    if (progress === undefined) return;
    this.failures++;
    this.#end();
    this.#notBefore = this.#now + this.#retryTicks;
    this.#retryTicks = Math.min(2 * this.#retryTicks, RETRY_TICKS_MAX);
    const file = partOf(snapshotName(progress.number));
    this.#perform([{ type: "remove", file }]);
  }

  /** As many pieces as are due, but so few that no turn is long for them. */
  #writePieces(progress: Progress): void {
    const file = partOf(snapshotName(progress.number));
    const ops: DiskOp[] = [];
    let last = false;
    for (let n = 0; n < PIECES_MAX && this.#budget > 0 && !last; n++) {
      const piece = progress.image.next();
      if (piece === undefined) return this.giveUp(); // The image is lost.
      ops.push({ type: "append", file, bytes: pieceHead(piece.bytes) });
      ops.push({ type: "append", file, bytes: piece.bytes });
      const bytes = piece.bytes.length + 8;
      progress.bytes += bytes;
      progress.unsynced += bytes;
      this.#budget -= bytes;
      last = piece.last;
    }
    if (last || progress.unsynced >= SYNC_BYTES) {
      progress.unsynced = 0;
      ops.push({ type: "sync", file });
    }
    this.#perform(ops, () => progress.written = last);
  }

  /** C26: the log that goes with it is durable, then it gets its name. */
  #finish(progress: Progress): void {
    const { number } = progress;
    if (this.#options.durableSegment() < number) return;
    const to = snapshotName(number);
    const ops: DiskOp[] = [
      { type: "rename", file: partOf(to), to },
      { type: "syncDirectory" },
    ];
    this.#perform(ops, () => this.#forget(progress));
  }

  /** What came before is needed no more. */
  #forget(progress: Progress): void {
    if (progress !== this.#progress) return;
    const { number, applied, bytes } = progress;
    const ops: DiskOp[] = [];
    for (let old = this.#oldest; old < number; old++) {
      ops.push({ type: "remove", file: snapshotName(old) });
      ops.push({ type: "remove", file: logName(old) });
    }
    this.#oldest = number;
    this.#retryTicks = RETRY_TICKS;
    this.#end();
    this.#options.onDone({ number, applied, bytes });
    this.#perform(ops);
  }

  #end(): void {
    this.#progress?.image.close();
    this.#progress = undefined;
    this.#budget = 0;
  }

  #perform(ops: readonly DiskOp[], done: () => void = () => {}): void {
    const { disk, enqueue, onBroken } = this.#options;
    this.#pending++;
    disk.perform("snapshot", {
      ops,
      done: (failure) =>
        enqueue(() => {
          this.#pending--;
          if (failure === undefined) {
            done();
            this.goOn();
          } else if (failure.kind === "broken") onBroken(failure);
          else this.giveUp(); // The disk is full.
        }),
    });
  }
}
