/**
 * Distinct patterns are bounded for each directory, and for each owner there.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compileGlob, LIMITS, type Refusal } from "../../store/mod.ts";
import { PatternRoom } from "../../store/pattern_room.ts";

const { waitGlobBytes: ALL, waitGlobBytesEach: OWN } = LIMITS;
/** So many of these patterns are an owner's part. */
const LENGTH = 1_000;
const MOST = Math.floor(OWN / LENGTH);

/** Pattern i of a directory, always of the same length. */
function pattern(i: number, directory = "/d") {
  const start = `${directory}/*${i}.`;
  return compileGlob(start + "x".repeat(LENGTH - start.length));
}

function refused(whose: string, bytes: number, most: number): Refusal {
  const detail = `The patterns ${whose} that wait on the directory would ` +
    `have ${bytes} bytes, the limit is ${most}`;
  return { code: "LIMIT", detail };
}

Deno.test("PatternRoom gives each owner a part of a directory's room", () => {
  const room = new PatternRoom();
  const [owner, other] = [{}, {}];
  for (let i = 0; i < MOST; i++) {
    assertEquals(room.take(owner, pattern(i)), undefined);
  }
  const bytes = (MOST + 1) * LENGTH;
  const refusal = room.take(owner, pattern(MOST));
  assertEquals(refusal, refused("of one client", bytes, OWN));
  assertEquals(room.take(other, pattern(MOST)), undefined);
  assertEquals(room.take(owner, pattern(0)), undefined, "it is his already");
  assertEquals(room.take(owner, pattern(MOST, "/e")), undefined);
  assertEquals(room.take(owner, compileGlob("/d/path")), undefined);
  room.give(owner, pattern(0));
  assertEquals(room.take(owner, pattern(MOST))?.code, "LIMIT", "taken twice");
  room.give(owner, pattern(0));
  assertEquals(room.take(owner, pattern(MOST)), undefined);
});

Deno.test("PatternRoom bounds the patterns of all owners together", () => {
  const room = new PatternRoom();
  const most = Math.floor(ALL / LENGTH);
  for (let i = 0; i < most; i++) {
    assertEquals(room.take({}, pattern(i)), undefined);
  }
  const bytes = (most + 1) * LENGTH;
  const late = {};
  const refusal = room.take(late, pattern(most));
  assertEquals(refusal, refused("of all clients", bytes, ALL));
  // What is there already costs the others nothing.
  const twin = {};
  assertEquals(room.take(twin, pattern(3)), undefined);
  room.give(twin, pattern(3));
  assertEquals(room.take(late, pattern(most))?.code, "LIMIT");
  assertEquals(room.take(late, compileGlob("/d/path")), undefined);
  assertEquals(room.take(late, pattern(most, "/e")), undefined);
});

Deno.test("PatternRoom gives back all that was taken, and no more", () => {
  const globs = ["/a", "/a/*", "/a/**", "/*", "/**"].map(compileGlob);
  const owners = [{}, {}];
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(4), fc.nat(1), fc.nat()), { maxLength: 40 }),
    (steps) => {
      const room = new PatternRoom();
      const taken: [object, typeof globs[0]][] = [];
      for (const [i, j, at] of steps) {
        const one = [owners[j]!, globs[i]!] as const;
        if (at % 3 > 0 || taken.length === 0) {
          assertEquals(room.take(...one), undefined);
          taken.push([...one]);
        } else room.give(...taken.splice(at % taken.length, 1)[0]!);
      }
      for (const one of taken) room.give(...one);
      // All room is there again, and no more than that.
      const all = Math.floor(ALL / LENGTH);
      for (const directory of ["/", "/a"]) {
        const last = directory === "/" ? "" : directory;
        for (let i = 0; i < all; i++) {
          const owner = i < MOST ? owners[0]! : {};
          assertEquals(room.take(owner, pattern(i, last)), undefined);
        }
        assert(room.take({}, pattern(all, last)) !== undefined);
      }
    },
  ));
});
