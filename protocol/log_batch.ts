/**
 * Batches of records, as a segment of the log holds them after its header.
 *
 * A batch is a head of 20 bytes and the records. The head has its own
 * checksum, into which the file's salt and the head's place in the file go: no
 * copy of a head is one, neither in a record nor in another file.
 *
 * A batch is written only when the one before it is safe on the disk. So where
 * a later head is found, damage is damage; where none is, the last write was
 * cut short, and what it held was never answered for.
 *
 * @module
 */
import { assert } from "../store/mod.ts";
import { crc32c } from "./crc32c.ts";
import type { Damage } from "./data_file.ts";
import { encodeRecord, type LogRecord } from "./log_record.ts";
import { WireWriter } from "./wire.ts";

/** Where the parts of a head are. Numbers have their highest byte first. */
const LENGTH_AT = 0;
const CRC_AT = 4;
const NUMBER_AT = 8;
const HEAD_CRC_AT = 16;
const HEAD_BYTES = 20;

const TWO_32 = 2 ** 32;
/** Above it a batch's number would not be exact. */
const HIGH_MAX = 2 ** 21 - 1;

/** A writer keeps four times as much memory, and gives back what is more. */
const INITIAL_BYTES = 256 << 10;

/** Gathers records for one write. */
export class BatchWriter {
  readonly #writer = new WireWriter(INITIAL_BYTES);

  constructor() {
    this.#leaveRoom();
  }

  /** How many bytes of records there are. */
  get length(): number {
    return this.#writer.length - HEAD_BYTES;
  }

  /** Adds a record; its value is copied. */
  add(record: LogRecord): void {
    encodeRecord(this.#writer, record);
  }

  /**
   * The whole batch, for this place in a file. It lies in the writer's memory,
   * and is good until {@linkcode clear}.
   */
  seal(
    place: { number: number; offset: number; salt: Uint8Array },
  ): Uint8Array {
    const { number, offset, salt } = place;
    assert(Number.isSafeInteger(number), "a batch's number is exact");
    assert(this.length < TWO_32, "a batch's length has 32 bits");
    const bytes = this.#writer.written();
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(LENGTH_AT, this.length);
    view.setUint32(CRC_AT, crc32c(bytes, { start: HEAD_BYTES }));
    view.setUint32(NUMBER_AT, Math.floor(number / TWO_32));
    view.setUint32(NUMBER_AT + 4, number % TWO_32);
    view.setUint32(HEAD_CRC_AT, new HeadSum(salt).of(bytes, { at: 0, offset }));
    return bytes;
  }

  /** Forgets the records; the memory is used again, up to 1 MiB of it. */
  clear(): void {
    this.#writer.clear();
    this.#leaveRoom();
  }

  /** For the head, which comes before what it sums up. */
  #leaveRoom(): void {
    for (let at = 0; at < HEAD_BYTES; at += 4) this.#writer.beginFrame();
  }
}

/** A batch that was read. */
export interface LogBatch {
  /** Batches count on through all segments. */
  readonly number: number;
  /** Where its head is in the file. */
  readonly offset: number;
  /** The records, in the memory that was read. */
  readonly payload: Uint8Array;
}

/** What is wrong after the batches that are right. */
export interface BatchDamage extends Damage {
  /**
   * Whether a later batch seals what is damaged, or it is the first of the
   * file. Then it is no torn end: it had been whole.
   */
  readonly sealed: boolean;
}

/** The batches of a segment, as far as they are right. */
export interface BatchesRead {
  /** Those before the first that is wrong. */
  readonly batches: readonly LogBatch[];
  /** Where they end. */
  readonly end: number;
  /** What is wrong there, if anything is. */
  readonly damage: BatchDamage | undefined;
}

/**
 * Reads the batches of a segment, all of whose bytes are given: `start` is
 * where its header ends, `number` that of its first batch. A segment without
 * a batch is damaged, for it is given its name when it has one.
 */
export function readBatches(
  bytes: Uint8Array,
  place: { start: number; number: number; salt: Uint8Array },
): BatchesRead {
  const { start, salt } = place;
  const segment = new Segment(bytes, salt);
  const batches: LogBatch[] = [];
  let offset = start;
  let number = place.number;
  while (offset < bytes.length || number === place.number) {
    const batch = segment.read(offset, number);
    if ("why" in batch) {
      const sealed = batch.sealed || number === place.number ||
        segment.hasLater(offset, number);
      return { batches, end: offset, damage: { ...batch, sealed } };
    }
    batches.push(batch);
    offset += HEAD_BYTES + batch.payload.length;
    number++;
  }
  return { batches, end: offset, damage: undefined };
}

/** The bytes of a segment. */
class Segment {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #sum: HeadSum;

  constructor(bytes: Uint8Array, salt: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#sum = new HeadSum(salt);
  }

  /** The batch of that number, which is here unless something is wrong. */
  read(offset: number, number: number): LogBatch | BatchDamage {
    const left = this.#bytes.length - offset - HEAD_BYTES;
    if (left < 0) {
      const why = `the file ends within the head of batch ${number}`;
      return { offset, why, sealed: false };
    }
    if (!this.#isHead(offset)) {
      const why = `the checksum of the head of batch ${number} does not fit`;
      return { offset, why, sealed: false };
    }
    const found = this.#numberAt(offset);
    if (found !== number) {
      // No write that was cut short makes a head that is right.
      const why = `here is batch ${found}, batch ${number} should be`;
      return { offset, why, sealed: true };
    }
    const length = this.#view.getUint32(offset + LENGTH_AT);
    if (length > left) {
      const why = `batch ${number} has ${length} bytes, the file has ${left}`;
      return { offset, why, sealed: false };
    }
    const start = offset + HEAD_BYTES;
    const end = start + length;
    const crc = this.#view.getUint32(offset + CRC_AT);
    if (crc32c(this.#bytes, { start, end }) !== crc) {
      const why = `the checksum of batch ${number} does not fit`;
      return { offset, why, sealed: false };
    }
    return { number, offset, payload: this.#bytes.subarray(start, end) };
  }

  /** Whether the head of a batch that comes after this one is anywhere. */
  hasLater(offset: number, number: number): boolean {
    const last = this.#bytes.length - HEAD_BYTES;
    for (let at = offset + HEAD_BYTES; at <= last; at++) {
      const later = this.#numberAt(at) - number;
      // Each batch in between takes a head. This is false nearly everywhere,
      // and spares the checksum.
      if (later < 1 || later > (at - offset) / HEAD_BYTES) continue;
      if (this.#isHead(at)) return true;
    }
    return false;
  }

  #isHead(at: number): boolean {
    const crc = this.#sum.of(this.#bytes, { at, offset: at });
    return this.#view.getUint32(at + HEAD_CRC_AT) === crc &&
      this.#view.getUint32(at + NUMBER_AT) <= HIGH_MAX;
  }

  #numberAt(at: number): number {
    return this.#view.getUint32(at + NUMBER_AT) * TWO_32 +
      this.#view.getUint32(at + NUMBER_AT + 4);
  }
}

/** The checksums of heads in one file. */
class HeadSum {
  readonly #seed: number;
  readonly #place = new Uint8Array(8);
  readonly #view = new DataView(this.#place.buffer);

  constructor(salt: Uint8Array) {
    this.#seed = crc32c(salt);
  }

  /** Of the head that `bytes` have at `at`, and the file at `offset`. */
  of(
    bytes: Uint8Array,
    { at, offset }: { at: number; offset: number },
  ): number {
    this.#view.setUint32(0, Math.floor(offset / TWO_32));
    this.#view.setUint32(4, offset % TWO_32);
    const seed = crc32c(this.#place, { seed: this.#seed });
    return crc32c(bytes, { start: at, end: at + HEAD_CRC_AT, seed });
  }
}
