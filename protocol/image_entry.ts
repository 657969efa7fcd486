/**
 * The entries of an image, as frames of protobuf fields.
 *
 * @module
 */
import type { ImageBase, ImageHeader, StoreEvent } from "../store/mod.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import type { WireReader, WireWriter } from "./wire.ts";

/** The first field of every entry tells what it is. */
const TYPE = 1;

/** The types, in the order in which they come. */
export const HEADER = 1;
export const HEAD = 2;
export const BASE = 3;
export const REVISION = 4;
export const END = 5;

const HEADER_FIELDS = {
  version: 2,
  first: 3,
  last: 4,
  hash: 5,
  files: 6,
  liveBytes: 7,
} as const;
const CONTENT = 2;
const CHECKSUM = 3;
const PATH = 4;
const REV = 5;
const KIND = 6;
const PREVIOUS = 7;
const TIME = 8;
const ORIGIN = 9;

const KIND_NUMBERS = { set: 1, del: 2, nop: 3 } as const;
const KINDS = ["set", "del", "nop"] as const;

type HeaderName = keyof typeof HEADER_FIELDS;

/** An image's header, and the version of the format. */
export type EntryHeader =
  & { -readonly [name in keyof ImageHeader]: number }
  & { version: number };

/** Writes the header. */
export function writeHeader(writer: WireWriter, header: EntryHeader): void {
  const start = begin(writer, HEADER);
  for (const name of Object.keys(HEADER_FIELDS) as HeaderName[]) {
    writer.integer(HEADER_FIELDS[name], header[name]);
  }
  writer.endFrame(start);
}

/** Writes a part of the head. */
export function writeHead(writer: WireWriter, part: Uint8Array): void {
  const start = begin(writer, HEAD);
  writer.bytes(CONTENT, { bytes: part, start: 0, length: part.length });
  writer.endFrame(start);
}

/** Writes a base. */
export function writeBase(writer: WireWriter, base: ImageBase): void {
  const start = begin(writer, BASE);
  writer.text(PATH, base.path);
  writer.integer(REV, base.rev);
  if (base.body !== undefined) writer.bytes(CONTENT, base.body);
  writer.endFrame(start);
}

/** Writes a revision. */
export function writeRevision(writer: WireWriter, event: StoreEvent): void {
  const start = begin(writer, REVISION);
  writer.integer(KIND, KIND_NUMBERS[event.kind]);
  writer.text(PATH, event.path);
  writer.integer(REV, event.rev);
  writer.integer(PREVIOUS, event.previousRev);
  writer.integer(TIME, event.time);
  writer.text(ORIGIN, event.origin);
  if (event.kind === "set") writer.bytes(CONTENT, event.body);
  writer.endFrame(start);
}

/** Writes the end. */
export function writeEnd(writer: WireWriter, checksum: number): void {
  const start = begin(writer, END);
  writer.integer(CHECKSUM, checksum);
  writer.endFrame(start);
}

function begin(writer: WireWriter, type: number): number {
  const start = writer.beginFrame();
  writer.integer(TYPE, type);
  return start;
}

/** The fields of an entry, used again for the next. */
export class ImageEntry {
  /** Which of the entries' types it has. */
  type = 0;
  /** Of the end. */
  checksum = 0;
  /** Of the header. */
  header: EntryHeader = noHeader();
  #kind = 0;
  #path = "";
  #rev = 0;
  #previous = 0;
  #time = 0;
  #origin = "";
  #likelyOrigin = "";
  #bytes = EMPTY;
  #start = 0;
  /** -1 where there is none. */
  #length = -1;

  /** Reads an entry; the content stays in the reader's memory. */
  read(reader: WireReader): void {
    this.#rev =
      this.#kind =
      this.#previous =
      this.#time =
        0;
    this.#path = this.#origin = "";
    this.#length = -1;
    const first = reader.done ? 0 : reader.tag();
    if (first !== TYPE * 8 + VARINT) refuse("An entry of an image has no type");
    this.type = reader.unsigned();
    while (!reader.done) {
      const tag = reader.tag();
      if (this.type === HEADER) this.#readHeaderField(reader, tag);
      else this.#readField(reader, tag);
    }
  }

  /** The bytes of a part of the head. */
  content(): Uint8Array {
    const { bytes, start, length } = this.#body;
    return bytes.subarray(start, start + length);
  }

  /** The fields as those of a base. */
  base(): ImageBase {
    const body = this.#length < 0 ? undefined : this.#body;
    return { path: this.#path, rev: this.#rev, body };
  }

  /** The fields as those of a revision. */
  event(): StoreEvent {
    const kind = KINDS[this.#kind - 1];
    if (kind === undefined) {
      refuse(`Cannot read a revision of kind ${this.#kind}`);
    }
    return {
      rev: this.#rev,
      path: this.#path,
      kind,
      previousRev: this.#previous,
      time: this.#time,
      origin: this.#origin,
      body: this.#body,
    };
  }

  get #body() {
    const length = Math.max(0, this.#length);
    return { bytes: this.#bytes, start: this.#start, length };
  }

  #readField(reader: WireReader, tag: number): void {
    if (tag === PATH * 8 + BYTES) this.#path = reader.text();
    else if (tag === REV * 8 + VARINT) this.#rev = reader.unsigned();
    else if (tag === KIND * 8 + VARINT) this.#kind = reader.unsigned();
    else if (tag === PREVIOUS * 8 + VARINT) this.#previous = reader.unsigned();
    else if (tag === TIME * 8 + VARINT) this.#time = reader.int64();
    else if (tag === ORIGIN * 8 + BYTES) {
      // Nearly always that of the entry before.
      this.#likelyOrigin = reader.textLike(this.#likelyOrigin);
      this.#origin = this.#likelyOrigin;
    } else if (tag === CHECKSUM * 8 + VARINT) {
      this.checksum = reader.unsigned();
    } else if (tag === CONTENT * 8 + BYTES) {
      reader.skipBytes();
      this.#bytes = reader.bytes;
      this.#start = reader.start;
      this.#length = reader.length;
    } else reader.skip(tag);
  }

  #readHeaderField(reader: WireReader, tag: number): void {
    const names = Object.keys(HEADER_FIELDS) as HeaderName[];
    const name = names.find((name) => tag === HEADER_FIELDS[name] * 8 + VARINT);
    if (name === undefined) reader.skip(tag);
    else this.header[name] = reader.unsigned();
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);

function noHeader(): EntryHeader {
  return { version: 0, first: 0, last: 0, hash: 0, files: 0, liveBytes: 0 };
}

function refuse(message: string): never {
  throw new ProtocolError(message);
}
