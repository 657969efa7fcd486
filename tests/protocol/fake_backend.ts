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
import { type Mutation, type Outcome, Store } from "../../store/mod.ts";
import type { Refusal } from "../../store/mod.ts";
import { concatBytes, decodeRawResponse, frameRequest } from "./raw_client.ts";
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
};

/** A node that orders mutations when {@linkcode settle} says so. */
export class FakeBackend implements Backend {
  readonly id = "LKVNVWZVOEM5N4WO";
  readonly store: Store;
  isOpen = true;
  /** All mutations that were proposed, in their order. */
  readonly proposed: Mutation[] = [];
  readonly #held: { mutation: Mutation; reply: Reply }[] = [];
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
    const copy = mutation.type === "set"
      ? { ...mutation, body: mutation.body.slice() }
      : mutation;
    this.proposed.push(copy);
    this.#held.push({ mutation: copy, reply });
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
    for (const { mutation, reply } of this.#held.splice(0, count)) {
      reply.settled(this.store.apply(mutation));
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
}

/** A client whose connection ends in the test. */
export class FakeClient {
  readonly connection: Connection;
  /** How often the connection said that it had output. */
  announced = 0;

  constructor(backend: Backend, options: FakeClientOptions = {}) {
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
    this.sendBytes(concatBytes(requests.map(frameRequest)));
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.connection.input.push(bytes);
    this.#work();
  }

  /** Reads one write of the server's, as a socket would send it. */
  read(): RawResponse[] {
    const bytes = this.connection.takeOutput().slice();
    this.connection.outputSent();
    this.#work();
    return splitFrames(bytes).map((body) => decodeRawResponse(body).response);
  }

  /** Reads all that there is to read. */
  readAll(): RawResponse[] {
    const responses: RawResponse[] = [];
    this.#work();
    while (this.connection.hasOutput) responses.push(...this.read());
    return responses;
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
