/**
 * What a disk promises, shown on the one that the tests use.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import type { DiskFailure, DiskOp } from "../../consensus/mod.ts";
import { encodeText } from "../../protocol/mod.ts";
import { MemoryDisk } from "./memory_disk.ts";

const append = (file: string, text: string): DiskOp => ({
  type: "append",
  file,
  bytes: encodeText(text),
});

/** A file of which one part is synced, and one not. */
const HALF: readonly DiskOp[] = [
  { type: "create", file: "a" },
  append("a", "durable"),
  { type: "sync", file: "a" },
  { type: "syncDirectory" },
  append("a", "written"),
];

function texts(disk: MemoryDisk): string[] {
  const decoder = new TextDecoder();
  return [...disk.files()].map(([name, bytes]) =>
    `${name}=${decoder.decode(bytes)}`
  ).sort();
}

function perform(disk: MemoryDisk, ops: readonly DiskOp[]) {
  const told: (DiskFailure | "done")[] = [];
  const done = (failure?: DiskFailure) => void told.push(failure ?? "done");
  disk.perform("log", { ops, done });
  return told;
}

Deno.test("a list is carried out in order, and told of when all is done", () => {
  const disk = new MemoryDisk();
  const told = perform(disk, [
    { type: "create", file: "a.part" },
    append("a.part", "12345"),
    { type: "rename", file: "a.part", to: "a" },
    { type: "truncate", file: "a", length: 3 },
    { type: "remove", file: "b" },
  ]);
  for (let n = 0; n < 4; n++) disk.step();
  assertEquals([told, texts(disk)], [[], ["a=123"]]);
  disk.runAll();
  assertEquals([told, disk.busy], [["done"], false]);
  assertEquals([disk.list(), disk.size("a")], [["a"], 3]);
  const end = disk.read("a", { offset: 1, length: 9 });
  assertEquals(new TextDecoder().decode(end), "23");
  assertThrows(() => disk.size("b"), Error, 'no file "b"');
});

Deno.test("a list of nothing is told of, too, and not at once", () => {
  const disk = new MemoryDisk();
  const told = perform(disk, []);
  assertEquals(told, []);
  disk.runAll();
  assertEquals(told, ["done"]);
});

Deno.test("a list ends at what fails, and the others of its lane go on", () => {
  const disk = new MemoryDisk();
  disk.fails = (op) => op.type === "sync" ? "full" : undefined;
  const told = perform(disk, HALF);
  const next = perform(disk, [{ type: "syncDirectory" }]);
  disk.runAll();
  assertEquals(told, [{ at: 2, kind: "full", detail: "Cannot sync: full" }]);
  assertEquals([texts(disk), next], [["a=durable"], ["done"]]);
});

Deno.test("lanes are carried out side by side, each in order", () => {
  const disk = new MemoryDisk();
  const create = (file: string): DiskOp => ({ type: "create", file });
  const done = () => {};
  disk.perform("log", { ops: ["l1", "l2"].map(create), done });
  disk.perform("snapshot", { ops: ["s1", "s2"].map(create), done });
  disk.perform("log", { ops: ["l3"].map(create), done });
  disk.step("snapshot");
  disk.runAll();
  assertEquals(disk.list(), ["s1", "l1", "s2", "l2", "l3"]);
});

Deno.test("crash() keeps what is durable; or all; or a half", () => {
  const rows = [
    ["durable", ["a=durable"]],
    ["written", ["a=durablewritten", "b="]],
    ["half", ["a=durablewrit", "b="]],
  ] as const;
  for (const [kept, left] of rows) {
    const disk = new MemoryDisk();
    perform(disk, [...HALF, { type: "create", file: "b" }]);
    disk.runAll();
    assertEquals(texts(disk.crash(kept)), left);
  }
});
