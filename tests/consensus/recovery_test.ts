/**
 * Recovery: how a node goes on with what is found on its disk. What damage
 * does is in recovery_damage_test.ts, what crashes do in crash_test.ts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { placeAfter, readDirectory, replay } from "../../consensus/mod.ts";
import { logName, partOf, snapshotName } from "../../protocol/mod.ts";
import { fileText } from "../store/changes.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import { showLog } from "./disk_words.ts";
import { CHECKPOINT_STARTS, lone } from "./histories.ts";
import { MemoryDisk, showOp } from "./memory_disk.ts";

/** What has to be done before the log goes on. */
function before(disk: MemoryDisk): string[] {
  const found = readDirectory(disk)!;
  assertEquals(found.damage, undefined);
  return placeAfter(found).before.map(showOp);
}

/** The node goes on, and all that it had is there. */
function goOn(cluster: Cluster, disk: MemoryDisk): void {
  const files = fileText(cluster.of("A").store, "/file");
  cluster.restart("A", disk);
  cluster.tickUntil(() => cluster.of("A").status().ready);
  assertEquals(fileText(cluster.of("A").store, "/file"), files);
  assertEquals(typeof cluster.write("A", "/more"), "number");
  assertEquals(readDirectory(disk)?.damage, undefined);
}

Deno.test("an empty directory is nobody's, one with parts only, too", () => {
  const disk = new MemoryDisk();
  assertEquals(readDirectory(disk), undefined);
  disk.put(partOf(logName(1)), new Uint8Array(100));
  disk.put("lock", new Uint8Array(0));
  assertEquals(readDirectory(disk), undefined);
});

Deno.test("placeAfter() goes on behind the last segment and the last batch", () => {
  const disk = lone(2).diskOf("A");
  const place = placeAfter(readDirectory(disk)!);
  const last = showLog(disk).at(-1)!;
  const [segment, batch] = last.split(/[/:]/).map(Number);
  assertEquals(
    [place.segment, place.nextBatch],
    [segment, batch!],
    "it repeats the last",
  );
  assertEquals([...place.sizes].map(([, size]) => size), [
    disk.size(logName(1)),
    disk.size(logName(2)),
  ]);
  assertEquals(place.marked, readDirectory(disk)!.applied);
});

Deno.test("what was read is synced before something follows it", () => {
  const disk = lone(2).diskOf("A");
  assertEquals(before(disk), ["sync log-2"]);
});

Deno.test("C25: a torn end is cut off and the cut is synced before the next segment begins", () => {
  const cluster = lone(1);
  const disk = cluster.diskOf("A").copy();
  const bytes = disk.files().get(logName(1))!;
  disk.put(logName(1), new Uint8Array([...bytes, 1, 2, 3]));
  const { torn } = readDirectory(disk)!;
  assertEquals(torn, { file: logName(1), offset: bytes.length, bytes: 3 });
  assertEquals(before(disk), ["truncate log-1", "sync log-1"]);
  goOn(cluster, disk);
  assertEquals(disk.files().get(logName(1)), bytes);
  assertEquals(readDirectory(disk)!.torn, undefined);
});

Deno.test("parts are removed, and what a snapshot has replaced", () => {
  const cluster = lone(CHECKPOINT_STARTS - 1);
  const disk = cluster.diskOf("A").copy();
  disk.mayGoOn = (op) => op.type !== "remove";
  cluster.restart("A", disk);
  cluster.tick(60);
  const left = disk.copy();
  left.put(partOf(snapshotName(99)), new Uint8Array(5));
  assert(left.list().length > CHECKPOINT_STARTS);
  goOn(cluster, left);
  const n = CHECKPOINT_STARTS + 1;
  const names = [logName(n), logName(n + 1), snapshotName(n)].sort();
  const other = left.list().filter((name) => /-/.test(name)).sort();
  assertEquals(other, names);
});

Deno.test("C26: before anything is removed the names of what replaces it are durable", () => {
  const cluster = lone(CHECKPOINT_STARTS - 1);
  const disk = cluster.diskOf("A").copy();
  // The process is killed between the name and its sync.
  disk.mayGoOn = () => !disk.list().some((name) => /^snapshot-\d+$/.test(name));
  cluster.restart("A", disk);
  cluster.tick(60);
  assertEquals(disk.performed.at(-1)!.startsWith("rename snapshot"), true);
  const ops = before(disk);
  const removal = ops.findIndex((op) => op.startsWith("remove"));
  assert(removal > 0, ops.join());
  assertEquals(ops.slice(0, removal), ["sync ."]);
});

/** A survivor whose new lineage has segments, but no snapshot yet. */
function cutShort(): MemoryDisk {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(30);
  cluster.kill("A");
  cluster.kill("C");
  cluster.tick(50);
  const disk = cluster.diskOf("B");
  disk.mayGoOn = (_, lane) => lane !== "snapshot";
  cluster.of("B").recover();
  cluster.settle();
  cluster.tick(20);
  return disk.crash("written");
}

Deno.test("C25: what is left of a lineage that never came to be is removed from its end on", () => {
  const disk = cutShort();
  const { leftover, header } = readDirectory(disk)!;
  assertEquals(header.lineage, "L");
  const logs = leftover.filter((name) => name.startsWith("log-"));
  assert(logs.length >= 2, logs.join());
  const unfinished = logs.filter((name) => disk.list().includes(name));
  assertEquals(unfinished, unfinished.toSorted().reverse());
  // Wherever a crash cuts that short no gap is left.
  for (let most = 0; most < 15; most++) {
    const cluster = clusterOf("A", { durable: true });
    const again = disk.copy();
    again.mayGoOn = () => again.performed.length < most;
    cluster.restart("B", again);
    cluster.tick(20);
    const found = readDirectory(again.crash("written"))!;
    assertEquals(found.damage, undefined, `after ${most} operations`);
  }
});

Deno.test("replay() makes the state that the node had; what it only accepted if asked to", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(30);
  cluster.loses = ({ type }, { from }) => from === "B" && type === "accepted";
  for (const id of "AC") cluster.diskOf(id).held = true;
  cluster.write("A", "/accepted");
  const disk = cluster.diskOf("B");
  const { store, applied } = cluster.of("B");
  const machine = replay(readDirectory(disk)!);
  assertEquals([machine.applied, machine.store.hash], [applied, store.hash]);
  assertEquals(store.get("/accepted").type, "missing");
  const more = replay(readDirectory(disk)!, { adoptAccepted: true });
  assertEquals(more.applied, applied + 1);
  assertEquals(fileText(more.store, "/accepted"), "/accepted");
});

Deno.test("C25: the last batch before a start may be lost: the start has written it again", () => {
  const cluster = lone(2);
  const { segment } = placeAfter(readDirectory(cluster.diskOf("A"))!);
  cluster.restart("A");
  cluster.settle();
  const disk = cluster.diskOf("A");
  const whole = replay(readDirectory(disk)!).hash;
  // A sync of it had failed; the one after that has succeeded without it.
  const files = new Map(disk.crash("durable").files());
  const old = logName(segment);
  assert(files.has(logName(segment + 1)));
  for (const lost of [1, 20]) {
    files.set(old, files.get(old)!.slice(0, -lost));
    const found = readDirectory(MemoryDisk.of(files))!;
    assertEquals([found.damage, found.torn], [undefined, undefined]);
    assertEquals(replay(found).hash, whole);
  }
});
