/**
 * Servers that are real Connections over a model of the cluster: one log,
 * which each node applies as far as it likes. No consensus: what matters to a
 * client is only what comes of its commands.
 *
 * @module
 */
import {
  Access,
  type Backend,
  BackupSlots,
  Connection,
  type NodeStatus,
  type ReadReply,
  type Reply,
  UnreadAnswers,
} from "../../../protocol/mod.ts";
import { checksumOf, ClientSessions, Store } from "../../../store/mod.ts";
import type {
  Mutation,
  Outcome,
  Refusal,
  SessionNumber,
} from "../../../store/mod.ts";
import { STATUS } from "../fake_backend.ts";
import type { Host, Pipe, World } from "./world.ts";

/** What the log holds. */
type Entry =
  | { type: "change"; mutation: Mutation | undefined; by?: SessionNumber }
  | { type: "open"; name: string }
  | { type: "end sessions" };

/** What the log says of a session's command, when it is first applied. */
export interface Effect {
  readonly by: SessionNumber | undefined;
  readonly mutation: Mutation;
  readonly outcome: Outcome;
}

/** The log, and all nodes. */
export class Cluster {
  readonly log: Entry[] = [];
  readonly nodes: Node[] = [];
  readonly world: World;
  /** What took effect, or was refused, by the first node that applied it. */
  readonly effects: Effect[] = [];
  /** What no client of one session does, and was done. */
  readonly offences: string[] = [];
  /** The session whose commands came last. */
  #session = 0;
  readonly #given: Set<string> = new Set();
  /** Who proposed which entry. */
  readonly #proposers: Map<number, { node: Node; reply: Reply }> = new Map();
  lineage = STATUS.lineage;

  constructor(world: World) {
    this.world = world;
  }

  /** Adds a node at the address. */
  add(address: string, options: { historyRevs?: number } = {}): Node {
    const node = new Node(this, options);
    this.nodes.push(node);
    this.world.hosts.set(address, node);
    return node;
  }

  /** Appends, and has all apply it that do not lag. */
  append(entry: Entry, from?: { node: Node; reply: Reply }): void {
    this.log.push(entry);
    if (from !== undefined) this.#proposers.set(this.log.length - 1, from);
    for (const node of this.nodes) if (!node.lags) node.catchUp();
  }

  /** Who waits for what came of it at this node. */
  replyFor(at: number, node: Node): Reply | undefined {
    const proposer = this.#proposers.get(at);
    return proposer?.node === node ? proposer.reply : undefined;
  }

  /** A session is left only when it has ended; its numbers make sense. */
  judge(
    by: SessionNumber,
    { node, refusal }: { node: Node; refusal?: Refusal },
  ): void {
    if (node !== this.nodes[0]) return;
    // An attempt may come late, after its answer came another way, or its
    // number was given up.
    const isLate = this.#given.has(`${by.session}/${by.number}`) ||
      (refusal?.detail?.endsWith("is forgotten") ?? false);
    if (refusal?.code === "NUMBER" && !isLate) {
      this.offences.push(`NUMBER ${by.number}`);
    }
    if (by.session <= this.#session) return;
    const isOpen = node.sessions.nameOf(this.#session) !== undefined;
    if (isOpen) this.offences.push(`Left session ${this.#session}`);
    this.#session = by.session;
  }

  /** The command's number was ordered to do nothing. */
  wasGivenUp({ session, number }: SessionNumber): void {
    this.#given.add(`${session}/${number}`);
  }

  /** Writes a file past all clients. */
  write(path: string, value = ""): void {
    const body = new TextEncoder().encode(value);
    const mutation = { type: "set", path, rev: -1, body } as const;
    this.append({ type: "change", mutation });
  }
}

/** One node: a copy of the state, and connections. */
export class Node implements Backend, Host {
  readonly id = STATUS.id;
  readonly store: Store;
  readonly sessions = new ClientSessions();
  isOpen = true;
  minRevMs: number | undefined;
  /** Does not apply what is decided. */
  lags = false;
  /** Does not accept connections. */
  down = false;
  /** Accepts, and never says a word. */
  silent = false;
  /** What a write comes to before the log: refused, or some time later. */
  fate: () => { refusal?: Refusal; ms?: number; forget?: boolean } = () => ({});
  readonly pipes: Set<Pipe> = new Set();
  readonly #cluster: Cluster;
  readonly #queue: (() => void)[] = [];
  #applied = 0;

  constructor(cluster: Cluster, options: { historyRevs?: number }) {
    this.#cluster = cluster;
    this.store = new Store(options);
    this.store.waits.onBehind = () =>
      cluster.world.after(0, () => this.store.waits.catchUp(Infinity));
  }

  get lineage(): string {
    return this.isOpen ? this.#cluster.lineage : "";
  }

  status(): NodeStatus {
    return STATUS;
  }

  recover(): undefined {}

  confirmRead(reply: ReadReply): void {
    // Here the first node is the one that knows.
    if (this.#applied < this.#cluster.log.length) this.catchUp();
    reply.confirmed();
  }

  propose(mutation: Mutation, reply: Reply): void {
    this.#order({ type: "change", mutation: copyOf(mutation) }, reply);
  }

  proposeOnce(
    mutation: Mutation | undefined,
    by: SessionNumber,
    reply: Reply,
  ): void {
    const copy = mutation === undefined ? undefined : copyOf(mutation);
    this.#order({ type: "change", mutation: copy, by }, reply);
  }

  openSession(name: string, reply: Reply): void {
    this.#order({ type: "open", name }, reply);
  }

  /** Applies what the log has. */
  catchUp(): void {
    const { log } = this.#cluster;
    while (this.#applied < log.length) {
      const at = this.#applied++;
      const outcome = this.#apply(log[at]!);
      this.#cluster.replyFor(at, this)?.settled(outcome);
    }
  }

  /** Time passes: marks are said, reads time out. */
  expire(): void {
    for (const expire of this.#expiring.values()) expire();
  }

  /** All its connections break. */
  cutAll(): void {
    for (const pipe of [...this.pipes]) pipe.cut();
  }

  dialled(pipe: Pipe): void {
    if (this.down) return pipe.refuse();
    this.pipes.add(pipe);
    if (!this.silent) this.#serve(pipe);
    pipe.open();
  }

  readonly #expiring: Map<Pipe, () => void> = new Map();

  #serve(pipe: Pipe): void {
    const { world } = this.#cluster;
    const flush = () => {
      if (pipe.closed) return;
      do connection.process(); while (connection.yielding);
      while (connection.hasOutput) {
        pipe.send(connection.takeOutput());
        connection.outputSent();
        connection.process();
      }
      if (connection.failure !== undefined) pipe.cut(connection.failure);
    };
    const connection = new Connection({
      backend: this,
      access: new Access({}),
      unread: new UnreadAnswers(),
      backups: new BackupSlots(),
      onOutput: () => world.after(0, flush),
    });
    this.#expiring.set(pipe, () => connection.expire(world.now()));
    pipe.onBytes = (bytes) => {
      connection.input.push(bytes);
      flush();
    };
    pipe.onClose = () => {
      this.pipes.delete(pipe);
      this.#expiring.delete(pipe);
      connection.close();
    };
  }

  /** Hands it to the log, in the order in which it came. */
  #order(entry: Entry, reply: Reply): void {
    const { world } = this.#cluster;
    const { refusal, ms = 0, forget = false } = this.fate();
    if (refusal !== undefined && refusal.code !== "UNKNOWN") {
      return world.after(0, () => reply.settled(refusal));
    }
    if (refusal !== undefined) world.after(0, () => reply.settled(refusal));
    if (forget) return;
    const told = refusal === undefined ? reply : { settled() {} };
    this.#queue.push(() =>
      this.#cluster.append(entry, {
        node: this,
        reply: told,
      })
    );
    world.after(ms, () => this.#queue.shift()!());
  }

  #apply(entry: Entry): Outcome {
    switch (entry.type) {
      case "open":
        return this.sessions.open(entry.name);
      case "end sessions":
        this.sessions.clear();
        return 0;
      case "change":
        return this.#change(entry.mutation, entry.by);
    }
  }

  #change(mutation: Mutation | undefined, by?: SessionNumber): Outcome {
    const act = () => this.#mutate(mutation, by);
    if (by === undefined) return act();
    const checksum = checksumOf(mutation === undefined ? [] : [mutation]);
    const admission = this.sessions.admit(by, checksum);
    if (admission === "apply") {
      this.#cluster.judge(by, { node: this });
      if (mutation === undefined) this.#cluster.wasGivenUp(by);
      return this.sessions.applied(by, { checksum, outcome: act() });
    }
    if (!("code" in admission)) return admission.outcome;
    this.#cluster.judge(by, { node: this, refusal: admission });
    return admission;
  }

  #mutate(mutation: Mutation | undefined, by?: SessionNumber): Outcome {
    if (mutation === undefined) return 0;
    const outcome = this.store.apply(mutation);
    // The others apply the same later.
    const isFirst = this === this.#cluster.nodes[0];
    if (isFirst) this.#cluster.effects.push({ by, mutation, outcome });
    return outcome;
  }
}

function copyOf(mutation: Mutation): Mutation {
  return mutation.type === "set"
    ? { ...mutation, body: mutation.body.slice() }
    : mutation;
}
