/**
 * What the disk says, and what is on it, while there is no space, and when
 * there is space again; on a real file system of 1 MiB.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { logName } from "../../protocol/mod.ts";
import { findObstacle, runConfined, SMALL_DISK } from "./namespace.ts";

const PIECE = 100_000;
const SIZE = 1 << 20;

const obstacle = await findObstacle(SMALL_DISK);

Deno.test({
  name: `a full disk takes all of an append or none, and resumes${obstacle}`,
  ignore: obstacle !== "",
  fn: async () => {
    const path = await Deno.makeTempDir({ prefix: "doozer-full-" });
    try {
      const told = await runConfined({
        script: "small_disk.ts",
        path,
        mount: SMALL_DISK,
      });
      for (const file of ["a", "b"]) {
        checkBytes(told.splice(0, 4), `${path}/${file}`);
      }
      checkFiles(told, path);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  },
});

/** What one lane was told while the bytes of its file filled the disk. */
function checkBytes(told: unknown[], path: string): void {
  const detail = `Cannot append to "${path}": ` +
    "No space left on device (os error 28)";
  const full = { at: 0, kind: "full", detail };
  const first = told[0] as { pieces: number; free: number };
  const { pieces, free } = first;
  assert(pieces > 3 && pieces < 9, JSON.stringify(first));
  // What did not fit, and could be taken in part, has been given back.
  assert(free > 8192 && free < PIECE && free < SIZE, `${free} bytes free`);
  const size = pieces * PIECE;
  const list = [path.slice(-1), "f"];
  assertEquals(told[0], { outcome: full, size, pieces, free });
  const { list: found, ...again } = told[1] as { list: string[] };
  assertEquals([again, found.sort()], [{ again: full, size }, list]);
  assertEquals(told[2], { resumed: "done", size: size + PIECE });
  assertEquals(told[3], { whole: true });
}

/** What came of making files until there was no space for one more. */
function checkFiles(told: unknown[], path: string): void {
  const { files } = told[0] as { files: number };
  const detail = `Cannot create "${path}/${logName(files)}": ` +
    "No space left on device (os error 28)";
  const outcome = { at: 0, kind: "full", detail };
  assertEquals(told[0], { outcome, files, count: files });
  assertEquals(told[1], { resumed: "done" });
  const [, opened] = (told[2] as { opened: string }).opened.split("[OTHER] ");
  assertEquals(
    opened,
    `Cannot use the data directory "${path}": ` +
      "there is no space left on its disk",
  );
  assertEquals(told.length, 3);
}
