/**
 * What a seed makes of the clients that use the library: how many there are,
 * what they do, and what goes wrong on their lines.
 *
 * @module
 */
import type { LimitName } from "../../../store/mod.ts";
import { type Micros, MILLISECOND } from "../agenda.ts";
import type { Random } from "../random.ts";

/** Limits that are other ones in a run. */
export type OtherLimits = Partial<Record<LimitName, number>>;

/** The plan of a run, as far as it is about clients of the library. */
export interface LibraryScenario {
  readonly clients: number;
  /** Requests of one client that are under way at once, at most. */
  readonly outstanding: number;
  /** Mean time of a client between its requests. */
  readonly think: Micros;
  /** Files that all of them write. */
  readonly files: number;
  /** Files that count, by compare and set. */
  readonly counters: number;
  /** Watches of one client. */
  readonly watches: number;
  /** What their windows are drawn from, in bytes. */
  readonly windowBytes: readonly number[];
  /** How long what they are told lies untaken, at most. */
  readonly takeWithin: readonly Micros[];
  /** How long a server may be silent, by the client's clock, in ms. */
  readonly silenceMs: number;
  /** The usual deadline, by the client's clock, in ms. */
  readonly timeoutMs: number;
  /** How many operations have a deadline of few milliseconds. */
  readonly shortChance: number;
  /** How many are given up while they are under way. */
  readonly abortChance: number;
  /** Mean time between faults of one client's lines; 0 for none. */
  readonly faultEvery: Micros;
  /** Limits that make happen often what else were rare. */
  readonly limits: OtherLimits;
}

/** Draws the plan. */
export function drawLibrary(random: Random): LibraryScenario {
  const clients = random.between(1, 5);
  return {
    clients,
    outstanding: random.between(1, 6),
    think: random.between(3, 25) * MILLISECOND,
    files: random.between(1, 5),
    counters: random.between(1, 2),
    watches: random.between(1, 3),
    windowBytes: random.pick([[1, 200, 1000], [300, 2000], [100_000]]),
    takeWithin: random.pick([[1], [1, 5], [1, 30, 800]]).map((ms) =>
      ms * MILLISECOND
    ),
    silenceMs: random.pick([200, 500, 2000]),
    timeoutMs: random.pick([500, 2000, 6000]),
    shortChance: random.pick([0, 0.05, 0.2]),
    abortChance: random.pick([0, 0.03, 0.1]),
    faultEvery: random.pick([0, 40, 150, 600]) * MILLISECOND,
    limits: drawLimits(random, clients),
  };
}

/** Each is for all nodes of the run, as limits are: they must agree. */
function drawLimits(random: Random, clients: number): OtherLimits {
  const limits: { -readonly [name in LimitName]?: number } = {};
  // Fewer than there are clients: sessions end all the time.
  if (random.chance(0.4)) {
    limits.clientSessions = random.between(1, Math.max(1, clients - 1));
  }
  if (random.chance(0.3)) limits.sessionWindow = random.between(1, 6);
  if (random.chance(0.3)) limits.listEntries = random.between(1, 4);
  if (random.chance(0.3)) limits.unreadBytesSoft = random.pick([1, 100, 2000]);
  // Who was away shortly takes over a state, and its watches have to follow.
  if (random.chance(0.3)) {
    limits.decidedLogBytes = random.pick([4000, 20_000]);
  }
  return limits;
}
