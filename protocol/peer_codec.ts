/**
 * Messages between nodes as bytes: a frame with the fields of one message.
 *
 * What is missing, no number or no node's id is refused here, so that
 * consensus never meets a message that is not well-formed.
 *
 * @module
 */
import { assert } from "../store/mod.ts";
import type { PeerMessage } from "./message.ts";
import { bitsOf, PEER_FIELDS as F, PEER_MESSAGES } from "./peer_fields.ts";
import { PEER_VALUES_MAX, PeerFields } from "./peer_fields.ts";
import { writeAccepted, writeBallot, writePromised } from "./peer_fields.ts";
import { writeClaim, writeValue } from "./peer_fields.ts";
import { ProtocolError, VARINT, type WireReader } from "./wire.ts";
import type { WireWriter } from "./wire.ts";

/** Adds a message to what is sent, as one frame. Its values are copied. */
export function encodePeerMessage(
  writer: WireWriter,
  message: PeerMessage,
): void {
  const start = writer.beginFrame();
  writer.integer(F.type, PEER_MESSAGES[message.type]);
  switch (message.type) {
    case "accept":
      writeBallot(writer, message.ballot);
      writer.integer(F.seqn, message.seqn);
      writeValue(writer, message.value);
      break;
    case "accepted":
      writeBallot(writer, message.ballot);
      writer.integer(F.seqn, message.seqn);
      writer.integer(F.position, message.position);
      break;
    case "decided":
      writeBallot(writer, message.ballot);
      writer.integer(F.seqn, message.upTo);
      break;
    case "forward":
      writer.integer(F.hops, message.hops);
      writer.integer(F.flag, message.seats ? 1 : 0);
      writeValue(writer, message.batch);
      break;
    case "alive":
      writeBallot(writer, message.ballot);
      writer.integer(F.decided, message.decided);
      writer.integer(F.readRound, message.round);
      writer.integer(F.flag, message.full ? 1 : 0);
      writeClaim(writer, message.claim);
      writer.integer(F.began, message.began);
      break;
    case "heard":
      writeBallot(writer, message.ballot);
      writer.integer(F.readRound, message.round);
      writer.integer(F.applied, message.applied);
      writer.integer(F.hash, message.hash);
      writer.integer(F.flag, message.full ? 1 : 0);
      writer.integer(F.durable, message.durable);
      break;
    default:
      encodeRarer(writer, message);
  }
  writer.endFrame(start);
}

type Frequent =
  | "accept"
  | "accepted"
  | "decided"
  | "forward"
  | "alive"
  | "heard";
type Rarer = Exclude<PeerMessage, { readonly type: Frequent }>;

function encodeRarer(writer: WireWriter, message: Rarer): void {
  switch (message.type) {
    case "prepare":
      writeBallot(writer, message.ballot);
      return writer.integer(F.seqn, message.from);
    case "promise":
      writeBallot(writer, message.ballot);
      writer.integer(F.seqn, message.from);
      writer.integer(F.total, message.total);
      writer.integer(F.position, message.position);
      return writeAccepted(writer, message.accepted);
    case "nack":
      writeBallot(writer, message.ballot);
      return writePromised(writer, message.promised);
    case "behind":
      writeBallot(writer, message.ballot);
      return writer.integer(F.applied, message.applied);
    case "prevote":
      writeBallot(writer, message.ballot);
      return writer.integer(F.applied, message.applied);
    case "prevoted":
      writeBallot(writer, message.ballot);
      writer.integer(F.applied, message.applied);
      writePromised(writer, message.promised);
      return writer.integer(F.flag, message.granted ? 1 : 0);
    case "contradicted":
      writeBallot(writer, message.ballot);
      writer.integer(F.seqn, message.seqn);
      return writer.integer(F.hash, message.hash);
    case "learn":
      return writer.integer(F.seqn, message.from);
    case "learned":
      writer.integer(F.seqn, message.from);
      writer.integer(F.first, message.first);
      writer.integer(F.decided, message.decided);
      assert(message.values.length <= PEER_VALUES_MAX, "values are bounded");
      for (const value of message.values) writeValue(writer, value);
      return;
    case "fetch":
      writer.integer(F.image, message.image);
      return writer.integer(F.index, message.index);
    case "piece":
      writer.integer(F.image, message.image);
      writer.integer(F.index, message.index);
      writer.integer(F.flag, message.last ? 1 : 0);
      return writeValue(writer, message.bytes);
    case "handover":
      return writeBallot(writer, message.ballot);
    case "outdated":
      return writeClaim(writer, message.claim);
    default:
      encodePassedOn(writer, message);
  }
}

type PassedOn = Extract<Rarer, { readonly hops: number }>;

function encodePassedOn(writer: WireWriter, message: PassedOn): void {
  writer.integer(F.hops, message.hops);
  switch (message.type) {
    case "ask":
      writer.text(F.member, message.asker);
      return writer.integer(F.question, message.question);
    case "told":
      writer.text(F.member, message.asker);
      writer.integer(F.question, message.question);
      return writer.integer(F.seqn, message.index);
    case "attach":
      writer.text(F.member, message.node);
      writer.text(F.addr, message.addr);
      writer.text(F.hostname, message.hostname);
      writer.text(F.version, message.version);
      writer.integer(F.incarnation, message.incarnation);
      writer.integer(F.start, message.start);
      return writer.text(F.replaces, message.replaces);
    case "leave":
    case "farewell":
      return writer.text(F.member, message.node);
    default:
      message satisfies never;
  }
}

/** Reads one message: all that the reader has. See {@linkcode PeerDecoder}. */
export function decodePeerMessage(reader: WireReader): PeerMessage {
  return new PeerDecoder().decode(reader);
}

/**
 * Reads the messages of one link. The ballots of a link are mostly the same
 * one, which then is not made again.
 */
export class PeerDecoder {
  readonly #fields = new PeerFields();

  /**
   * Reads one message: all that the reader has.
   *
   * @throws {ProtocolError} where the bytes are no message.
   */
  decode(reader: WireReader): PeerMessage {
    if (reader.done || reader.tag() !== F.type * 8 + VARINT) {
      throw new ProtocolError("A message does not begin with its type");
    }
    const type = reader.unsigned();
    const form = FORMS_BY_NUMBER[type];
    if (form === undefined) {
      throw new ProtocolError(`Cannot read a message of type ${type}`);
    }
    const fields = this.#fields;
    fields.read(reader, type === PEER_MESSAGES.learned);
    if (!fields.has(form.needs)) {
      throw new ProtocolError(`A message of type ${type} lacks a field`);
    }
    return form.make(fields);
  }
}

/** The fields that a type must have, and the message that they make. */
interface Form<T extends PeerMessage> {
  readonly needs: number;
  readonly make: (fields: PeerFields) => T;
}

const BALLOT = bitsOf("round", "node");
const PROMISED = bitsOf("promisedRound", "promisedNode");
const CLAIM = bitsOf("incarnation", "start", "position");

const FORMS: {
  readonly [T in PeerMessage["type"]]: Form<
    Extract<PeerMessage, { readonly type: T }>
  >;
} = {
  prepare: {
    needs: BALLOT | bitsOf("seqn"),
    make: (f) => ({ type: "prepare", ballot: f.ballot, from: f.seqn }),
  },
  promise: {
    needs: BALLOT | bitsOf("seqn", "total", "position"),
    make: (f) => ({
      type: "promise",
      ballot: f.ballot,
      from: f.seqn,
      accepted: f.accepted,
      total: f.number(F.total),
      position: f.position,
    }),
  },
  accept: {
    needs: BALLOT | bitsOf("seqn", "value"),
    make: (f) => ({
      type: "accept",
      seqn: f.seqn,
      ballot: f.ballot,
      value: f.value,
    }),
  },
  accepted: {
    needs: BALLOT | bitsOf("seqn", "position"),
    make: (f) => ({
      type: "accepted",
      seqn: f.seqn,
      ballot: f.ballot,
      position: f.position,
    }),
  },
  nack: {
    needs: BALLOT | PROMISED,
    make: (f) => ({ type: "nack", ballot: f.ballot, promised: f.promised }),
  },
  behind: {
    needs: BALLOT | bitsOf("applied"),
    make: (f) => ({ type: "behind", ballot: f.ballot, applied: f.applied }),
  },
  prevote: {
    needs: BALLOT | bitsOf("applied"),
    make: (f) => ({ type: "prevote", ballot: f.ballot, applied: f.applied }),
  },
  prevoted: {
    needs: BALLOT | PROMISED | bitsOf("applied", "flag"),
    make: (f) => ({
      type: "prevoted",
      ballot: f.ballot,
      granted: f.flag,
      applied: f.applied,
      promised: f.promised,
    }),
  },
  alive: {
    needs: BALLOT | CLAIM | bitsOf("decided", "readRound", "flag", "began"),
    make: (f) => ({
      type: "alive",
      ballot: f.ballot,
      decided: f.number(F.decided),
      round: f.number(F.readRound),
      claim: f.claim,
      began: f.number(F.began),
      full: f.flag,
    }),
  },
  heard: {
    needs: BALLOT | bitsOf("readRound", "applied", "hash", "flag", "durable"),
    make: (f) => ({
      type: "heard",
      ballot: f.ballot,
      round: f.number(F.readRound),
      applied: f.applied,
      durable: f.number(F.durable),
      hash: f.number(F.hash),
      full: f.flag,
    }),
  },
  decided: {
    needs: BALLOT | bitsOf("seqn"),
    make: (f) => ({ type: "decided", ballot: f.ballot, upTo: f.seqn }),
  },
  contradicted: {
    needs: BALLOT | bitsOf("seqn", "hash"),
    make: (f) => ({
      type: "contradicted",
      ballot: f.ballot,
      seqn: f.seqn,
      hash: f.number(F.hash),
    }),
  },
  learn: {
    needs: bitsOf("seqn"),
    make: (f) => ({ type: "learn", from: f.seqn }),
  },
  learned: {
    needs: bitsOf("seqn", "first", "decided"),
    make: (f) => ({
      type: "learned",
      from: f.seqn,
      values: f.values,
      first: f.number(F.first),
      decided: f.number(F.decided),
    }),
  },
  ["fetch"]: {
    needs: bitsOf("image", "index"),
    make: (f) => ({
      type: "fetch",
      image: f.number(F.image),
      index: f.number(F.index),
    }),
  },
  piece: {
    needs: bitsOf("image", "index", "flag", "value"),
    make: (f) => ({
      type: "piece",
      image: f.number(F.image),
      index: f.number(F.index),
      last: f.flag,
      bytes: f.value,
    }),
  },
  forward: {
    needs: bitsOf("hops", "flag", "value"),
    make: (f) => ({
      type: "forward",
      hops: f.number(F.hops),
      seats: f.flag,
      batch: f.value,
    }),
  },
  ask: {
    needs: bitsOf("hops", "member", "question"),
    make: (f) => ({
      type: "ask",
      hops: f.number(F.hops),
      asker: f.member,
      question: f.number(F.question),
    }),
  },
  told: {
    needs: bitsOf("hops", "member", "question", "seqn"),
    make: (f) => ({
      type: "told",
      hops: f.number(F.hops),
      asker: f.member,
      question: f.number(F.question),
      index: f.seqn,
    }),
  },
  attach: {
    needs: bitsOf("hops", "member", "addr", "hostname", "version") |
      bitsOf("incarnation", "start", "replaces"),
    make: (f) => ({
      type: "attach",
      hops: f.number(F.hops),
      node: f.member,
      addr: f.addr,
      hostname: f.hostname,
      version: f.version,
      incarnation: f.incarnation,
      start: f.start,
      replaces: f.replaces,
    }),
  },
  farewell: {
    needs: bitsOf("hops", "member"),
    make: (f) => ({ type: "farewell", hops: f.number(F.hops), node: f.member }),
  },
  leave: {
    needs: bitsOf("hops", "member"),
    make: (f) => ({ type: "leave", hops: f.number(F.hops), node: f.member }),
  },
  handover: {
    needs: BALLOT,
    make: (f) => ({ type: "handover", ballot: f.ballot }),
  },
  outdated: {
    needs: CLAIM,
    make: (f) => ({ type: "outdated", claim: f.claim }),
  },
};

const FORMS_BY_NUMBER: readonly (Form<PeerMessage> | undefined)[] = Object
  .entries(PEER_MESSAGES).reduce<Form<PeerMessage>[]>((forms, entry) => {
    forms[entry[1]] = FORMS[entry[0] as PeerMessage["type"]];
    return forms;
  }, []);
