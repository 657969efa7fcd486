/**
 * Watches: how fast many are told, and what those cost that have nothing to be
 * told. The nodes are processes; this one writes and watches, so it takes its
 * share of the machine, and its figures are a lower bound. Alone:
 * `deno run -A tests/bench/watch_bench.ts`.
 *
 * @module
 */
import { VERBS } from "../../protocol/mod.ts";
import { Cluster } from "../system/cluster_nodes.ts";
import { type NodeProcess, startNodeProcess } from "../system/node_process.ts";
import { load } from "./load.ts";
import { Asker, stamp, WatchLoad } from "./watch_load.ts";

const SECONDS = Number(Deno.env.get("BENCH_SECONDS") ?? 3);
const PATH = "/bench/watched";
/** A pause between two writes that lets all watches be told of the first. */
const CALM_MS = 100;

/** Telling many watches of one file. */
export interface FanOut {
  readonly nodes: number;
  readonly watches: number;
  readonly connections: number;
  /** Whether each write awaits the pause after the one before. */
  readonly calm: boolean;
  readonly eventsPerSecond: number;
  /** Median and 99th percentile from sending to being told, in ms. */
  readonly p50: number;
  readonly p99: number;
}

type FanOutCase = Pick<FanOut, "watches" | "connections" | "calm">;

const FAN_OUTS: readonly FanOutCase[] = [
  { watches: 1_000, connections: 10, calm: false },
  { watches: 1_000, connections: 1_000, calm: false },
  { watches: 1_000, connections: 1_000, calm: true },
];

async function fanOut(
  addrs: readonly string[],
  { watches, connections, calm }: FanOutCase,
): Promise<FanOut> {
  using writer = await Asker.open(addrs[0]!);
  const body = new Uint8Array(128);
  const set = { verb: VERBS.SET, path: PATH, rev: -1, value: body };
  const after = await writer.ask(set);
  using load = await WatchLoad.open({ addrs, connections });
  await load.watch({ watches, glob: () => PATH, after });
  const start = performance.now();
  let writes = 0;
  for (; performance.now() - start < SECONDS * 1_000; writes++) {
    stamp(body);
    await writer.ask(set);
    if (!calm) continue;
    await load.told((writes + 1) * watches);
    await pause(CALM_MS);
  }
  await load.told(writes * watches);
  const seconds = (performance.now() - start) / 1_000;
  const sorted = load.latencies();
  return {
    nodes: addrs.length,
    watches,
    connections,
    calm,
    eventsPerSecond: load.events / seconds,
    p50: sorted[sorted.length * 0.5 | 0]!,
    p99: sorted[sorted.length * 0.99 | 0]!,
  };
}

/** What watches cost that wait for files which nobody writes. */
export interface IdleWatches {
  /** What each watches: a path of its own, or a glob of its own. */
  readonly what: string;
  readonly watches: number;
  /** Writing other files, without the watches and with them. */
  readonly without: Sets;
  readonly with: Sets;
  /** What resident memory grew by when they came, for each. */
  readonly bytesPerWatch: number;
}

/** Writes, and what each took of the node's processor time. */
interface Sets {
  readonly perSecond: number;
  /** Microseconds; less disturbed by what else this machine does. */
  readonly cpu: number;
}

const IDLE_WATCHES = 10_000;
/** Of a thousand watches each, as many as one may have. */
const IDLE_CONNECTIONS = 10;
const IDLE_ROUNDS = 5;

const IDLE_GLOBS: Readonly<Record<string, (i: number) => string>> = {
  "a path": (i) => `/idle/file${i}`,
  "a glob": (i) => `/idle${i}/*`,
};

/** With and without in turn, in one node: the medians of the rounds. */
async function idleWatches(what: string): Promise<IdleWatches> {
  // A short history, so that it is full, and stays as it is, in all rounds.
  await using node = await startNodeProcess({ args: ["-hist", "20000"] });
  using asker = await Asker.open(node.addr);
  await sets(node); // The history, and compiled code.
  const without: Sets[] = [];
  const withThem: Sets[] = [];
  const grown: number[] = [];
  for (let round = 0; round < IDLE_ROUNDS; round++) {
    using watching = await WatchLoad.open({
      addrs: [node.addr],
      connections: IDLE_CONNECTIONS,
    });
    without.push(await sets(node));
    const before = await residentBytes(node.pid);
    const after = await asker.ask({ verb: VERBS.REV });
    const glob = IDLE_GLOBS[what]!;
    await watching.watch({ watches: IDLE_WATCHES, glob, after });
    grown.push(await residentBytes(node.pid) - before);
    withThem.push(await sets(node));
  }
  return {
    what,
    watches: IDLE_WATCHES,
    without: medians(without),
    with: medians(withThem),
    // What earlier rounds gave back is used again: the first one counts.
    bytesPerWatch: grown[0]! / IDLE_WATCHES,
  };
}

async function sets({ addr, pid }: NodeProcess): Promise<Sets> {
  const before = cpuSeconds(pid);
  const start = performance.now();
  const value = new Uint8Array(128);
  const { perSecond } = await load({
    addr,
    connections: 8,
    outstanding: 64,
    seconds: SECONDS,
    request: (i) => {
      const path = `/bench/d${i % 100}/k${i % 10_000}`;
      return { verb: VERBS.SET, path, rev: -1, value };
    },
  });
  const writes = perSecond * (performance.now() - start) / 1_000;
  return { perSecond, cpu: (cpuSeconds(pid) - before) / writes * 1e6 };
}

function medians(all: Sets[]): Sets {
  const perSecond = median(all.map(({ perSecond }) => perSecond));
  return { perSecond, cpu: median(all.map(({ cpu }) => cpu)) };
}

/** Processor time that a process has used; 0 where /proc is missing. */
function cpuSeconds(pid: number): number {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // In hundredths of a second on every Linux that Deno runs on.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** In bytes, once the node has calmed down; 0 where /proc is missing. */
async function residentBytes(pid: number): Promise<number> {
  await pause(500);
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Measures, and prints a line for each. */
export async function watchBench(): Promise<void> {
  for (const nodes of [1, 3]) {
    await using cluster = await Cluster.start({ size: nodes });
    for (const which of FAN_OUTS) {
      const row = await fanOut(cluster.addrs, which);
      const what = `${nodes} node${nodes > 1 ? "s" : ""}, ` +
        `${count(row.watches)} watches on ${count(row.connections)} ` +
        `connections${row.calm ? ", a write at a time" : ""}`;
      const rate = row.calm ? "" : `${count(row.eventsPerSecond)} events/s, `;
      const p50 = row.p50.toFixed(1);
      console.log(
        `${what.padEnd(66)} ${rate}p50 ${p50} ms, p99 ${row.p99.toFixed(1)} ms`,
      );
    }
  }
  for (const what of Object.keys(IDLE_GLOBS)) {
    const row = await idleWatches(what);
    const of = ({ perSecond, cpu }: Sets) =>
      `${count(perSecond)} SETs/s, ${cpu.toFixed(1)} us of CPU each`;
    console.log(
      `${count(row.watches)} idle watches, each of ${what} of its own: ` +
        `without ${of(row.without)}; with ${of(row.with)}; ` +
        `${Math.round(row.bytesPerWatch)} bytes a watch`,
    );
  }
}

if (import.meta.main) await watchBench();
