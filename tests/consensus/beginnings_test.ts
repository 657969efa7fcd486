/**
 * Beginnings: how a node comes to be part of a history.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Node, readDirectory } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { fileText } from "../store/changes.ts";
import { Cluster, clusterOf } from "./cluster.ts";
import { lone } from "./histories.ts";
import type { MemoryDisk } from "./memory_disk.ts";

const FOUND = { cluster: "local", lineage: "L" };

/** A node on the disk, that has not begun. */
function nodeOn(cluster: Cluster, id: string, disk: MemoryDisk): Node {
  return cluster.add(id, { disk, found: readDirectory(disk) });
}

Deno.test("found() begins a lineage, and a log that says so", () => {
  const cluster = new Cluster({ durable: true });
  const node = cluster.add("A");
  node.found(FOUND);
  cluster.settle();
  assertEquals([node.lineage, node.cluster, node.isOpen], ["L", "local", true]);
  const { header } = readDirectory(cluster.diskOf("A"))!;
  assertEquals([header.founder, header.lineage, header.parent], [
    true,
    "L",
    "",
  ]);
  assertThrows(() => node.found(FOUND), AssertionError, "empty store");
});

Deno.test("C10: a node has one lineage", () => {
  const cluster = new Cluster();
  const node = cluster.add("A");
  node.attach("L");
  assertThrows(() => node.attach("M"), AssertionError, "C10");
  assertEquals(node.lineage, "L");
  const disk = lone(1).diskOf("A");
  const again = nodeOn(new Cluster({ durable: true }), "A", disk);
  const found = readDirectory(disk)!;
  again.resume(found);
  assertThrows(() => again.resume(readDirectory(disk)!), AssertionError, "C10");
});

Deno.test("attach() on a durable node makes it no founder", () => {
  const cluster = clusterOf("AB", { durable: true });
  const { header } = readDirectory(cluster.diskOf("B"))!;
  assertEquals([header.founder, header.lineage], [false, "L"]);
});

Deno.test("C25: resume() does not use a damaged memory", () => {
  const disk = lone(2).diskOf("A").copy();
  const [first] = disk.list();
  disk.put(first!, disk.files().get(first!)!.slice(0, 30));
  const found = readDirectory(disk)!;
  assert(found.damage !== undefined);
  const node = nodeOn(new Cluster({ durable: true }), "A", disk);
  assertThrows(() => node.resume(found), AssertionError, "C25");
});

Deno.test("C23: resume() does not use the memory of another", () => {
  const disk = lone(1).diskOf("A");
  const node = nodeOn(new Cluster({ durable: true }), "B", disk);
  const found = readDirectory(disk)!;
  assertThrows(() => node.resume(found), AssertionError, "C23");
});

Deno.test("resume() has all that was applied at once, before anybody is heard", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.write("A", "/a");
  cluster.tick(40);
  const { store: { hash, rev }, applied } = cluster.of("B");
  const disk = cluster.diskOf("B").crash();
  for (const id of "ABC") cluster.kill(id);
  const node = cluster.restart("B", disk);
  assertEquals([node.store.hash, node.store.rev, node.applied], [
    ...[hash, rev, applied],
  ]);
  assertEquals([node.cluster, node.lineage], ["local", "L"]);
  assertEquals(fileText(node.store, "/a"), "/a");
  cluster.tick(200);
  assertEquals(node.status().leader, null, "alone it is no majority");
});

Deno.test("a lone node that resumes leads again, and is open at once", () => {
  const cluster = lone(1);
  const node = cluster.restart("A");
  assertEquals(node.isOpen, true);
  cluster.tickUntil(() => cluster.leader === "A");
  assertEquals(typeof cluster.write("A", "/a"), "number");
});

Deno.test("who founds with others and is started again before they have come waits for them still", () => {
  const cluster = new Cluster({ durable: true });
  cluster.add("A").found({ ...FOUND, companions: ["B:1"] });
  cluster.settle();
  cluster.tick(20);
  assertEquals(cluster.of("A").isOpen, false);
  const disk = cluster.diskOf("A").crash();
  cluster.kill("A");
  const node = nodeOn(cluster, "A", disk);
  node.resume(readDirectory(disk)!, ["B:1"]);
  cluster.tick(50);
  assertEquals(node.isOpen, false);
  cluster.attach("B");
  cluster.tickUntil(() => cluster.seats("A") === "AB");
  cluster.tickUntil(() => node.isOpen);
  // Later their addresses mean nothing.
  const later = cluster.diskOf("A").crash();
  cluster.kill("A");
  const third = nodeOn(cluster, "A", later);
  third.resume(readDirectory(later)!, ["B:1"]);
  assertEquals(third.isOpen, true);
});

Deno.test("recover() begins another lineage, which knows the one before", () => {
  for (const durable of [false, true]) {
    const cluster = clusterOf("ABC", { durable });
    cluster.write("A", "/a");
    cluster.tick(30);
    cluster.kill("A");
    cluster.kill("C");
    cluster.tick(200);
    const node = cluster.of("B");
    assertEquals(node.recover(), undefined);
    cluster.tickUntil(() => cluster.leader === "B");
    assertEquals(cluster.lineages, [node.lineage]);
    assert(/^[A-Z2-7]{16}$/.test(node.lineage));
    assertEquals(cluster.seats("B"), "-B-");
    assertEquals(fileText(node.store, "/a"), "/a");
    if (!durable) continue;
    const again = cluster.restart("B");
    assertEquals(again.lineage, node.lineage);
    const { header } = readDirectory(cluster.diskOf("B"))!;
    assertEquals([header.parent, header.founder], ["L", false]);
    cluster.tickUntil(() => cluster.leader === "B");
    assertEquals(typeof cluster.write("B", "/b"), "number");
  }
});

Deno.test("recover() refuses while somebody leads, or there is no state", () => {
  const cluster = clusterOf("ABC");
  assertEquals(cluster.of("B").recover()?.code, "OTHER");
  const blank = new Cluster().add("A");
  assertEquals(blank.recover()?.code, "OTHER");
  assertEquals([cluster.of("B").lineage, cluster.lineages], ["L", []]);
});
