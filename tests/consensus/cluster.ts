/**
 * Nodes in memory, and the messages between them: in order, unless a test
 * loses some or holds some back.
 *
 * @module
 */
import { Node, type NodeSettings } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { type Mutation, type Outcome, Store } from "../../store/mod.ts";
import { set } from "../store/changes.ts";

/** Whether a message shall be lost. */
export type Loses = (
  message: PeerMessage,
  way: { from: string; to: string },
) => boolean;

/** What came of a linearizable read. */
export type ReadOutcome = "confirmed" | { code: string };

const MOST_STEPS = 200_000;

/** The nodes of a cluster, by short ids. */
export class Cluster {
  readonly nodes: Map<string, Node> = new Map();
  /** Messages that are lost now. */
  loses: Loses = () => false;
  /** All that was sent, as `A>B prepare`. */
  readonly sent: string[] = [];
  readonly lineages: string[] = [];
  readonly #links: Set<string> = new Set();
  readonly #paused: Set<string> = new Set();
  readonly #settings: Partial<NodeSettings>;
  #agenda: (() => void)[] = [];
  #seed: number;

  constructor(
    options: { seed?: number; settings?: Partial<NodeSettings> } = {},
  ) {
    this.#seed = options.seed ?? 7;
    this.#settings = options.settings ?? {};
  }

  /** A node that is not part of any cluster. */
  add(id: string, addr = `${id}:1`): Node {
    const node: Node = new Node({
      id,
      store: new Store(),
      about: { addr, hostname: `host-${id}`, version: "1.0.0" },
      onInput: () => void this.#agenda.push(() => this.#run(id)),
      send: (to, message) => this.#send({ from: id, to }, message),
      random: () => this.random(),
      now: () => 1_000,
      settings: this.#settings,
      onLineage: (lineage) => void this.lineages.push(lineage),
    });
    this.nodes.set(id, node);
    return node;
  }

  /** From 0 up to below 1, by the seed. */
  random(): number {
    this.#seed = this.#seed * 16807 % 2147483647;
    return this.#seed / 2147483647;
  }

  of(id: string): Node {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`Nobody is called "${id}"`);
    return node;
  }

  /** Founds a cluster of one node. */
  found(id: string): Node {
    const node = this.add(id);
    node.found({ cluster: "local", lineage: "L" });
    this.settle();
    return node;
  }

  /** Nodes that attach to the cluster, linked with all others. */
  attach(ids: string): void {
    for (const id of ids) {
      this.add(id).attach("L");
      for (const other of this.nodes.keys()) this.link(id, other);
    }
    this.tick(30);
  }

  /** Both can reach each other. */
  link(a: string, b: string): void {
    if (a === b || this.#links.has(a + b)) return;
    this.#links.add(a + b).add(b + a);
    this.of(a).linkUp(b);
    this.of(b).linkUp(a);
  }

  /** The link is closed, and both notice; what was under way is lost. */
  unlink(a: string, b: string): void {
    if (!this.#links.delete(a + b)) return;
    this.#links.delete(b + a);
    this.of(a).linkDown(b);
    this.of(b).linkDown(a);
  }

  /** Closes all links of a node. */
  isolate(id: string): void {
    for (const other of this.nodes.keys()) this.unlink(id, other);
  }

  /** Opens links of a node to all others. */
  join(id: string): void {
    for (const other of this.nodes.keys()) this.link(id, other);
  }

  /** The process ends: its links close, and it is no more. */
  kill(id: string): void {
    this.isolate(id);
    this.nodes.delete(id);
  }

  /** The process stops for a while; its links stay open. */
  pause(id: string): void {
    this.#paused.add(id);
  }

  resume(id: string): void {
    this.#paused.delete(id);
    this.#agenda.push(() => this.#run(id));
  }

  /** Delivers and works off everything. */
  settle(): void {
    for (let steps = 0; this.#agenda.length > 0; steps++) {
      if (steps > MOST_STEPS) throw new Error("The nodes talk without end");
      const agenda = this.#agenda;
      this.#agenda = [];
      for (const task of agenda) task();
    }
  }

  tick(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      for (const [id, node] of this.nodes) {
        if (!this.#paused.has(id)) node.tick();
      }
      this.settle();
    }
  }

  /** Ticks until it holds, at most so often; returns how often. */
  tickUntil(holds: () => boolean, most = 500): number {
    for (let ticks = 0; ticks < most; ticks++) {
      if (holds()) return ticks;
      this.tick();
    }
    throw new Error(`It does not hold after ${most} ticks`);
  }

  /** The node that leads and serves, as the others see it. */
  get leader(): string | undefined {
    const leaders = [...this.nodes.values()]
      .filter((node) => node.status().role === "leader" && node.status().ready);
    return leaders.length === 1 ? leaders[0]!.id : undefined;
  }

  /** Seats of all, as `ABC`; `-` for a free one. */
  seats(id: string): string {
    const { seats } = this.of(id).status();
    return seats.map((seat) => seat.id === "" ? "-" : seat.id).join("");
  }

  /** Proposes; outcomes come into the array. */
  propose(id: string, ...mutations: readonly Mutation[]): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const mutation of mutations) {
      const settled = (outcome: Outcome) => void outcomes.push(outcome);
      this.of(id).propose(mutation, { settled });
    }
    return outcomes;
  }

  /** Writes a file, and lets everything settle. */
  write(id: string, path: string, body = path, rev = -1): Outcome | undefined {
    const outcomes = this.propose(id, set(path, body, rev));
    this.settle();
    return outcomes[0];
  }

  /** Asks for a linearizable read; what comes of it comes into the array. */
  read(id: string): ReadOutcome[] {
    const outcomes: ReadOutcome[] = [];
    this.of(id).confirmRead({
      confirmed: () => void outcomes.push("confirmed"),
      refused: ({ code }) => void outcomes.push({ code }),
    });
    return outcomes;
  }

  #run(id: string): void {
    if (!this.#paused.has(id)) this.nodes.get(id)?.run();
  }

  #send(
    { from, to }: { from: string; to: string },
    message: PeerMessage,
  ): void {
    this.sent.push(`${from}>${to} ${message.type}`);
    if (this.loses(message, { from, to })) return;
    const copy = structuredClone(message);
    this.#agenda.push(() => {
      if (this.#links.has(from + to)) this.nodes.get(to)?.receive(from, copy);
    });
  }
}

/** A cluster of which all of these have a seat, A the leader. */
export function clusterOf(
  ids: string,
  options: {
    observers?: string;
    seed?: number;
    settings?: Partial<NodeSettings>;
  } = {},
): Cluster {
  const cluster = new Cluster(options);
  cluster.found(ids[0]!);
  cluster.attach(ids.slice(1));
  for (let n = 1; n < ids.length; n++) {
    cluster.write(ids[0]!, `/ctl/cal/${n}`, "", 0);
    const seated = () => cluster.seats(ids[0]!) === ids.slice(0, n + 1);
    cluster.tickUntil(seated);
  }
  cluster.attach(options.observers ?? "");
  cluster.tick(10);
  return cluster;
}
