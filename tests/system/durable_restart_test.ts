/**
 * Durable nodes are killed and told to stop, one at a time, under load, and
 * started again: they are who they were, and nothing is lost.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster, connectTo, until } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";
import { placesOf, Scratch, startAgain } from "./durable_nodes.ts";
import { startDurable, statusOf, untilEqual } from "./durable_nodes.ts";

const WRITERS = 8;
/** A pause of writes that is longer is a fault on any machine. */
const GAP_MS_MAX = 6_000;

Deno.test("kill -9 of one node of three at a time, 6 times", async () => {
  await using scratch = await Scratch.make();
  await using cluster = await Cluster.start({ size: 3, data: scratch.path });
  const places = await placesOf(cluster.nodes[0]!);
  await using witness = await ClusterWitness.start({
    addrs: () => cluster.addrs,
    writers: WRITERS,
  });
  for (let round = 0; round < 6; round++) {
    const node = round % 2 === 0
      ? await cluster.leader()
      : await cluster.follower();
    await cluster.kill(node);
    await witness.progress();
    const gap = witness.takeGapMs();
    console.log(`kill -9: ${gap} ms without a write`);
    assert(gap < GAP_MS_MAX, `${gap} ms without a write`);
    const again = await cluster.restart(node);
    await cluster.untilSeated(3);
    await witness.progress();
    assertEquals(await placesOf(again), places);
  }
  await witness.finish();
  await untilEqual(cluster);
});

Deno.test("kill -9 of a lone node, 10 times", async () => {
  await using scratch = await Scratch.make();
  let node = await startDurable(scratch.path);
  try {
    const { addr } = node;
    const places = await placesOf(node);
    await using witness = await ClusterWitness.start({
      addrs: () => [addr],
      writers: WRITERS,
    });
    for (let round = 0; round < 10; round++) {
      const rev = await revAt(addr);
      await node.stop("SIGKILL");
      node = await startAgain(node);
      await witness.progress();
      assert(await revAt(addr) > rev, "Revs go on");
      assertEquals(await placesOf(node), places);
    }
    const { writes } = await witness.finish();
    assert(writes >= 10 * WRITERS, `${writes} writes`);
  } finally {
    await node.stop("SIGKILL");
  }
});

Deno.test("SIGTERM of a leader: it hands over, and keeps its seat", async () => {
  await using scratch = await Scratch.make();
  await using cluster = await Cluster.start({ size: 3, data: scratch.path });
  await using witness = await ClusterWitness.start({
    addrs: () => cluster.addrs,
    writers: WRITERS,
  });
  const places = await placesOf(cluster.nodes[0]!);
  const leader = await cluster.leader();
  witness.takeGapMs();
  const before = performance.now();
  const { code } = await cluster.kill(leader, "SIGTERM");
  const ms = performance.now() - before;
  assertEquals(code, 0, leader.stderr());
  assert(ms < 2_000, `It took ${ms} ms`);
  await witness.progress();
  const gap = witness.takeGapMs();
  console.log(`SIGTERM: ended in ${Math.round(ms)} ms, ${gap} ms no write`);
  assert(gap < GAP_MS_MAX, `${gap} ms without a write`);
  for (const node of cluster.nodes) {
    assertEquals(await placesOf(node), places, "The seat is kept");
  }
  const again = await cluster.restart(leader);
  await cluster.untilSeated(3);
  assertEquals(await placesOf(again), places);
  await witness.finish();
  await untilEqual(cluster);
});

Deno.test("SIGTERM of all nodes, and of a lone one: status 0, and all is there", async () => {
  await using scratch = await Scratch.make();
  const data = `${scratch.path}/three`;
  await Deno.mkdir(data);
  await using cluster = await Cluster.start({ size: 3, data });
  using client = await connectTo(cluster.addrs[0]!, 5_000);
  await client.set("/x", "kept");
  const places = await placesOf(cluster.nodes[0]!);
  const nodes = [...cluster.nodes];
  const ends = nodes.map((node) => cluster.kill(node, "SIGTERM"));
  const codes = (await Promise.all(ends)).map(({ code }) => code);
  assertEquals(codes, [0, 0, 0]);
  await Promise.all(nodes.map((node) => cluster.restart(node)));
  await cluster.untilSeated(3);
  for (const node of cluster.nodes) {
    assertEquals(await placesOf(node), places);
    await until("the file is there", async () => {
      using client = await connectTo(node.addr, 5_000);
      const { value } = await client.get("/x", { read: "local" });
      return new TextDecoder().decode(value) === "kept";
    });
  }
  const { id } = await aloneTwice(`${scratch.path}/one`);
  assert(id !== "");
});

/** Starts a node, stops it, starts it: it says the same of itself. */
async function aloneTwice(directory: string): Promise<{ id: string }> {
  await using node = await startDurable(directory);
  using client = await connectTo(node.addr, 5_000);
  await client.set("/x", "kept");
  const { id, rev } = await statusOf(node);
  const before = performance.now();
  assertEquals((await node.stop()).code, 0, node.stderr());
  const ms = performance.now() - before;
  assert(ms < 2_000, `It took ${ms} ms`);
  await using again = await startAgain(node);
  const status = await statusOf(again);
  assertEquals(status.id, id);
  assert(status.rev >= rev, `rev ${status.rev} follows ${rev}`);
  using reader = await connectTo(again.addr, 5_000);
  const { value } = await reader.get("/x");
  assertEquals(new TextDecoder().decode(value), "kept");
  return { id };
}

async function revAt(addr: string): Promise<number> {
  using client = await connectTo(addr, 5_000);
  return await client.rev();
}
