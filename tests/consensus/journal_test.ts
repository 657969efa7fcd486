/**
 * The journal: what a durable node tells others, and its clients, and when.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { claimAtStart, readDirectory } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import type { Outcome } from "../../store/mod.ts";
import { refusalOf, set } from "../store/changes.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import { showLog } from "./disk_words.ts";
import { CHECKPOINT_STARTS, lone } from "./histories.ts";
import { MemoryDisk } from "./memory_disk.ts";

/** What binds who says it. */
const BINDING = /promise|accepted|prepare$/;

/** What `id` has said that binds it, since the last call. */
function saidBy(cluster: Cluster, id: string): string[] {
  const sent = cluster.sent.splice(0);
  return sent.filter((line) => line.startsWith(id) && BINDING.test(line));
}

function durableCluster(ids = "ABC"): Cluster {
  const cluster = clusterOf(ids, { durable: true });
  cluster.tick(30);
  cluster.sent.length = 0;
  return cluster;
}

/** The messages of one type and sender, as they are sent. */
function spy<T extends PeerMessage["type"]>(
  cluster: Cluster,
  { type, from }: { type: T; from: string },
): Extract<PeerMessage, { type: T }>[] {
  const seen: Extract<PeerMessage, { type: T }>[] = [];
  const is = (
    message: PeerMessage,
  ): message is Extract<PeerMessage, { type: T }> => message.type === type;
  cluster.loses = (message, way) => {
    if (way.from === from && is(message)) seen.push(message);
    return false;
  };
  return seen;
}

Deno.test("C1: no acceptance leaves before its record is synced", () => {
  const cluster = durableCluster();
  const disk = cluster.diskOf("B");
  disk.held = true;
  cluster.write("A", "/a");
  assertEquals(saidBy(cluster, "B"), []);
  assertEquals(disk.waiting, ["append log-2", "sync log-2"]);
  disk.step();
  cluster.settle();
  assertEquals(saidBy(cluster, "B"), []);
  cluster.letGo("B");
  cluster.settle();
  assertEquals(saidBy(cluster, "B"), ["B>A accepted"]);
});

Deno.test("C1: who wants to lead asks when the ballot is synced, and a promise is given when it is", () => {
  const cluster = durableCluster();
  for (const id of "BC") cluster.diskOf(id).held = true;
  cluster.kill("A");
  cluster.tick(200);
  const wrote = [..."BC"].filter((id) => cluster.diskOf(id).busy);
  assert(wrote.length > 0, "somebody wants to lead");
  const said = cluster.sent.filter((line) => BINDING.test(line));
  assertEquals(said, []);
  cluster.letGo("B");
  cluster.tick(200);
  const bs = saidBy(cluster, "B");
  assert(bs.includes("B>C prepare"), bs.join());
  assertEquals(cluster.leader, undefined, "C promises nothing");
  cluster.letGo("C");
  cluster.tickUntil(() => cluster.leader !== undefined);
});

Deno.test("C1: a lone node answers when its own vote is synced", () => {
  const cluster = lone(1);
  const disk = cluster.diskOf("A");
  cluster.tick(30);
  disk.held = true;
  const outcomes = cluster.propose("A", set("/a"));
  cluster.tick(5);
  assertEquals([outcomes, disk.waiting.length], [[], 2]);
  disk.step();
  cluster.tick(5);
  assertEquals(outcomes, []);
  disk.step();
  cluster.tick(1);
  assertEquals(outcomes.length, 1);
  assertEquals(typeof outcomes[0], "number");
});

Deno.test("a leader decides by the others' votes while its own disk stands still, and answers", () => {
  const cluster = durableCluster();
  const disk = cluster.diskOf("A");
  disk.held = true;
  const revs: (Outcome | undefined)[] = [];
  for (let n = 0; n < 5; n++) revs.push(cluster.write("A", `/a/${n}`));
  assert(revs.every((rev) => typeof rev === "number"), revs.join());
  assert(disk.busy);
  cluster.sent.length = 0;
  const alive = spy(cluster, { type: "alive", from: "A" });
  cluster.tick(20);
  const { position } = alive.at(-1)!.claim;
  cluster.letGo("A");
  cluster.tick(20);
  assert(alive.at(-1)!.claim.position >= position + 5, "its votes come late");
  disk.held = true;
  cluster.write("A", "/last");
  cluster.restart("A", "durable");
  cluster.tick(100);
  assertEquals(cluster.of("A").store.hash, cluster.of("B").store.hash);
  assertEquals(cluster.of("A").store.get("/last").type, "file");
});

Deno.test("what is durable is told apart from what is applied", () => {
  const cluster = durableCluster();
  const heard = spy(cluster, { type: "heard", from: "B" });
  cluster.tick(30);
  const { applied, durable } = heard.at(-1)!;
  assertEquals(durable, applied);
  cluster.diskOf("B").held = true;
  cluster.write("A", "/a");
  cluster.tick(30);
  assertEquals(heard.at(-1)!.applied, applied + 1);
  assertEquals(heard.at(-1)!.durable, applied);
  cluster.letGo("B");
  cluster.tick(30);
  assertEquals(heard.at(-1)!.durable, applied + 1);
});

Deno.test("what a node has not accepted itself is written down when it is applied", () => {
  const cluster = durableCluster("ABC");
  cluster.loses = ({ type }, { to }) => type === "accept" && to === "C";
  cluster.write("A", "/a");
  cluster.loses = () => false;
  cluster.tick(30);
  assertEquals(cluster.of("C").store.get("/a").type, "file");
  const written = showLog(cluster.diskOf("C")).join("\n");
  assert(/learned \d+=\d+/.test(written), written);
  cluster.tick(30);
  cluster.restart("C", "durable");
  assertEquals(cluster.of("C").store.get("/a").type, "file", "at once");
});

Deno.test("C24: with a full disk a node says so, keeps its word to itself, and goes on when there is space", () => {
  const cluster = durableCluster();
  const disk = cluster.diskOf("B");
  const alive = spy(cluster, { type: "heard", from: "B" });
  disk.fails = (op) => op.type === "append" ? "full" : undefined;
  cluster.write("A", "/a");
  cluster.tick(30);
  assertEquals(saidBy(cluster, "B"), []);
  assertEquals(alive.at(-1)!.full, true);
  disk.fails = () => undefined;
  cluster.tick(100);
  assertEquals(saidBy(cluster, "B").length, 1);
  assertEquals(alive.at(-1)!.full, false);
});

Deno.test("a lone node with a full disk answers UNKNOWN in the end, or when there is space", () => {
  for (const space of [false, true]) {
    const cluster = lone(1);
    const disk = cluster.diskOf("A");
    disk.fails = () => "full";
    const outcomes = cluster.propose("A", set("/a"));
    cluster.tick(100);
    assertEquals(outcomes, []);
    if (space) disk.fails = () => undefined;
    cluster.tick(600);
    assertEquals(outcomes.length, 1);
    if (space) assertEquals(typeof outcomes[0], "number");
    else assertEquals(refusalOf(outcomes[0]!).code, "UNKNOWN");
  }
});

Deno.test("a broken disk stops the node", () => {
  for (const type of ["append", "sync"]) {
    const cluster = durableCluster();
    cluster.diskOf("B").fails = (op) => op.type === type ? "broken" : undefined;
    cluster.write("A", "/a");
    cluster.tick(50);
    assert(cluster.broken.includes("B"));
    assertEquals(saidBy(cluster, "B"), []);
  }
});

Deno.test("who leaves goes when all is written, and keeps its seat", () => {
  const cluster = durableCluster();
  const disk = cluster.diskOf("B");
  disk.held = true;
  cluster.write("A", "/a");
  let gone = false;
  cluster.of("B").leave(() => void (gone = true));
  cluster.tick(50);
  assertEquals(gone, false);
  cluster.letGo("B");
  cluster.tick(50);
  assertEquals([gone, cluster.seats("A")], [true, "ABC"]);
  const { applied } = cluster.of("B");
  const found = readDirectory(disk.crash())!;
  assertEquals(found.applied, applied);
});

Deno.test("a node in memory has nothing to write, and leaves at once", () => {
  const cluster = clusterOf("A");
  let gone = false;
  cluster.of("A").leave(() => void (gone = true));
  cluster.tick(5);
  assertEquals([gone, cluster.disks.size], [true, 0]);
  assertEquals(cluster.of("A").status().durable, false);
});

Deno.test("C23: each start claims one incarnation more, and what it found", () => {
  const disk = lone(3).diskOf("A");
  const found = readDirectory(disk)!;
  const { incarnation, position } = found.claim;
  assertEquals(incarnation, 3);
  const claim = claimAtStart({ disk, found, start: 77 });
  assertEquals(claim, { incarnation: 4, start: 77, position });
  const first = claimAtStart({
    disk: new MemoryDisk(),
    found: undefined,
    start: 7,
  });
  assertEquals(first, { incarnation: 1, start: 7, position: 0 });
  assertEquals(claimAtStart(undefined).incarnation, 1);
});

Deno.test("each start begins a segment; many make a checkpoint, and the next ones stand on it", () => {
  const cluster = lone(CHECKPOINT_STARTS - 1);
  const logs = Array.from({ length: CHECKPOINT_STARTS - 1 }, (_, n) => n + 1);
  assertEquals(numbers(cluster, "log"), logs);
  cluster.restart("A");
  cluster.tick(100);
  const n = CHECKPOINT_STARTS + 1;
  assertEquals([numbers(cluster, "log"), numbers(cluster, "snapshot")], [
    [n],
    [n],
  ]);
  const { hash } = cluster.of("A").store;
  cluster.restart("A");
  assertEquals(cluster.of("A").store.hash, hash);
});

/** The numbers of the files of one kind. */
function numbers(cluster: Cluster, kind: string): number[] {
  return cluster.diskOf("A").list().filter((name) => name.startsWith(kind))
    .map((name) => Number(name.split("-")[1]));
}
