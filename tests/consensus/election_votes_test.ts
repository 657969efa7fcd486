/**
 * The election, and messages that are not its own: votes, and other leaders'
 * proposals.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Bench } from "./bench.ts";

const DEAF = 30;

/** Where all are, as a message says it. */
function appliedOf(bench: Bench): number {
  return bench.parts.machine.applied;
}

Deno.test("a vote for the leader is an answer to it; one of another ballot is none", () => {
  const bench = new Bench().lead();
  const at = appliedOf(bench);
  for (let i = 0; i < 3; i++) {
    bench.tick(DEAF / 2);
    bench.hear("B", `accepted ${bench.ballot} ${at}`);
  }
  assert(bench.parts.replica.leading);
  for (let i = 0; i < 3; i++) {
    bench.tick(DEAF / 2);
    bench.hear("B", `accepted 1.A ${at}`);
  }
  assert(!bench.parts.replica.leading);
});

Deno.test("a candidate that hears a leader above its ballot gives up, and one below does not", () => {
  const table: [ballot: string, campaigns: boolean][] = [
    ["1.C", true],
    ["2.C", false],
    ["3.C", false],
  ];
  for (const [ballot, campaigns] of table) {
    const bench = new Bench();
    bench.parts.replica.campaign();
    bench.settle();
    assertEquals(bench.ballot, "2.A");
    bench.hear("C", `alive ${ballot}, decided ${appliedOf(bench)}`);
    assertEquals(bench.parts.replica.campaigning, campaigns, ballot);
    // A promise that comes late makes no leader of old.
    bench.hear("B", "promise 2.A");
    assertEquals(bench.parts.replica.leading, campaigns, ballot);
  }
});

Deno.test("a leader's own word is none: it knows whether it leads", () => {
  const bench = new Bench().lead();
  bench.parts.replica.abdicate();
  bench.hear("A", `alive ${bench.ballot}, decided ${appliedOf(bench)}`);
  assertEquals(bench.parts.election.leader.round, 0);
});
