/**
 * What a seed makes of a run: the cluster, its network, its clients, and how
 * much goes wrong.
 *
 * @module
 */
import { type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import { CRASH_HABITS, type CrashHabits } from "./disk_files.ts";
import type { Random } from "./random.ts";

/** What can be done to a cluster. */
export const FAULTS = [
  "pause",
  "crash",
  "leave",
  "partition",
  "one way",
  "pair",
  "weather",
  "slow",
  "flap",
  "picky",
] as const;

/** One thing that can be done to a cluster. */
export type FaultName = typeof FAULTS[number];

/** What can be done to hosts with disks. */
export const DISK_FAULTS = [
  "power",
  "restart",
  "crash at I/O",
  "lost disk",
  "old disk",
  "flip",
  "full disk",
  "stuck disk",
  "slow disk",
  "broken sync",
] as const;

/** One thing that can be done to a host with a disk. */
export type DiskFaultName = typeof DISK_FAULTS[number];

/** What disks there are, and what becomes of them. */
export interface DiskScenario {
  /** By host: whether it has a disk. */
  readonly durable: readonly boolean[];
  /** How often each is chosen, relative to the other faults. */
  readonly faults: Readonly<Record<DiskFaultName, number>>;
  readonly crash: CrashHabits;
  /** Least and most time of an operation. */
  readonly latency: readonly [Micros, Micros];
  /** Probability that a sync does nothing: to see that it is noticed. */
  readonly lies: number;
  /** A log of so many bytes, at least, is replaced by a snapshot. */
  readonly checkpointBytes: number;
}

/** The plan of a run. */
export interface Scenario {
  /** Nodes that are to have seats. */
  readonly cals: number;
  /** Nodes beyond those. */
  readonly observers: number;
  /** Places for processes: a crashed node may come back elsewhere. */
  readonly hosts: number;
  /** How long faults go on. */
  readonly faulty: Micros;
  /** How long before the first. */
  readonly calm: Micros;
  /** Mean time between faults. */
  readonly faultEvery: Micros;
  /** How often each is chosen, relative to the others. */
  readonly faults: Readonly<Record<FaultName, number>>;
  /** Mean time between ambushes of leaders; 0 for none. */
  readonly ambushEvery: Micros;
  readonly latency: readonly [Micros, Micros];
  readonly runDelay: Micros;
  readonly historyRevs: readonly number[];
  readonly seatTimeoutTicks: number;
  readonly requestTimeoutTicks: number;
  readonly clients: number;
  readonly outstanding: number;
  readonly keys: number;
  /** Mean time of a client between its requests. */
  readonly think: Micros;
  /** Mean time between changes of seats by a client; 0 for none. */
  readonly seatChangeEvery: Micros;
  /** How many of the bodies are large, and how large they are. */
  readonly largeChance: number;
  readonly largeBytes: number;
  readonly codecChance: number;
  /** Whether promises come in parts. */
  readonly splits: boolean;
  /** Absent where all nodes keep everything in memory. */
  readonly disks?: DiskScenario | undefined;
}

const SIZES = [1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5, 7];

/** Draws the plan of a run. */
export function drawScenario(random: Random, nodes?: number): Scenario {
  const cals = nodes ?? random.pick(SIZES);
  const observers = random.pick([0, 0, 1, 1, 2]);
  const changesSeats = cals > 1 && random.chance(0.4);
  return {
    cals,
    observers,
    hosts: cals + observers + 2,
    faulty: random.between(3, 9) * SECOND,
    calm: random.chance(0.2) ? 0 : random.between(300, 1500) * MILLISECOND,
    faultEvery: random.pick([30, 100, 300, 1000]) * MILLISECOND,
    faults: drawFaults(random),
    ambushEvery: random.pick([0, 0, 0, 60, 150, 400]) * MILLISECOND,
    latency: random.pick([[50, 200], [50, 2000], [200, 5000], [1000, 20_000]]),
    runDelay: random.pick([10, 50, 200, 3000]),
    historyRevs: random.chance(0.3) ? [5, 50, 100_000] : [100_000],
    seatTimeoutTicks: random.pick([60, 100, 200, 400, 100_000]),
    requestTimeoutTicks: random.pick([50, 100, 200, 500]),
    clients: random.between(2, 8),
    outstanding: random.between(1, 8),
    keys: random.between(1, 6),
    think: random.between(3, 25) * MILLISECOND,
    seatChangeEvery: changesSeats ? random.between(100, 900) * MILLISECOND : 0,
    largeChance: random.chance(0.1) ? 0.01 : 0,
    largeBytes: random.pick([20_000, 150_000, 700_000]),
    codecChance: random.pick([0.05, 0.3]),
    splits: random.chance(0.2),
  };
}

/** Some kinds of faults, each more or less often; at times none at all. */
function drawFaults(random: Random): Record<FaultName, number> {
  const share = random.pick([0.2, 0.5, 0.5, 1, 1]);
  const weights = {} as Record<FaultName, number>;
  for (const name of FAULTS) {
    weights[name] = random.chance(share) ? random.between(1, 4) : 0;
  }
  return weights;
}

/** Draws the disks of a run. */
export function drawDisks(random: Random, hosts: number): DiskScenario {
  const share = random.pick([1, 1, 1, 0.8]);
  const often = random.pick([0.3, 0.6, 1]);
  const faults = {} as Record<DiskFaultName, number>;
  for (const name of DISK_FAULTS) {
    faults[name] = random.chance(often) ? random.between(1, 3) : 0;
  }
  return {
    durable: Array.from({ length: hosts }, () => random.chance(share)),
    faults,
    crash: drawCrash(random),
    latency: random.pick([[50, 300], [50, 300], [20, 2000], [1000, 8000]]),
    lies: 0,
    // All the time, often, or hardly ever.
    checkpointBytes: random.pick([1, 3, 3, 10, 10, 40, 4096]) << 10,
  };
}

/** Any mixture, or one and the same all the time. */
function drawCrash(random: Random): CrashHabits {
  const { bytes } = CRASH_HABITS;
  const none = { lost: 0, kept: 0, cut: 0, holes: 0 };
  const only = random.pick(["lost", "kept", "cut", "holes"] as const);
  return {
    ...CRASH_HABITS,
    bytes: random.chance(0.6) ? bytes : { ...none, [only]: 1 },
    entry: random.pick([0, 0.5, 0.5, 1]),
  };
}
