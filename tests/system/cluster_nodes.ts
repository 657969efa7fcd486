/**
 * Clusters of real processes: to start, to freeze, to kill, and to ask.
 *
 * Nothing here sleeps until something may have happened: a condition is asked
 * for until it holds, and a deadline makes a test fail that waits in vain.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  connect,
  DoozerError,
  type NodeStatus,
} from "../../protocol/net/connect.ts";
import {
  type NodeProcess,
  runDoozer,
  startNodeProcess,
  text,
} from "./node_process.ts";

/** How long a condition may take to come about, unless told. */
const DEADLINE_MS = 20_000;
/** How long is waited before a condition is asked for again. */
const PAUSE_MS = 20;

/** How to start the nodes of a cluster. */
export interface ClusterOptions {
  /** How many nodes, all with seats. */
  readonly size: number;
  /** Flags of every node, as `-timeout 2`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where each node has a data directory; without it all is in memory. */
  readonly data?: string;
}

/** A cluster; when it is disposed of, no node may have ended by itself. */
export class Cluster implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #all: NodeProcess[] = [];
  #directories = 0;
  /** Nodes that were not killed, in the order of their start. */
  readonly nodes: NodeProcess[] = [];

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Starts one node, attaches the others, and gives all of them seats. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    try {
      const first = await cluster.add();
      const others = Array.from(
        { length: options.size - 1 },
        () => cluster.add({ args: ["-a", first.addr] }),
      );
      await Promise.all(others);
      await cluster.#seatAll();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts nodes that found a cluster together, in the order given. */
  static join(
    addrs: readonly string[],
    options: Omit<ClusterOptions, "size"> = {},
  ): Promise<Cluster> {
    const list = addrs.toSorted().join(",");
    const flags = addrs.map((addr) => ["-l", addr, "--join", list]);
    return Cluster.#startAtOnce(flags, options);
  }

  /** Starts nodes at once that find each other by the name service. */
  static boot(
    size: number,
    options: Omit<ClusterOptions, "size">,
  ): Promise<Cluster> {
    return Cluster.#startAtOnce(Array<string[]>(size).fill([]), options);
  }

  static async #startAtOnce(
    flags: readonly (readonly string[])[],
    options: Omit<ClusterOptions, "size">,
  ): Promise<Cluster> {
    const cluster = new Cluster({ ...options, size: flags.length });
    const settled = await Promise.allSettled(
      flags.map((args) => cluster.add({ args })),
    );
    const failed = settled.find(({ status }) => status === "rejected");
    if (failed === undefined) return cluster;
    await cluster[Symbol.asyncDispose]();
    throw (failed as PromiseRejectedResult).reason;
  }

  /** The addresses of the nodes that were not killed. */
  get addrs(): string[] {
    return this.nodes.map(({ addr }) => addr);
  }

  /** All addresses, to be tried in turn. */
  get uri(): string {
    return `doozer:?${this.addrs.map((addr) => `ca=${addr}`).join("&")}`;
  }

  /** Starts one more node; `-a ADDR` is among the flags that it takes. */
  async add({ args = [] }: { args?: readonly string[] } = {}): Promise<
    NodeProcess
  > {
    const { args: usual = [], data } = this.#options;
    const own = data === undefined
      ? []
      : ["--data", `${data}/${this.#directories++}`];
    return await this.#start([...usual, ...own, ...args]);
  }

  /** Starts a node that was killed: same flags, directory and address. */
  async restart({ args, addr }: NodeProcess): Promise<NodeProcess> {
    const known = args[args.lastIndexOf("-l") + 1] === addr;
    return await this.#start(known ? args : [...args, "-l", addr]);
  }

  async #start(args: readonly string[]): Promise<NodeProcess> {
    const { env = {} } = this.#options;
    const node = await startNodeProcess({ args, env });
    this.#all.push(node);
    this.nodes.push(node);
    return node;
  }

  /** The node with this id. */
  async byId(id: string | null): Promise<NodeProcess> {
    for (const node of this.nodes) {
      if ((await statusAt(node.addr))?.id === id) return node;
    }
    throw new Error(`No node has the id "${id}"`);
  }

  /** The node that all others take for the leader. */
  async leader(): Promise<NodeProcess> {
    return await until("all nodes know one leader", async () => {
      const found = await Promise.all(this.addrs.map(statusAt));
      const leaders = new Set(found.map((status) => status?.leader ?? null));
      const [leader] = [...leaders];
      if (leaders.size !== 1 || leader === null) return undefined;
      const at = found.findIndex((status) => status?.id === leader);
      return found[at]?.role === "leader" ? this.nodes[at] : undefined;
    });
  }

  /** A node that does not lead. */
  async follower(): Promise<NodeProcess> {
    const leader = await this.leader();
    return this.nodes.find((node) => node !== leader)!;
  }

  /** Ends a node with a signal; it is no part of the cluster any more. */
  async kill(node: NodeProcess, signal: Deno.Signal = "SIGKILL") {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    return await node.stop(signal);
  }

  /** Waits until every node is ready and all see so many seats taken. */
  async untilSeated(count: number): Promise<void> {
    await until(`${count} nodes have seats`, async () => {
      const all = await Promise.all(this.addrs.map(statusAt));
      return all.every((status) =>
        status?.ready && seatsOf(status).length === count &&
        status.canLose === count - (Math.floor(count / 2) + 1)
      );
    });
  }

  /** Gives each node a seat. */
  async #seatAll(): Promise<void> {
    for (let n = 1; n < this.#options.size; n++) {
      const args = ["add", `/ctl/cal/${n}`];
      await runDoozer(this.nodes[0]!.uri, { args, ...this.#run, status: 0 });
    }
    await this.untilSeated(this.#options.size);
  }

  get #run(): { env: Readonly<Record<string, string>> } {
    return { env: this.#options.env ?? {} };
  }

  /** Kills what still runs: how nodes end is not what most tests are about. */
  async [Symbol.asyncDispose](): Promise<void> {
    const told = this.#all.map((node) => node.stderr());
    const ended = this.#all.filter((node) => node.hasEnded && !node.signalled);
    await Promise.all(this.#all.map((node) => node.stop("SIGKILL")));
    assertEquals(ended.map((node) => node.stderr()), [], "Nodes have ended");
    for (const text of told) assert(!/ALARM|fault/.test(text), text);
  }
}

/** The ids of the nodes that have seats. */
export function seatsOf({ seats }: NodeStatus): string[] {
  return seats.map(({ id }) => id).filter((id) => id !== "");
}

/** What a node says of itself; undefined where it does not answer. */
export async function statusAt(addr: string): Promise<NodeStatus | undefined> {
  try {
    using client = await connectTo(addr);
    return await client.status();
  } catch (error) {
    if (error instanceof DoozerError) return undefined;
    throw error;
  }
}

/** A client of one node, impatient. */
export function connectTo(addr: string, timeoutMs = 1_000): Promise<Client> {
  // This node is meant, and no other.
  return connect(`doozer:?ca=${addr}`, { timeoutMs, discover: false });
}

/** Stops a process without its knowing. */
export function freeze({ pid }: NodeProcess): void {
  Deno.kill(pid, "SIGSTOP");
}

/** Lets it go on. */
export function thaw({ pid }: NodeProcess): void {
  Deno.kill(pid, "SIGCONT");
}

/** Asks until the answer is neither false nor undefined. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false | undefined>,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    await pause(PAUSE_MS);
  }
  throw new Error(`Within ${DEADLINE_MS} ms it was not so: ${what}`);
}

/** For the time between two questions, and for how long a fault lasts. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Addresses that nobody listens on at the moment. */
export function freeAddresses(count: number): string[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const addrs = listeners.map(({ addr }) => `127.0.0.1:${addr.port}`);
  for (const listener of listeners) listener.close();
  return addrs;
}

/** What `doozer ARGS` prints, asked of a node; it must succeed. */
export async function print(
  uri: string,
  ...args: readonly string[]
): Promise<string> {
  return text((await runDoozer(uri, { args, status: 0 })).stdout);
}
