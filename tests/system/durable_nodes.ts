/**
 * Nodes with data directories on a real disk: where they are, what is in
 * them, and what must stay the same over a restart.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { NodeStatus } from "../../protocol/net/connect.ts";
import { type Cluster, connectTo, statusAt, until } from "./cluster_nodes.ts";
import { type NodeProcess, startNodeProcess } from "./node_process.ts";

/** A directory on the real disk that is removed afterwards. */
export class Scratch implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Makes it. */
  static async make(): Promise<Scratch> {
    return new Scratch(await Deno.makeTempDir({ prefix: "doozer-durable-" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** The data directory of a node, as its flags say. */
export function directoryOf({ args }: NodeProcess): string {
  const at = args.lastIndexOf("--data");
  assert(at >= 0, "The node has no data directory");
  return args[at + 1]!;
}

/** What a node says of itself; it must answer. */
export async function statusOf({ addr }: NodeProcess): Promise<NodeStatus> {
  const status = await statusAt(addr);
  if (status === undefined) throw new Error(`The node ${addr} does not answer`);
  return status;
}

/** Who has which seat, and who is registered where. */
export async function placesOf(node: NodeProcess): Promise<unknown> {
  const { lineage, seats, members } = await statusOf(node);
  const addrs = members.map(({ id, addr }) => `${id} ${addr}`);
  return { lineage, seats, addrs: addrs.toSorted() };
}

/** Kills all nodes at once; returns them as they were, in order. */
export async function killAll(cluster: Cluster): Promise<NodeProcess[]> {
  const nodes = [...cluster.nodes];
  await Promise.all(nodes.map((node) => cluster.kill(node)));
  return nodes;
}

/** Starts nodes that were killed, at once. */
export async function restartAll(
  cluster: Cluster,
  nodes: readonly NodeProcess[],
): Promise<void> {
  await Promise.all(nodes.map((node) => cluster.restart(node)));
  // They come in the order in which they began to serve.
  const addrs = nodes.map(({ addr }) => addr);
  cluster.nodes.sort((a, b) => addrs.indexOf(a.addr) - addrs.indexOf(b.addr));
}

/** Starts one node, which may be started again with the same flags. */
export function startDurable(
  directory: string,
  args: readonly string[] = [],
): Promise<NodeProcess> {
  return startNodeProcess({ args: ["--data", directory, ...args] });
}

/** Starts a lone node again, at the same address. */
export function startAgain({ args, addr }: NodeProcess): Promise<NodeProcess> {
  const known = args[args.lastIndexOf("-l") + 1] === addr;
  return startNodeProcess({ args: known ? args : [...args, "-l", addr] });
}

/** The data files of a directory with their sizes, in order. */
export function filesIn(directory: string): { name: string; size: number }[] {
  const found: { name: string; size: number }[] = [];
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    if (!isFile) continue;
    try {
      const { size } = Deno.statSync(`${directory}/${name}`);
      found.push({ name, size });
    } catch (error) {
      // It was removed, or has got its name, since.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.toSorted((a, b) => a.name < b.name ? -1 : 1);
}

/** Waits until all nodes have applied the same, and compares all files. */
export async function untilEqual(cluster: Cluster): Promise<void> {
  await until("all nodes have applied the same", async () => {
    const all = await Promise.all(cluster.addrs.map(statusAt));
    return new Set(all.map((status) => status?.rev)).size === 1;
  });
  const trees = await Promise.all(cluster.addrs.map(readAll));
  for (const tree of trees) assertEquals(tree, trees[0], "Nodes differ");
}

/** All files as a node's own copy has them. */
async function readAll(addr: string): Promise<string[]> {
  using client = await connectTo(addr, 10_000);
  const files: string[] = [];
  const decoder = new TextDecoder();
  for await (const file of client.walk("/**", { read: "local" })) {
    files.push(`${file.path} ${file.rev} ${decoder.decode(file.value)}`);
  }
  return files;
}
