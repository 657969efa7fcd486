/**
 * A second, tiny implementation of frames and protobuf, for tests only.
 *
 * It shares nothing with protocol/, so a fault in one codec shows against the
 * other. It writes exactly the fields it is given, also senseless ones, and
 * reports exactly the fields that came, in the order they came, with their
 * bytes: which fields are present is part of what old clients depend on.
 *
 * @module
 */

/** Verbs by name; a number stands for itself, so unknown ones can be sent. */
export const VERBS: Readonly<Record<string, number>> = {
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
};

const ERRORS: ReadonlyMap<number, string> = new Map([
  [1, "TAG_IN_USE"],
  [2, "UNKNOWN_VERB"],
  [3, "READONLY"],
  [4, "TOO_LATE"],
  [5, "REV_MISMATCH"],
  [6, "BAD_PATH"],
  [7, "MISSING_ARG"],
  [8, "RANGE"],
  [20, "NOTDIR"],
  [21, "ISDIR"],
  [22, "NOENT"],
  [127, "OTHER"],
]);

/** The fields of a request; only those given are sent. */
export interface RawRequest {
  tag?: number;
  verb?: string | number;
  path?: string | Uint8Array;
  value?: string | Uint8Array;
  other_tag?: number;
  offset?: number;
  rev?: number | bigint;
  read?: number | bigint;
  min_rev?: number | bigint;
  lineage?: string;
  window?: number | bigint;
  progress?: number | bigint;
  want?: number | bigint;
  target?: number;
  session?: number | bigint;
  number?: number | bigint;
  acknowledged?: number | bigint;
  limit?: number | bigint;
}

/** The fields of a response; only those that came are set. */
export interface RawResponse {
  tag?: number;
  flags?: number;
  rev?: number;
  path?: string;
  value?: Uint8Array;
  len?: number;
  err_code?: string;
  err_detail?: string;
  prev_rev?: number;
  prev_value?: Uint8Array;
  time?: number;
  origin?: string;
  session?: number;
  entries?: RawEntry[];
  at?: number;
}

/** The fields of a list's entry; only those that came are set. */
export interface RawEntry {
  path?: string;
  rev?: number;
  value?: Uint8Array;
  len?: number;
}

/** One field as it stood in the message: its number and all its bytes. */
export interface RawField {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** A response, the fields in the order they came, and the whole message. */
export interface RawAnswer {
  readonly response: RawResponse;
  readonly fields: readonly RawField[];
  readonly bytes: Uint8Array;
}

/** Numbers of the fields that only extended requests have. */
const EXTENSION_FIELDS = {
  window: 20,
  progress: 21,
  want: 22,
  target: 23,
  session: 24,
  number: 25,
  acknowledged: 26,
  limit: 27,
} as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Joins byte arrays. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The bytes of a protobuf varint; negative numbers take ten bytes. */
export function encodeVarint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** One varint field. */
export function encodeNumber(
  number: number,
  value: number | bigint,
): Uint8Array {
  return concatBytes([encodeVarint(number << 3), encodeVarint(value)]);
}

/** One length-delimited field. */
export function encodeBytes(
  number: number,
  value: string | Uint8Array,
): Uint8Array {
  const bytes = toBytes(value);
  const key = encodeVarint((number << 3) | 2);
  return concatBytes([key, encodeVarint(bytes.length), bytes]);
}

/** A request as protobuf, without its frame. */
export function encodeRawRequest(request: RawRequest): Uint8Array {
  const { tag, verb, path, value, other_tag, offset, rev } = request;
  const { read, min_rev, lineage } = request;
  const parts: Uint8Array[] = [];
  if (tag !== undefined) parts.push(encodeNumber(1, tag));
  if (verb !== undefined) parts.push(encodeNumber(2, verbNumber(verb)));
  if (path !== undefined) parts.push(encodeBytes(4, path));
  if (value !== undefined) parts.push(encodeBytes(5, value));
  if (other_tag !== undefined) parts.push(encodeNumber(6, other_tag));
  if (offset !== undefined) parts.push(encodeNumber(7, offset));
  if (rev !== undefined) parts.push(encodeNumber(9, rev));
  if (read !== undefined) parts.push(encodeNumber(17, read));
  if (min_rev !== undefined) parts.push(encodeNumber(18, min_rev));
  if (lineage !== undefined) parts.push(encodeBytes(19, lineage));
  for (const [name, number] of Object.entries(EXTENSION_FIELDS)) {
    const value = request[name as keyof typeof EXTENSION_FIELDS];
    if (value !== undefined) parts.push(encodeNumber(number, value));
  }
  return concatBytes(parts);
}

/** A message behind its four-byte length. */
export function frame(body: Uint8Array): Uint8Array {
  return concatBytes([frameHeader(body.length), body]);
}

/** The four bytes that claim a length, true or not, negative or not. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setInt32(0, length);
  return header;
}

/** A request in its frame, ready to send. */
export function frameRequest(request: RawRequest): Uint8Array {
  return frame(encodeRawRequest(request));
}

/** Splits a protobuf message into its fields, in their order. */
export function splitFields(bytes: Uint8Array): RawField[] {
  const fields: RawField[] = [];
  let at = 0;
  while (at < bytes.length) {
    const key = readVarint(bytes, at);
    const end = endOfField(bytes, {
      at: key.end,
      wire: Number(key.value & 7n),
    });
    fields.push({
      number: Number(key.value >> 3n),
      bytes: bytes.subarray(at, end),
    });
    at = end;
  }
  return fields;
}

/** The verbs that read, and so may ask for more than a copy as it is. */
const READING: ReadonlySet<number | undefined> = new Set(
  ["GET", "STAT", "GETDIR", "WALK", "REV", "BACKUP"].map((verb) => VERBS[verb]),
);

/**
 * What a client has asked for that old ones do not: the answers to these reads
 * may say `at` which rev they read, and no others.
 */
export class AskedReads {
  readonly #left: Map<number | undefined, number> = new Map();

  /** It sends the request. */
  sent({ tag, verb, read = 0, min_rev }: RawRequest): void {
    const more = BigInt(read) !== 0n || min_rev !== undefined;
    if (!more || !READING.has(verbNumber(verb ?? 0))) return;
    this.#left.set(tag, (this.#left.get(tag) ?? 0) + 1);
  }

  /** It got the response. */
  came({ tag, at }: RawResponse): void {
    if (at === undefined) return;
    const left = this.#left.get(tag) ?? 0;
    if (left === 0) throw new Error(`Tag ${tag} did not ask at which rev`);
    this.#left.set(tag, left - 1);
  }
}

/**
 * Decodes a response; a field that no old client knows is a failure, unless
 * its client has asked for an extension. Whether it may have `at` is to be
 * seen from what was asked: {@linkcode AskedReads}.
 */
export function decodeRawResponse(
  bytes: Uint8Array,
  { extended = false }: { extended?: boolean } = {},
): RawAnswer {
  const fields = splitFields(bytes);
  const response: RawResponse = {};
  for (const field of fields) {
    if (field.number === 22) response.at = contentOf(field, []).value;
    else if (extended && field.number >= 16 && field.number < 100) {
      addExtension(response, field);
    } else addField(response, field);
  }
  return { response, fields, bytes };
}

/** Text as UTF-8; bytes as they are. */
export function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : value;
}

function verbNumber(verb: string | number): number {
  if (typeof verb === "number") return verb;
  const number = VERBS[verb];
  if (number === undefined) throw new Error(`No verb is named "${verb}"`);
  return number;
}

function readVarint(
  bytes: Uint8Array,
  start: number,
): { value: bigint; end: number } {
  let value = 0n;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new Error(`Varint cut off at byte ${at}`);
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - start));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  throw new Error(`Varint longer than ten bytes at byte ${start}`);
}

function endOfField(
  bytes: Uint8Array,
  { at, wire }: { at: number; wire: number },
): number {
  const number = readVarint(bytes, at);
  if (wire === 0) return number.end;
  const end = number.end + Number(number.value);
  if (wire !== 2 || end > bytes.length) {
    throw new Error(`Wire type ${wire} at byte ${at} is wrong or cut off`);
  }
  return end;
}

function addField(response: RawResponse, field: RawField): void {
  const { value: signed, bytes } = contentOf(field, [5, 6, 101]);
  if (field.number === 1) response.tag = signed;
  else if (field.number === 2) response.flags = signed;
  else if (field.number === 3) response.rev = signed;
  else if (field.number === 5) response.path = decoder.decode(bytes);
  else if (field.number === 6) response.value = bytes;
  else if (field.number === 8) response.len = signed;
  else if (field.number === 100) response.err_code = errorName(signed);
  else if (field.number === 101) response.err_detail = decoder.decode(bytes);
  else throw new Error(`Field ${field.number} is unknown to old clients`);
}

/** Fields that are sent to who has asked for them. */
function addExtension(response: RawResponse, field: RawField): void {
  const { value, bytes } = contentOf(field, [17, 19, 21]);
  switch (field.number) {
    case 16:
      response.prev_rev = value;
      break;
    case 17:
      response.prev_value = bytes;
      break;
    case 18:
      response.time = value;
      break;
    case 19:
      response.origin = decoder.decode(bytes);
      break;
    case 20:
      response.session = value;
      break;
    case 21:
      (response.entries ??= []).push(decodeEntry(bytes));
      break;
    default:
      throw new Error(`Field ${field.number} is unknown to all clients`);
  }
}

function decodeEntry(message: Uint8Array): RawEntry {
  const entry: RawEntry = {};
  for (const field of splitFields(message)) {
    const { value, bytes } = contentOf(field, [1, 3]);
    if (field.number === 1) entry.path = decoder.decode(bytes);
    else if (field.number === 2) entry.rev = value;
    else if (field.number === 3) entry.value = bytes;
    else if (field.number === 4) entry.len = value;
    else throw new Error(`An entry has no field ${field.number}`);
  }
  return entry;
}

/** A field's number, or its bytes where its type is one that has them. */
function contentOf(
  field: RawField,
  withBytes: readonly number[],
): { value: number; bytes: Uint8Array } {
  const key = readVarint(field.bytes, 0);
  const isBytes = (key.value & 7n) === 2n;
  if (isBytes !== withBytes.includes(field.number)) {
    throw new Error(`Field ${field.number} has the wrong wire type`);
  }
  const number = readVarint(field.bytes, key.end);
  return {
    value: Number(BigInt.asIntN(64, number.value)),
    bytes: field.bytes.slice(number.end),
  };
}

function errorName(number: number): string {
  return ERRORS.get(number) ?? `number ${number}`;
}
