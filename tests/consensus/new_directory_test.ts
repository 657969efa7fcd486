/**
 * New directories: what is written down is read again, and until it is whole,
 * what was there before counts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { DiskOp, Found, Machine } from "../../consensus/mod.ts";
import { type NewDirectory, readDirectory } from "../../consensus/mod.ts";
import { replay, writeDirectory } from "../../consensus/mod.ts";
import { fileText } from "../store/changes.ts";
import { longId } from "./disk_words.ts";
import { lone } from "./histories.ts";
import { type Kept, MemoryDisk } from "./memory_disk.ts";

const A = longId("A");
const KEPT: readonly Kept[] = ["durable", "half", "written"];

/** What a lone node has written, and its state, made that of a survivor. */
function survivor(): { before: MemoryDisk; machine: Machine } {
  const before = lone(2).diskOf("A").copy();
  const machine = replay(readDirectory(before)!, { adoptAccepted: true });
  machine.recover(A, { time: 5, parent: "L" });
  return { before, machine };
}

function directoryOf(
  machine: Machine,
  more: Partial<NewDirectory> = {},
): NewDirectory {
  const salt = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const names = { node: A, lineage: "new", parent: "L" };
  return { machine, ...names, number: 1, salt, ...more };
}

/** All operations; bytes are copied, for they are used again. */
function opsOf(directory: NewDirectory): DiskOp[] {
  return [...writeDirectory(directory)].flatMap((ops) => structuredClone(ops));
}

/** Carries the operations out, the first so many of them. */
function perform(disk: MemoryDisk, ops: readonly DiskOp[]): void {
  const told: unknown[] = [];
  disk.perform("snapshot", { ops, done: (failure) => told.push(failure) });
  disk.runAll();
  assertEquals(told, [undefined]);
}

function write(directory: NewDirectory): Found {
  const disk = new MemoryDisk();
  perform(disk, opsOf(directory));
  return readDirectory(disk.crash("durable"))!;
}

Deno.test("writeDirectory() writes the state of the only cal of a new lineage", () => {
  const { machine } = survivor();
  const found = write(directoryOf(machine));
  const { node, lineage, parent, founder, cluster } = found.header;
  assertEquals(
    [node, lineage, parent, founder, cluster],
    [A, "new", "L", false, "local"],
  );
  assertEquals(found.claim, { incarnation: 0, start: 0, position: 0 });
  const { damage, torn, leftover } = found;
  assertEquals([damage, torn, leftover], [undefined, undefined, []]);
  const read = replay(found);
  assertEquals([read.hash, read.applied], [machine.hash, machine.applied]);
  assert(fileText(read.store, "/file").startsWith("written at "));
  assertEquals(fileText(read.store, "/ctl/lineage/parent"), "L");
  assertEquals([...read.members.current], [A]);
});

Deno.test("writeDirectory() carries on claims and promises of before", () => {
  const claim = { incarnation: 3, start: 77, position: 500 };
  const promised = { round: 9, node: longId("B") };
  const found = write(directoryOf(survivor().machine, { claim, promised }));
  assertEquals([found.claim, found.promised], [claim, promised]);
});

Deno.test("C26: a crash after any operation leaves what was, or what is new", () => {
  const { before, machine } = survivor();
  const was = replay(readDirectory(before)!);
  assert(machine.hash !== was.hash);
  const ops = opsOf(directoryOf(machine, { number: 3, old: before.list() }));
  const stages: string[] = [];
  for (let done = 0; done <= ops.length; done++) {
    const seen = KEPT.map((kept) => {
      const disk = before.copy();
      perform(disk, ops.slice(0, done));
      const found = readDirectory(disk.crash(kept))!;
      const where = `${kept}, after ${done}: ${disk.performed.at(-1)}`;
      assertEquals(found.damage, undefined, where);
      const { hash } = replay(found);
      const isNew = found.header.lineage === "new";
      assertEquals(hash, isNew ? machine.hash : was.hash, where);
      return isNew ? "new" : "old";
    });
    stages.push(seen.join(" "));
  }
  const order = stages.filter((stage, at) => stage !== stages[at - 1]);
  // The rename is seen before it is durable.
  assertEquals(order, ["old old old", "old new new", "new new new"]);
  const disk = before.copy();
  perform(disk, ops);
  assertEquals(disk.list(), ["log-000000000003", "snapshot-000000000003"]);
});

Deno.test("C26: ... also where the end of the old log is torn: it does not become damage", () => {
  const { before } = survivor();
  const log = "log-000000000002";
  const files = new Map(before.files());
  files.set(log, files.get(log)!.slice(0, -1));
  const torn = MemoryDisk.of(files);
  const found = readDirectory(torn)!;
  assertEquals(found.torn?.file, log);
  const machine = replay(found, { adoptAccepted: true });
  machine.recover(A, { time: 1, parent: "L", anew: true });
  const directory = directoryOf(machine, { number: 3, old: torn.list() });
  const ops = opsOf({ ...directory, torn: found.torn });
  for (let done = 0; done <= ops.length; done++) {
    for (const kept of KEPT) {
      const disk = torn.copy();
      perform(disk, ops.slice(0, done));
      const left = readDirectory(disk.crash(kept))!;
      assertEquals(left.damage, undefined, `${kept}, after ${done}`);
    }
  }
});
