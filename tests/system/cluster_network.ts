/**
 * A network of its own for each node, so that packets between any two can be
 * lost, in one direction or both, without either being told.
 *
 * Each node has a network namespace, and all of them a cable to one bridge, at
 * which an outpost of the tests sits: it reaches every node, whatever they do
 * not reach of each other. Needs Linux, root and the command `ip`.
 *
 * @module
 */

import { assert, AssertionError } from "@std/assert";
import { type NodeProcess, startNodeProcess } from "./node_process.ts";

/** A node in a network of its own. */
export interface Station {
  readonly node: NodeProcess;
  readonly address: string;
  readonly name: string;
}

/** Some namespaces, a bridge between them, and what runs in them. */
export class Network implements AsyncDisposable {
  readonly #prefix = `dz${Deno.pid}`;
  readonly #hub = `${this.#prefix}h`;
  readonly stations: Station[] = [];

  private constructor() {}

  /** Lays the bridge. */
  static async lay(): Promise<Network> {
    const network = new Network();
    const hub = network.#hub;
    await ip(`netns add ${hub}`);
    await ip(`-n ${hub} link add br0 type bridge`);
    await ip(`-n ${hub} addr add 10.91.0.254/24 dev br0`);
    await ip(`-n ${hub} link set br0 up`);
    return network;
  }

  /** Starts a node in a namespace of its own. */
  async add(
    { args = [], env = {} }: {
      args?: readonly string[];
      env?: Readonly<Record<string, string>>;
    },
  ): Promise<Station> {
    const hub = this.#hub;
    const n = this.stations.length + 1;
    const name = `${this.#prefix}n${n}`;
    const address = `10.91.0.${n}`;
    await ip(`netns add ${name}`);
    await ip(`-n ${hub} link add v${n} type veth peer name eth0 netns ${name}`);
    await ip(`-n ${hub} link set v${n} master br0 up`);
    await ip(`-n ${name} addr add ${address}/24 dev eth0`);
    await ip(`-n ${name} link set eth0 up`);
    await ip(`-n ${name} link set lo up`);
    const node = await startNodeProcess({
      args: ["-l", `${address}:8046`, "--insecure", ...args],
      env: { DOOZER_PEERSECRET: "hush", ...env },
      within: enter(name),
    });
    const station = { node, address, name };
    this.stations.push(station);
    return station;
  }

  /** The words that make a command run at the bridge. */
  get outpost(): string[] {
    return enter(this.#hub);
  }

  /** From now on what `from` sends to `to` is lost. */
  async drop(from: Station, to: Station): Promise<void> {
    await ip(`-n ${from.name} route add blackhole ${to.address}/32`);
  }

  /** Nothing is lost any more. */
  async heal(): Promise<void> {
    for (const { name } of this.stations) {
      await ip(`-n ${name} route flush type blackhole`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.stations.map(({ node }) => node.stop("SIGKILL")));
    for (const { name } of this.stations) await ip(`netns del ${name}`);
    await ip(`netns del ${this.#hub}`);
  }
}

function enter(name: string): string[] {
  return ["ip", "netns", "exec", name];
}

async function ip(words: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", {
    args: words.split(" "),
  }).output();
  assert(success, `ip ${words}: ${new TextDecoder().decode(stderr)}`);
}

async function whyNot(): Promise<string> {
  if (Deno.build.os !== "linux") return "; it needs Linux";
  try {
    const network = await Network.lay();
    await network[Symbol.asyncDispose]();
    return "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "; there is no ip here";
    if (!(error instanceof AssertionError)) throw error;
    return "; no network namespace can be made here, perhaps for want of root";
  }
}

/** Why there can be no such network here, or "". */
export const NO_NETWORK = await whyNot();
