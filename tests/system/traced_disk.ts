/**
 * Begins a file and adds to it, and writes a word to standard output as soon
 * as it is told that this is done. Run under strace by disk_order_test.ts.
 *
 * @module
 */

import { DirectoryDisk } from "../../cli/disk.ts";
import type { DiskLane, DiskOp } from "../../consensus/disk.ts";

const [path = ""] = Deno.args;
const disk = new DirectoryDisk(path);

function perform(lane: DiskLane, ops: readonly DiskOp[]): Promise<void> {
  return new Promise((resolve) => {
    disk.perform(lane, {
      ops,
      done(failure) {
        const word = failure === undefined ? "done" : failure.detail;
        Deno.stdout.writeSync(new TextEncoder().encode(`${word}\n`));
        resolve();
      },
    });
  });
}

for (const lane of ["log", "snapshot"] as const) {
  const bytes = new TextEncoder().encode(`for ${lane}`);
  const part = `${lane}.part`;
  await perform(lane, [
    { type: "create", file: part },
    { type: "append", file: part, bytes },
    { type: "sync", file: part },
    { type: "rename", file: part, to: lane },
    { type: "syncDirectory" },
  ]);
  await perform(lane, [
    { type: "append", file: lane, bytes },
    { type: "sync", file: lane },
  ]);
  await perform(lane, [
    { type: "truncate", file: lane, length: 2 },
    { type: "sync", file: lane },
    { type: "remove", file: lane },
    { type: "syncDirectory" },
  ]);
}
disk.close();
