/**
 * The cluster of a run: its processes, what is known of them, and the
 * checkers that look on.
 *
 * @module
 */
import { ALPHA } from "../../consensus/mod.ts";
import type { NodeId, PeerMessage, Seqn } from "../../protocol/mod.ts";
import { type Agenda, type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import { Adoption } from "./checkers/adoption.ts";
import { type Applied, Canon, show } from "./checkers/canon.ts";
import { Chores } from "./checkers/chores.ts";
import { Duties } from "./checkers/duties.ts";
import { History } from "./checkers/history.ts";
import { Promises } from "./checkers/promises.ts";
import { Quorums } from "./checkers/quorums.ts";
import { Rounds } from "./checkers/rounds.ts";
import { Seats } from "./checkers/seats.ts";
import { checkState } from "./checkers/state.ts";
import { Watches } from "./checkers/watches.ts";
import { Network } from "./network.ts";
import { addressOf, Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { SubjectMaker } from "./subject.ts";
import type { Trace } from "./trace.ts";
import { fail } from "./violation.ts";
import type { StoreObserver } from "./watched_store.ts";

/** What a run is made of. */
export interface WorldOptions {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  readonly scenario: Scenario;
  readonly make: SubjectMaker;
  readonly codec?: ((message: PeerMessage) => PeerMessage) | undefined;
}

const NOBODY: ReadonlySet<NodeId> = new Set();
const CLUSTER = { cluster: "sim", lineage: "LINEAGE" };
/** Whoever has been gone for so long counts for nobody as live. */
const KNOWN_GONE: Micros = 2 * SECOND;
/** A process that is in no cluster after so long is started anew. */
const PATIENCE: Micros = 3 * SECOND;
const NURSE_EVERY: Micros = 500 * MILLISECOND;

/** A cluster, and who watches it. */
export class World {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  readonly scenario: Scenario;
  readonly network: Network;
  readonly canon: Canon = new Canon();
  readonly history: History = new History(this.canon);
  readonly watches: Watches = new Watches(this.canon);
  readonly promises: Promises = new Promises();
  readonly seats: Seats = new Seats(this.canon, ALPHA);
  readonly quorums: Quorums = new Quorums(this.seats.calsOf);
  readonly rounds: Rounds = new Rounds(this.seats.calsOf);
  readonly adoption: Adoption = new Adoption();
  readonly duties: Duties = new Duties();
  readonly chores: Chores = new Chores();
  readonly #make: SubjectMaker;
  readonly #processes: Set<Process> = new Set();
  /** Those that were told to go. */
  readonly leaving: Set<Process> = new Set();
  readonly #startedAt: Map<Process, Micros> = new Map();
  /** When those that are gone ended. */
  readonly #endedAt: Map<NodeId, Micros> = new Map();
  /** Those that had given up their seats before they went. */
  readonly #gaveUp: Set<NodeId> = new Set();
  readonly #registered: WeakSet<Process> = new WeakSet();
  #started = 0;
  crashes = 0;
  leaves = 0;
  takeovers = 0;
  /** Told when a process ends. */
  onEnd: (process: Process) => void = () => {};

  constructor(options: WorldOptions) {
    const { agenda, random, trace, scenario, make } = options;
    this.agenda = agenda;
    this.random = random;
    this.trace = trace;
    this.scenario = scenario;
    this.#make = make;
    this.network = new Network({
      hosts: scenario.hosts,
      agenda,
      trace,
      random: random.fork(),
      codec: options.codec,
      codecChance: scenario.codecChance,
      splits: scenario.splits,
    });
    for (const way of this.network.ways()) way.latency = scenario.latency;
    this.network.onSend = (from, message) => this.#sent(from, message);
    this.network.onArrive = (from, to, message) =>
      this.#arrived(from, to, message);
    agenda.after(NURSE_EVERY, () => this.#nurse());
  }

  /** The processes that have not ended. */
  get living(): Process[] {
    return [...this.#processes];
  }

  /** Those that their cluster knows. */
  get members(): Process[] {
    return this.living.filter((process) => this.isRegistered(process));
  }

  /** Starts the node that founds the cluster. */
  found(): Process {
    const process = this.#start(0);
    process.input(() => process.node.found(CLUSTER));
    return process;
  }

  /** Starts a node that attaches through another. */
  attach(host: number, via: Process): Process {
    const process = this.#start(host);
    process.tellAddress(via.host);
    this.#note(process, `attaches via ${via.name}`);
    process.input(() => process.node.attach(CLUSTER.lineage));
    return process;
  }

  /** Starts a node through any that can be reached. */
  attachSomewhere(host: number): Process | undefined {
    const { members } = this;
    if (members.length === 0) return undefined;
    return this.attach(host, this.random.pick(members));
  }

  /** The hosts without a process. */
  get freeHosts(): number[] {
    const taken = new Set(this.living.map(({ host }) => host));
    return Array.from({ length: this.scenario.hosts }, (_, host) => host)
      .filter((host) => !taken.has(host));
  }

  /** Whether those that stay could still decide if this one were gone. */
  canSpare(process: Process): boolean {
    const others = this.living.filter((other) =>
      other !== process && !this.leaving.has(other)
    );
    return others.length > 0 && this.#canDecide(others);
  }

  /**
   * Whether those that live are enough to decide anything. They may not be
   * because of those that were let go: that would be the cluster's fault.
   */
  get canDecide(): boolean {
    if (this.#canDecide(this.living)) return true;
    if (this.#canDecide(this.living, this.#gaveUp)) {
      fail("leaving", "those that were let go are needed still");
    }
    return false;
  }

  /** Whether the process has a seat. */
  isCal(process: Process): boolean {
    return this.seats.cals.includes(process.id);
  }

  /** Whether its files say that the process belongs to the cluster. */
  isRegistered(process: Process): boolean {
    const path = `/ctl/node/${process.id}/addr`;
    return this.canon.fileAt(path, this.canon.rev) !== undefined;
  }

  /** The process is gone, with all it knew. */
  end(process: Process, how: "crashes" | "has left" | "is given up"): void {
    if (!process.alive) return;
    this.#note(process, how);
    if (how === "crashes") this.crashes++;
    else if (how === "has left") this.leaves++;
    if (how === "has left" && !this.isRegistered(process)) {
      this.#gaveUp.add(process.id);
    }
    this.#endedAt.set(process.id, this.agenda.now);
    process.end();
    this.#processes.delete(process);
    this.leaving.delete(process);
    const late = this.random.chance(0.15);
    const notice = () => this.random.below(late ? 1.5 * SECOND : 3000);
    this.network.part(process, notice);
    this.onEnd(process);
  }

  #start(host: number): Process {
    const { agenda, trace, scenario, network } = this;
    const process = new Process({
      number: ++this.#started,
      host,
      agenda,
      trace,
      random: this.random.fork(),
      make: this.#make,
      settings: scenario,
      historyRevs: this.random.pick(scenario.historyRevs),
      runDelay: scenario.runDelay,
      observe: (process) => this.#observe(process),
      send: (from, to, message) => network.send(from, to, message),
      afterRun: (process) => this.#ran(process),
    });
    this.#processes.add(process);
    this.#startedAt.set(process, agenda.now);
    network.join(process);
    this.#note(process, `starts on host ${host}, ${addressOf(host)}`);
    return process;
  }

  /** An operator starts a node anew that finds no cluster. */
  #nurse(): void {
    const { agenda } = this;
    agenda.after(NURSE_EVERY, () => this.#nurse());
    for (const process of this.living) {
      if (this.isRegistered(process)) this.#registered.add(process);
      // Who was in the cluster must find back by itself.
      if (this.#registered.has(process)) continue;
      const since = agenda.now - this.#startedAt.get(process)!;
      if (since < PATIENCE || process.paused || process.number === 1) continue;
      if (!this.canSpare(process)) continue;
      this.end(process, "is given up");
      this.attachSomewhere(process.host);
    }
  }

  #observe(process: Process): StoreObserver {
    const { canon, history, trace } = this;
    return {
      applied: (event) => {
        const by = { name: process.name, firstRev: process.store.firstRev };
        trace.mark("apply", process.number, event.hash ^ event.rev);
        if (!canon.apply(event, by)) return;
        history.applied(event);
        this.#tookPlace(event, process.node.applied + 1);
        if (trace.reads) trace.say(process.name, `makes ${show(event)}`);
      },
      tookOver: (store) => {
        this.takeovers++;
        this.#note(process, `takes over the state of rev ${store.rev}`);
        checkState(canon, { name: process.name, store });
      },
    };
  }

  /** An event was made by a slot, which is 0 where that cannot be seen. */
  #tookPlace(event: Applied, slot: Seqn): void {
    if (!event.path.startsWith("/ctl/")) return;
    const { chores, seats, agenda } = this;
    chores.applied(event, slot);
    if (!seats.applied(event, slot) || slot === 0) return;
    const since = chores.since(slot) ?? agenda.now;
    const here = seats.cals.filter((cal) => {
      const endedAt = this.#endedAt.get(cal);
      return endedAt === undefined || endedAt + KNOWN_GONE > since;
    });
    if (2 * here.length > seats.cals.length) return;
    const why = `${here.length} of ${seats.cals.length} cals were live`;
    fail("seats", `${why} when it was proposed: ${show(event)}`);
  }

  #sent(from: Process, message: PeerMessage): void {
    const { id, node: { applied } } = from;
    this.promises.sent({ id, applied, window: ALPHA }, message);
    if (applied < 0) return;
    this.quorums.sent(id, message);
    this.rounds.sent(id, message);
    this.adoption.sent(id, message);
    this.duties.sent(id, message);
    if (message.type === "accept") {
      this.chores.proposed(message, this.agenda.now);
    }
  }

  #arrived(from: Process, to: Process, message: PeerMessage): void {
    const { id, node: { applied } } = to;
    if (applied < 0) return;
    this.quorums.arrived(from.id, id, message);
    this.rounds.arrived(from.id, id, message);
    this.adoption.arrived(id, message);
    this.duties.arrived(from.id, { id, applied }, message);
  }

  #ran({ id, name, node }: Process): void {
    const { applied, hash } = node;
    if (applied > 0) this.promises.state(name, { slot: applied, hash });
    this.duties.ran({ id, applied }, () => node.status().role === "leader");
  }

  #canDecide(
    living: readonly Process[],
    others: ReadonlySet<NodeId> = NOBODY,
  ): boolean {
    const ids = new Set<NodeId>(living.map(({ id }) => id));
    for (const id of others) ids.add(id);
    const applied = Math.max(0, ...living.map(({ node }) => node.applied));
    return this.seats.canDecide(ids, applied);
  }

  #note(process: Process, what: string): void {
    this.trace.mark("process", process.number, what.length);
    if (this.trace.reads) this.trace.say(process.name, what);
  }
}
