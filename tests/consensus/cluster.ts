/**
 * Nodes in memory, and the messages between them: in order, unless a test
 * loses some or holds some back.
 *
 * @module
 */
import {
  type Found,
  Node,
  type NodeSettings,
  readDirectory,
} from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { type Mutation, type Outcome, Store } from "../../store/mod.ts";
import { set } from "../store/changes.ts";
import { longId, shortIds } from "./disk_words.ts";
import { type Kept, MemoryDisk } from "./memory_disk.ts";

/** Whether a message shall be lost. */
export type Loses = (
  message: PeerMessage,
  way: { from: string; to: string },
) => boolean;

/** What came of a linearizable read. */
export type ReadOutcome = "confirmed" | { code: string };

/** How a cluster is set up. */
export interface ClusterOptions {
  readonly seed?: number;
  readonly settings?: Partial<NodeSettings>;
  /** Whether each node has a disk. */
  readonly durable?: boolean;
}

/** The disk of one node, and what was on it. */
export interface NodeDisk {
  readonly disk: MemoryDisk;
  readonly found?: Found | undefined;
}

const MOST_STEPS = 200_000;

/** The nodes of a cluster, by short ids. */
export class Cluster {
  readonly nodes: Map<string, Node> = new Map();
  /** Messages that are lost now. */
  loses: Loses = () => false;
  /** All that was sent, as `A>B prepare`. */
  readonly sent: string[] = [];
  readonly lineages: string[] = [];
  /** The disks of durable nodes. */
  readonly disks: Map<string, MemoryDisk> = new Map();
  /** Who was told that its disk is broken. */
  readonly broken: string[] = [];
  readonly #links: Set<string> = new Set();
  readonly #paused: Set<string> = new Set();
  readonly #settings: Partial<NodeSettings>;
  readonly #durable: boolean;
  #agenda: (() => void)[] = [];
  #seed: number;

  constructor(options: ClusterOptions = {}) {
    this.#seed = options.seed ?? 7;
    this.#settings = options.settings ?? {};
    this.#durable = options.durable ?? false;
  }

  /** A node that is not part of any cluster; on this disk, or a new one. */
  add(id: string, place: string | NodeDisk = `${id}:1`): Node {
    const addr = typeof place === "string" ? place : `${id}:1`;
    const durability = this.#disk(id, place);
    const node: Node = new Node({
      id: this.#idOf(id),
      store: new Store(),
      durability,
      onDiskBroken: () => void this.broken.push(id),
      about: { addr, hostname: `host-${id}`, version: "1.0.0" },
      onInput: () => void this.#agenda.push(() => this.#run(id)),
      send: (to, message) =>
        this.#send({ from: id, to: shortIds(to) }, message),
      random: () => this.random(),
      now: () => 1_000,
      settings: this.#settings,
      onLineage: (lineage) => void this.lineages.push(lineage),
    });
    this.nodes.set(id, node);
    return node;
  }

  /** Disks take ids of the usual length only. */
  #idOf(id: string): string {
    return this.#durable ? longId(id) : id;
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
    this.of(a).linkUp(this.#idOf(b));
    this.of(b).linkUp(this.#idOf(a));
  }

  /** The link is closed, and both notice; what was under way is lost. */
  unlink(a: string, b: string): void {
    if (!this.#links.delete(a + b)) return;
    this.#links.delete(b + a);
    this.of(a).linkDown(this.#idOf(b));
    this.of(b).linkDown(this.#idOf(a));
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
    const disk = this.disks.get(id);
    if (disk !== undefined) disk.held = true;
  }

  /**
   * The process ends, and is started again on what its disk has then. Where
   * there is nothing it attaches.
   */
  restart(id: string, disk: Kept | MemoryDisk = "durable"): Node {
    const left = typeof disk === "string" ? this.diskOf(id).crash(disk) : disk;
    if (this.nodes.has(id)) this.kill(id);
    const found = readDirectory(left);
    const node = this.add(id, { disk: left, found });
    if (found === undefined) node.attach("L");
    else node.resume(found);
    this.join(id);
    return node;
  }

  diskOf(id: string): MemoryDisk {
    const disk = this.disks.get(id);
    if (disk === undefined) throw new Error(`"${id}" has no disk`);
    return disk;
  }

  /** The disk goes on. */
  letGo(id: string): void {
    const disk = this.diskOf(id);
    disk.held = false;
    this.#agenda.push(() => this.#work(disk));
  }

  #disk(id: string, place: string | NodeDisk) {
    const isNew = typeof place === "string";
    if (isNew && !this.#durable) return undefined;
    const disk = isNew ? new MemoryDisk() : place.disk;
    const found = isNew ? undefined : place.found;
    this.disks.set(id, disk);
    disk.onWork = () => void this.#agenda.push(() => this.#work(disk));
    return { disk, found, start: Math.floor(this.random() * 2 ** 32) };
  }

  /** One operation after the other, between what else happens. */
  #work(disk: MemoryDisk): void {
    if (disk.held || !disk.step() || !disk.busy) return;
    this.#agenda.push(() => this.#work(disk));
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
    return leaders.length === 1 ? shortIds(leaders[0]!.id) : undefined;
  }

  /** Seats of all, as `ABC`; `-` for a free one. */
  seats(id: string): string {
    const { seats } = this.of(id).status();
    return seats.map(({ id }) => id === "" ? "-" : shortIds(id)).join("");
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

  /**
   * Proposes a command of a client's session: its id, the number, and up to
   * where outcomes are acknowledged. Without a mutation it shall do nothing.
   */
  once(
    id: string,
    [session, number, acknowledged = 0]: readonly [
      session: number,
      number: number,
      acknowledged?: number,
    ],
    mutation?: Mutation,
  ): Outcome[] {
    const outcomes: Outcome[] = [];
    const settled = (outcome: Outcome) => void outcomes.push(outcome);
    const by = { session, number, acknowledged };
    this.of(id).proposeOnce(mutation, by, { settled });
    return outcomes;
  }

  /** Opens a session for a client. */
  openSession(id: string, name = ""): Outcome[] {
    const outcomes: Outcome[] = [];
    const settled = (outcome: Outcome) => void outcomes.push(outcome);
    this.of(id).openSession(name, { settled });
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
      if (!this.#links.has(from + to)) return;
      this.nodes.get(to)?.receive(this.#idOf(from), copy);
    });
  }
}

/** A cluster of which all of these have a seat, A the leader. */
export function clusterOf(
  ids: string,
  options: ClusterOptions & { readonly observers?: string } = {},
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
