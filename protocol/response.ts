/**
 * Responses: what a server answers, and how it is written.
 *
 * A response is written straight into its connection's output, its fields in
 * ascending order. Old clients dereference fields without looking whether they
 * are there, so each verb's answer has exactly the fields that it always had.
 *
 * Codes that the original did not have travel as OTHER, with the code in front
 * of the detail: an old client sees an OTHER, as it always might.
 *
 * @module
 */
import {
  type BodyView,
  DoozerError,
  ERROR_CODES,
  type ErrorCode,
  type Refusal,
  type StoreEvent,
} from "../store/mod.ts";
import { BYTES, VARINT, type WireReader, type WireWriter } from "./wire.ts";
import { encodeText } from "./wire.ts";

/** The flags of an event's answer, by its kind. */
export const EVENT_FLAGS = { nop: 0, set: 4, del: 8 } as const;

/** The flags of a backup's answer: whether the piece is the last one. */
export const BACKUP_FLAGS = { more: 0, last: 1 } as const;

/** Error codes that have a number of their own on the wire. */
const NUMBERS: Partial<Record<ErrorCode, number>> = {
  TAG_IN_USE: 1,
  UNKNOWN_VERB: 2,
  READONLY: 3,
  TOO_LATE: 4,
  REV_MISMATCH: 5,
  BAD_PATH: 6,
  MISSING_ARG: 7,
  RANGE: 8,
  NOTDIR: 20,
  ISDIR: 21,
  NOENT: 22,
};
const OTHER_NUMBER = 127;
const CODES = new Map<number, ErrorCode>(
  Object.entries(NUMBERS).map(([code, number]) => [number, code as ErrorCode]),
);

/** What the original wrote after OTHER, where a code of ours stands for it. */
const PERMISSION_DENIED = "permission denied";
const INVALID_GLOB = "invalid glob pattern: ";

/** A response as it was received; absent fields are undefined. */
export interface ClientResponse {
  tag: number | undefined;
  flags: number | undefined;
  rev: number | undefined;
  path: string | undefined;
  value: Uint8Array | undefined;
  len: number | undefined;
  errCode: number | undefined;
  errDetail: string | undefined;
}

/** Writes responses as frames. */
export class ResponseEncoder {
  /** Where the next response goes. */
  writer: WireWriter;

  constructor(writer: WireWriter) {
    this.writer = writer;
  }

  /** Answers with the tag alone: DEL, NOP, ACCESS. */
  done(tag: number | undefined): void {
    const start = this.#begin(tag);
    this.writer.endFrame(start);
  }

  /** Answers SET and REV. */
  rev(tag: number | undefined, rev: number): void {
    const start = this.#begin(tag);
    this.writer.integer(3, rev);
    this.writer.endFrame(start);
  }

  /** Answers GET; a missing file has rev 0 and an empty body. */
  file(
    tag: number | undefined,
    file: { rev: number; body: BodyView },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(3, file.rev);
    this.writer.bytes(6, file.body);
    this.writer.endFrame(start);
  }

  /** Answers STAT. */
  stat(tag: number | undefined, stat: { rev: number; len: number }): void {
    const start = this.#begin(tag);
    this.writer.integer(3, stat.rev);
    this.writer.integer(8, stat.len);
    this.writer.endFrame(start);
  }

  /** Answers WAIT and WALK. */
  event(
    tag: number | undefined,
    event: { flags: number; rev: number; path: string; body: BodyView },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(2, event.flags);
    this.writer.integer(3, event.rev);
    this.writer.text(5, event.path);
    this.writer.bytes(6, event.body);
    this.writer.endFrame(start);
  }

  /** Answers WAIT with its event, or that there will be none. */
  waited(tag: number | undefined, result: StoreEvent | Refusal): void {
    if ("code" in result) return this.error(tag, result.code, result.detail);
    const { kind, rev, path, body } = result;
    this.event(tag, { flags: EVENT_FLAGS[kind], rev, path, body });
  }

  /** Answers GETDIR: the name of an entry. */
  name(tag: number | undefined, name: string): void {
    const start = this.#begin(tag);
    this.writer.text(5, name);
    this.writer.endFrame(start);
  }

  /** Answers BACKUP: a piece of the image of that rev. */
  piece(
    tag: number | undefined,
    { rev, bytes, last }: { rev: number; bytes: Uint8Array; last: boolean },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(2, last ? BACKUP_FLAGS.last : BACKUP_FLAGS.more);
    this.writer.integer(3, rev);
    this.writer.bytes(6, { bytes, start: 0, length: bytes.length });
    this.writer.endFrame(start);
  }

  /** Answers SELF. */
  text(tag: number | undefined, text: string): void {
    const bytes = encodeText(text);
    const start = this.#begin(tag);
    this.writer.bytes(6, { bytes, start: 0, length: bytes.length });
    this.writer.endFrame(start);
  }

  /** Answers that it cannot be done. */
  error(tag: number | undefined, code: ErrorCode, detail?: string): void {
    const start = this.#begin(tag);
    const number = NUMBERS[code];
    this.writer.integer(100, number ?? OTHER_NUMBER);
    if (number === undefined) {
      this.writer.text(101, otherDetail(code, detail));
    }
    this.writer.endFrame(start);
  }

  #begin(tag: number | undefined): number {
    const start = this.writer.beginFrame();
    if (tag !== undefined) this.writer.integer(1, tag);
    return start;
  }
}

function otherDetail(code: ErrorCode, detail: string | undefined): string {
  switch (code) {
    case "DENIED":
      return PERMISSION_DENIED;
    case "BAD_GLOB":
    case "OTHER":
      return detail ?? ERROR_CODES[code];
    default:
      return `${code}: ${detail ?? ERROR_CODES[code]}`;
  }
}

/** The error that a response carries, if it does. */
export function errorOf(response: ClientResponse): DoozerError | undefined {
  const { errCode, errDetail = "" } = response;
  if (errCode === undefined) return undefined;
  const code = CODES.get(errCode);
  if (code !== undefined) {
    return new DoozerError(code, errDetail || ERROR_CODES[code]);
  }
  if (errDetail === PERMISSION_DENIED) {
    return new DoozerError("DENIED", errDetail);
  }
  if (errDetail.startsWith(INVALID_GLOB)) {
    return new DoozerError("BAD_GLOB", errDetail);
  }
  const colon = errDetail.indexOf(": ");
  const word = errDetail.slice(0, Math.max(0, colon));
  return Object.hasOwn(ERROR_CODES, word)
    ? new DoozerError(word as ErrorCode, errDetail.slice(colon + 2))
    : new DoozerError("OTHER", errDetail);
}

/**
 * Reads a response. Its body is copied: it outlives the frame.
 *
 * @throws {ProtocolError} where the bytes are no message.
 */
export function decodeResponse(reader: WireReader): ClientResponse {
  const response: ClientResponse = {
    tag: undefined,
    flags: undefined,
    rev: undefined,
    path: undefined,
    value: undefined,
    len: undefined,
    errCode: undefined,
    errDetail: undefined,
  };
  while (!reader.done) readField(reader, response);
  return response;
}

function readField(reader: WireReader, response: ClientResponse): void {
  const tag = reader.tag();
  switch (tag) {
    case 1 * 8 + VARINT:
      response.tag = reader.int32();
      break;
    case 2 * 8 + VARINT:
      response.flags = reader.int32();
      break;
    case 3 * 8 + VARINT:
      response.rev = reader.int64();
      break;
    case 5 * 8 + BYTES:
      response.path = reader.text();
      break;
    case 6 * 8 + BYTES:
      reader.skipBytes();
      response.value = reader.bytes.slice(
        reader.start,
        reader.start + reader.length,
      );
      break;
    case 8 * 8 + VARINT:
      response.len = reader.int32();
      break;
    case 100 * 8 + VARINT:
      response.errCode = reader.int32();
      break;
    case 101 * 8 + BYTES:
      response.errDetail = reader.text();
      break;
    default:
      reader.skip(tag);
  }
}
