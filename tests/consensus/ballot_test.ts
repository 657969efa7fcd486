/**
 * Ballots: the total order that all safety rests on.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  ballotAbove,
  compareBallots,
  formatBallot,
  ZERO_BALLOT,
} from "../../consensus/mod.ts";
import type { Ballot } from "../../protocol/mod.ts";
import { AssertionError } from "../../store/error.ts";
import { readBallot } from "./words.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** Few rounds and nodes, so that equal ones meet. */
const ballots = fc.record({
  round: fc.oneof(fc.nat(3), fc.nat(Number.MAX_SAFE_INTEGER - 1)),
  node: fc.oneof(
    fc.constantFrom("", "A", "AA", "B"),
    fc.string({ maxLength: 3 }),
  ),
});

function holds(what: (a: Ballot, b: Ballot, c: Ballot) => boolean): void {
  fc.assert(fc.property(ballots, ballots, ballots, what), {
    seed: SEED,
    numRuns: 2_000,
  });
}

const sign = (a: Ballot, b: Ballot): number => Math.sign(compareBallots(a, b));
const same = (a: Ballot, b: Ballot): boolean =>
  a.round === b.round && a.node === b.node;

Deno.test("compareBallots() puts rounds first, then node ids", () => {
  const ascending = ["0", "1.A", "1.AB", "1.B", "1.a", "2.A", "9.Z", "10.A"];
  const found = ascending.map(readBallot).reverse().sort(compareBallots);
  assertEquals(found.map(formatBallot), ascending);
});

Deno.test("compareBallots() is 0 for the same ballot and no other", () => {
  holds((a, b) => (compareBallots(a, b) === 0) === same(a, b));
  holds((a) => compareBallots(a, { ...a }) === 0);
});

Deno.test("compareBallots() is antisymmetric", () => {
  holds((a, b) => sign(a, b) + sign(b, a) === 0);
});

Deno.test("compareBallots() is transitive", () => {
  holds((a, b, c) => {
    const [low, middle, high] = [a, b, c].sort(compareBallots);
    return sign(low!, middle!) <= 0 && sign(middle!, high!) <= 0 &&
      sign(low!, high!) <= 0;
  });
});

Deno.test("ballotAbove() is above the ballot, and the node's own", () => {
  holds((a, b) => {
    const above = ballotAbove(a, b.node);
    return compareBallots(above, a) > 0 && above.node === b.node;
  });
});

Deno.test("ballotAbove() is above the zero ballot, whatever the node", () => {
  holds((_, b) =>
    compareBallots(ballotAbove(ZERO_BALLOT, b.node), b) !== 0 || b.round === 1
  );
  assert(compareBallots(ballotAbove(ZERO_BALLOT, ""), ZERO_BALLOT) > 0);
});

Deno.test("ballotAbove() of different nodes differ: no two proposers share a number", () => {
  holds((a, b, c) =>
    b.node === c.node ||
    compareBallots(ballotAbove(a, b.node), ballotAbove(a, c.node)) !== 0
  );
});

Deno.test("ballotAbove() stops where rounds end, instead of using one twice", () => {
  const last = { round: Number.MAX_SAFE_INTEGER, node: "B" };
  assertThrows(() => ballotAbove(last, "A"), AssertionError, "C3");
});

Deno.test("formatBallot() writes round and node", () => {
  const table: [Ballot, string][] = [
    [ZERO_BALLOT, "0"],
    [{ round: 1, node: "A" }, "1.A"],
    [{ round: 27, node: "ABCDEFGHIJKLMNOP" }, "27.ABCDEFGHIJKLMNOP"],
  ];
  for (const [ballot, text] of table) assertEquals(formatBallot(ballot), text);
});
