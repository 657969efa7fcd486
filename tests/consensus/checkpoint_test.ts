/**
 * Checkpoints: the state is written down, and what it replaces goes after it.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Checkpoint, type CheckpointDone } from "../../consensus/mod.ts";
import {
  ImageReader,
  ImageWriter,
  logName,
  partOf,
} from "../../protocol/mod.ts";
import { readHeader, readPieces, snapshotName } from "../../protocol/mod.ts";
import { AssertionError, Store } from "../../store/mod.ts";
import { applyAll, fileText, set } from "../store/changes.ts";
import { longId } from "./disk_words.ts";
import { MemoryDisk } from "./memory_disk.ts";

const HEADER = {
  node: longId("A"),
  lineage: "L",
  parent: "",
  cluster: "local",
  founder: true,
  contacts: [],
};

/** A state of so many bytes at slot 7; logs 1 and 2, and snapshot 1, exist. */
function bench(bytes = 10) {
  const store = new Store();
  const body = "x".repeat(Math.min(bytes, 60_000));
  for (let at = 0; at < bytes; at += 60_000) {
    applyAll(store, set(`/file/${at}`, body));
  }
  const disk = new MemoryDisk();
  for (const file of [logName(1), snapshotName(1), logName(2)]) {
    disk.put(file, new Uint8Array(1));
  }
  const done: CheckpointDone[] = [];
  const broken: string[] = [];
  const world = { segment: 2, durableSegment: 2 };
  const checkpoint = new Checkpoint({
    disk,
    store,
    rotate: () => ++world.segment,
    durableSegment: () => world.durableSegment,
    header: () => HEADER,
    state: () => ({ head: new Uint8Array(3), applied: 7 }),
    enqueue: (act) => act(),
    onBroken: ({ detail }) => void broken.push(detail),
    onDone: (one) => void done.push(one),
  }, 1);
  let now = 0;
  const tick = (ticks = 1, logBytes = 0) => {
    for (let i = 0; i < ticks; i++) {
      checkpoint.tick(++now, logBytes);
      disk.runAll();
    }
  };
  return { checkpoint, disk, store, done, broken, world, tick };
}

/** The files of a snapshot. */
function read(disk: MemoryDisk, file = snapshotName(3)): Store {
  const size = disk.size(file);
  const head = readHeader(disk.read(file, { offset: 0, length: size }));
  if ("why" in head) throw new Error(head.why);
  assertEquals([head.header.kind, head.header.number], ["snapshot", 3]);
  const reader = new ImageReader();
  const damage = readPieces(
    { size, read: (range) => disk.read(file, range) },
    { offset: head.length, visit: (piece, last) => reader.add(piece, last) },
  );
  assertEquals(damage, undefined);
  assertEquals(reader.head, new Uint8Array(3));
  const store = new Store();
  store.adopt(reader.finish());
  return store;
}

Deno.test("C26: the snapshot has its name when it and its segment are durable; then the old files go", () => {
  const { checkpoint, disk, done, world, tick } = bench();
  checkpoint.begin();
  assertEquals([world.segment, checkpoint.running], [3, true]);
  tick(5);
  const part = partOf(snapshotName(3));
  const old = [logName(1), snapshotName(1), logName(2)];
  assertEquals(disk.list(), [...old, part], "the segment is not durable");
  assertEquals(disk.performed.at(-1), "sync snapshot-3.part");
  world.durableSegment = 3;
  checkpoint.goOn();
  assertEquals(disk.waiting, ["rename snapshot-3.part snapshot-3", "sync ."]);
  disk.step();
  assertEquals([disk.list().length, done], [4, []]);
  disk.step();
  const bytes = disk.size(snapshotName(3));
  assertEquals(done, [{ number: 3, applied: 7, bytes }]);
  assertEquals(disk.waiting, [
    "remove snapshot-1",
    "remove log-1",
    "remove snapshot-2",
    "remove log-2",
  ]);
  assertEquals(checkpoint.ready, false, "these have to go first");
  disk.runAll();
  assertEquals([disk.list(), checkpoint.ready], [[snapshotName(3)], true]);
  assertEquals(fileText(read(disk), "/file/0"), "x".repeat(10));
});

Deno.test("the image is of the moment in which it began, whatever is written meanwhile", () => {
  const { checkpoint, disk, store, world, tick } = bench(500_000);
  const { hash, rev } = store;
  checkpoint.begin();
  world.durableSegment = 3;
  for (let n = 0; n < 30; n++) {
    tick();
    applyAll(store, set("/file/0", `later ${n}`), set(`/more/${n}`));
  }
  assertEquals(disk.list(), [snapshotName(3)]);
  const copy = read(disk);
  assertEquals([copy.hash, copy.rev], [hash, rev]);
});

Deno.test("pace: 128 KiB for each tick, three times what the log grows, one piece after the other", () => {
  const ticksFor = (logBytes: number) => {
    const { checkpoint, done, world, tick } = bench(6_000_000);
    checkpoint.begin();
    world.durableSegment = 3;
    let ticks = 0;
    for (; done.length === 0 && ticks < 1000; ticks++) tick(1, logBytes);
    return ticks;
  };
  const slow = ticksFor(0);
  assert(slow >= 44 && slow <= 50, `${slow} ticks`);
  const fast = ticksFor(1_000_000);
  assert(fast >= 2 && fast <= 4, `${fast} ticks`);
});

Deno.test("nothing is read of the image while the disk has not taken what was read", () => {
  const { checkpoint, disk } = bench(1_000_000);
  checkpoint.begin();
  for (let now = 1; now <= 20; now++) checkpoint.tick(now, 0);
  assertEquals(disk.waiting.length, 2, "the file and its header");
  disk.step();
  disk.step();
  assertEquals(disk.waiting.length, 8, "four pieces, however much is due");
  const before = checkpoint.written;
  for (let now = 21; now <= 40; now++) checkpoint.tick(now, 0);
  assertEquals([disk.waiting.length, checkpoint.written], [8, before]);
});

Deno.test("a large snapshot is synced every 2 MiB", () => {
  const { checkpoint, disk, tick } = bench(9_000_000);
  checkpoint.begin();
  tick(100);
  const syncs = disk.performed.filter((op) => op === "sync snapshot-3.part");
  assertEquals(syncs.length, 5);
});

Deno.test("a lost image is given up, and another begins after a while", () => {
  const { checkpoint, disk, store, world, tick, done } = bench(1_000_000);
  checkpoint.begin();
  world.durableSegment = 3;
  tick(2);
  store.adopt(imported());
  tick();
  assertEquals([checkpoint.running, checkpoint.failures], [false, 1]);
  assertEquals(disk.list().length, 3, "what is there stays there");
  assertEquals(checkpoint.ready, false);
  tick(100);
  assertEquals(checkpoint.ready, true);
  checkpoint.begin();
  world.durableSegment = 4;
  tick(20);
  assertEquals(disk.list(), [snapshotName(4)]);
  assertEquals(done.map(({ number }) => number), [4]);
});

/** A store of a higher rev, for another to adopt. */
function imported() {
  const store = new Store();
  for (let n = 0; n < 30; n++) applyAll(store, set("/other"));
  const writer = new ImageWriter(store, { head: new Uint8Array(0) });
  const reader = new ImageReader();
  for (let piece = writer.next(); piece !== undefined; piece = writer.next()) {
    reader.add(piece.bytes, piece.last);
  }
  return reader.finish();
}

Deno.test("C26: where the disk is full at any operation nothing is removed that was not replaced", () => {
  const whole = bench(200_000);
  whole.checkpoint.begin();
  whole.world.durableSegment = 3;
  whole.tick(10);
  const removed = whole.disk.performed.findIndex((op) => /^remove/.test(op));
  assert(removed > 5);
  for (let at = 0; at < removed; at++) {
    const { checkpoint, disk, done, world, tick } = bench(200_000);
    disk.fails = ({ type }) =>
      type !== "remove" && disk.performed.length >= at ? "full" : undefined;
    checkpoint.begin();
    world.durableSegment = 3;
    tick(4);
    assertEquals([checkpoint.running, checkpoint.failures], [false, 1]);
    const { length } = disk.list().filter((name) => !name.endsWith("3"));
    assertEquals([length, done], [3, []], `operation ${at}`);
    disk.fails = () => undefined;
    tick(100);
    checkpoint.begin();
    world.durableSegment = 4;
    tick(10);
    assertEquals(disk.list(), [snapshotName(4)], `operation ${at}`);
  }
});

Deno.test("a broken disk is told of", () => {
  const { checkpoint, disk, broken, tick } = bench();
  disk.fails = () => "broken";
  checkpoint.begin();
  tick();
  assertEquals(broken, ["Cannot create: broken"]);
});

Deno.test("giveUp() removes what was written; what the disk is doing then does no harm", () => {
  const { checkpoint, disk, done, world, tick } = bench(1_000_000);
  checkpoint.begin();
  world.durableSegment = 3;
  tick(2);
  checkpoint.tick(3, 0);
  checkpoint.giveUp();
  checkpoint.giveUp();
  assertEquals(checkpoint.ready, false);
  disk.runAll();
  assertEquals([disk.list().length, checkpoint.failures, done], [3, 1, []]);
});

Deno.test("C26: one that is given up while it is given its name removes nothing", () => {
  const { checkpoint, disk, done, world, tick } = bench();
  checkpoint.begin();
  tick(5);
  world.durableSegment = 3;
  checkpoint.goOn();
  disk.step();
  checkpoint.giveUp();
  disk.runAll();
  const files = [logName(1), snapshotName(1), logName(2), snapshotName(3)];
  assertEquals([disk.list(), done], [files, []]);
  tick(100);
  checkpoint.begin();
  world.durableSegment = 4;
  tick(5);
  assertEquals(disk.list(), [snapshotName(4)], "the next one does");
});

Deno.test("C26: one is under way at a time", () => {
  const { checkpoint } = bench();
  checkpoint.begin();
  assertThrows(() => checkpoint.begin(), AssertionError, "C26");
});
