/**
 * The fields of messages between nodes, and how they are read.
 *
 * One set of field numbers serves all types of message, as it does for
 * requests: what a field means is the same everywhere, and one loop reads them
 * all.
 *
 * Values are copied out of the memory that is read: acceptors and learners
 * keep them long after it holds something else.
 *
 * @module
 */
import { assert, LIMITS, START_MAX } from "../store/mod.ts";
import type { AcceptedValue, Ballot, Claim, NodeId } from "./message.ts";
import type { PeerMessage } from "./message.ts";
import { BYTES, ProtocolError, VARINT, WireReader } from "./wire.ts";
import { WireWriter } from "./wire.ts";

/** The types of message by the number that is sent. */
export const PEER_MESSAGES = {
  prepare: 1,
  promise: 2,
  accept: 3,
  accepted: 4,
  nack: 5,
  behind: 6,
  prevote: 7,
  prevoted: 8,
  alive: 9,
  heard: 10,
  decided: 11,
  contradicted: 12,
  learn: 13,
  learned: 14,
  ["fetch"]: 15,
  piece: 16,
  forward: 17,
  ask: 18,
  told: 19,
  attach: 20,
  leave: 21,
  handover: 22,
  farewell: 23,
  outdated: 24,
} as const satisfies Record<PeerMessage["type"], number>;

/** Values in one message, at most: empty ones take next to no room in it. */
export const PEER_VALUES_MAX = 65_536;

/** The fields by the number that is sent. Above 15 it takes a byte more. */
export const PEER_FIELDS = {
  type: 1,
  round: 2,
  node: 3,
  seqn: 4,
  applied: 5,
  decided: 6,
  readRound: 7,
  hash: 8,
  value: 9,
  promisedRound: 10,
  promisedNode: 11,
  image: 12,
  index: 13,
  flag: 14,
  hops: 15,
  member: 16,
  question: 17,
  total: 18,
  first: 19,
  addr: 20,
  hostname: 21,
  version: 22,
  accepted: 23,
  incarnation: 24,
  start: 25,
  position: 26,
  durable: 27,
  replaces: 28,
  began: 29,
} as const;

/** The name of a field. */
export type PeerField = keyof typeof PEER_FIELDS;

const NODE_ID = /^[A-Z2-7]{16}$/;

/** Whether the text has the form of a node's id. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}

/** A set of fields: the bit of each is 1 shifted by its number. */
export function bitsOf(...names: readonly PeerField[]): number {
  return names.reduce((bits, name) => bits | (1 << PEER_FIELDS[name]), 0);
}

/** Fields that hold a number; the others hold bytes. */
const NUMBERS = bitsOf(
  ...["type", "round", "seqn", "applied", "decided", "readRound"] as const,
  ...["hash", "promisedRound", "image", "index", "flag", "hops"] as const,
  ...["question", "total", "first", "incarnation", "start"] as const,
  ...["position", "durable", "began"] as const,
);

const FIELD_MAX = PEER_FIELDS.began;

/** What an accepted value consists of. */
const ENTRY_TAGS = {
  round: PEER_FIELDS.round * 8 + VARINT,
  node: PEER_FIELDS.node * 8 + BYTES,
  seqn: PEER_FIELDS.seqn * 8 + VARINT,
  value: PEER_FIELDS.value * 8 + BYTES,
} as const;

/** Texts that are no ids, at most: they become files. */
const TEXT_BYTES_MAX = LIMITS.pathBytes;

const EMPTY: Uint8Array = new Uint8Array(0);
const ZERO: Ballot = { round: 0, node: "" };

/** The fields of one message, in memory that serves the next one, too. */
export class PeerFields {
  addr = "";
  hostname = "";
  version = "";
  /** A node that is spoken of. */
  member: NodeId = "";
  /** A node that another takes the place of, or "". */
  replaces: NodeId | "" = "";
  /** The value of a message that has one. */
  value: Uint8Array = EMPTY;
  /** The values of a message that has many. */
  values: Uint8Array[] = [];
  accepted: AcceptedValue[] = [];
  readonly #numbers: number[] = new Array<number>(FIELD_MAX + 1).fill(0);
  #present = 0;
  #node: NodeId = "";
  #promisedNode: NodeId = "";
  #ballot = ZERO;
  #promised = ZERO;

  /** Whether all the fields of this set are there. */
  has(bits: number): boolean {
    return (this.#present & bits) === bits;
  }

  /** What the field with this number holds. */
  number(field: number): number {
    return this.#numbers[field]!;
  }

  /** The slot that the message is about. */
  get seqn(): number {
    return this.#numbers[PEER_FIELDS.seqn]!;
  }

  /** Up to here the sender has applied. */
  get applied(): number {
    return this.#numbers[PEER_FIELDS.applied]!;
  }

  /** The position of the record that the message waited for. */
  get position(): number {
    return this.#numbers[PEER_FIELDS.position]!;
  }

  /** How often the node has begun: once at least. */
  get incarnation(): number {
    const incarnation = this.#numbers[PEER_FIELDS.incarnation]!;
    if (incarnation >= 1) return incarnation;
    throw new ProtocolError("A node's first incarnation is 1, this is 0");
  }

  /** What was drawn as the node began: 32 bits. */
  get start(): number {
    const start = this.#numbers[PEER_FIELDS.start]!;
    if (start <= START_MAX) return start;
    throw new ProtocolError(`The start ${start} is above ${START_MAX}`);
  }

  /** What the message says of a node's memory. */
  get claim(): Claim {
    const { incarnation, start, position } = this;
    return { incarnation, start, position };
  }

  /** What the message says yes or no to. */
  get flag(): boolean {
    return this.#numbers[PEER_FIELDS.flag] !== 0;
  }

  /** The ballot; the one before again, where it is the same. */
  get ballot(): Ballot {
    const round = roundOf(this.#numbers[PEER_FIELDS.round]!);
    const node = this.#node;
    const last = this.#ballot;
    if (last.round === round && last.node === node) return last;
    return this.#ballot = ballotOf({ round, node });
  }

  /** The ballot that was promised, likewise. */
  get promised(): Ballot {
    const round = roundOf(this.#numbers[PEER_FIELDS.promisedRound]!);
    const node = this.#promisedNode;
    const last = this.#promised;
    if (last.round === round && last.node === node) return last;
    return this.#promised = ballotOf({ round, node });
  }

  /**
   * Reads all that the reader has. `many` says that the message is of the kind
   * with many values.
   */
  read(reader: WireReader, many: boolean): void {
    this.#present = 0;
    // What the last message has taken is its own.
    if (this.values.length > 0) this.values = [];
    if (this.accepted.length > 0) this.accepted = [];
    while (!reader.done) {
      const tag = reader.tag();
      const field = tag >>> 3;
      const bit = field <= FIELD_MAX ? 1 << field : 0;
      const wire = tag & 7;
      if (wire === VARINT && (bit & NUMBERS) !== 0) {
        this.#numbers[field] = readNumber(reader);
      } else if (wire === BYTES && (bit & ~NUMBERS) !== 0) {
        if (field === PEER_FIELDS.value) this.#readValue(reader, many);
        else this.#readBytes(reader, field);
      } else {
        reader.skip(tag);
        continue;
      }
      this.#present |= bit;
    }
  }

  #readValue(reader: WireReader, many: boolean): void {
    reader.skipBytes();
    const { bytes, start, length } = reader;
    const value = bytes.slice(start, start + length);
    if (!many) this.value = value;
    else {
      checkCount(this.values.length);
      this.values.push(value);
    }
  }

  #readBytes(reader: WireReader, field: number): void {
    switch (field) {
      case PEER_FIELDS.node:
        this.#node = readId(reader, this.#node);
        return;
      case PEER_FIELDS.promisedNode:
        this.#promisedNode = readId(reader, this.#promisedNode);
        return;
      case PEER_FIELDS.member:
        this.member = readId(reader, this.member);
        if (this.member === "") throw new ProtocolError("A node has no id");
        return;
      case PEER_FIELDS.replaces:
        this.replaces = readId(reader, this.replaces);
        return;
      case PEER_FIELDS.addr:
        this.addr = readText(reader);
        return;
      case PEER_FIELDS.hostname:
        this.hostname = readText(reader);
        return;
      case PEER_FIELDS.version:
        this.version = readText(reader);
        return;
      case PEER_FIELDS.accepted:
        checkCount(this.accepted.length);
        this.accepted.push(readAccepted(reader, this.accepted.at(-1)));
    }
  }
}

/** Reads a message in the message; likely it has the ballot of the last. */
function readAccepted(
  outer: WireReader,
  last: AcceptedValue | undefined,
): AcceptedValue {
  outer.skipBytes();
  const reader = new WireReader();
  const { bytes, start, length } = outer;
  reader.reset(bytes, { start, end: start + length });
  let round: number | undefined;
  let node: NodeId | undefined;
  let seqn: number | undefined;
  let value: Uint8Array | undefined;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === ENTRY_TAGS.round) round = readNumber(reader);
    else if (tag === ENTRY_TAGS.node) {
      node = readId(reader, last?.ballot.node ?? "");
    } else if (tag === ENTRY_TAGS.seqn) seqn = readNumber(reader);
    else if (tag === ENTRY_TAGS.value) {
      reader.skipBytes();
      const { start, length } = reader;
      value = bytes.slice(start, start + length);
    } else reader.skip(tag);
  }
  if (
    round === undefined || node === undefined || seqn === undefined ||
    value === undefined
  ) throw new ProtocolError("An accepted value lacks a field");
  return { seqn, ballot: ballotOf({ round, node }), value };
}

function ballotOf(ballot: Ballot): Ballot {
  if (ballot.node === "" && ballot.round !== 0) {
    throw new ProtocolError(`The ballot of round ${ballot.round} has no node`);
  }
  return ballot;
}

/** Numbers are not negative, and exact. */
function readNumber(reader: WireReader): number {
  const value = reader.unsigned();
  if (value > Number.MAX_SAFE_INTEGER) {
    throw new ProtocolError(`Cannot take ${value}: it is above 2^53-1`);
  }
  return value;
}

/** Reads an id, or "" for none, that is likely `guess`. */
function readId(reader: WireReader, guess: NodeId): NodeId {
  const id = reader.textLike(guess);
  if (id === guess || id === "" || isNodeId(id)) return id;
  throw new ProtocolError("What should be the id of a node is none");
}

/** Far above what elections can reach, and far below where counting ends. */
const ROUND_MAX = 2 ** 40;

function roundOf(round: number): number {
  if (round <= ROUND_MAX) return round;
  throw new ProtocolError(`The round ${round} is above ${ROUND_MAX}`);
}

function readText(reader: WireReader): string {
  const text = reader.text();
  if (reader.length <= TEXT_BYTES_MAX) return text;
  throw new ProtocolError(
    `A text has ${reader.length} bytes, the limit is ${TEXT_BYTES_MAX}`,
  );
}

function checkCount(count: number): void {
  if (count < PEER_VALUES_MAX) return;
  throw new ProtocolError(`A message has more than ${PEER_VALUES_MAX} values`);
}

/** Adds a ballot. */
export function writeBallot(writer: WireWriter, ballot: Ballot): void {
  writer.integer(PEER_FIELDS.round, ballot.round);
  writer.text(PEER_FIELDS.node, ballot.node);
}

/** Adds the ballot that was promised. */
export function writePromised(writer: WireWriter, ballot: Ballot): void {
  writer.integer(PEER_FIELDS.promisedRound, ballot.round);
  writer.text(PEER_FIELDS.promisedNode, ballot.node);
}

/** Adds what is said of a node's memory. */
export function writeClaim(writer: WireWriter, claim: Claim): void {
  writer.integer(PEER_FIELDS.incarnation, claim.incarnation);
  writer.integer(PEER_FIELDS.start, claim.start);
  writer.integer(PEER_FIELDS.position, claim.position);
}

/** Adds a value, which is copied. */
export function writeValue(writer: WireWriter, bytes: Uint8Array): void {
  writer.bytes(PEER_FIELDS.value, { bytes, start: 0, length: bytes.length });
}

/** Each accepted value is a message in the message. */
export function writeAccepted(
  writer: WireWriter,
  accepted: readonly AcceptedValue[],
): void {
  assert(accepted.length <= PEER_VALUES_MAX, "values are bounded");
  const entry = new WireWriter();
  for (const { seqn, ballot, value } of accepted) {
    entry.clear();
    writeBallot(entry, ballot);
    entry.integer(PEER_FIELDS.seqn, seqn);
    writeValue(entry, value);
    const bytes = entry.written();
    writer.bytes(PEER_FIELDS.accepted, {
      bytes,
      start: 0,
      length: bytes.length,
    });
  }
}
