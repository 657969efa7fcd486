/**
 * The files of a data directory: their names, and the header that each begins
 * with.
 *
 * A header is 8 bytes that say "doozer", a length and a CRC32C of four bytes
 * each, the most significant byte first, and so many bytes of protobuf fields.
 * It says whose file it is, so that none is taken for another's.
 *
 * @module
 */
import { assert } from "../store/mod.ts";
import { crc32c } from "./crc32c.ts";
import type { NodeId } from "./message.ts";
import { isNodeId } from "./peer_fields.ts";
import { BYTES, encodeText, ProtocolError, VARINT } from "./wire.ts";
import { WireReader, WireWriter } from "./wire.ts";

/**
 * What a file holds. A backup is a snapshot that is in no directory; contacts
 * are a header and nothing else.
 */
export type DataFileKind = "log" | "snapshot" | "backup" | "contacts";

/** What a file says of itself. */
export interface DataFileHeader {
  /** What it holds. */
  readonly kind: DataFileKind;
  /** Of the segment of the log, or of the one that follows the snapshot. */
  readonly number: number;
  /** The node that wrote it. */
  readonly node: NodeId;
  /** The history that it is a part of. */
  readonly lineage: string;
  /** The history that this one was cut off from; "" where there is none. */
  readonly parent: string;
  /** The cluster's name. */
  readonly cluster: string;
  /** Whether the node has founded its cluster. */
  readonly founder: boolean;
  /** Drawn for the file: 8 bytes. */
  readonly salt: Uint8Array;
  /** The number of the first batch in a segment of the log. */
  readonly firstBatch: number;
  /** Addresses of other nodes. */
  readonly contacts: readonly string[];
}

/** Why a file, or the rest of it, is not what was written. */
export interface Damage {
  /** Where in the file. */
  readonly offset: number;
  /** A sentence without capital and period. */
  readonly why: string;
  /** Of a file of another version, which is whole and not for this program. */
  readonly version?: number;
}

/** Of the format; files of another version are not read. */
export const DATA_FILE_VERSION = 1;

/** The name of the file of contacts. */
export const CONTACTS_FILE = "contacts";

const MAGIC = encodeText("DOOZER1\n");
const LENGTH_AT = MAGIC.length;
const CRC_AT = LENGTH_AT + 4;
const FIELDS_AT = CRC_AT + 4;
/** All of a header: who has read so much of a file has read its header. */
const HEADER_BYTES_MAX = 64 << 10;
const SALT_BYTES = 8;

const KINDS: readonly DataFileKind[] = [
  "log",
  "snapshot",
  "backup",
  "contacts",
];

const KIND = 1;
const VERSION = 2;
const NUMBER = 3;
const NODE = 4;
const LINEAGE = 5;
const PARENT = 6;
const CLUSTER = 7;
const FOUNDER = 8;
const SALT = 9;
const FIRST_BATCH = 10;
const CONTACT = 11;

/** The numbers that every header has, by name. */
const NUMBERS: ReadonlyMap<number, string> = new Map([
  [VERSION, "version"],
  [NUMBER, "number"],
  [FOUNDER, "founder"],
  [FIRST_BATCH, "first batch"],
]);

/** The texts that every header has. */
const TEXTS: ReadonlyMap<number, string> = new Map([
  [KIND, "kind"],
  [NODE, "node"],
  [LINEAGE, "lineage"],
  [PARENT, "parent lineage"],
  [CLUSTER, "cluster"],
]);

/**
 * A header as bytes. Contacts for which there is no room are left out: they
 * are a help and no more.
 */
export function encodeHeader(header: DataFileHeader): Uint8Array {
  const { number, node, salt, firstBatch } = header;
  assert(isNodeId(node), "a data file is a node's");
  assert(salt.length === SALT_BYTES, "the salt of a data file has 8 bytes");
  for (const count of [number, firstBatch]) {
    assert(
      Number.isSafeInteger(count) && count >= 0,
      "a header counts exactly",
    );
  }
  const writer = new WireWriter();
  for (let at = 0; at < FIELDS_AT; at += 4) writer.beginFrame();
  writer.text(KIND, header.kind);
  writer.integer(VERSION, DATA_FILE_VERSION);
  writer.integer(NUMBER, number);
  writer.text(NODE, node);
  writer.text(LINEAGE, header.lineage);
  writer.text(PARENT, header.parent);
  writer.text(CLUSTER, header.cluster);
  writer.integer(FOUNDER, header.founder ? 1 : 0);
  writer.bytes(SALT, { bytes: salt, start: 0, length: SALT_BYTES });
  writer.integer(FIRST_BATCH, firstBatch);
  assert(writer.length <= HEADER_BYTES_MAX, "a header is short");
  let room = HEADER_BYTES_MAX - writer.length;
  for (const contact of header.contacts) {
    // A tag, and a length of up to three bytes.
    room -= 4 + encodeText(contact).length;
    if (room < 0) break;
    writer.text(CONTACT, contact);
  }
  return sealed(writer.written());
}

/** Fills in what comes before the fields. */
function sealed(bytes: Uint8Array): Uint8Array {
  bytes.set(MAGIC);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(LENGTH_AT, bytes.length - FIELDS_AT);
  view.setUint32(CRC_AT, crc32c(bytes, { start: FIELDS_AT }));
  return bytes;
}

/**
 * Reads the header of a file, of which `bytes` are the beginning: 64 KiB at
 * least, or all. `length` is that of the header.
 */
export function readHeader(
  bytes: Uint8Array,
): { readonly header: DataFileHeader; readonly length: number } | Damage {
  const wrong = MAGIC.findIndex((byte, at) => bytes[at] !== byte);
  if (wrong >= 0 && wrong < bytes.length) {
    return { offset: 0, why: "it does not begin as a file of doozer does" };
  }
  if (bytes.length < FIELDS_AT) {
    return { offset: bytes.length, why: "the file ends within its header" };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const end = FIELDS_AT + view.getUint32(LENGTH_AT);
  if (end > HEADER_BYTES_MAX) {
    const why = `the header has ${end} bytes, the limit is ${HEADER_BYTES_MAX}`;
    return { offset: LENGTH_AT, why };
  }
  if (end > bytes.length) {
    return { offset: bytes.length, why: "the file ends within its header" };
  }
  if (crc32c(bytes, { start: FIELDS_AT, end }) !== view.getUint32(CRC_AT)) {
    return { offset: CRC_AT, why: "the checksum of the header does not fit" };
  }
  const read = readFields(bytes, end);
  return "why" in read ? read : { header: read, length: end };
}

/** The fields of a header, as they come. */
interface OpenHeader {
  readonly numbers: Map<number, number>;
  readonly texts: Map<number, string>;
  readonly contacts: string[];
  salt: Uint8Array;
}

/** The header, or what is wrong with it. */
function readFields(bytes: Uint8Array, end: number): DataFileHeader | Damage {
  const reader = new WireReader();
  reader.reset(bytes, { start: FIELDS_AT, end });
  const open: OpenHeader = {
    numbers: new Map(),
    texts: new Map(),
    contacts: [],
    salt: new Uint8Array(0),
  };
  try {
    while (!reader.done) readField(reader, open);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { offset: FIELDS_AT, why: "the header cannot be read" };
  }
  const version = open.numbers.get(VERSION);
  // First of all: another version may mean something else by the rest.
  if (version !== undefined && version !== DATA_FILE_VERSION) {
    const why = `the file has version ${version} of the format, this program ` +
      `reads ${DATA_FILE_VERSION}`;
    return { offset: FIELDS_AT, why, version };
  }
  const why = complaintOf(open);
  return why === undefined ? headerOf(open) : { offset: FIELDS_AT, why };
}

function readField(reader: WireReader, open: OpenHeader): void {
  const tag = reader.tag();
  const field = Math.floor(tag / 8);
  if (tag % 8 === VARINT) open.numbers.set(field, reader.unsigned());
  else if (tag % 8 !== BYTES) reader.skip(tag);
  else if (field === SALT) {
    reader.skipBytes();
    const { start, length } = reader;
    open.salt = reader.bytes.slice(start, start + length);
  } else if (field === CONTACT) open.contacts.push(reader.text());
  else open.texts.set(field, reader.text());
}

/** What is wrong, if anything. */
function complaintOf({ numbers, texts, salt }: OpenHeader): string | undefined {
  for (const [field, name] of NUMBERS) {
    const value = numbers.get(field);
    if (value === undefined) return `the header lacks its ${name}`;
    if (!Number.isSafeInteger(value)) {
      return `the header's ${name} is out of range`;
    }
  }
  for (const [field, name] of TEXTS) {
    if (!texts.has(field)) return `the header lacks its ${name}`;
  }
  if (salt.length !== SALT_BYTES) return "the header has no salt of 8 bytes";
  if (kindOf(texts.get(KIND)) === undefined) {
    return `the file is of an unknown kind, "${texts.get(KIND) ?? ""}"`;
  }
  if (!isNodeId(texts.get(NODE) ?? "")) return "the header has no node's id";
  return undefined;
}

function kindOf(name: string | undefined): DataFileKind | undefined {
  return KINDS.find((kind) => kind === name);
}

function headerOf(
  { numbers, texts, salt, contacts }: OpenHeader,
): DataFileHeader {
  return {
    kind: kindOf(texts.get(KIND)) ?? "log",
    number: numbers.get(NUMBER) ?? 0,
    node: texts.get(NODE) ?? "",
    lineage: texts.get(LINEAGE) ?? "",
    parent: texts.get(PARENT) ?? "",
    cluster: texts.get(CLUSTER) ?? "",
    founder: numbers.get(FOUNDER) !== 0,
    salt,
    firstBatch: numbers.get(FIRST_BATCH) ?? 0,
    contacts,
  };
}

const DIGITS = 12;
const NAME = /^(log|snapshot)-(\d{12})(\.part)?$/;

/** The name of a segment of the log. */
export function logName(number: number): string {
  return nameOf("log", number);
}

/** The name of the snapshot that a segment of the log follows. */
export function snapshotName(number: number): string {
  return nameOf("snapshot", number);
}

/** The name that a file has until it is complete. */
export function partOf(name: string): string {
  return `${name}.part`;
}

/** What a name says; nothing where it is none of these. */
export function parseName(name: string):
  | {
    readonly kind: "log" | "snapshot";
    readonly number: number;
    readonly part: boolean;
  }
  | undefined {
  const [, kind, digits, part] = NAME.exec(name) ?? [];
  if (kind !== "log" && kind !== "snapshot") return undefined;
  return { kind, number: Number(digits), part: part !== undefined };
}

function nameOf(kind: "log" | "snapshot", number: number): string {
  const digits = String(number).padStart(DIGITS, "0");
  assert(/^\d{12}$/.test(digits), "a data file's number has 12 digits");
  return `${kind}-${digits}`;
}
