/**
 * Reads a backup from a stream, and checks all of it on the way.
 *
 * @module
 */

import { type DataFileHeader, pieceHead, readHeader } from "../protocol/mod.ts";
import { DoozerError, LIMITS } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";
import { joinBytes } from "./output.ts";
import { type State, StateReader } from "./state_reader.ts";

/** A backup as it was read. */
export interface ReadBackup {
  readonly header: DataFileHeader;
  readonly state: State;
  readonly bytes: number;
}

/** A backup that is not what was written. */
export class BadBackup extends AdvisedError {
  readonly offset: number;
  readonly why: string;

  constructor(what: string, { offset, why, cause }: {
    offset: number;
    why: string;
    cause?: unknown;
  }) {
    const detail = `Cannot use ${what}: at byte ${offset}, ${why}`;
    super("OTHER", detail, { hint: "Take another backup", cause });
    this.offset = offset;
    this.why = why;
  }
}

/** All of a header fits into so many bytes. */
const HEADER_BYTES = 64 << 10;
const PIECE_HEAD_BYTES = 8;

/** Reads all of the stream; `what` is how a complaint calls it. */
export async function readBackup(
  stream: AsyncIterable<Uint8Array>,
  { what, onBytes = () => {} }: {
    what: string;
    onBytes?: (bytes: number) => void;
  },
): Promise<ReadBackup> {
  const input = new ByteQueue(stream);
  try {
    return await readAll(input, { what, onBytes });
  } finally {
    await input.close();
  }
}

async function readAll(
  input: ByteQueue,
  { what, onBytes }: { what: string; onBytes: (bytes: number) => void },
): Promise<ReadBackup> {
  const header = await readOwnHeader(input, what);
  const reader = new StateReader(what);
  for (let last = false; !last;) {
    const { offset } = input;
    try {
      const piece = await readPiece(input);
      last = await input.peek(1).then(({ length }) => length === 0);
      reader.add(piece, last);
    } catch (error) {
      throw complaint(what, { offset, error });
    }
    onBytes(input.offset);
  }
  try {
    return { header, state: reader.finish(), bytes: input.offset };
  } catch (error) {
    throw complaint(what, { offset: input.offset, error });
  }
}

async function readOwnHeader(
  input: ByteQueue,
  what: string,
): Promise<DataFileHeader> {
  const beginning = await input.peek(HEADER_BYTES);
  const read = readHeader(beginning);
  if ("why" in read) {
    const isPacked = beginning[0] === 0x1f && beginning[1] === 0x8b;
    const why = isPacked ? "it is packed with gzip: unpack it first" : read.why;
    throw new BadBackup(what, { offset: read.offset, why });
  }
  const { kind } = read.header;
  if (kind !== "backup") {
    throw new BadBackup(what, {
      offset: 0,
      why: `it is a ${kind} of a data directory, no backup`,
    });
  }
  await input.take(read.length);
  return read.header;
}

async function readPiece(input: ByteQueue): Promise<Uint8Array> {
  const head = await input.take(PIECE_HEAD_BYTES);
  if (head === undefined) throw wrong("the file ends before its last piece");
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
  if (length > LIMITS.frameBytes) {
    const most = LIMITS.frameBytes;
    throw wrong(`a piece has ${length} bytes, the limit is ${most}`);
  }
  const piece = await input.take(length);
  if (piece === undefined) throw wrong("the file ends within a piece");
  const wanted = pieceHead(piece);
  if (head.every((byte, at) => byte === wanted[at])) return piece;
  throw wrong("the checksum of a piece does not fit");
}

function wrong(why: string): DoozerError {
  return new DoozerError("OTHER", why);
}

/** Says where it is; the reader of pieces knows only what. */
function complaint(
  what: string,
  { offset, error }: { offset: number; error: unknown },
): unknown {
  if (!(error instanceof DoozerError)) return error;
  const why = error.detail.replace(`Cannot use ${what}: `, "");
  const words = why.charAt(0).toLowerCase() + why.slice(1);
  return new BadBackup(what, { offset, why: words, cause: error });
}

/** The bytes of a stream, in portions of any size. */
class ByteQueue {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #ended = false;
  /** How many bytes were taken. */
  offset = 0;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next bytes, which stay; fewer where the stream ends. */
  async peek(count: number): Promise<Uint8Array> {
    await this.#fill(count);
    return this.#join().subarray(0, count);
  }

  /** The next bytes, or undefined where there are not so many. */
  async take(count: number): Promise<Uint8Array | undefined> {
    await this.#fill(count);
    if (this.#heldBytes < count) return undefined;
    const all = this.#join();
    this.#held = [all.subarray(count)];
    this.#heldBytes -= count;
    this.offset += count;
    return all.subarray(0, count);
  }

  /** Reads no more. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #fill(count: number): Promise<void> {
    while (this.#heldBytes < count && !this.#ended) {
      const { done = false, value } = await this.#chunks.next();
      this.#ended = done;
      if (done) return;
      this.#held.push(value);
      this.#heldBytes += value.length;
    }
  }

  /** All that is held, as one. */
  #join(): Uint8Array {
    if (this.#held.length !== 1) this.#held = [joinBytes(this.#held)];
    return this.#held[0]!;
  }
}
