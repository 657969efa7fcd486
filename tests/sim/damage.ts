/**
 * Damage: one of three nodes with disks is stopped, a byte of a file of its is
 * changed, or the file is cut off there, and it is started again. Without help
 * there must be three live cals again, with equal content, and nothing that was
 * acknowledged may be lost.
 *
 * @module
 */
import { Node } from "../../consensus/mod.ts";
import { Agenda, type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import { checkFiles } from "./checkers/state.ts";
import { Client, type Counter } from "./client.ts";
import { Admin } from "./admin.ts";
import { CRASH_HABITS } from "./disk_files.ts";
import type { DiskImage } from "./disk_image.ts";
import type { Machine } from "./machine.ts";
import { judge, type Verdict } from "./verdict.ts";
import { Random } from "./random.ts";
import { drawScenario, type FaultName, type Scenario } from "./scenario.ts";
import { makeWorld } from "./supervisor.ts";
import { Trace } from "./trace.ts";
import { fail, Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What is done to a file, from a byte on. */
export const DAMAGES = ["flipped", "cut off", "missing"] as const;

/** One way to damage a file. */
export interface Damage {
  readonly host: number;
  readonly how: typeof DAMAGES[number];
  readonly file: string;
  readonly offset: number;
}

const NODES = 3;
/** How long clients write before one is stopped. */
const LOAD: Micros = 250 * MILLISECOND;
/** Until all have heard of each other what they have on their disks. */
const QUIET: Micros = 150 * MILLISECOND;
/** How long it is gone. */
const AWAY: Micros = 30 * MILLISECOND;
const WHOLE_WITHIN: Micros = 5 * SECOND;
const LOOK_EVERY: Micros = 10 * MILLISECOND;
const CLIENTS = 2;

/** The disks of a seed's run, each as it is when its node is stopped. */
export class StoppedDisks {
  readonly #disks: readonly { image: DiskImage; machine: Machine }[];

  constructor(seed: number) {
    this.#disks = Array.from(
      { length: NODES },
      (_, host) => new DamageRun(seed).stop(host),
    );
  }

  /** All that can be done to them: some ten thousand things. */
  *damages(): Generator<Damage> {
    for (const [host, { image }] of this.#disks.entries()) {
      for (const [file, { length }] of image.files) {
        yield { host, how: "missing", file, offset: 0 };
        for (let offset = 0; offset < length; offset++) {
          yield { host, how: "flipped", file, offset };
          yield { host, how: "cut off", file, offset };
        }
      }
    }
  }

  /** The last segment of the log on a host's disk. */
  lastLog(host: number): string {
    const names = [...this.#disks[host]!.image.files.keys()];
    return names.filter((name) => name.startsWith("log-")).sort().at(-1)!;
  }

  /** As what it is read: anything but what a crash leaves has to be damage. */
  judge(damage: Damage): Verdict {
    const { image, machine } = this.#disks[damage.host]!;
    const spoilt = image.copy();
    spoil(spoilt, damage);
    return judge(machine.look(image), machine.look(spoilt));
  }
}

/** Tries one; what was violated, if anything. */
export function tryDamage(
  seed: number,
  damage: Damage,
  write?: (line: string) => void,
): Violation | undefined {
  try {
    const run = new DamageRun(seed, write);
    const { image, machine } = run.stop(damage.host);
    const whole = image.copy();
    spoil(image, damage);
    machine.judge(whole);
    run.goOn(machine);
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

/** Does it. */
export function spoil(image: DiskImage, { how, file, offset }: Damage): void {
  const bytes = image.files.get(file)!;
  if (how === "missing") image.files.delete(file);
  else if (how === "cut off") image.files.set(file, bytes.slice(0, offset));
  else bytes[offset] = bytes[offset]! ^ (1 << offset % 8);
}

/** Three nodes, of which one is stopped. */
class DamageRun {
  readonly #world: World;
  readonly #agenda = new Agenda();
  readonly #clients: Client[] = [];
  readonly #counter: Counter = {
    connections: 0,
    reads: 0,
    refusals: new Map(),
  };

  constructor(seed: number, write?: (line: string) => void) {
    const random = new Random(seed);
    this.#world = makeWorld({
      agenda: this.#agenda,
      random,
      trace: new Trace(this.#agenda, write),
      scenario: planOf(random),
      make: (options) => new Node(options),
    });
    this.#world.onEnd = (process) => {
      for (const client of this.#clients) client.processEnded(process);
    };
  }

  /** Runs until one of them is stopped; what is on its disk. */
  stop(host: number): { image: DiskImage; machine: Machine } {
    const world = this.#world;
    const first = world.supervisor.found();
    this.#await(SECOND, () => first.store.rev > 0 || "nothing is founded");
    new Admin(world).makeSeats(first);
    for (let other = 1; other < NODES; other++) {
      world.supervisor.start(other, first);
    }
    this.#load(() => this.#isWhole());
    this.#agenda.runUntil(this.#agenda.now + QUIET);
    const process = world.living.find((each) => each.host === host)!;
    world.end(process, "crashes");
    const machine = world.machines!.of(host)!;
    return { image: machine.powerOff(), machine };
  }

  /** It is started again. */
  goOn(machine: Machine): void {
    this.#agenda.runUntil(this.#agenda.now + AWAY);
    this.#world.supervisor.startSomehow(machine.host);
    this.#load(() => this.#isWhole());
    this.#await(SECOND, () => this.#isWhole());
    const { canon, living, supervisor } = this.#world;
    for (const { name, store } of living) checkFiles(canon, { name, store });
    for (const client of this.#clients) client.checkWaits();
    if (supervisor.stops > 0) fail("damage", "somebody had to help");
  }

  /** Clients write for a while, and as long as it takes. */
  #load(done: () => true | string): void {
    const clients = Array.from({ length: CLIENTS }, (_, i) => {
      const number = this.#clients.length + i + 1;
      return new Client(this.#world, { number, counter: this.#counter });
    });
    this.#clients.push(...clients);
    this.#agenda.runUntil(this.#agenda.now + LOAD);
    this.#await(WHOLE_WITHIN, done);
    for (const client of clients) client.stop();
    this.#agenda.runUntil(this.#agenda.now + LOOK_EVERY);
  }

  #await(time: Micros, done: () => true | string): void {
    const end = this.#agenda.now + time;
    for (let state = done(); state !== true; state = done()) {
      if (this.#agenda.now >= end) fail("damage", state);
      this.#agenda.runUntil(this.#agenda.now + LOOK_EVERY);
    }
  }

  /** Three live cals, and all that there is. */
  #isWhole(): true | string {
    const { canon, living, machines, seats } = this.#world;
    const cals = living.filter((process) => this.#world.isCal(process));
    if (cals.length < NODES || seats.cals.length > NODES) {
      const names = cals.map(({ name }) => name);
      return `${names} have seats, of ${seats.cals.length}`;
    }
    const late = cals.find(({ store }) => store.rev + LAG < canon.rev);
    if (late !== undefined) return `${late.name} is at rev ${late.store.rev}`;
    return machines!.all.every(({ harmed }) => !harmed) ||
      "nobody has noticed that a memory is not whole";
  }
}

/** Under load nobody is quite as far as the first. */
const LAG = 20;

/** Nothing else goes wrong; checkpoints and small states, quickly. */
function planOf(random: Random): Scenario {
  const plan = drawScenario(random, NODES);
  return {
    ...plan,
    observers: 0,
    hosts: NODES,
    latency: [50, 200],
    runDelay: 50,
    historyRevs: [20],
    seatTimeoutTicks: 100_000,
    requestTimeoutTicks: 200,
    clients: CLIENTS,
    outstanding: 3,
    keys: 3,
    think: 8 * MILLISECOND,
    largeChance: 0,
    splits: false,
    disks: {
      durable: [true, true, true],
      faults: {} as never,
      crash: CRASH_HABITS,
      latency: [50, 300],
      lies: 0,
      checkpointBytes: 2 << 10,
    },
    faults: {} as Record<FaultName, number>,
  };
}
