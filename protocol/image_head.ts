/**
 * The head of an image: the part of a node's state that is not in its store.
 *
 * @module
 */
import type {
  ClientTable,
  ErrorCode,
  FirstOutcome,
  Session,
} from "../store/mod.ts";
import { ERROR_CODES } from "../store/mod.ts";
import type { Ballot, NodeId, Seqn } from "./message.ts";
import { BYTES, ProtocolError, VARINT } from "./wire.ts";
import { WireReader, WireWriter } from "./wire.ts";

/** A node's state after a slot, beside its store. */
export interface ImageHead {
  /** The slot. */
  readonly applied: Seqn;
  /** The ballot of the latest leadership record. */
  readonly leadership: Ballot;
  /** The cluster's name. */
  readonly cluster: string;
  /** The cals of the slot after it, and of those that are known. */
  readonly sets: readonly {
    readonly from: Seqn;
    readonly cals: readonly NodeId[];
  }[];
  /** Who holds which seat, by the seat's path; "" where it is free. */
  readonly seats: readonly (readonly [path: string, id: NodeId])[];
  /** Of the nodes. */
  readonly sessions: readonly Session[];
  readonly clients: ClientTable;
}

const APPLIED = 1;
const ROUND = 2;
const NODE = 3;
const CLUSTER = 4;
/** Each of these begins an entry of a list; the rest of it follows. */
const SET_FROM = 5;
const SEAT_PATH = 7;
const SESSION_ID = 9;
const SET_CAL = 6;
const SEAT_HOLDER = 8;
const SESSION_OWNER = 10;
const SESSION_LAST = 11;
const SESSION_INCARNATION = 12;
const SESSION_START = 13;
const CLIENTS_OPENED = 14;
/** Of a client's session. It has a list, too: of its outcomes, in order. */
const CLIENT_ID = 15;
const CLIENT_NAME = 16;
const CLIENT_USED = 17;
const CLIENT_ACKNOWLEDGED = 18;
/** Begins an outcome: a rev, or a code and perhaps a detail. */
const OUTCOME_CHECKSUM = 19;
const OUTCOME_REV = 20;
const OUTCOME_CODE = 21;
const OUTCOME_DETAIL = 22;

/** A head as bytes. */
export function encodeImageHead(head: ImageHead): Uint8Array {
  const writer = new WireWriter();
  writer.integer(APPLIED, head.applied);
  writer.integer(ROUND, head.leadership.round);
  writer.text(NODE, head.leadership.node);
  writer.text(CLUSTER, head.cluster);
  for (const { from, cals } of head.sets) {
    writer.integer(SET_FROM, from);
    for (const cal of cals) writer.text(SET_CAL, cal);
  }
  for (const [path, id] of head.seats) {
    writer.text(SEAT_PATH, path);
    writer.text(SEAT_HOLDER, id);
  }
  for (const { id, owner, incarnation, start, last } of head.sessions) {
    writer.integer(SESSION_ID, id);
    writer.text(SESSION_OWNER, owner);
    writer.integer(SESSION_LAST, last);
    writer.integer(SESSION_INCARNATION, incarnation);
    writer.integer(SESSION_START, start);
  }
  writeClients(writer, head.clients);
  return writer.written();
}

function writeClients(writer: WireWriter, table: ClientTable): void {
  writer.integer(CLIENTS_OPENED, table.opened);
  for (const { id, name, used, acknowledged, outcomes } of table.sessions) {
    writer.integer(CLIENT_ID, id);
    writer.text(CLIENT_NAME, name);
    writer.integer(CLIENT_USED, used);
    writer.integer(CLIENT_ACKNOWLEDGED, acknowledged);
    for (const outcome of outcomes) writeOutcome(writer, outcome);
  }
}

function writeOutcome(
  writer: WireWriter,
  { checksum, outcome }: FirstOutcome,
): void {
  writer.integer(OUTCOME_CHECKSUM, checksum);
  if (typeof outcome === "number") writer.integer(OUTCOME_REV, outcome);
  else {
    writer.text(OUTCOME_CODE, outcome.code);
    const { detail } = outcome;
    if (detail !== undefined) writer.text(OUTCOME_DETAIL, detail);
  }
}

/**
 * Reads a head.
 *
 * @throws {ProtocolError} where the bytes are none.
 */
export function decodeImageHead(bytes: Uint8Array): ImageHead {
  const reader = new WireReader();
  reader.reset(bytes, { start: 0, end: bytes.length });
  const head = new OpenHead();
  while (!reader.done) {
    const tag = reader.tag();
    const field = Math.floor(tag / 8);
    if (tag % 8 === VARINT) head.integer(field, reader.unsigned());
    else if (tag % 8 === BYTES) head.text(field, reader.text());
    else reader.skip(tag);
  }
  return head.whole();
}

/** A client's session that is being read. */
interface OpenClient {
  readonly id: number;
  name: string;
  used: number;
  acknowledged: number;
  readonly outcomes: {
    readonly checksum: number;
    outcome: number | { code: ErrorCode; detail?: string };
  }[];
}

/** The table of clients' sessions that is being read. */
class OpenClients {
  #opened = 0;
  readonly #sessions: OpenClient[] = [];

  integer(field: number, value: number): void {
    if (field === CLIENTS_OPENED) this.#opened = value;
    else if (field === CLIENT_ID) {
      const about = { name: "", used: 0, acknowledged: 0, outcomes: [] };
      this.#sessions.push({ id: value, ...about });
    } else if (field === CLIENT_USED) last(this.#sessions).used = value;
    else if (field === CLIENT_ACKNOWLEDGED) {
      last(this.#sessions).acknowledged = value;
    } else if (field === OUTCOME_CHECKSUM) {
      const outcome = { checksum: value, outcome: 0 };
      last(this.#sessions).outcomes.push(outcome);
    } else if (field === OUTCOME_REV) this.#outcome.outcome = value;
  }

  text(field: number, value: string): void {
    if (field === CLIENT_NAME) last(this.#sessions).name = value;
    else if (field === OUTCOME_CODE) {
      // Taken for another code it would be another state.
      if (!Object.hasOwn(ERROR_CODES, value)) {
        throw new ProtocolError(`The head has the unknown code "${value}"`);
      }
      this.#outcome.outcome = { code: value as ErrorCode };
    } else if (field === OUTCOME_DETAIL) {
      const { outcome } = this.#outcome;
      if (typeof outcome === "number") {
        throw new ProtocolError("The head has a detail before its code");
      }
      outcome.detail = value;
    }
  }

  whole(): ClientTable {
    return { opened: this.#opened, sessions: this.#sessions };
  }

  get #outcome(): OpenClient["outcomes"][number] {
    return last(last(this.#sessions).outcomes);
  }
}

/** A head that is being read. */
class OpenHead {
  #applied = 0;
  #round = 0;
  #node = "";
  #cluster = "";
  readonly #sets: { from: Seqn; cals: NodeId[] }[] = [];
  readonly #seats: [string, NodeId][] = [];
  readonly #sessions: {
    id: number;
    owner: string;
    incarnation: number;
    start: number;
    last: number;
  }[] = [];
  readonly #clients = new OpenClients();

  integer(field: number, value: number): void {
    if (!Number.isSafeInteger(value)) {
      throw new ProtocolError(`The head's field ${field} is out of range`);
    }
    if (field === APPLIED) this.#applied = value;
    else if (field === ROUND) this.#round = value;
    else if (field === SET_FROM) this.#sets.push({ from: value, cals: [] });
    else if (field === SESSION_ID) {
      const begun = { owner: "", incarnation: 1, start: 0 };
      this.#sessions.push({ id: value, ...begun, last: 0 });
    } else if (field === SESSION_LAST) last(this.#sessions).last = value;
    else if (field === SESSION_INCARNATION) {
      last(this.#sessions).incarnation = value;
    } else if (field === SESSION_START) last(this.#sessions).start = value;
    else this.#clients.integer(field, value);
  }

  text(field: number, value: string): void {
    if (field === NODE) this.#node = value;
    else if (field === CLUSTER) this.#cluster = value;
    else if (field === SET_CAL) last(this.#sets).cals.push(value);
    else if (field === SEAT_PATH) this.#seats.push([value, ""]);
    else if (field === SEAT_HOLDER) last(this.#seats)[1] = value;
    else if (field === SESSION_OWNER) last(this.#sessions).owner = value;
    else this.#clients.text(field, value);
  }

  whole(): ImageHead {
    const sets = this.#sets;
    if (sets.length === 0 || sets.some(({ cals }) => cals.length === 0)) {
      throw new ProtocolError("The head names no cals");
    }
    return {
      applied: this.#applied,
      leadership: { round: this.#round, node: this.#node },
      cluster: this.#cluster,
      sets,
      seats: this.#seats,
      sessions: this.#sessions,
      clients: this.#clients.whole(),
    };
  }
}

function last<Entry>(list: readonly Entry[]): Entry {
  const entry = list[list.length - 1];
  if (entry === undefined) {
    throw new ProtocolError("The head has a part of an entry before its start");
  }
  return entry;
}
