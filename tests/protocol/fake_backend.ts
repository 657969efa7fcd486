/**
 * A node that does nothing until it is told to, and a client without a socket:
 * so that a test sees what a connection does between a write and its outcome,
 * or a read and its confirmation.
 *
 * @module
 */
import {
  Access,
  type Backend,
  BackupSlots,
  Connection,
  encodeImageHead,
  type ImageHead,
  type NodeStatus,
  type ReadReply,
  type Reply,
  type Secrets,
  UnreadAnswers,
} from "../../protocol/mod.ts";
import { checksumOf, ClientSessions, Store } from "../../store/mod.ts";
import type { Mutation, Outcome, Refusal } from "../../store/mod.ts";
import type { SessionNumber } from "../../store/mod.ts";
import { AskedReads, concatBytes, decodeRawResponse } from "./raw_client.ts";
import { frameRequest } from "./raw_client.ts";
import type { RawRequest, RawResponse } from "./raw_client.ts";

/** The status of a node alone in its cluster. */
export const STATUS: NodeStatus = {
  id: "LKVNVWZVOEM5N4WO",
  addr: "127.0.0.1:8046",
  version: "0.1.0",
  cluster: "local",
  lineage: "5F3KQZPTWJ7XGY2A",
  role: "leader",
  ready: true,
  reason: "",
  leader: "LKVNVWZVOEM5N4WO",
  rev: 7,
  firstRev: 1,
  applied: 3,
  decided: 3,
  durable: false,
  members: [{
    id: "LKVNVWZVOEM5N4WO",
    addr: "127.0.0.1:8046",
    hostname: "here",
    version: "0.1.0",
    seat: "0",
    leader: true,
    reachable: true,
  }],
  seats: [{ name: "0", id: "LKVNVWZVOEM5N4WO" }],
  canLose: 0,
};

/** What that node has beside its files. */
const HEAD: ImageHead = {
  applied: STATUS.applied,
  leadership: { round: 1, node: STATUS.id },
  cluster: STATUS.cluster,
  sets: [{ from: STATUS.applied + 1, cals: [STATUS.id] }],
  seats: [["/ctl/cal/0", STATUS.id]],
  sessions: [],
  clients: { opened: 0, sessions: [] },
};

/** A node that orders mutations when {@linkcode settle} says so. */
export class FakeBackend implements Backend {
  readonly id = "LKVNVWZVOEM5N4WO";
  readonly store: Store;
  isOpen = true;
  /** All mutations that were proposed, in their order. */
  readonly proposed: Mutation[] = [];
  readonly #held: { apply: () => Outcome; reply: Reply }[] = [];
  /** What it knows of its clients' sessions. */
  readonly sessions: ClientSessions = new ClientSessions();
  readonly #asked: ReadReply[] = [];
  /** Confirms reads within the call that asks for it. */
  confirmsAtOnce = false;
  /** Refuses reads within the call that asks for them to be confirmed. */
  readRefusal: Refusal | undefined;
  /** What it answers to STATUS. */
  told: NodeStatus = STATUS;
  /** How often it was told to recover. */
  recovered = 0;
  /** How often it was asked to confirm reads. */
  asked = 0;
  /** What it answers to RECOVER. */
  recovery: Refusal | undefined;
  minRevMs: number | undefined;
  lineage = STATUS.lineage;
  /** What {@linkcode head} gives. */
  headBytes: Uint8Array = encodeImageHead(HEAD);

  constructor(store: Store = new Store()) {
    this.store = store;
  }

  /** How many mutations have no outcome yet. */
  get held(): number {
    return this.#held.length;
  }

  propose(mutation: Mutation, reply: Reply): void {
    const copy = this.#take(mutation);
    this.#held.push({ apply: () => this.store.apply(copy), reply });
  }

  proposeOnce(
    mutation: Mutation | undefined,
    by: SessionNumber,
    reply: Reply,
  ): void {
    const copy = mutation && this.#take(mutation);
    const checksum = checksumOf(copy === undefined ? [] : [copy]);
    const apply = (): Outcome => {
      const admission = this.sessions.admit(by, checksum);
      if (admission !== "apply") {
        return "code" in admission ? admission : admission.outcome;
      }
      const stamp = { time: 0, origin: this.sessions.nameOf(by.session) ?? "" };
      const outcome = copy === undefined ? 0 : this.store.apply(copy, stamp);
      return this.sessions.applied(by, { checksum, outcome });
    };
    this.#held.push({ apply, reply });
  }

  openSession(name: string, reply: Reply): void {
    this.#held.push({ apply: () => this.sessions.open(name), reply });
  }

  /** What it needs of a mutation it copies, as a node does. */
  #take(mutation: Mutation): Mutation {
    const copy = mutation.type === "set"
      ? { ...mutation, body: mutation.body.slice() }
      : mutation;
    this.proposed.push(copy);
    return copy;
  }

  confirmRead(reply: ReadReply): void {
    this.asked++;
    if (this.readRefusal !== undefined) reply.refused(this.readRefusal);
    else if (this.confirmsAtOnce) reply.confirmed();
    else this.#asked.push(reply);
  }

  /** Confirms what was asked, the oldest first. */
  confirm(count: number = this.#asked.length): void {
    for (const reply of this.#asked.splice(0, count)) reply.confirmed();
  }

  /** Refuses what was asked, the oldest first. */
  refuse(refusal: Refusal, count: number = this.#asked.length): void {
    for (const reply of this.#asked.splice(0, count)) reply.refused(refusal);
  }

  status(): NodeStatus {
    return this.told;
  }

  head(): Uint8Array {
    return this.headBytes;
  }

  recover(): Refusal | undefined {
    this.recovered++;
    return this.recovery;
  }

  /** Applies the oldest mutations, and tells their outcomes. */
  settle(count: number = this.#held.length): void {
    for (const { apply, reply } of this.#held.splice(0, count)) {
      reply.settled(apply());
    }
  }

  /** Tells outcomes without applying anything. */
  settleWith(outcome: Outcome, from = 0): void {
    for (const { reply } of this.#held.splice(from)) reply.settled(outcome);
  }

  /** Writes a file past all connections; returns its rev. */
  write(path: string, value: string | Uint8Array = ""): number {
    const body = typeof value === "string"
      ? new TextEncoder().encode(value)
      : value;
    const outcome = this.store.apply({ type: "set", path, rev: -1, body });
    if (typeof outcome === "number") return outcome;
    throw new Error(`Cannot write "${path}": ${outcome.code}`);
  }
}

/** What a fake client may be given. */
export interface FakeClientOptions {
  /** Entries and events that requests may look at in one turn. */
  readonly workPerTurn?: number;
  readonly secrets?: Secrets;
  readonly unread?: UnreadAnswers;
  readonly backups?: BackupSlots;
  /** Whether it may be sent fields that old clients do not know. */
  readonly extended?: boolean;
}

/** A client whose connection ends in the test. */
export class FakeClient {
  readonly connection: Connection;
  /** How often the connection said that it had output. */
  announced = 0;
  readonly #extended: boolean;
  /** Which reads may be answered with `at`. */
  readonly asked: AskedReads = new AskedReads();

  constructor(backend: Backend, options: FakeClientOptions = {}) {
    this.#extended = options.extended ?? false;
    this.connection = new Connection({
      backend,
      access: new Access(options.secrets ?? {}),
      unread: options.unread ?? new UnreadAnswers(),
      backups: options.backups ?? new BackupSlots(),
      workPerTurn: options.workPerTurn ?? Infinity,
      onOutput: () => this.announced++,
    });
  }

  /** Sends requests; returns at once. */
  send(...requests: readonly RawRequest[]): void {
    for (const request of requests) this.asked.sent(request);
    this.sendBytes(concatBytes(requests.map(frameRequest)));
  }

  /** Sends bytes as they are; tell `asked` of the reads in them. */
  sendBytes(bytes: Uint8Array): void {
    this.connection.input.push(bytes);
    this.#work();
  }

  /** Reads one write of the server's, as a socket would send it. */
  read(): RawResponse[] {
    const bytes = this.connection.takeOutput().slice();
    this.connection.outputSent();
    this.#work();
    const extended = this.#extended;
    return splitFrames(bytes).map((body) => {
      const { response } = decodeRawResponse(body, { extended });
      this.asked.came(response);
      return response;
    });
  }

  /** Reads all that there is to read. */
  readAll(): RawResponse[] {
    const responses: RawResponse[] = [];
    this.#work();
    while (this.connection.hasOutput) responses.push(...this.read());
    return responses;
  }

  /** Handles what came, and watches that are behind, as a node's turn does. */
  turn(units = Infinity): void {
    const { waits } = this.connection.backend.store;
    while (waits.behind) waits.catchUp(units);
    this.#work();
  }

  #work(): void {
    do this.connection.process(); while (this.connection.yielding);
  }

  /** Sends requests and reads all answers. */
  ask(...requests: readonly RawRequest[]): RawResponse[] {
    this.send(...requests);
    return this.readAll();
  }
}

/** The messages of a run of whole frames. */
export function splitFrames(bytes: Uint8Array): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const start = at + 4;
    at = start + view.getUint32(at);
    if (at > bytes.length) throw new Error("The last frame is cut off");
    bodies.push(bytes.slice(start, at));
  }
  return bodies;
}
