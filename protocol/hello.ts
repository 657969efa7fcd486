/**
 * What two nodes say before they trust each other, as bytes: hello, proof,
 * welcome, refusal.
 *
 * Nodes and clients come to the same port. The first byte of a node's message
 * is 0, which in protobuf would be a field of number 0: no client can send it
 * in a request, so five bytes tell the two apart.
 *
 * @module
 */
import type { NodeId } from "./message.ts";
import { isNodeId } from "./peer_fields.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import type { WireReader, WireWriter } from "./wire.ts";

/** The versions of the peer protocol that this program speaks. */
export const PEER_VERSIONS: VersionRange = { min: 1, max: 1 };

/** A handshake's message, at most: nothing larger is kept for a stranger. */
export const HELLO_BYTES = 32 << 10;
/** Random bytes that make each handshake another one. */
export const NONCE_BYTES = 32;
/** Addresses of a list, at most. */
export const HELLO_LIST_MAX = 64;

/** A text of a hello, in UTF-16 units; so that all of them fit. */
const TEXT_LENGTH_MAX = 1024;

/** Versions of the peer protocol, both included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** Who a node says that it is. */
export interface HelloIdentity {
  readonly id: NodeId;
  /** The cluster's name; "" where a node without history knows none. */
  readonly cluster: string;
  /** The id of the history it has; "" while it has none. */
  readonly lineage: string;
  /** Where others reach it. */
  readonly addr: string;
  /** The addresses of those that are to found a cluster together. */
  readonly list: readonly string[];
}

/** Numbers of the reasons to dial. */
const PURPOSES = { link: 1, attach: 2, join: 3 } as const;

/**
 * Why a node dials: to link with one that is registered, to attach to a
 * cluster, or to found one with others that have no history either.
 */
export type Purpose = keyof typeof PURPOSES;

/** The first message of either side. */
export interface Hello extends HelloIdentity {
  readonly versions: VersionRange;
  readonly nonce: Uint8Array;
  readonly purpose: Purpose;
  /** Who should be there; "" for anybody. */
  readonly expects: NodeId;
}

/** The reasons to refuse, by the number that is sent. */
const REFUSALS = {
  VERSION: 1,
  SECRET: 2,
  CLUSTER: 3,
  LINEAGE: 4,
  SELF: 5,
  DUPLICATE: 6,
  NOT_READY: 7,
  OTHER_NODE: 8,
  /** One that this version does not know. */
  OTHER: 127,
} as const;

/** Why a link is refused. */
export type RefusalCode = keyof typeof REFUSALS;

/** A refusal, and a sentence for people, to stand behind a colon. */
export interface LinkRefusal {
  readonly code: RefusalCode;
  readonly text: string;
}

/** A message of the handshake. */
export type HelloMessage =
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "proof"; readonly proof: Uint8Array }
  | { readonly kind: "welcome" }
  | { readonly kind: "refusal"; readonly refusal: LinkRefusal };

const KINDS = { hello: 1, proof: 2, welcome: 3, refusal: 4 } as const;

/** The fields of all kinds. */
const F = {
  minVersion: 1,
  maxVersion: 2,
  id: 3,
  nonce: 4,
  cluster: 5,
  lineage: 6,
  addr: 7,
  purpose: 8,
  expects: 9,
  list: 10,
  proof: 11,
  code: 12,
  text: 13,
} as const;

/** Tells whose connection begins so; undefined where that is not known yet. */
export function senderOf(
  firstBytes: Uint8Array,
): "client" | "peer" | undefined {
  if (firstBytes.length < 4) return undefined;
  const [a, b, c, d, first] = firstBytes;
  if ((a! | b! | c! | d!) === 0) return "client";
  if (first === undefined) return undefined;
  return first === 0 ? "peer" : "client";
}

/** Adds a message to what is sent, as one frame. */
export function encodeHelloMessage(
  writer: WireWriter,
  message: HelloMessage,
): void {
  const start = writer.beginFrame();
  writer.integer(0, KINDS[message.kind]);
  switch (message.kind) {
    case "hello":
      writeHello(writer, message.hello);
      break;
    case "proof":
      writeBytes(writer, { field: F.proof, bytes: message.proof });
      break;
    case "welcome":
      break;
    case "refusal":
      writer.integer(F.code, REFUSALS[message.refusal.code]);
      writer.text(F.text, message.refusal.text.slice(0, TEXT_LENGTH_MAX));
      break;
    default:
      message satisfies never;
  }
  writer.endFrame(start);
}

function writeHello(writer: WireWriter, hello: Hello): void {
  writer.integer(F.minVersion, hello.versions.min);
  writer.integer(F.maxVersion, hello.versions.max);
  writer.text(F.id, hello.id);
  writeBytes(writer, { field: F.nonce, bytes: hello.nonce });
  writer.text(F.cluster, hello.cluster);
  writer.text(F.lineage, hello.lineage);
  writer.text(F.addr, hello.addr);
  writer.integer(F.purpose, PURPOSES[hello.purpose]);
  writer.text(F.expects, hello.expects);
  for (const addr of hello.list) writer.text(F.list, addr);
}

function writeBytes(
  writer: WireWriter,
  { field, bytes }: { field: number; bytes: Uint8Array },
): void {
  writer.bytes(field, { bytes, start: 0, length: bytes.length });
}

/**
 * Reads a message of the handshake: all that the reader has.
 *
 * @throws {ProtocolError} where the bytes are none.
 */
export function decodeHelloMessage(reader: WireReader): HelloMessage {
  if (reader.done || reader.unsigned() !== 0) {
    throw new ProtocolError("A node's first messages must begin with byte 0");
  }
  const kind = reader.unsigned();
  const fields = readFields(reader);
  switch (kind) {
    case KINDS.hello:
      return { kind: "hello", hello: helloOf(fields) };
    case KINDS.proof:
      return { kind: "proof", proof: fields.proof };
    case KINDS.welcome:
      return { kind: "welcome" };
    case KINDS.refusal:
      return { kind: "refusal", refusal: refusalOf(fields) };
    default:
      throw new ProtocolError(`Cannot read a message of the kind ${kind}`);
  }
}

interface HelloFields {
  readonly numbers: Map<number, number>;
  readonly texts: Map<number, string>;
  readonly list: string[];
  nonce: Uint8Array;
  proof: Uint8Array;
}

const EMPTY: Uint8Array = new Uint8Array(0);

function readFields(reader: WireReader): HelloFields {
  const fields: HelloFields = {
    numbers: new Map(),
    texts: new Map(),
    list: [],
    nonce: EMPTY,
    proof: EMPTY,
  };
  while (!reader.done) {
    const tag = reader.tag();
    const field = Math.floor(tag / 8);
    if (tag % 8 === VARINT) fields.numbers.set(field, reader.unsigned());
    else if (tag % 8 !== BYTES) reader.skip(tag);
    else if (field === F.nonce) fields.nonce = readBytes(reader);
    else if (field === F.proof) fields.proof = readBytes(reader);
    else if (field === F.list) {
      if (fields.list.length === HELLO_LIST_MAX) {
        throw new ProtocolError(`A list has more than ${HELLO_LIST_MAX} nodes`);
      }
      fields.list.push(plain(reader.text()));
    } else fields.texts.set(field, plain(reader.text()));
  }
  return fields;
}

function readBytes(reader: WireReader): Uint8Array {
  reader.skipBytes();
  const { bytes, start, length } = reader;
  return bytes.slice(start, start + length);
}

/** What strangers say is logged and printed: no line breaks, no escapes. */
function plain(text: string): string {
  if (text.length > TEXT_LENGTH_MAX) {
    throw new ProtocolError(
      `A text has ${text.length} characters, the limit is ${TEXT_LENGTH_MAX}`,
    );
  }
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}

function helloOf(fields: HelloFields): Hello {
  const { numbers, texts, nonce, list } = fields;
  const hello = {
    versions: {
      min: numbers.get(F.minVersion) ?? 0,
      max: numbers.get(F.maxVersion) ?? 0,
    },
    id: texts.get(F.id) ?? "",
    nonce,
    cluster: texts.get(F.cluster) ?? "",
    lineage: texts.get(F.lineage) ?? "",
    addr: texts.get(F.addr) ?? "",
    purpose: purposeOf(numbers.get(F.purpose)),
    expects: texts.get(F.expects) ?? "",
    list,
  };
  if (!isNodeId(hello.id)) throw new ProtocolError("A hello has no node's id");
  if (hello.expects !== "" && !isNodeId(hello.expects)) {
    throw new ProtocolError("A hello expects what is no node's id");
  }
  if (nonce.length !== NONCE_BYTES) {
    throw new ProtocolError(`A hello's nonce has ${nonce.length} bytes`);
  }
  return hello;
}

/** A reason that this version does not know gives no right to anything. */
function purposeOf(number: number | undefined): Purpose {
  return nameOf(PURPOSES, number) ?? "link";
}

function refusalOf({ numbers, texts }: HelloFields): LinkRefusal {
  const code = nameOf(REFUSALS, numbers.get(F.code)) ?? "OTHER";
  return { code, text: texts.get(F.text) ?? "no reason was given" };
}

function nameOf<Name extends string>(
  table: Readonly<Record<Name, number>>,
  number: number | undefined,
): Name | undefined {
  const names = Object.keys(table) as Name[];
  return names.find((name) => table[name] === number);
}
