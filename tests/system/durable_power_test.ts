/**
 * The power fails: all nodes are killed at once, again and again, under load,
 * and started again. What was acknowledged is there, and nobody helps.
 *
 * A killed process loses what it had not written, not what the kernel has not
 * synced: that needs a disk that can be told to forget, as tests/sim has.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster, connectTo } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";
import { killAll, placesOf, restartAll, Scratch } from "./durable_nodes.ts";

const ROUNDS = 20;
const WRITERS = 8;

Deno.test(`kill -9 of all nodes at once, ${ROUNDS} times`, async () => {
  await using scratch = await Scratch.make();
  await using cluster = await Cluster.start({ size: 3, data: scratch.path });
  const places = await placesOf(cluster.nodes[0]!);
  // Who asks while all are down asks for those that will be there again.
  const { addrs } = cluster;
  await using witness = await ClusterWitness.start({
    addrs: () => addrs,
    writers: WRITERS,
  });
  const slowest = { restart: 0, all: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < 3; n++) await witness.progress();
    const rev = await revOf(cluster);
    const nodes = await killAll(cluster);
    const began = performance.now();
    await restartAll(cluster, nodes);
    slowest.restart = Math.max(slowest.restart, performance.now() - began);
    await witness.progress();
    slowest.all = Math.max(slowest.all, performance.now() - began);
    assert(await revOf(cluster) > rev, "Revs go on");
    for (const node of cluster.nodes) {
      assertEquals(await placesOf(node), places, "Ids and seats are kept");
    }
  }
  const { writes, reads } = await witness.finish();
  assert(writes >= ROUNDS * WRITERS, `${writes} writes`);
  console.log(
    `${writes} writes, ${reads} reads; all serve after ` +
      `${Math.round(slowest.restart)} ms at most, all have written after ` +
      `${Math.round(slowest.all)} ms`,
  );
});

/** The newest rev, by a linearizable read. */
async function revOf(cluster: Cluster): Promise<number> {
  using client = await connectTo(cluster.addrs[0]!, 5_000);
  return await client.rev();
}
