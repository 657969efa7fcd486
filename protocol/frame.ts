/**
 * Frames: a length of four bytes, big-endian, then so many bytes of message.
 *
 * Chunks go in, messages come out; what is incomplete waits. A length above
 * the limit is refused before a byte of it is stored, negative ones included
 * (the original read the length as a signed number and died of one).
 *
 * @module
 */
import { LIMITS } from "../store/mod.ts";
import { ProtocolError } from "./wire.ts";

const HEADER_BYTES = 4;
const INITIAL_BYTES = 16 << 10;
const KEPT_BYTES_MAX = 64 << 10;

/** Cuts what a connection sends into messages. */
export class FrameDecoder {
  readonly #bodyBytesMax: number;
  #bytes: Uint8Array;
  #from = 0;
  #to = 0;
  #start = 0;
  #end = 0;
  #frames = 0;

  constructor(options: { bodyBytesMax?: number } = {}) {
    this.#bodyBytesMax = options.bodyBytesMax ?? LIMITS.frameBytes;
    this.#bytes = new Uint8Array(INITIAL_BYTES);
  }

  /** The memory that holds the message. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the message that {@linkcode next} found starts. */
  get start(): number {
    return this.#start;
  }

  /** Where the message that {@linkcode next} found ends. */
  get end(): number {
    return this.#end;
  }

  /** How much memory is held for what has arrived. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** How many messages were found so far. */
  get frames(): number {
    return this.#frames;
  }

  /** How many bytes wait for {@linkcode next}. */
  get waiting(): number {
    return this.#to - this.#from;
  }

  /** Adds what has arrived. The chunk is copied. Voids the last message. */
  push(chunk: Uint8Array): void {
    const room = this.space(chunk.length);
    room.set(chunk);
    this.filled(chunk.length);
  }

  /** Room for at least so many bytes, to read into. Voids the last message. */
  space(bytes: number): Uint8Array {
    if (this.#from === this.#to) this.#restart();
    if (this.#to + bytes > this.#bytes.length) this.#makeRoom(bytes);
    return this.#bytes.subarray(this.#to);
  }

  /** Tells how many bytes of the last {@linkcode space} were filled. */
  filled(bytes: number): void {
    this.#to += bytes;
  }

  /**
   * Finds the next whole message: `bytes` from `start` to before `end`.
   *
   * @throws {ProtocolError} where the length is above the limit.
   */
  next(): boolean {
    const waiting = this.waiting;
    if (waiting < HEADER_BYTES) return false;
    const length = this.#length();
    if (length > this.#bodyBytesMax) {
      throw new ProtocolError(
        `The frame has ${length} bytes, the limit is ${this.#bodyBytesMax}`,
      );
    }
    if (waiting < HEADER_BYTES + length) return false;
    this.#start = this.#from + HEADER_BYTES;
    this.#end = this.#start + length;
    this.#from = this.#end;
    this.#frames++;
    return true;
  }

  /** The length that the frame's header tells, as an unsigned number. */
  #length(): number {
    const bytes = this.#bytes;
    const at = this.#from;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) |
      (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** Nothing waits: starts at the front, in less memory if it was much. */
  #restart(): void {
    this.#from = this.#to = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) {
      this.#bytes = new Uint8Array(INITIAL_BYTES);
    }
  }

  #makeRoom(bytes: number): void {
    const waiting = this.waiting;
    const needed = waiting + bytes;
    const size = this.#bytes.length;
    if (needed <= size) {
      this.#bytes.copyWithin(0, this.#from, this.#to);
    } else {
      const larger = new Uint8Array(Math.max(needed, size * 2));
      larger.set(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = larger;
    }
    this.#from = 0;
    this.#to = waiting;
  }
}
