/**
 * One run: a seed makes a cluster, clients and faults; then all heals, and the
 * nodes must come together again.
 *
 * @module
 */
import type { PeerMessage } from "../../protocol/mod.ts";
import { Admin } from "./admin.ts";
import { Ambush } from "./ambush.ts";
import { Agenda, type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import { checkFiles } from "./checkers/state.ts";
import { Client, type Counter } from "./client.ts";
import { Drill, type DrillName } from "./drill.ts";
import { type AnyFault, Faults } from "./faults.ts";
import { Library } from "./library/library.ts";
import { withLimits } from "./library/limits.ts";
import {
  drawLibrary,
  type LibraryScenario,
  type OtherLimits,
} from "./library/scenario.ts";
import { serves } from "./library/server_end.ts";
import type { Process } from "./process.ts";
import { Random } from "./random.ts";
import { drawDisks, drawScenario, type Scenario } from "./scenario.ts";
import type { SubjectMaker } from "./subject.ts";
import { makeWorld } from "./supervisor.ts";
import { Trace } from "./trace.ts";
import { fail, Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What to run. */
export interface SimulationOptions {
  readonly seed: number;
  /** Makes the nodes of this run. */
  readonly make: SubjectMaker;
  readonly codec?: ((message: PeerMessage) => PeerMessage) | undefined;
  /** How many cals; by default the seed decides. */
  readonly nodes?: number | undefined;
  /** Whether hosts have disks; by default the seed decides. */
  readonly disks?: boolean | undefined;
  /** Whether there are clients of the library; by default the seed decides. */
  readonly library?: boolean | undefined;
  /** Receives the trace, line by line. */
  readonly write?: ((line: string) => void) | undefined;
}

/** What came of a run. */
export interface SimulationResult {
  readonly seed: number;
  readonly hash: string;
  readonly violation: Violation | undefined;
  /** Whether so many cals were lost for good that nothing can be decided. */
  readonly stuck: boolean;
  /** What was practised at the end, if anything. */
  readonly drill: DrillName | undefined;
  readonly virtualSeconds: number;
  readonly events: number;
  readonly counts: Readonly<Record<CountName, number>>;
  readonly faults: ReadonlyMap<AnyFault, number>;
  readonly refusals: ReadonlyMap<string, number>;
}

/** What is counted. */
export const COUNTS = [
  "operations",
  "revs",
  "reads",
  "waits told",
  "library writes",
  "library events",
  "library snapshots",
  "library lines",
  "messages",
  "campaigns",
  "leaderships",
  "ambushes",
  "crashes",
  "restarts",
  "leaves",
  "seat changes",
  "takeovers",
] as const;

/** One thing that is counted. */
export type CountName = typeof COUNTS[number];

/** Time for the nodes to come together once all is well. */
const CONVERGE_WITHIN: Micros = 30 * SECOND;
/** How many of the runs have disks. */
const DISKS_CHANCE = 0.6;
/** What the disks of a run are drawn from, so that the rest is as without. */
const DISKS_SEED = 2 ** 45;
/** How many of the runs have clients of the library. */
const LIBRARY_CHANCE = 0.5;
const LIBRARY_SEED = 2 ** 46;
/** How many of those see the founder crash, and when. */
const FOUNDS_TWICE = 0.3;
const FOUNDING: Micros = 15 * MILLISECOND;
const LOOK_EVERY: Micros = 50 * MILLISECOND;

/** What clients of the library do where there are none. */
const NONE = { reads: 0, lines: 0, events: 0, snapshots: 0 };

/** Runs a seed. */
export function simulate(options: SimulationOptions): SimulationResult {
  const run = new Run(options);
  let violation: Violation | undefined;
  try {
    withLimits(run.limits, () => run.play());
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
  }
  return run.result(violation);
}

/** A run under way. */
class Run {
  readonly #seed: number;
  readonly #agenda = new Agenda();
  readonly #trace: Trace;
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #faults: Faults;
  readonly #ambush: Ambush;
  readonly #admin: Admin;
  readonly #clients: Client[] = [];
  /** What else is drawn, so that the rest is as without. */
  readonly #draws: Random;
  readonly #libraryScenario: LibraryScenario | undefined;
  #library: Library | undefined;
  readonly #counter: Counter = {
    connections: 0,
    reads: 0,
    refusals: new Map(),
  };
  #stuck = false;
  #drill: DrillName | undefined;

  constructor(options: SimulationOptions) {
    const { seed, make, codec, nodes, write } = options;
    const random = new Random(seed);
    this.#seed = seed;
    this.#trace = new Trace(this.#agenda, write);
    const scenario = drawScenario(random, nodes);
    const draws = new Random(DISKS_SEED + seed);
    const drawn = draws.chance(DISKS_CHANCE);
    const disks = options.disks ?? drawn
      ? drawDisks(draws, scenario.hosts)
      : undefined;
    this.#scenario = { ...scenario, disks };
    this.#draws = new Random(LIBRARY_SEED + seed);
    const hasLibrary = this.#draws.chance(LIBRARY_CHANCE);
    this.#libraryScenario = options.library ?? hasLibrary
      ? drawLibrary(this.#draws)
      : undefined;
    this.#world = makeWorld({
      agenda: this.#agenda,
      random,
      trace: this.#trace,
      scenario: this.#scenario,
      make,
      codec,
    });
    this.#faults = new Faults(this.#world);
    this.#ambush = new Ambush(this.#world, this.#faults);
    this.#admin = new Admin(this.#world);
    this.#world.onEnd = (process) => {
      for (const client of this.#clients) client.processEnded(process);
      this.#library?.processEnded(process);
    };
  }

  /** Limits that are other ones in this run. */
  get limits(): OtherLimits {
    return this.#libraryScenario?.limits ?? {};
  }

  /** Plays it all, up to the first violation. */
  play(): void {
    this.#trace.say(
      "",
      `seed ${this.#seed}: ${JSON.stringify(this.#scenario)}`,
    );
    this.#begin();
    this.#agenda.runUntil(this.#agenda.now + this.#scenario.faulty);
    for (const client of this.#clients) client.stop();
    this.#admin.stop();
    this.#faults.heal();
    this.#library?.heal();
    this.#converge();
    // Nodes that cheat have no leader to be cut off.
    const led = this.#world.living.every(({ node }) => node.applied >= 0);
    if (led && !this.#stuck) this.#practise();
    for (const client of this.#clients) client.checkWaits();
    this.#library?.close();
  }

  /** What came of it. */
  result(violation: Violation | undefined): SimulationResult {
    return {
      seed: this.#seed,
      hash: this.#trace.hash,
      violation,
      stuck: this.#stuck,
      drill: this.#drill,
      virtualSeconds: this.#agenda.now / SECOND,
      events: this.#trace.events,
      counts: this.#count(),
      faults: this.#faults.counts,
      refusals: this.#counter.refusals,
    };
  }

  #begin(): void {
    const world = this.#world;
    const { scenario } = world;
    const first = this.#found();
    const end = this.#agenda.now + SECOND;
    this.#agenda.runUntil(end, () => first.store.rev > 0);
    if (first.store.rev === 0) fail("founding", "nothing is written");
    this.#admin.makeSeats(first);
    for (let i = 1; i < scenario.cals + scenario.observers; i++) {
      this.#agenda.after(
        world.random.below(200 * MILLISECOND),
        () => world.supervisor.start(i, first),
      );
    }
    for (let number = 1; number <= scenario.clients; number++) {
      const counter = this.#counter;
      this.#clients.push(new Client(world, { number, counter }));
    }
    // Until all sit nothing must break: the first cal is the only one.
    const seated = () => world.seats.cals.length >= scenario.cals;
    this.#agenda.runUntil(this.#agenda.now + 5 * SECOND, seated);
    if (!seated()) fail("liveness", "free seats are not taken in 5 s of calm");
    this.#startLibrary(first);
    this.#faults.start(scenario.calm);
    this.#ambush.start();
    this.#admin.start();
  }

  /** Its clients need nodes that serve them. */
  #startLibrary({ node }: Process): void {
    const scenario = this.#libraryScenario;
    if (scenario === undefined || !serves(node)) return;
    this.#trace.say("", `library: ${JSON.stringify(scenario)}`);
    const { refusals } = this.#counter;
    const random = this.#draws;
    this.#library = new Library(this.#world, { random, scenario, refusals });
    this.#library.start();
  }

  /** A history begins; with a disk it may lose its power meanwhile. */
  #found(): Process {
    const { supervisor, machines, random } = this.#world;
    let first = supervisor.found();
    if (machines?.of(first.host) === undefined) return first;
    const crashes = random.chance(FOUNDS_TWICE) ? random.between(1, 3) : 0;
    for (let i = 0; i < crashes; i++) {
      const { now } = this.#agenda;
      this.#agenda.runUntil(now + random.below(FOUNDING));
      this.#world.end(first, random.pick(["crashes", "is killed"]));
      first = supervisor.found();
    }
    return first;
  }

  /** All that live come to the same rev, and writes work through each. */
  #converge(): void {
    const end = this.#agenda.now + CONVERGE_WITHIN;
    let problem = this.#settle();
    while (problem !== undefined && this.#agenda.now < end) {
      this.#agenda.runUntil(this.#agenda.now + LOOK_EVERY);
      problem = this.#settle();
    }
    problem ??= this.#probeAll(end);
    if (problem !== undefined) {
      this.#stuck = !this.#world.canDecide;
      if (!this.#stuck) fail("liveness", problem);
    }
    if (!this.#stuck) this.#library?.settle();
    this.#compareAll();
  }

  /** One more thing goes wrong, and then all must be as it was. */
  #practise(): void {
    const drill = new Drill(this.#world, this.#clients[0]!);
    this.#drill = drill.run();
    this.#converge();
  }

  /** Whether the cluster is whole: why not, if not. */
  #settle(): string | undefined {
    const { living, leaving, canon, supervisor } = this.#world;
    if (leaving.size > 0) return "somebody is still leaving";
    if (supervisor.stopping) return "somebody is about to stop";
    for (const process of living) {
      const { name } = process;
      if (!this.#world.isRegistered(process)) return `${name} is no member`;
      if (process.store.rev < canon.rev) {
        return `${name} is at rev ${process.store.rev} of ${canon.rev}`;
      }
    }
    const { all = [] } = this.#world.machines ?? {};
    if (all.some(({ harm }) => harm !== undefined && harm !== "broken")) {
      return "somebody has not noticed yet that its memory is not whole";
    }
    return living.length < this.#scenario.cals
      ? "not all have started again"
      : undefined;
  }

  /** Writes through every process, until each has taken a write. */
  #probeAll(end: Micros): string | undefined {
    const client = this.#clients[0]!;
    for (const process of this.#world.living) {
      let worked = false;
      while (!worked && this.#agenda.now < end) {
        let answered = false;
        client.probe(process, (done) => {
          answered = true;
          worked ||= done;
        });
        this.#agenda.runUntil(end, () => answered);
      }
      if (!worked) return `${process.name} takes no writes`;
    }
    const all = () => this.#settle() === undefined;
    while (!all() && this.#agenda.now < end) {
      this.#agenda.runUntil(this.#agenda.now + LOOK_EVERY);
    }
    return this.#settle();
  }

  #compareAll(): void {
    const { living, canon } = this.#world;
    for (const { name, store } of living) checkFiles(canon, { name, store });
  }

  #count(): Record<CountName, number> {
    const { history, canon, watches, network, listener } = this.#world;
    const { promises } = listener;
    const { crashes, restarts, leaves, seats, takeovers } = this.#world;
    const { once } = this.#world;
    const { reads, lines, events, snapshots } = this.#library?.counts ?? NONE;
    const asked = history.count + this.#counter.reads;
    return {
      operations: asked + once.count + reads,
      revs: canon.rev,
      reads: this.#counter.reads,
      "waits told": watches.count,
      "library writes": once.count,
      "library events": events,
      "library snapshots": snapshots,
      "library lines": lines,
      messages: network.delivered,
      campaigns: promises.campaigns,
      leaderships: promises.leaderships,
      ambushes: this.#ambush.count,
      crashes,
      restarts,
      leaves,
      "seat changes": seats.changes,
      takeovers,
    };
  }
}
