/**
 * What is found on the disks of real nodes, word by word.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Found, readDirectory } from "../../consensus/mod.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import { shortIds } from "./disk_words.ts";
import { CHECKPOINT_STARTS, lone } from "./histories.ts";

function foundOf(cluster: Cluster, id: string): Found {
  return readDirectory(cluster.diskOf(id))!;
}

Deno.test("Found: a lone founder, started twice", () => {
  const cluster = lone(2);
  const found = foundOf(cluster, "A");
  const { header: { kind, number, cluster: name, lineage, founder } } = found;
  assertEquals(
    [kind, number, name, lineage, founder],
    ["log", 2, "local", "L", true],
  );
  assertEquals(shortIds(found.header.node), "A");
  assertEquals(found.claim.incarnation, 2);
  assert(found.claim.position > 0, "it has accepted something");
  assertEquals([found.image, found.snapshotBytes], [undefined, 0]);
  assertEquals([...found.sizes.keys()], [1, 2]);
  assertEquals([found.torn, found.damage], [undefined, undefined]);
  assertEquals([found.oldest, found.leftover, found.contacts], [1, [], []]);
});

Deno.test("Found: all that was applied, and marked, is whole; the rest is accepted", () => {
  const cluster = lone(1);
  cluster.tick(30); // Marks are lazy.
  const idle = foundOf(cluster, "A");
  const { applied } = cluster.of("A");
  assertEquals([idle.applied, idle.decided], [applied, applied]);
  assertEquals([idle.values.length, idle.accepted], [applied, []]);
  cluster.write("A", "/unmarked");
  const found = foundOf(cluster, "A");
  assertEquals(found.applied, applied, "as far as is marked");
  assertEquals(found.accepted.map(({ seqn }) => seqn), [applied + 1]);
});

Deno.test("Found: a snapshot is what the values go on from", () => {
  const found = foundOf(lone(CHECKPOINT_STARTS), "A");
  const { applied } = found.image!.head;
  assert(applied > 0 && found.snapshotBytes > 0);
  assertEquals(found.values.length, found.applied - applied);
  assertEquals(found.oldest, found.header.number, "what was before is gone");
});

Deno.test("Found: one of three knows the others' claims, and where to ask", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(200); // Claims are written down by and by.
  const found = foundOf(cluster, "B");
  assertEquals(found.header.founder, false);
  const peers = [...found.peers].map(([id, { incarnation }]) =>
    `${shortIds(id)} ${incarnation}`
  );
  assertEquals(peers.sort(), ["A 1", "C 1"]);
  assertEquals([...found.contacts].sort(), ["A:1", "C:1"]);
  assertEquals(found.promised.node, cluster.of("A").id, "its leader");
});
