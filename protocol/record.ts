/**
 * Commands as bytes: what a slot of the log holds.
 *
 * A batch is one command after the other, each a frame of protobuf fields, so
 * that later versions can add fields and older ones pass over them. The same
 * bytes are what a leader proposes, what an acceptor keeps and what a disk
 * stores.
 *
 * @module
 */
import { assert, type Mutation } from "../store/mod.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import { WireReader, type WireWriter } from "./wire.ts";

/** What is ordered: one mutation, and who proposed it. */
export interface Command {
  /** The id of the node that took it from a client. */
  readonly origin: string;
  /** Its place among that node's commands, from 1. */
  readonly number: number;
  readonly mutation: Mutation;
}

const MUTATION_NUMBERS = { set: 1, del: 2, nop: 3 } as const;

const ORIGIN = 1;
const NUMBER = 2;
const TYPE = 3;
const PATH = 4;
const REV = 5;
const BODY = 6;

/** Adds a command to a batch; its body is copied. */
export function encodeCommand(writer: WireWriter, command: Command): void {
  const { mutation } = command;
  const start = writer.beginFrame();
  writer.text(ORIGIN, command.origin);
  writer.integer(NUMBER, command.number);
  writer.integer(TYPE, MUTATION_NUMBERS[mutation.type]);
  if (mutation.type !== "nop") {
    writer.text(PATH, mutation.path);
    writer.integer(REV, mutation.rev);
  }
  if (mutation.type === "set") {
    const { body } = mutation;
    writer.bytes(BODY, { bytes: body, start: 0, length: body.length });
  }
  writer.endFrame(start);
}

/**
 * Hands the commands of a batch to `visit`, in order. A body lies in the
 * batch's memory.
 *
 * @throws {ProtocolError} where the bytes are no batch.
 */
export function decodeBatch(
  batch: Uint8Array,
  visit: (command: Command) => void,
): void {
  const reader = new WireReader();
  let origin = "";
  for (let at = 0; at < batch.length;) {
    if (batch.length - at < 4) {
      throw new ProtocolError(`The batch ends in a length, at byte ${at}`);
    }
    const length = ((batch[at]! << 24) | (batch[at + 1]! << 16) |
      (batch[at + 2]! << 8) | batch[at + 3]!) >>> 0;
    const start = at + 4;
    at = start + length;
    if (at > batch.length) {
      throw new ProtocolError(`The batch ends in a command, at byte ${start}`);
    }
    reader.reset(batch, { start, end: at });
    const command = decodeCommand(reader, origin);
    origin = command.origin;
    visit(command);
  }
}

/** Decodes one command, which likely has the origin of the one before. */
function decodeCommand(reader: WireReader, likelyOrigin: string): Command {
  let origin = "";
  let number = 0;
  let type = 0;
  let path = "";
  let rev = 0;
  let body: Uint8Array = EMPTY;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === ORIGIN * 8 + BYTES) origin = reader.textLike(likelyOrigin);
    else if (tag === NUMBER * 8 + VARINT) number = reader.unsigned();
    else if (tag === TYPE * 8 + VARINT) type = reader.unsigned();
    else if (tag === PATH * 8 + BYTES) path = reader.text();
    else if (tag === REV * 8 + VARINT) rev = reader.int64();
    else if (tag === BODY * 8 + BYTES) {
      reader.skipBytes();
      const { start, length } = reader;
      body = reader.bytes.subarray(start, start + length);
    } else reader.skip(tag);
  }
  switch (type) {
    case MUTATION_NUMBERS.set:
      return { origin, number, mutation: { type: "set", path, rev, body } };
    case MUTATION_NUMBERS.del:
      return { origin, number, mutation: { type: "del", path, rev } };
    case MUTATION_NUMBERS.nop:
      return { origin, number, mutation: { type: "nop" } };
  }
  // An unknown kind of command stops a node before it applies it.
  assert(false, `the command's type ${type} is known to this version`);
}

const EMPTY: Uint8Array = new Uint8Array(0);
