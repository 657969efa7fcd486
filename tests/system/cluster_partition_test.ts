/**
 * Partitions: packets between nodes are lost, in both directions or one, while
 * clients at every node check what they are told (cluster_witness.ts).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { NodeStatus } from "../../protocol/net/connect.ts";
import { LIMITS } from "../../store/mod.ts";
import { pause, until } from "./cluster_nodes.ts";
import { Network, NO_NETWORK, type Station } from "./cluster_network.ts";
import { Outpost } from "./cluster_outpost.ts";

/** After so long a silence, links that carry nothing are given up, too. */
const LINK_LOST_MS = LIMITS.peerSilenceMs + 500;

/** Packets that are lost, from one node to another. */
type Loss = (
  leader: Station,
  others: readonly [Station, Station],
) => readonly (readonly [Station, Station])[];

const LOSSES: Readonly<Record<string, Loss>> = {
  "the leader is cut off": (leader, [a, b]) => [
    [leader, a],
    [a, leader],
    [leader, b],
    [b, leader],
  ],
  "the leader is not heard": (leader, [a, b]) => [[leader, a], [leader, b]],
  "the leader hears nobody": (leader, [a, b]) => [[a, leader], [b, leader]],
  "the leader and one other have lost each other": (leader, [a]) => [
    [leader, a],
    [a, leader],
  ],
};

Deno.test({
  name: `partitions${NO_NETWORK}`,
  ignore: NO_NETWORK !== "",
  fn: async (t) => {
    await using network = await Network.lay();
    const args = ["--request-timeout", "1"];
    const first = await network.add({ args });
    const attach = [...args, "-a", first.node.addr];
    const second = await network.add({ args: attach });
    const third = await network.add({ args: attach });
    const addrs = [first, second, third].map(({ node }) => node.addr);
    await using outpost = new Outpost(network.outpost, addrs);
    await expect(outpost, "seat", first);
    const drill = new Drill(network, outpost);
    await drill.untilWhole();
    await expect(outpost, "progress", first);
    for (const [what, loss] of Object.entries(LOSSES)) {
      await t.step(what, () => drill.partition(what, loss));
    }
    const found = await expect(outpost, "finish", first);
    console.log(JSON.stringify(found));
  },
});

class Drill {
  readonly #network: Network;
  readonly #outpost: Outpost;

  constructor(network: Network, outpost: Outpost) {
    this.#network = network;
    this.#outpost = outpost;
  }

  /** All nodes are ready, have seats and know one leader. */
  async untilWhole(): Promise<void> {
    await until("the cluster is whole", async () => {
      const all = await this.#statuses();
      const leaders = new Set(all.map((status) => status?.leader));
      return leaders.size === 1 &&
        all.every((status) => status?.ready && status.canLose === 1);
    });
  }

  /** Loses packets, sees that writes go on, and heals. */
  async partition(what: string, loss: Loss): Promise<void> {
    const network = this.#network;
    const { leader, others } = await this.#roles();
    for (const [from, to] of loss(leader, others)) await network.drop(from, to);
    const ms = await expect(this.#outpost, "progress", leader);
    console.log(`${what}: ${ms} ms without a write`);
    if (what === "the leader is cut off") await this.#alone(leader);
    else if (what.endsWith("each other")) {
      await this.#untilLost(leader, others[0]);
      await pause(LINK_LOST_MS);
      await this.#throughAll();
      await expect(this.#outpost, "progress", leader);
    }
    await network.heal();
    await this.untilWhole();
    await expect(this.#outpost, "progress", leader);
  }

  /** Who is cut off says so, in time, and reads what it has. */
  async #alone(leader: Station): Promise<void> {
    const { addr } = leader.node;
    await until("it has noticed", async () => {
      const { value } = await this.#outpost.ask("status", addr);
      return !(value as NodeStatus).ready;
    });
    await expect(this.#outpost, "local", leader);
    const read = await this.#outpost.ask("read", addr);
    assertEquals(read.error, "UNAVAILABLE");
    const write = await this.#outpost.ask("write", addr);
    assert(["UNAVAILABLE", "UNKNOWN"].includes(write.error!), write.error);
  }

  /** Both know that they do not hear each other. */
  async #untilLost(a: Station, b: Station): Promise<void> {
    for (const [at, lost] of [[a, b], [b, a]] as const) {
      await until("the loss is noticed", async () => {
        const { value } = await this.#outpost.ask("status", at.node.addr);
        return (value as NodeStatus).members.some(({ addr, reachable }) =>
          addr === lost.node.addr && !reachable
        );
      });
    }
  }

  /** Every node can reach a majority, if need be through another. */
  async #throughAll(): Promise<void> {
    for (const station of this.#network.stations) {
      await until("each node takes writes", async () => {
        const { addr } = station.node;
        const { error } = await this.#outpost.ask("write", addr);
        return error === undefined;
      });
    }
  }

  async #roles(): Promise<
    { leader: Station; others: readonly [Station, Station] }
  > {
    const all = await this.#statuses();
    const { stations } = this.#network;
    const at = all.findIndex((status) => status?.role === "leader");
    const others = stations.filter((_, n) => n !== at);
    return { leader: stations[at]!, others: [others[0]!, others[1]!] };
  }

  async #statuses(): Promise<(NodeStatus | undefined)[]> {
    const all: (NodeStatus | undefined)[] = [];
    for (const { node } of this.#network.stations) {
      const { value } = await this.#outpost.ask("status", node.addr);
      all.push(value as NodeStatus | undefined);
    }
    return all;
  }
}

/** Asks for what must succeed. */
async function expect(
  outpost: Outpost,
  word: string,
  { node }: Station,
): Promise<unknown> {
  const { error, value } = await outpost.ask(word, node.addr);
  assertEquals(error, undefined, `${word} at ${node.addr}`);
  return value;
}
