/**
 * The list of planted bugs does not rot; and some of them are found at once.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BUGS, NOT_FOUND_YET } from "./bugs.ts";
import { applyPatch, plant, readSource } from "./planting.ts";

/** Found within few seeds, each by another checker. */
const EASY = [
  "cals of the slot in force",
  "anybody's word",
  "index of an earlier question",
  "repeat applied",
];
const PATIENCE = { most: 20, seconds: 60 };

Deno.test("BUGS fit the source, each patch in one place", async () => {
  const all = [...BUGS, ...NOT_FOUND_YET];
  for (const { name, patches } of all) {
    const texts = new Map<string, string>();
    for (const patch of patches) {
      const { file } = patch;
      const before = texts.get(file) ?? await readSource(file);
      const after = applyPatch(before, patch);
      assert(after !== before, `"${name}" changes nothing in ${file}`);
      texts.set(file, after);
    }
  }
  assertEquals(new Set(all.map(({ name }) => name)).size, all.length);
});

Deno.test("applyPatch() refuses what is nowhere, or in two places", () => {
  const patch = { file: "a.ts", find: "x", replace: "y" };
  assertEquals(applyPatch("axb", patch), "ayb");
  assertThrows(() => applyPatch("ab", patch), Error, "0 times");
  assertThrows(() => applyPatch("axbx", patch), Error, "2 times");
});

for (const name of EASY) {
  Deno.test(`plant() finds "${name}"`, async () => {
    const bug = BUGS.find((each) => each.name === name)!;
    const { seed, what } = await plant(bug, PATIENCE);
    assert(seed !== undefined, what);
  });
}
