/**
 * Bad weather for a cluster of processes: its nodes are killed, frozen and told
 * to stop, at random, and started again; mostly one at a time, so that the
 * others can go on, sometimes two of them or all.
 *
 * @module
 */

import type { Random } from "../sim/random.ts";
import { type Cluster, freeze, pause, thaw } from "./cluster_nodes.ts";
import type { NodeProcess } from "./node_process.ts";

/** What may happen to a node. */
type FaultKind = "kill" | "term" | "freeze";

/** What happens, and to how many nodes at once. */
interface Fault {
  readonly kind: FaultKind;
  readonly count: number;
}

/** How often each happened, counted by node. */
export type Weathered = Record<FaultKind, number>;

/** Dealt first, so that a short storm has each of them, too. */
const FIRST: readonly Fault[] = [
  { kind: "kill", count: 1 },
  { kind: "freeze", count: 1 },
  { kind: "term", count: 1 },
];

/** Dealt after that, and again when all are. */
const DECK: readonly Fault[] = [
  ...FIRST,
  ...FIRST,
  ...FIRST,
  { kind: "kill", count: 2 },
  { kind: "freeze", count: 2 },
  { kind: "term", count: 2 },
  { kind: "kill", count: 3 },
  { kind: "freeze", count: 3 },
];

/** So long a node is frozen, in milliseconds. */
const FREEZE_MS = { least: 200, most: 5_000 };
/** So long a node is down, beside what its start takes. */
const DOWN_MS = { least: 0, most: 2_000 };
/** Between two faults. */
const CALM_MS = { least: 200, most: 2_000 };
/** So often a start is tried again whose port a client has taken meanwhile. */
const STARTS_MAX = 50;
const START_PAUSE_MS = 200;

/** Lets the weather be bad for so long; `check` is called between faults. */
export async function storm(
  cluster: Cluster,
  { random, seconds, check }: {
    readonly random: Random;
    readonly seconds: number;
    readonly check: () => void;
  },
): Promise<Weathered> {
  const weathered: Weathered = { kill: 0, term: 0, freeze: 0 };
  const end = performance.now() + seconds * 1_000;
  let cards = shuffled(FIRST, random);
  while (performance.now() < end) {
    const fault = cards.pop()!;
    if (cards.length === 0) cards = shuffled(DECK, random);
    const nodes = shuffled(cluster.nodes, random).slice(0, fault.count);
    weathered[fault.kind] += nodes.length;
    await Promise.all(nodes.map((node) => {
      const how = { kind: fault.kind, random: random.fork() };
      return strike(cluster, node, how);
    }));
    check();
    await pause(between(CALM_MS, random));
    check();
  }
  return weathered;
}

/** What happens to one node, until it is back. */
async function strike(
  cluster: Cluster,
  node: NodeProcess,
  { kind, random }: { kind: FaultKind; random: Random },
): Promise<void> {
  if (kind === "freeze") {
    freeze(node);
    await pause(between(FREEZE_MS, random));
    return thaw(node);
  }
  const { code } = await cluster.kill(
    node,
    kind === "kill" ? "SIGKILL" : "SIGTERM",
  );
  if (kind === "term" && code !== 0) {
    throw new Error(
      `Told to stop, a node ended with ${code}: ${node.stderr()}`,
    );
  }
  await pause(between(DOWN_MS, random));
  await restart(cluster, node);
}

/** Any client may be given the port of a node that is down, for a moment. */
async function restart(cluster: Cluster, node: NodeProcess): Promise<void> {
  for (let starts = 1;; starts++) {
    try {
      return void await cluster.restart(node);
    } catch (error) {
      const taken = /in use/.test(String(error));
      if (!taken || starts === STARTS_MAX) throw error;
      await pause(START_PAUSE_MS);
    }
  }
}

/** In an order of chance. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items.map((item) => ({ item, at: random.float() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function between(
  { least, most }: { least: number; most: number },
  random: Random,
): number {
  return random.between(least, most);
}
