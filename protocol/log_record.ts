/**
 * Records: what a node's log on disk remembers, one after the other.
 *
 * Each is a frame of protobuf fields. One set of field numbers serves all
 * types. Every field of a type must be there: what is missing was never
 * written, and a default in its place would be a guess. A type that is not
 * known stops the reader, for what it says may bind the node.
 *
 * @module
 */
import { assert } from "../store/mod.ts";
import type { AcceptedValue, Ballot, Claim } from "./message.ts";
import type { NodeId, Seqn } from "./message.ts";
import { isNodeId } from "./peer_fields.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import { WireReader, type WireWriter } from "./wire.ts";

/** What is written down. */
export type LogRecord =
  /** The node was started, with the memory that is before this record. */
  | { readonly type: "started"; readonly claim: Claim }
  /** A ballot that is promised, or asked with. */
  | {
    readonly type: "promised";
    readonly ballot: Ballot;
    /** Counts promises and acceptances; 0 where it is neither. */
    readonly position: number;
  }
  | {
    readonly type: "accepted";
    readonly accepted: AcceptedValue;
    readonly position: number;
  }
  /** What is decided in a slot, where that is not what was accepted. */
  | {
    readonly type: "learned";
    readonly seqn: Seqn;
    readonly value: Uint8Array;
  }
  /** All slots up to here are decided as they stand in the log. */
  | { readonly type: "decided"; readonly upTo: Seqn }
  /** What another node claimed last. */
  | { readonly type: "peer"; readonly node: NodeId; readonly claim: Claim };

/** The types by the number that is written. */
const TYPES = {
  started: 1,
  promised: 2,
  accepted: 3,
  learned: 4,
  decided: 5,
  peer: 6,
} as const satisfies Record<LogRecord["type"], number>;

const TYPE = 1;
const POSITION = 2;
const SEQN = 3;
const ROUND = 4;
const NODE = 5;
const VALUE = 6;
const INCARNATION = 7;
const START = 8;

/** The names of the fields, by number. */
const FIELDS = ["", "type", "position", "seqn", "round", "node"]
  .concat("value", "incarnation", "start");

/** The fields of each type, by its number: the bit of each is 1 << field. */
const NEEDED: readonly number[] = [
  0,
  bits(INCARNATION, START, POSITION),
  bits(ROUND, NODE, POSITION),
  bits(SEQN, ROUND, NODE, VALUE, POSITION),
  bits(SEQN, VALUE),
  bits(SEQN),
  bits(NODE, INCARNATION, START, POSITION),
];

/** Those that hold bytes; the others hold numbers. */
const RUNS = bits(NODE, VALUE);

/** As between nodes: far below where counting rounds would end. */
const ROUND_MAX = 2 ** 40;
const START_MAX = 2 ** 32 - 1;

const EMPTY: Uint8Array = new Uint8Array(0);
const ZERO: Ballot = { round: 0, node: "" };

/** Adds a record to a batch; its value is copied. */
export function encodeRecord(writer: WireWriter, record: LogRecord): void {
  const start = writer.beginFrame();
  writer.integer(TYPE, TYPES[record.type]);
  switch (record.type) {
    case "accepted": {
      const { seqn, ballot, value } = record.accepted;
      writeNumber(writer, SEQN, seqn);
      writeBallot(writer, ballot);
      writeNumber(writer, POSITION, record.position);
      writer.bytes(VALUE, { bytes: value, start: 0, length: value.length });
      break;
    }
    case "promised":
      writeBallot(writer, record.ballot);
      writeNumber(writer, POSITION, record.position);
      break;
    case "started":
      writeClaim(writer, record.claim);
      break;
    case "learned": {
      const { value } = record;
      writeNumber(writer, SEQN, record.seqn);
      writer.bytes(VALUE, { bytes: value, start: 0, length: value.length });
      break;
    }
    case "decided":
      writeNumber(writer, SEQN, record.upTo);
      break;
    case "peer":
      writer.text(NODE, record.node);
      writeClaim(writer, record.claim);
  }
  writer.endFrame(start);
}

function writeBallot(writer: WireWriter, ballot: Ballot): void {
  assert(ballot.round <= ROUND_MAX, "rounds are bounded");
  writeNumber(writer, ROUND, ballot.round);
  writer.text(NODE, ballot.node);
}

function writeClaim(writer: WireWriter, claim: Claim): void {
  assert(claim.start <= START_MAX, "a start has 32 bits");
  writeNumber(writer, INCARNATION, claim.incarnation);
  writeNumber(writer, START, claim.start);
  writeNumber(writer, POSITION, claim.position);
}

/** What could not be read again must not be written. */
function writeNumber(writer: WireWriter, field: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "a record counts exactly");
  writer.integer(field, value);
}

/**
 * Hands the records of a batch to `visit`, in order. A value lies in the
 * batch's memory.
 *
 * @throws {ProtocolError} where the bytes are no records.
 */
export function decodeRecords(
  payload: Uint8Array,
  visit: (record: LogRecord) => void,
): void {
  const reader = new WireReader();
  const fields = new Fields();
  for (let at = 0; at < payload.length;) {
    const start = at + 4;
    if (start > payload.length) {
      throw new ProtocolError(`The batch ends in a length, at byte ${at}`);
    }
    const length = ((payload[at]! << 24) | (payload[at + 1]! << 16) |
      (payload[at + 2]! << 8) | payload[at + 3]!) >>> 0;
    at = start + length;
    if (at > payload.length) {
      throw new ProtocolError(`The batch ends in a record, at byte ${start}`);
    }
    reader.reset(payload, { start, end: at });
    visit(fields.read(reader));
  }
}

/** The fields of the record that is being read. */
class Fields {
  readonly #numbers = new Float64Array(FIELDS.length);
  /** The fields that were read, a bit each. */
  #present = 0;
  #value = EMPTY;
  #node: NodeId = "";
  #ballot = ZERO;

  /** Reads all fields of one record, and makes it of them. */
  read(reader: WireReader): LogRecord {
    this.#present = 0;
    while (!reader.done) {
      const tag = reader.tag();
      const field = Math.floor(tag / 8);
      // A field of a later version, or one that it writes otherwise.
      const wire = field < FIELDS.length ? wireOf(field) : -1;
      if (tag % 8 !== wire) {
        reader.skip(tag);
        continue;
      }
      this.#present |= 1 << field;
      if (field === VALUE) this.#value = readRun(reader);
      else if (field === NODE) this.#node = readId(reader, this.#node);
      else this.#numbers[field] = readNumber(reader, field);
    }
    const type = (this.#present & (1 << TYPE)) === 0 ? 0 : this.#numbers[TYPE]!;
    this.#check(type);
    return this.#record(type);
  }

  #check(type: number): void {
    if (type === 0) throw new ProtocolError("A record has no type");
    const needed = NEEDED[type];
    if (needed === undefined) {
      throw new ProtocolError(
        `Cannot read a record of type ${type}: a later version wrote it`,
      );
    }
    const missing = needed & ~this.#present;
    if (missing === 0) return;
    throw new ProtocolError(
      `A record of type ${type} lacks its ${
        FIELDS[Math.log2(missing & -missing)]
      }`,
    );
  }

  #record(type: number): LogRecord {
    const position = this.#numbers[POSITION]!;
    const seqn = this.#numbers[SEQN]!;
    const value = this.#value;
    switch (type) {
      case TYPES.accepted: {
        const accepted = { seqn, ballot: this.#ballotRead(), value };
        return { type: "accepted", accepted, position };
      }
      case TYPES.promised:
        return { type: "promised", ballot: this.#ballotRead(), position };
      case TYPES.started:
        return { type: "started", claim: this.#claim() };
      case TYPES.learned:
        return { type: "learned", seqn, value };
      case TYPES.decided:
        return { type: "decided", upTo: seqn };
      default:
        return { type: "peer", node: this.#peer(), claim: this.#claim() };
    }
  }

  /** The ballot; the one before again, where it is the same. */
  #ballotRead(): Ballot {
    const round = this.#numbers[ROUND]!;
    const node = this.#node;
    const last = this.#ballot;
    if (last.round === round && last.node === node) return last;
    if (round > ROUND_MAX) {
      throw new ProtocolError(`The round ${round} is above ${ROUND_MAX}`);
    }
    if (node === "" && round !== 0) {
      throw new ProtocolError(`The ballot of round ${round} has no node`);
    }
    return this.#ballot = { round, node };
  }

  #claim(): Claim {
    const start = this.#numbers[START]!;
    if (start > START_MAX) {
      throw new ProtocolError(`The start ${start} is above ${START_MAX}`);
    }
    const incarnation = this.#numbers[INCARNATION]!;
    return { incarnation, start, position: this.#numbers[POSITION]! };
  }

  #peer(): NodeId {
    if (this.#node === "") throw new ProtocolError("A node has no id");
    return this.#node;
  }
}

function wireOf(field: number): number {
  return (RUNS & (1 << field)) === 0 ? VARINT : BYTES;
}

function readRun(reader: WireReader): Uint8Array {
  reader.skipBytes();
  const { start, length } = reader;
  return reader.bytes.subarray(start, start + length);
}

/** Reads an id, or "" for none, that is likely `guess`. */
function readId(reader: WireReader, guess: NodeId): NodeId {
  const id = reader.textLike(guess);
  if (id === guess || id === "" || isNodeId(id)) return id;
  throw new ProtocolError("What should be the id of a node is none");
}

function readNumber(reader: WireReader, field: number): number {
  const value = reader.unsigned();
  if (Number.isSafeInteger(value)) return value;
  throw new ProtocolError(`The ${FIELDS[field]} of a record is out of range`);
}

/** A set of fields. */
function bits(...fields: readonly number[]): number {
  return fields.reduce((all, field) => all | (1 << field), 0);
}
