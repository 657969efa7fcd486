/**
 * Which rev lets a mutation change a file.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { CLOBBER, DIRECTORY, MISSING, revAllows } from "../../store/mod.ts";

const FORCE = Number.MAX_SAFE_INTEGER;

Deno.test("revAllows() takes a rev at or above the file's, and CLOBBER", () => {
  const rows: [rev: number, fileRev: number][] = [
    [CLOBBER, MISSING],
    [CLOBBER, 7],
    [CLOBBER, FORCE],
    [CLOBBER, DIRECTORY],
    [MISSING, MISSING],
    [5, MISSING],
    [7, 7],
    [8, 7],
    [FORCE, 7],
    [MISSING, DIRECTORY],
    [DIRECTORY, DIRECTORY],
  ];
  for (const [rev, fileRev] of rows) {
    assertEquals(revAllows(rev, fileRev), true, `${rev} for ${fileRev}`);
  }
});

Deno.test("revAllows() refuses a rev below the file's", () => {
  const rows: [rev: number, fileRev: number][] = [
    [MISSING, 1],
    [6, 7],
    [DIRECTORY, MISSING],
    [DIRECTORY, 7],
    [-3, DIRECTORY],
    [-3, MISSING],
    [-FORCE, 7],
  ];
  for (const [rev, fileRev] of rows) {
    assertEquals(revAllows(rev, fileRev), false, `${rev} for ${fileRev}`);
  }
});
