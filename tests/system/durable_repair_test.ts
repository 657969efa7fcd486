/**
 * The directory of one node of three is damaged, emptied, replaced by an old
 * copy, or exchanged for another's, while the node is down and writes go on:
 * the node comes back without help, as another node where its memory is gone.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Cluster, seatsOf, statusAt, until } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";
import { contactsIn, copyDirectory } from "./durable_harm.ts";
import { emptyDirectory, flipByte } from "./durable_harm.ts";
import { swapDirectories } from "./durable_harm.ts";
import { directoryOf, filesIn, placesOf, Scratch } from "./durable_nodes.ts";
import { statusOf, untilEqual } from "./durable_nodes.ts";
import type { NodeProcess } from "./node_process.ts";

/** A cluster with clients that write and read. */
interface Scene {
  readonly cluster: Cluster;
  readonly witness: ClusterWitness;
  readonly scratch: string;
}

/** Starts three nodes and clients; in the end all nodes must be equal. */
async function inScene(act: (scene: Scene) => Promise<void>): Promise<void> {
  await using scratch = await Scratch.make();
  const data = `${scratch.path}/nodes`;
  await Deno.mkdir(data);
  await using cluster = await Cluster.start({ size: 3, data });
  await using witness = await ClusterWitness.start({
    addrs: () => cluster.addrs,
  });
  await act({ cluster, witness, scratch: scratch.path });
  await witness.progress();
  await witness.finish();
  await untilEqual(cluster);
}

/** Waits until a node has a new id, a vote, and all else of the old is gone. */
async function untilReplaced(
  { cluster, witness }: Scene,
  { node, id }: { node: NodeProcess; id: string },
): Promise<void> {
  const status = await until("the node has another id", async () => {
    const status = await statusAt(node.addr);
    return status !== undefined && status.id !== id && status;
  });
  await until(`${id} is gone, its seat is taken`, async () => {
    const all = await Promise.all(cluster.addrs.map(statusAt));
    return all.every((known) =>
      known !== undefined && known.members.length === 3 &&
      !known.members.some((member) => member.id === id) &&
      seatsOf(known).includes(status.id) && seatsOf(known).length === 3
    );
  });
  await cluster.untilSeated(3);
  await witness.progress();
}

for (const kind of ["log", "snapshot"] as const) {
  for (const who of ["founder", "another"]) {
    Deno.test(`one byte of the ${kind} is flipped; ${who}`, () =>
      inScene(async (scene) => {
        const { cluster, witness } = scene;
        const node = cluster.nodes[who === "founder" ? 0 : 2]!;
        const directory = directoryOf(node);
        const { id } = await statusOf(node);
        if (kind === "snapshot") await untilSnapshot(scene, node);
        // They are written some ticks after the others have their seats.
        await until(
          "it has written down whom to ask",
          () => Promise.resolve(contactsIn(directory).length === 2),
        );
        const current = cluster.nodes.find(({ addr }) => addr === node.addr)!;
        await cluster.kill(current);
        const file = flipByte(directory, kind);
        await witness.progress();
        const again = await cluster.restart(current);
        await untilReplaced(scene, { node: again, id });
        assertStringIncludes(again.stderr(), `damaged: ${file} at byte`);
      }));
  }
}

/** Each start begins a segment; so many of them make a snapshot. */
async function untilSnapshot(
  { cluster }: Scene,
  { addr, args }: NodeProcess,
): Promise<void> {
  const directory = args[args.lastIndexOf("--data") + 1]!;
  const hasOne = () =>
    filesIn(directory).some(({ name }) => /^snapshot-\d+$/.test(name));
  for (let n = 0; n < 20 && !hasOne(); n++) {
    const node = cluster.nodes.find((node) => node.addr === addr)!;
    await cluster.kill(node);
    await cluster.restart(node);
  }
  await until("there is a snapshot", () => Promise.resolve(hasOne()));
}

Deno.test("the directory is emptied", () =>
  inScene(async (scene) => {
    const { cluster, witness } = scene;
    const node = cluster.nodes[1]!;
    assert(node.args.includes("-a"));
    const { id } = await statusOf(node);
    await cluster.kill(node);
    emptyDirectory(directoryOf(node));
    await witness.progress();
    await untilReplaced(scene, { node: await cluster.restart(node), id });
  }));

for (const who of ["the leader", "a follower"]) {
  Deno.test(`an old copy of the directory is restored; ${who}`, () =>
    inScene(async (scene) => {
      const { cluster, witness, scratch } = scene;
      const node = who === "the leader"
        ? await cluster.leader()
        : await cluster.follower();
      const { id } = await statusOf(node);
      const directory = directoryOf(node);
      await cluster.kill(node);
      copyDirectory(directory, `${scratch}/copy`);
      const again = await cluster.restart(node);
      await cluster.untilSeated(3);
      const { rev } = await statusOf(again);
      await until("some hundred writes are made", async () => {
        return (await statusOf(again)).rev > rev + 300;
      });
      await cluster.kill(again);
      copyDirectory(`${scratch}/copy`, directory);
      await witness.progress();
      const old = await cluster.restart(again);
      await untilReplaced(scene, { node: old, id });
      assertStringIncludes(old.stderr(), `Node ${id} is given up`);
    }));
}

Deno.test("two nodes have each other's directories", () =>
  inScene(async ({ cluster, witness }) => {
    const [, a, b] = cluster.nodes as [unknown, NodeProcess, NodeProcess];
    const ids = [(await statusOf(a)).id, (await statusOf(b)).id];
    const before = await statusOf(a);
    await Promise.all([cluster.kill(a), cluster.kill(b)]);
    swapDirectories(directoryOf(a), directoryOf(b));
    await Promise.all([cluster.restart(a), cluster.restart(b)]);
    await cluster.untilSeated(3);
    await witness.progress();
    const after = [(await statusOf(b)).id, (await statusOf(a)).id];
    assertEquals(after, ids, "An id is that of a directory");
    await until("all know where they are now", async () => {
      const { members } = await statusOf(cluster.nodes[0]!);
      return [[ids[0], b.addr], [ids[1], a.addr]].every(([id, addr]) =>
        members.some((member) => member.id === id && member.addr === addr)
      );
    });
    const { seats } = await statusOf(a);
    assertEquals(seats, before.seats, "Nobody has lost a seat");
    const places = await placesOf(a);
    for (const node of cluster.nodes) {
      assertEquals(await placesOf(node), places);
    }
  }));
