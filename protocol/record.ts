/**
 * Commands as bytes: what a slot of the log holds.
 *
 * A batch is one command after the other, each a frame of protobuf fields, so
 * that later versions can add fields and older ones pass over them. The same
 * bytes are what a node forwards, a leader proposes, an acceptor keeps and a
 * disk stores.
 *
 * The envelope says whose command it is and which: session and number make
 * that a repeat is known for one. After it come the mutations, in order; each
 * begins with its TYPE, and the fields that follow are its own.
 *
 * @module
 */
import { assert, type ErrorCode, START_MAX } from "../store/mod.ts";
import { ERROR_CODES, type Mutation } from "../store/mod.ts";
import type { SessionNumber } from "../store/mod.ts";
import type { Command, Registration, SkipCommand } from "./command.ts";
import type { Ballot } from "./message.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import { WireReader, type WireWriter } from "./wire.ts";

const KIND_NUMBERS = {
  mutate: 0,
  skip: 1,
  found: 2,
  register: 3,
  lead: 4,
  clear: 5,
  seat: 6,
  open: 7,
} as const;

const TYPE_NUMBERS = { set: 1, del: 2, nop: 3 } as const;

const SESSION = 1;
const NUMBER = 2;
/** The client knows outcomes up to here. */
const ACKNOWLEDGED = 3;
const ORIGIN = 4;
const TIME = 5;
const KIND = 6;
const TYPE = 8;
const PATH = 9;
const REV = 10;
const BODY = 11;
/** Which command of which client's session it is. */
const CLIENT_SESSION = 12;
const CLIENT_NUMBER = 13;
// Fields from 16 on take two bytes: those of rare commands.
const BALLOT_ROUND = 16;
const BALLOT_NODE = 17;
const NODE = 18;
const ADDR = 19;
const HOSTNAME = 20;
const VERSION = 21;
const CLUSTER = 22;
const LAST = 23;
const CODE = 24;
const DETAIL = 25;
const INCARNATION = 26;
const START = 27;
const NAME = 28;
const CHECKSUM = 29;
/** Fields are told apart by bits: at most 31. */
const FIELD_MAX = CHECKSUM;

/** What a node's command has beside its mutation. */
export interface Envelope {
  readonly session: number;
  readonly number: number;
  readonly time: number;
  /** Which command of a client's session it is, if it is one. */
  readonly by?: SessionNumber | undefined;
}

/**
 * Adds a command of one mutation to a batch, or of none; its body is copied.
 */
export function encodeMutation(
  writer: WireWriter,
  { session, number, time, by }: Envelope,
  mutation: Mutation | undefined,
): void {
  const start = writer.beginFrame();
  writer.integer(SESSION, session);
  writer.integer(NUMBER, number);
  writer.integer(TIME, time);
  if (by !== undefined) writeClient(writer, by);
  if (mutation !== undefined) writeMutation(writer, mutation);
  writer.endFrame(start);
}

/** Adds any command to a batch; bodies are copied. */
export function encodeCommand(writer: WireWriter, command: Command): void {
  const start = writer.beginFrame();
  const { kind } = command;
  if (kind !== "mutate") writer.integer(KIND, KIND_NUMBERS[kind]);
  if ("session" in command) {
    writer.integer(SESSION, command.session);
    writer.integer(NUMBER, command.number);
  }
  if (kind !== "skip" && kind !== "lead") writer.integer(TIME, command.time);
  switch (kind) {
    case "mutate":
      if (command.by !== undefined) writeClient(writer, command.by);
      if (command.origin !== "") writer.text(ORIGIN, command.origin);
      break;
    case "open":
      writer.text(NAME, command.name);
      break;
    case "skip":
      writeSkip(writer, command);
      break;
    case "found":
      writer.text(CLUSTER, command.cluster);
      writeRegistration(writer, command);
      break;
    case "register":
      writeRegistration(writer, command);
      break;
    case "clear":
      writer.text(NODE, command.node);
      break;
  }
  if ("ballot" in command) writeBallot(writer, command.ballot);
  if ("mutations" in command) {
    for (const mutation of command.mutations) writeMutation(writer, mutation);
  }
  writer.endFrame(start);
}

function writeMutation(writer: WireWriter, mutation: Mutation): void {
  writer.integer(TYPE, TYPE_NUMBERS[mutation.type]);
  if (mutation.type === "nop") return;
  writer.text(PATH, mutation.path);
  writer.integer(REV, mutation.rev);
  if (mutation.type === "del") return;
  const { body } = mutation;
  writer.bytes(BODY, { bytes: body, start: 0, length: body.length });
}

function writeClient(
  writer: WireWriter,
  { session, number, acknowledged }: SessionNumber,
): void {
  writer.integer(CLIENT_SESSION, session);
  writer.integer(CLIENT_NUMBER, number);
  if (acknowledged > 0) writer.integer(ACKNOWLEDGED, acknowledged);
}

function writeSkip(writer: WireWriter, command: SkipCommand): void {
  const { by, checksum } = command;
  if (by !== undefined) writeClient(writer, by);
  if (checksum !== undefined) writer.integer(CHECKSUM, checksum);
  writer.integer(LAST, command.last);
  writer.text(CODE, command.code);
  writer.text(DETAIL, command.detail);
}

function writeRegistration(writer: WireWriter, about: Registration): void {
  writer.text(NODE, about.node);
  writer.text(ADDR, about.addr);
  writer.text(HOSTNAME, about.hostname);
  writer.text(VERSION, about.version);
  writer.integer(INCARNATION, about.incarnation);
  writer.integer(START, about.start);
}

function writeBallot(writer: WireWriter, ballot: Ballot): void {
  writer.integer(BALLOT_ROUND, ballot.round);
  writer.text(BALLOT_NODE, ballot.node);
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
  const fields = new Fields();
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
    fields.read(reader);
    visit(fields.command());
  }
}

/** A number that is exact, so that counting on from it ends. */
function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new ProtocolError("A number of the command is out of range");
}

/** The mutation that is being read. */
interface OpenMutation {
  type: number;
  path: string;
  rev: number;
  body: Uint8Array;
}

/** The fields of the command that is being read. */
class Fields {
  readonly #numbers = new Float64Array(FIELD_MAX + 1);
  readonly #texts: string[] = new Array(FIELD_MAX + 1).fill("");
  /** The numbers that were read, a bit each: the others are 0. */
  #numbered = 0;
  /** The texts that were read, a bit each: the others are empty. */
  #told = 0;
  readonly #open: OpenMutation = { type: 0, path: "", rev: 0, body: EMPTY };
  #mutations: Mutation[] = [];

  /** Reads all fields of one command. */
  read(reader: WireReader): void {
    this.#numbered = this.#told = 0;
    this.#open.type = 0;
    this.#mutations = [];
    while (!reader.done) {
      const tag = reader.tag();
      const field = Math.floor(tag / 8);
      if (field > FIELD_MAX) reader.skip(tag);
      else if (tag % 8 === VARINT) this.#integer(reader, field);
      else if (tag % 8 === BYTES) this.#run(reader, field);
      else reader.skip(tag);
    }
    this.#close();
  }

  /** The command that the fields make. */
  command(): Command {
    const kind = this.#number(KIND);
    const session = this.#number(SESSION);
    const number = this.#number(NUMBER);
    const time = this.#number(TIME);
    const mutations = this.#mutations;
    switch (kind) {
      case KIND_NUMBERS.mutate: {
        const origin = this.#text(ORIGIN);
        const envelope = { session, number, origin, time };
        if (!this.#has(CLIENT_SESSION)) {
          return { kind: "mutate", ...envelope, mutations };
        }
        const by = this.#client();
        return { kind: "mutate", ...envelope, by, mutations };
      }
      case KIND_NUMBERS.open: {
        const name = this.#text(NAME);
        return { kind: "open", session, number, name, time };
      }
      case KIND_NUMBERS.skip:
        return { kind: "skip", session, number, ...this.#reason() };
      case KIND_NUMBERS.found: {
        const cluster = this.#text(CLUSTER);
        return { kind: "found", ...this.#registration(), cluster, time };
      }
      case KIND_NUMBERS.register:
        return { kind: "register", ...this.#registration(), time };
      case KIND_NUMBERS.lead:
        return { kind: "lead", ballot: this.#ballot() };
      case KIND_NUMBERS.clear: {
        const node = this.#text(NODE);
        return { kind: "clear", ballot: this.#ballot(), node, time };
      }
      case KIND_NUMBERS.seat:
        return { kind: "seat", ballot: this.#ballot(), time, mutations };
    }
    // An unknown kind of command stops a node before it applies it.
    assert(false, `the command's kind ${kind} is known to this version`);
  }

  #has(field: number): boolean {
    return (this.#numbered & (1 << field)) !== 0;
  }

  #number(field: number): number {
    return this.#has(field) ? this.#numbers[field]! : 0;
  }

  #text(field: number): string {
    return (this.#told & (1 << field)) === 0 ? "" : this.#texts[field]!;
  }

  #integer(reader: WireReader, field: number): void {
    if (field === TYPE) {
      this.#close();
      this.#open.type = reader.unsigned();
      this.#open.path = "";
      this.#open.rev = 0;
      this.#open.body = EMPTY;
    } else if (field === REV) this.#open.rev = reader.int64();
    else {
      this.#numbered |= 1 << field;
      this.#numbers[field] = safe(reader.unsigned());
    }
  }

  #run(reader: WireReader, field: number): void {
    if (field === PATH) this.#open.path = reader.text();
    else if (field === BODY) {
      reader.skipBytes();
      const { start, length } = reader;
      this.#open.body = reader.bytes.subarray(start, start + length);
    } else {
      this.#told |= 1 << field;
      this.#texts[field] = reader.text();
    }
  }

  /** Ends the mutation that is being read. */
  #close(): void {
    const { type, path, rev, body } = this.#open;
    switch (type) {
      case 0:
        return;
      case TYPE_NUMBERS.set:
        this.#mutations.push({ type: "set", path, rev, body });
        return;
      case TYPE_NUMBERS.del:
        this.#mutations.push({ type: "del", path, rev });
        return;
      case TYPE_NUMBERS.nop:
        this.#mutations.push({ type: "nop" });
        return;
    }
    assert(false, `the mutation's type ${type} is known to this version`);
  }

  #client(): SessionNumber {
    return {
      session: this.#number(CLIENT_SESSION),
      number: this.#number(CLIENT_NUMBER),
      acknowledged: this.#number(ACKNOWLEDGED),
    };
  }

  #checksum(): number {
    const checksum = this.#number(CHECKSUM);
    if (checksum < 2 ** 32) return checksum;
    throw new ProtocolError(`The checksum ${checksum} has more than 32 bits`);
  }

  #registration(): Registration {
    const start = this.#number(START);
    if (start > START_MAX) {
      throw new ProtocolError(`The start ${start} is above ${START_MAX}`);
    }
    return {
      node: this.#text(NODE),
      addr: this.#text(ADDR),
      hostname: this.#text(HOSTNAME),
      version: this.#text(VERSION),
      // Nobody counts from 0, and who says nothing has begun once.
      incarnation: Math.max(1, this.#number(INCARNATION)),
      start,
    };
  }

  #ballot(): Ballot {
    const round = this.#number(BALLOT_ROUND);
    return { round, node: this.#text(BALLOT_NODE) };
  }

  #reason(): Omit<SkipCommand, "kind" | "session" | "number"> {
    const code = this.#text(CODE);
    return {
      last: this.#number(LAST),
      ...(this.#has(CLIENT_SESSION) && { by: this.#client() }),
      ...(this.#has(CHECKSUM) && { checksum: this.#checksum() }),
      code: Object.hasOwn(ERROR_CODES, code) ? code as ErrorCode : "OTHER",
      detail: this.#text(DETAIL),
    };
  }
}

const EMPTY: Uint8Array = new Uint8Array(0);
