/**
 * The part of protobuf that doozer's messages need, by hand.
 *
 * Written here and not taken from a library because every request passes
 * through it: numbers are read as numbers (exact to 2^53-1, beyond which they
 * saturate; clients send 2^62 to mean "whatever the rev is"), and bytes stay
 * where they are until somebody copies them.
 *
 * Source: the protobuf encoding specification (varints, tags, wire types).
 *
 * @module
 */
import { copyBytes } from "../store/mod.ts";

/** Bytes that are not what the protocol says: the connection ends. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}

/** The wire types, as the low three bits of a tag. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

const TWO_28 = 2 ** 28;
const TWO_56 = 2 ** 56;
const TWO_64 = 2 ** 64;
const FIELD_NUMBER_MAX = 2 ** 29 - 1;
const GROUP_DEPTH_MAX = 32;

/** Up to here a loop writes text faster than TextEncoder. */
const ASCII_LOOP_MAX = 256;

/**
 * A writer that has grown above this, or to four times what it began with,
 * gives its memory back when cleared: there are two for each client.
 */
const KEPT_BYTES = 32 << 10;

/** A cursor over the bytes of one message. */
export class WireReader {
  #bytes: Uint8Array = EMPTY;
  #at = 0;
  #end = 0;
  #length = 0;

  /** The memory that is read. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the bytes that {@linkcode skipBytes} passed start. */
  get start(): number {
    return this.#at - this.#length;
  }

  /** How many bytes {@linkcode skipBytes} passed. */
  get length(): number {
    return this.#length;
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.#at === this.#end;
  }

  /** Starts over, on the run of `bytes` from `start` to before `end`. */
  reset(bytes: Uint8Array, run: { start: number; end: number }): void {
    this.#bytes = bytes;
    this.#at = run.start;
    this.#end = run.end;
    this.#length = 0;
  }

  /** Reads a tag: a field's number times 8, plus its wire type. */
  tag(): number {
    const tag = this.unsigned();
    const field = Math.floor(tag / 8);
    if (field < 1 || field > FIELD_NUMBER_MAX) {
      this.#fail(`Cannot take ${field} for the number of a field`);
    }
    return tag;
  }

  /** Reads an int32: the low 32 bits of a varint, with their sign. */
  int32(): number {
    const bytes = this.#bytes;
    const first = bytes[this.#at]!;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    return this.#varint(true);
  }

  /** Reads an int64, saturating at plus and minus 2^53-1. */
  int64(): number {
    const value = this.unsigned();
    // 2^63-1 rounds to 2^63, so the value alone does not tell the sign.
    const negative = value >= TWO_64 / 2 && this.#negative < 0;
    const signed = negative ? this.#negative : value;
    return Math.max(
      -Number.MAX_SAFE_INTEGER,
      Math.min(Number.MAX_SAFE_INTEGER, signed),
    );
  }

  /** Reads a varint of up to 64 bits; above 2^53 the value is not exact. */
  unsigned(): number {
    const first = this.#bytes[this.#at]!;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    return this.#varint(false);
  }

  /** Reads a length and passes so many bytes: `start` and `length` tell. */
  skipBytes(): void {
    const length = this.unsigned();
    if (length > this.#end - this.#at) {
      this.#fail(
        `Cannot read ${length} bytes: the message has ${
          this.#end - this.#at
        } left`,
      );
    }
    this.#at += length;
    this.#length = length;
  }

  /** Reads a length and so many bytes as text. */
  text(): string {
    this.skipBytes();
    return decodeText(this.#bytes, this.start, this.#at);
  }

  /** Reads text that is likely `guess`, which is then not made again. */
  textLike(guess: string): string {
    this.skipBytes();
    const { start, length } = this;
    if (length !== guess.length) {
      return decodeText(this.#bytes, start, this.#at);
    }
    for (let i = 0; i < length; i++) {
      const byte = this.#bytes[start + i]!;
      if (byte !== guess.charCodeAt(i) || byte > 0x7f) {
        return decodeText(this.#bytes, start, this.#at);
      }
    }
    return guess;
  }

  /** Passes the value of a field that nobody asked for. */
  skip(tag: number, depth = 0): void {
    switch (tag % 8) {
      case VARINT:
        this.unsigned();
        return;
      case FIXED64:
        return this.#advance(8);
      case BYTES:
        return this.skipBytes();
      case FIXED32:
        return this.#advance(4);
      case GROUP_START:
        return this.#skipGroup(tag - GROUP_START + GROUP_END, depth + 1);
      case GROUP_END:
        return this.#fail("A group ends that has not begun");
      default:
        this.#fail(`Cannot read wire type ${tag % 8}`);
    }
  }

  /** Passes all fields up to the tag that ends this group, and no other. */
  #skipGroup(end: number, depth: number): void {
    if (depth > GROUP_DEPTH_MAX) this.#fail("Groups nest too deep");
    for (let tag = this.tag(); tag !== end; tag = this.tag()) {
      this.skip(tag, depth);
    }
  }

  /** The value of the last long varint where bit 63 is set, else 0. */
  #negative = 0;

  /**
   * Reads a varint bit by bit group: 28 low bits, 28 middle bits, 8 high ones,
   * none of which a bitwise operator can overflow.
   */
  #varint(as32: boolean): number {
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let shift = 0;; shift += 7) {
      if (this.#at >= this.#end) this.#fail("The message ends in a number");
      if (shift >= 70) this.#fail("A number has more than 10 bytes");
      const byte = this.#bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift < 56) middle |= bits << (shift - 28);
      else high |= (bits << (shift - 56)) & 0xff;
      if (byte < 0x80) break;
    }
    if (as32) return low | (middle << 28);
    this.#negative = high < 0x80
      ? 0
      : -((0xff - high) * TWO_56 + (TWO_28 - 1 - middle) * TWO_28 +
        (TWO_28 - 1 - low) + 1);
    return high * TWO_56 + middle * TWO_28 + low;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) {
      this.#fail("The message ends in a number");
    }
    this.#at += length;
  }

  #fail(message: string): never {
    throw new ProtocolError(`${message}, at byte ${this.#at}`);
  }
}

/** The bytes of messages one after the other, in a buffer that grows. */
export class WireWriter {
  readonly #initialBytes: number;
  #bytes: Uint8Array;
  #at = 0;

  constructor(initialBytes = 4096) {
    this.#initialBytes = initialBytes;
    this.#bytes = new Uint8Array(initialBytes);
  }

  /** How many bytes were written since the last {@linkcode take}. */
  get length(): number {
    return this.#at;
  }

  /** What was written, in the writer's own memory. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Forgets what was written; the memory is used again, unless it is much. */
  clear(): void {
    this.#at = 0;
    if (this.#bytes.length > Math.max(KEPT_BYTES, 4 * this.#initialBytes)) {
      this.#bytes = new Uint8Array(this.#initialBytes);
    }
  }

  /** Starts a frame; its length is written by {@linkcode endFrame}. */
  beginFrame(): number {
    this.#reserve(4);
    this.#at += 4;
    return this.#at;
  }

  /** Ends the frame whose body starts at `start`. */
  endFrame(start: number): void {
    const length = this.#at - start;
    const bytes = this.#bytes;
    bytes[start - 4] = length >>> 24;
    bytes[start - 3] = length >>> 16;
    bytes[start - 2] = length >>> 8;
    bytes[start - 1] = length;
  }

  /** Writes a field that holds an integer; negative ones take ten bytes. */
  integer(field: number, value: number): void {
    this.#reserve(15);
    this.#unsigned(field * 8 + VARINT);
    if (value >= 0) this.#unsigned(value);
    else this.#negative(value);
  }

  /** Writes a field that holds a run of bytes. */
  bytes(
    field: number,
    run: { bytes: Uint8Array; start: number; length: number },
  ): void {
    this.#reserve(15 + run.length);
    this.#unsigned(field * 8 + BYTES);
    this.#unsigned(run.length);
    copyBytes(run.bytes, {
      from: run.start,
      length: run.length,
      to: this.#bytes,
    }, this.#at);
    this.#at += run.length;
  }

  /** Writes fields that were written elsewhere, as they are. */
  fields(run: { bytes: Uint8Array; start: number; length: number }): void {
    const { length } = run;
    this.#reserve(length);
    const place = { from: run.start, length, to: this.#bytes };
    copyBytes(run.bytes, place, this.#at);
    this.#at += length;
  }

  /** Writes a field that holds text. */
  text(field: number, text: string): void {
    if (text.length < ASCII_LOOP_MAX && this.#ascii(field, text)) return;
    const bytes = ENCODER.encode(text);
    this.bytes(field, { bytes, start: 0, length: bytes.length });
  }

  /** Writes short ASCII text, which nearly all is; tells whether it was. */
  #ascii(field: number, text: string): boolean {
    this.#reserve(15 + text.length);
    const before = this.#at;
    this.#unsigned(field * 8 + BYTES);
    this.#unsigned(text.length);
    const bytes = this.#bytes;
    const at = this.#at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#at = before;
        return false;
      }
      bytes[at + i] = code;
    }
    this.#at = at + text.length;
    return true;
  }

  #unsigned(value: number): void {
    const bytes = this.#bytes;
    let rest = value;
    while (rest >= 0x80) {
      // Bitwise operators see 32 bits only; division sees all 53.
      bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    bytes[this.#at++] = rest;
  }

  /** Ten bytes: the 64-bit two's complement of the value. */
  #negative(value: number): void {
    const bytes = this.#bytes;
    let rest = -value - 1;
    for (let i = 0; i < 9; i++) {
      bytes[this.#at++] = (0x7f - (rest % 128)) | 0x80;
      rest = Math.floor(rest / 128);
    }
    bytes[this.#at++] = 1;
  }

  #reserve(length: number): void {
    const needed = this.#at + length;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

const EMPTY = new Uint8Array(0);
const ENCODER = new TextEncoder();
// A byte order mark is kept: two spellings of a path must not be one path.
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of a run of bytes; what is not UTF-8 becomes U+FFFD. */
export function decodeText(
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  return DECODER.decode(bytes.subarray(start, end));
}

/** The bytes of a text in UTF-8. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}
