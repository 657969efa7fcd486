/**
 * Nodes are killed, restarted, frozen and told to stop, under load; the
 * clients of cluster_witness.ts say whether anything was lost or stale.
 *
 * How long writes pause is printed, not asserted beyond generous bounds: the
 * machine that runs this has other things to do.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Cluster, freeze, pause, statusAt, thaw } from "./cluster_nodes.ts";
import { connectTo, seatsOf, until } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";
import type { NodeProcess } from "./node_process.ts";

/** Set it for the long variants: ten rounds of kill -9, a freeze of 10 s. */
const LONG = Deno.env.get("DOOZER_LONG_TESTS") !== undefined;
const SHORTER = LONG ? "" : " (more with DOOZER_LONG_TESTS=1)";
/** A pause of writes that is longer is a fault on any machine. */
const GAP_MS_MAX = 6_000;

/** Longer than any node is frozen. */
const LATE_MS = 15_000;

const ROUNDS = LONG ? 10 : 3;

Deno.test(`kill -9 and restart of each node, ${ROUNDS} times${SHORTER}`, async () => {
  await using cluster = await Cluster.start({ size: 3 });
  await using witness = await startWitness(cluster);
  for (let round = 0; round < ROUNDS; round++) {
    // The leader first: it is the one that the most depends on.
    const node = round % 2 === 0
      ? await cluster.leader()
      : await cluster.follower();
    const { addr } = node;
    await cluster.kill(node);
    await witness.progress();
    report("kill -9", witness);
    const [other = ""] = cluster.addrs;
    await cluster.add({ args: ["-l", addr, "-a", other] });
    await cluster.untilSeated(3);
    await witness.progress();
  }
  const { writes, reads } = await witness.finish();
  assert(writes > 50 && reads > 50, `${writes} writes, ${reads} reads`);
});

for (const seconds of [1, 3]) {
  Deno.test(`a follower, then the leader, frozen for ${seconds} s`, async () => {
    await using cluster = await Cluster.start({ size: 3 });
    await using witness = await startWitness(cluster);
    const frozen = { cluster, witness, seconds };
    await freezeFor({ ...frozen, nodes: [await cluster.follower()] });
    await freezeFor({ ...frozen, nodes: [await cluster.leader()] });
    await witness.finish();
  });
}

const LONGEST = LONG ? 10 : 4;
const WHY = LONG ? "" : " (10 s take too long: DOOZER_LONG_TESTS=1)";

Deno.test(`two of five nodes frozen for ${LONGEST} s${WHY}`, async () => {
  await using cluster = await Cluster.start({ size: 5 });
  await using witness = await startWitness(cluster);
  const nodes = [await cluster.leader(), await cluster.follower()];
  await freezeFor({ cluster, witness, seconds: LONGEST, nodes });
  await witness.finish();
});

async function freezeFor({ seconds, nodes, cluster, witness }: {
  seconds: number;
  nodes: readonly NodeProcess[];
  cluster: Cluster;
  witness: ClusterWitness;
}): Promise<void> {
  const { addr } = cluster.nodes[0]!;
  const seats = seatsOf((await statusAt(addr))!);
  const until = performance.now() + seconds * 1_000;
  nodes.forEach(freeze);
  const late: Promise<void>[] = [];
  try {
    await witness.progress();
    // What waits for a node that comes back is answered before it knows more.
    for (const { addr } of nodes) {
      for (let n = 0; n < 16; n++) late.push(witness.readLate(addr, LATE_MS));
    }
    await pause(until - performance.now());
    report(`${nodes.length} frozen for ${seconds} s`, witness);
  } finally {
    nodes.forEach(thaw);
    await Promise.all(late);
  }
  await cluster.untilSeated(seats.length);
  await witness.progress();
  // The usual -timeout is 60 s: everybody has kept its seat.
  assertEquals(seatsOf((await statusAt(addr))!), seats);
}

Deno.test("a leader that is told to stop hands over first", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  await using witness = await startWitness(cluster);
  const leader = await cluster.leader();
  const { id } = (await statusAt(leader.addr))!;
  const { code } = await cluster.kill(leader, "SIGTERM");
  assertEquals(code, 0, leader.stderr());
  await witness.progress();
  report("SIGTERM of the leader", witness);
  const status = await untilForgotten(cluster, id);
  assertEquals(seatsOf(status).length, 2);
  const [other = ""] = cluster.addrs;
  await cluster.add({ args: ["-a", other] });
  await cluster.untilSeated(3);
  await witness.finish();
});

/** Waits until a node's seat and entries are cleared. */
function untilForgotten(cluster: Cluster, id: string) {
  return until(`${id} is forgotten`, async () => {
    const status = await statusAt(cluster.addrs[0]!);
    const { members = [] } = status ?? {};
    const known = members.some((member) => member.id === id);
    return status !== undefined && !known && status;
  });
}

Deno.test("the first node is killed: its seat is cleared", async () => {
  const args = ["-timeout", "1"];
  await using cluster = await Cluster.start({ size: 3, args });
  const first = cluster.nodes[0]!;
  const { id, seats } = (await statusAt(first.addr))!;
  const { name } = seats.find((seat) => seat.id === id)!;
  await cluster.kill(first);
  const [addr = ""] = cluster.addrs;
  using client = await connectTo(addr, 5_000);
  await client.nop(); // There is a leader again.
  // The original took 110 ms for each: every third waited for the dead.
  const before = performance.now();
  for (let n = 0; n < 20; n++) await client.set("/x", String(n));
  const ms = performance.now() - before;
  assert(ms < 2_000, `20 writes one after the other took ${ms} ms`);
  await untilForgotten(cluster, id);
  const { rev, value } = await client.get(`/ctl/cal/${name}`);
  assert(rev > 0 && value.length === 0, "The seat is not there, and free");
});

Deno.test("all nodes may be told to stop at once", async () => {
  await using cluster = await Cluster.start({ size: 3 });
  const before = performance.now();
  const ends = [...cluster.nodes].map((node: NodeProcess) =>
    cluster.kill(node, "SIGTERM")
  );
  const codes = (await Promise.all(ends)).map(({ code }) => code);
  assertEquals(codes, [0, 0, 0]);
  const ms = performance.now() - before;
  assert(ms < 8_000, `It took ${ms} ms, quorum or not it is 2 s of a node`);
});

function startWitness(cluster: Cluster): Promise<ClusterWitness> {
  return ClusterWitness.start({ addrs: () => cluster.addrs });
}

/** Prints how long no write was acknowledged. */
function report(what: string, witness: ClusterWitness): void {
  const ms = witness.takeGapMs();
  console.log(`${what}: ${ms} ms without a write`);
  assert(ms < GAP_MS_MAX, `${what}: ${ms} ms without a write`);
}
