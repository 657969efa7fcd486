/**
 * Reading responses: what a client makes of the answers it gets.
 *
 * @module
 */
import { DoozerError, ERROR_CODES, type ErrorCode } from "../store/mod.ts";
import { ERROR_NUMBERS, PERMISSION_DENIED } from "./response.ts";
import { BYTES, VARINT, WireReader } from "./wire.ts";

const CODES = new Map<number, ErrorCode>(
  Object.entries(ERROR_NUMBERS).map((
    [code, number],
  ) => [number, code as ErrorCode]),
);

/** What the original wrote in front of what is wrong with a glob. */
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
  /** Of a watch's event: the rev of the file's event before, or 0. */
  prevRev: number | undefined;
  /** The same: the body that the file had before. */
  prevValue: Uint8Array | undefined;
  /** The same: when the change was asked for, in ms since 1970. */
  time: number | undefined;
  /** The same: by whom. */
  origin: string | undefined;
  /** The id of the session that was opened. */
  session: number | undefined;
  /** Entries of a list. */
  entries: ListEntry[] | undefined;
  /** The rev of the state that was read. */
  at: number | undefined;
}

/** An entry of a list, as it was received. */
export interface ListEntry {
  /** The path of a file (WALK), or the name of an entry (GETDIR). */
  readonly path: string;
  /** The file's rev; -2 for a directory. */
  readonly rev: number;
  /** The file's body; absent in a GETDIR's entries. */
  readonly value: Uint8Array | undefined;
  /** Bytes of the file, entries of the directory. */
  readonly len: number;
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
    prevRev: undefined,
    prevValue: undefined,
    time: undefined,
    origin: undefined,
    session: undefined,
    entries: undefined,
    at: undefined,
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
      response.value = copyOf(reader);
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
      readExtension(reader, tag, response);
  }
}

/** Fields that only answers to extended requests have. */
function readExtension(
  reader: WireReader,
  tag: number,
  response: ClientResponse,
): void {
  switch (tag) {
    case 16 * 8 + VARINT:
      response.prevRev = reader.int64();
      break;
    case 17 * 8 + BYTES:
      reader.skipBytes();
      response.prevValue = copyOf(reader);
      break;
    case 18 * 8 + VARINT:
      response.time = reader.int64();
      break;
    case 19 * 8 + BYTES:
      response.origin = reader.text();
      break;
    case 20 * 8 + VARINT:
      response.session = reader.int64();
      break;
    case 21 * 8 + BYTES:
      reader.skipBytes();
      (response.entries ??= []).push(readEntry(reader));
      break;
    case 22 * 8 + VARINT:
      response.at = reader.int64();
      break;
    default:
      reader.skip(tag);
  }
}

/** Reads the message that the reader has just passed. */
function readEntry({ bytes, start, length }: WireReader): ListEntry {
  const reader = new WireReader();
  reader.reset(bytes, { start, end: start + length });
  let path = "";
  let rev = 0;
  let value: Uint8Array | undefined;
  let len = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 1 * 8 + BYTES) path = reader.text();
    else if (tag === 2 * 8 + VARINT) rev = reader.int64();
    else if (tag === 3 * 8 + BYTES) {
      reader.skipBytes();
      value = copyOf(reader);
    } else if (tag === 4 * 8 + VARINT) len = reader.int64();
    else reader.skip(tag);
  }
  return { path, rev, value, len };
}

/** The bytes that the reader has just passed. */
function copyOf({ bytes, start, length }: WireReader): Uint8Array {
  return bytes.slice(start, start + length);
}
