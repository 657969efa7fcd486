/**
 * Requests: what a client asks, and how it is written.
 *
 * Field numbers and verbs below 16 and 30 are the original's; see README.md.
 * Which fields are present matters, so a field that was not sent is
 * `undefined`.
 *
 * @module
 */
import { BYTES, VARINT, type WireReader, type WireWriter } from "./wire.ts";

/** The verbs by name, with their numbers on the wire. */
export const VERBS = {
  GET: 1,
  SET: 2,
  DEL: 3,
  REV: 5,
  WAIT: 6,
  NOP: 7,
  WALK: 9,
  GETDIR: 14,
  STAT: 16,
  SELF: 20,
  STATUS: 30,
  RECOVER: 31,
  BACKUP: 32,
  HELLO: 33,
  SESSION: 34,
  WATCH: 35,
  CANCEL: 36,
  CREDIT: 37,
  ACCESS: 99,
} as const;

/** The values of a request's field `read`. */
export const READ_WAYS = { local: 0, linearizable: 1 } as const;

/** The bits of a request's field `want`: what a watch is to tell, and not. */
export const WANTS = {
  /** The body that the file had before. */
  previous: 1,
  /** When the change was asked for, and by whom. */
  stamp: 2,
  /** No bodies. */
  noBody: 4,
  /** Not of files that were written. */
  noSet: 8,
  /** Not of files that were removed. */
  noDel: 16,
  /** Not of revs that changed nothing. */
  noNop: 32,
} as const;

/** All bits of {@linkcode WANTS}. */
export const WANTS_KNOWN = 63;

/** The name of a verb. */
export type Verb = keyof typeof VERBS;

/** A request as it was sent. Decoding reuses one object per connection. */
export interface ClientRequest {
  /** Chosen by the client, echoed in the answer. An int32. */
  tag: number | undefined;
  /** One of {@linkcode VERBS}' numbers, or one that we do not know. */
  verb: number;
  /** A path, or a glob. */
  path: string | undefined;
  /** A body, or a secret; in the connection's memory until the next frame. */
  value: Uint8Array | undefined;
  /** The place of an entry in a list, from 0. An int32. */
  offset: number | undefined;
  /** A rev of the tree or of a file. */
  rev: number | undefined;
  /** One of {@linkcode READ_WAYS}, or a value that we do not know. */
  read: number | undefined;
  /** The rev that the answering node must have reached. */
  minRev: number | undefined;
  /** The history that the client means; another is refused. */
  lineage: string | undefined;
  /** Bytes of answers that may be sent: at first (WATCH), or more (CREDIT). */
  window: number | undefined;
  /** Milliseconds between two progress marks of a watch. */
  progress: number | undefined;
  /** Bits of {@linkcode WANTS}. */
  want: number | undefined;
  /** The tag of the request that this one is about. An int32. */
  target: number | undefined;
  /** The id of the client's session that a command belongs to. */
  session: number | undefined;
  /** The command's number in its session, from 1. */
  number: number | undefined;
  /** The client knows the outcomes of its session's commands up to here. */
  acknowledged: number | undefined;
  /** Entries of a list that are wanted in one answer. */
  limit: number | undefined;
}

const TAG = 1 * 8 + VARINT;
const VERB = 2 * 8 + VARINT;
const PATH = 4 * 8 + BYTES;
const VALUE = 5 * 8 + BYTES;
const OFFSET = 7 * 8 + VARINT;
const REV = 9 * 8 + VARINT;
const READ = 17 * 8 + VARINT;
const MIN_REV = 18 * 8 + VARINT;
const LINEAGE = 19 * 8 + BYTES;
const WINDOW = 20 * 8 + VARINT;
const PROGRESS = 21 * 8 + VARINT;
const WANT = 22 * 8 + VARINT;
const TARGET = 23 * 8 + VARINT;
const SESSION = 24 * 8 + VARINT;
const NUMBER = 25 * 8 + VARINT;
const ACKNOWLEDGED = 26 * 8 + VARINT;
const LIMIT = 27 * 8 + VARINT;

/** A request without any field. */
export function emptyRequest(): ClientRequest {
  return {
    tag: undefined,
    verb: 0,
    path: undefined,
    value: undefined,
    offset: undefined,
    rev: undefined,
    read: undefined,
    minRev: undefined,
    lineage: undefined,
    window: undefined,
    progress: undefined,
    want: undefined,
    target: undefined,
    session: undefined,
    number: undefined,
    acknowledged: undefined,
    limit: undefined,
  };
}

/**
 * Reads a request into `request`. Of a field that is sent twice the last
 * counts; a known field of another wire type counts as an unknown one.
 *
 * @throws {ProtocolError} where the bytes are no message.
 */
export function decodeRequest(
  reader: WireReader,
  request: ClientRequest,
): void {
  clear(request);
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case TAG:
        request.tag = reader.int32();
        break;
      case VERB:
        request.verb = reader.int32();
        break;
      case PATH:
        request.path = reader.text();
        break;
      case VALUE:
        reader.skipBytes();
        request.value = reader.bytes.subarray(
          reader.start,
          reader.start + reader.length,
        );
        break;
      case OFFSET:
        request.offset = reader.int32();
        break;
      case REV:
        request.rev = reader.int64();
        break;
      default:
        readExtension(reader, tag, request);
    }
  }
}

function clear(request: ClientRequest): void {
  request.tag = undefined;
  request.verb = 0;
  request.path = undefined;
  request.value = undefined;
  request.offset = undefined;
  request.rev = undefined;
  request.read = undefined;
  request.minRev = undefined;
  request.lineage = undefined;
  request.window = undefined;
  request.progress = undefined;
  request.want = undefined;
  request.target = undefined;
  request.session = undefined;
  request.number = undefined;
  request.acknowledged = undefined;
  request.limit = undefined;
}

/** Fields that few requests have. */
function readExtension(
  reader: WireReader,
  tag: number,
  request: ClientRequest,
): void {
  switch (tag) {
    case READ:
      // Not an int32: the low bits of a senseless number could make sense.
      request.read = reader.int64();
      break;
    case MIN_REV:
      request.minRev = reader.int64();
      break;
    case LINEAGE:
      request.lineage = reader.text();
      break;
    case WINDOW:
      request.window = reader.int64();
      break;
    case PROGRESS:
      request.progress = reader.int64();
      break;
    case WANT:
      request.want = reader.int64();
      break;
    case TARGET:
      request.target = reader.int32();
      break;
    case SESSION:
      request.session = reader.int64();
      break;
    case NUMBER:
      request.number = reader.int64();
      break;
    case ACKNOWLEDGED:
      request.acknowledged = reader.int64();
      break;
    case LIMIT:
      request.limit = reader.int64();
      break;
    default:
      reader.skip(tag);
  }
}

/** Writes a request as a frame, its fields in ascending order. */
export function encodeRequest(
  writer: WireWriter,
  request: Readonly<ClientRequest>,
): void {
  const start = writer.beginFrame();
  if (request.tag !== undefined) writer.integer(1, request.tag);
  writer.integer(2, request.verb);
  if (request.path !== undefined) writer.text(4, request.path);
  const { value } = request;
  if (value !== undefined) {
    writer.bytes(5, { bytes: value, start: 0, length: value.length });
  }
  if (request.offset !== undefined) writer.integer(7, request.offset);
  if (request.rev !== undefined) writer.integer(9, request.rev);
  if (request.read !== undefined) writer.integer(17, request.read);
  if (request.minRev !== undefined) writer.integer(18, request.minRev);
  if (request.lineage !== undefined) writer.text(19, request.lineage);
  writeExtension(writer, request);
  writer.endFrame(start);
}

function writeExtension(
  writer: WireWriter,
  request: Readonly<ClientRequest>,
): void {
  if (request.window !== undefined) writer.integer(20, request.window);
  if (request.progress !== undefined) writer.integer(21, request.progress);
  if (request.want !== undefined) writer.integer(22, request.want);
  if (request.target !== undefined) writer.integer(23, request.target);
  if (request.session !== undefined) writer.integer(24, request.session);
  if (request.number !== undefined) writer.integer(25, request.number);
  if (request.acknowledged !== undefined) {
    writer.integer(26, request.acknowledged);
  }
  if (request.limit !== undefined) writer.integer(27, request.limit);
}
