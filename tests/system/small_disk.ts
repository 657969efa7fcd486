/**
 * Fills the small disk that is mounted at the path given, makes room, and goes
 * on; prints what it was told as lines of JSON. Run by disk_full_test.ts.
 *
 * @module
 */

import { openDataDirectory } from "../../cli/data_directory.ts";
import type { DiskLane, DiskOp } from "../../consensus/disk.ts";
import { logName } from "../../protocol/mod.ts";

const PIECE = 100_000;
const [path = ""] = Deno.args;
const { disk, close } = await openDataDirectory(path);

function perform(lane: DiskLane, ops: readonly DiskOp[]): Promise<unknown> {
  return new Promise((resolve) => {
    disk.perform(lane, { ops, done: (failure) => resolve(failure ?? "done") });
  });
}

function print(value: unknown): void {
  console.log(JSON.stringify(value));
}

const filled = (value: number, length = PIECE) =>
  new Uint8Array(length).fill(value);

for (const [lane, file] of [["log", "a"], ["snapshot", "b"]] as const) {
  const filler: DiskOp = { type: "append", file: "f", bytes: filled(0, 3e5) };
  await perform(lane, [{ type: "create", file: "f" }, filler]);
  await perform(lane, [
    { type: "create", file },
    { type: "append", file, bytes: filled(9, 9) },
    { type: "truncate", file, length: 0 },
  ]);
  let pieces = 0;
  const write = (): Promise<unknown> =>
    perform(lane, [
      { type: "append", file, bytes: filled(pieces) },
      { type: "sync", file },
      { type: "rename", file, to: `${file}2` },
      { type: "rename", file: `${file}2`, to: file },
    ]);
  let outcome: unknown;
  while ((outcome = await write()) === "done") pieces++;
  print({ outcome, size: disk.size(file), pieces, free: disk.freeBytes() });
  print({ again: await write(), size: disk.size(file), list: disk.list() });
  await perform(lane, [{ type: "remove", file: "f" }]);
  print({ resumed: await write(), size: disk.size(file) });
  const bytes = disk.read(file, { offset: 0, length: disk.size(file) });
  print({ whole: bytes.every((byte, at) => byte === Math.floor(at / PIECE)) });
  await perform(lane, [{ type: "remove", file }]);
}

// Now there is space for bytes, but soon for no more files.
let files = 0;
const make = (): Promise<unknown> =>
  perform("log", [
    { type: "create", file: logName(files) },
    { type: "create", file: logName(files) },
  ]);
let outcome: unknown;
while ((outcome = await make()) === "done") files++;
print({ outcome, files, count: disk.list().length });
await perform("log", [{ type: "remove", file: logName(0) }]);
print({ resumed: await make() });
close();
try {
  (await openDataDirectory(path)).close();
} catch (error) {
  print({ opened: String(error) });
}
