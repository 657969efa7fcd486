/**
 * The cluster of a run: its processes, what is known of them, and the
 * checkers that look on.
 *
 * @module
 */
import { ALPHA } from "../../consensus/mod.ts";
import type { NodeId, PeerMessage, Seqn } from "../../protocol/mod.ts";
import { type Agenda, type Micros, SECOND } from "./agenda.ts";
import { type Applied, Canon, show } from "./checkers/canon.ts";
import { ExactlyOnce } from "./checkers/exactly_once.ts";
import { History } from "./checkers/history.ts";
import { Seats } from "./checkers/seats.ts";
import { checkState } from "./checkers/state.ts";
import { Watches } from "./checkers/watches.ts";
import { Network } from "./network.ts";
import { Listener } from "./listener.ts";
import type { Machine } from "./machine.ts";
import { Machines } from "./machines.ts";
import type { Memory } from "./memory.ts";
import { addressOf, type Loss, Process } from "./process.ts";
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
/** Whoever has been gone for so long counts for nobody as live. */
const KNOWN_GONE: Micros = 2 * SECOND;
/** How a process may come to its end; with "crashes" its machine does, too. */
export type End =
  | "crashes"
  | "has left"
  | "is given up"
  | "is killed"
  | Loss;

/** Starts processes: supervisor.ts. */
export interface Starter {
  /** Starts the node that founds the cluster, or goes on with having done so. */
  found(): Process;
  /** Starts the process of a host; tells whether that can be done now. */
  start(host: number, via?: Process): boolean;
  /** The same through any that can be reached, as soon as there is one. */
  startSomehow(host: number): void;
  /** A node says that it must not go on. */
  lost(process: Process, why: Loss): void;
  /** Whether somebody is about to stop. */
  readonly stopping: boolean;
  /** How often a process stopped, because it had nobody to repair it from. */
  readonly stops: number;
}

/** A cluster, and who watches it. */
export class World {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  readonly scenario: Scenario;
  readonly network: Network;
  readonly canon: Canon = new Canon();
  readonly history: History = new History(this.canon);
  readonly once: ExactlyOnce = new ExactlyOnce(this.canon);
  readonly watches: Watches = new Watches(this.canon);
  readonly seats: Seats = new Seats(this.canon, ALPHA);
  /** Shows the checkers what nodes say. */
  readonly listener: Listener;
  /** The hosts with disks, where there are any. */
  readonly machines: Machines | undefined;
  /** Who starts processes; there has to be one. */
  supervisor!: Starter;
  readonly #make: SubjectMaker;
  readonly #processes: Set<Process> = new Set();
  /** Those that were told to go. */
  readonly leaving: Set<Process> = new Set();
  /** When those that are gone ended. */
  readonly #endedAt: Map<NodeId, Micros> = new Map();
  /** Those that had given up their seats before they went. */
  readonly #gaveUp: Set<NodeId> = new Set();
  #started = 0;
  crashes = 0;
  restarts = 0;
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
    const { disks } = scenario;
    this.machines = disks === undefined ? undefined : new Machines({
      agenda,
      trace,
      random: random.fork(),
      scenario: disks,
    });
    const { machines, seats } = this;
    this.listener = new Listener({ agenda, seats, machines });
    for (const way of this.network.ways()) way.latency = scenario.latency;
    this.network.onLink = (to, peer) => this.listener.linked(to, peer);
    this.network.onSend = (from, message) => this.listener.sent(from, message);
    this.network.onArrive = (from, to, message) =>
      this.listener.arrived(from, to, message);
  }

  /** The processes that have not ended. */
  get living(): Process[] {
    return [...this.#processes];
  }

  /** Those that their cluster knows. */
  get members(): Process[] {
    return this.living.filter((process) => this.isRegistered(process));
  }

  /** Whether no process is on the host. */
  readonly isFree = (host: number): boolean =>
    this.living.every((process) => process.host !== host);

  /** The hosts without a process that nobody comes back to. */
  get freeHosts(): number[] {
    const taken = new Set(this.living.map(({ host }) => host));
    return Array.from({ length: this.scenario.hosts }, (_, host) => host)
      .filter((host) => !taken.has(host))
      .filter((host) => this.machines?.of(host)?.node === undefined);
  }

  /** Whether those that stay could still decide if this one were gone. */
  canSpare(process: Process): boolean {
    const others = this.living.filter((other) =>
      other !== process && !this.leaving.has(other)
    );
    return others.length > 0 && this.#canDecide(others);
  }

  /**
   * Whether the cluster remembers all that it must if this one forgets.
   */
  canForget(id: NodeId): boolean {
    const { living, machines, seats } = this;
    const rest = new Set<NodeId>(living.map((process) => process.id));
    for (const { node } of machines?.keepers ?? []) rest.add(node!);
    rest.delete(id);
    if (!seats.couldDecide(rest)) return false;
    return machines === undefined || machines.canForget(id, { seats, living });
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
  end(process: Process, how: End): void {
    if (!process.alive) return;
    this.note(process, how);
    if (how === "crashes" || how === "is killed") this.crashes++;
    else if (how === "has left") this.leaves++;
    if (how === "has left" && !this.isRegistered(process)) {
      this.#gaveUp.add(process.id);
    }
    this.#endedAt.set(process.id, this.agenda.now);
    process.end();
    this.machines?.of(process.host)?.end(this.#losesPower(process, how));
    this.#processes.delete(process);
    this.leaving.delete(process);
    const late = this.random.chance(0.15);
    const notice = () => this.random.below(late ? 1.5 * SECOND : 3000);
    this.network.part(process, notice);
    this.onEnd(process);
  }

  /** Whether the machine ends with its process. */
  #losesPower({ id, host }: Process, how: End): boolean {
    // What a broken sync has left must not be gone where it is needed.
    const { harm } = this.machines?.of(host) ?? {};
    if (harm === "broken" && !this.canForget(id)) return false;
    return how === "crashes" ||
      how === "has a broken disk" && this.random.chance(0.5);
  }

  /** A process begins on a host, with what its disk remembers. */
  launch(host: number, memory: Memory | undefined): Process {
    const { agenda, trace, scenario, network } = this;
    const machine = this.machines?.of(host);
    const process = new Process({
      number: ++this.#started,
      host,
      agenda,
      trace,
      random: this.random.fork(),
      make: this.#make,
      settings: {
        ...scenario,
        checkpointBytes: scenario.disks?.checkpointBytes ?? 0,
      },
      historyRevs: this.random.pick(scenario.historyRevs),
      runDelay: scenario.runDelay,
      observe: (process) => this.#observe(process),
      send: (from, to, message) => network.send(from, to, message),
      afterRun: (process) => this.listener.ran(process),
      boot: memory && machine?.boot(memory),
      onLost: (process, why) => this.supervisor.lost(process, why),
    });
    this.note(process, `starts on host ${host}, ${addressOf(host)}`);
    if (machine !== undefined) this.#booted(process, machine);
    this.#processes.add(process);
    network.join(process);
    return process;
  }

  /** A process begins on a host with a disk. */
  #booted(process: Process, machine: Machine): void {
    const { boot, id } = process;
    machine.node = id;
    this.listener.started(process);
    if (boot?.found === undefined) return;
    this.restarts++;
    const { applied, claim: { incarnation, position } } = boot.found;
    this.note(process, `is back, ${incarnation}/${position} at ${applied}`);
    this.#endedAt.delete(id);
  }

  #observe(process: Process): StoreObserver {
    const { canon, history, once, trace } = this;
    return {
      applied: (event) => {
        const by = { name: process.name, firstRev: process.store.firstRev };
        trace.mark("apply", process.number, event.hash ^ event.rev);
        if (!canon.apply(event, by)) return;
        (once.concerns(event) ? once : history).applied(event);
        this.#tookPlace(event, process.node.applied + 1);
        if (trace.reads) trace.say(process.name, `makes ${show(event)}`);
      },
      tookOver: (store) => {
        this.takeovers++;
        this.note(process, `takes over the state of rev ${store.rev}`);
        checkState(canon, { name: process.name, store });
      },
    };
  }

  /** An event was made by a slot, which is 0 where that cannot be seen. */
  #tookPlace(event: Applied, slot: Seqn): void {
    if (!event.path.startsWith("/ctl/")) return;
    const { listener: { chores }, seats, agenda } = this;
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

  #canDecide(
    living: readonly Process[],
    others: ReadonlySet<NodeId> = NOBODY,
  ): boolean {
    const ids = new Set<NodeId>(living.map(({ id }) => id));
    for (const id of others) ids.add(id);
    const applied = Math.max(0, ...living.map(({ node }) => node.applied));
    return this.seats.canDecide(ids, applied);
  }

  /** Tells, in the trace, of a process. */
  note(process: Process, what: string): void {
    this.trace.mark("process", process.number, what.length);
    if (this.trace.reads) this.trace.say(process.name, what);
  }
}
