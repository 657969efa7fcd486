/**
 * Quorums: how many votes are enough, and whose count.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { isQuorum, quorumSize } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/error.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

Deno.test("quorumSize() is more than half", () => {
  const sizes: [cals: number, quorum: number, mayFail: number][] = [
    [1, 1, 0],
    [2, 2, 0],
    [3, 2, 1],
    [4, 3, 1],
    [5, 3, 2],
    [6, 4, 2],
    [7, 4, 3],
  ];
  for (const [cals, quorum, mayFail] of sizes) {
    assertEquals(quorumSize(cals), quorum, `${cals} cals`);
    assertEquals(cals - quorum, mayFail, `${cals} cals`);
  }
});

Deno.test("quorumSize() of no cals is a broken invariant, not a quorum of nobody", () => {
  assertThrows(() => quorumSize(0), AssertionError, "at least one cal");
  assertThrows(() => isQuorum(new Set(["A"]), []), AssertionError);
});

Deno.test("isQuorum() counts cals that voted, once each, and nobody else", () => {
  const table: [voters: string, cals: string, boolean][] = [
    ["", "A", false],
    ["A", "A", true],
    ["B", "A", false],
    ["A", "AB", false],
    ["AB", "AB", true],
    ["A", "ABC", false],
    ["AC", "ABC", true],
    ["ABC", "ABC", true],
    ["AXYZ", "ABC", false],
    ["XYZ", "ABC", false],
    ["AB", "ABCD", false],
    ["ABD", "ABCD", true],
    ["AAB", "ABCDE", false],
    ["ACE", "ABCDE", true],
  ];
  for (const [voters, cals, enough] of table) {
    const found = isQuorum(new Set(voters), [...cals]);
    assertEquals(found, enough, `${voters || "nobody"} of ${cals}`);
  }
});

Deno.test("C2: any two quorums of the same cals share a cal", () => {
  const cals = [..."ABCDEFG"];
  const property = fc.property(
    fc.integer({ min: 1, max: 7 }),
    fc.subarray(cals),
    fc.subarray(cals),
    (size, some, others) => {
      const set = cals.slice(0, size);
      const [left, right] = [new Set(some), new Set(others)];
      if (!isQuorum(left, set) || !isQuorum(right, set)) return;
      assert(set.some((cal) => left.has(cal) && right.has(cal)));
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 2_000 });
});
