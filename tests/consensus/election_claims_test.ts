/**
 * The election's signs of life: what nodes tell of their memories and disks.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Election, FIRST_CLAIM, Remembered } from "../../consensus/mod.ts";
import type { ElectionOptions } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { Bench } from "./bench.ts";
import { read, showMessage } from "./words.ts";

/** Where all are, as a message says it. */
function appliedOf(bench: Bench): number {
  return bench.parts.machine.applied;
}

/** Node A, which leads by itself, with these options beside. */
function electionOf(options: Partial<ElectionOptions>) {
  const bench = new Bench().lead();
  const posted: PeerMessage[] = [];
  const election = new Election({
    ...bench.parts,
    id: "A",
    members: bench.parts.machine.members,
    random: () => 0,
    hash: () => 1,
    ...options,
    post: (_, message) => void posted.push(message),
  });
  const said = () => posted.splice(0).map((message) => showMessage(message));
  return { bench, election, said };
}

Deno.test("C23: every sign of life carries the sender's claim, and where it began; the first of a link, too", () => {
  let position = 5;
  const { bench, election, said } = electionOf({
    claim: () => ({ incarnation: 3, start: 7, position }),
    remembered: new Remembered({
      own: { incarnation: 3, start: 7, position: 5 },
    }),
  });
  const at = appliedOf(bench);
  election.showLife();
  position = 6;
  election.linkUp("B");
  assertEquals(said(), [
    `alive 2.A, decided ${at}, claim 3:7:5`,
    `alive 2.A, decided ${at}, claim 3:7:5`,
    `alive 2.A, decided ${at}, claim 3:7:6 began 5`,
  ]);
});

Deno.test("C23: a new link, and a closed one, have the other's claim awaited", () => {
  const { election } = electionOf({});
  const { remembered } = election;
  for (const act of ["linkUp", "linkDown"] as const) {
    remembered.judge("B", FIRST_CLAIM);
    assert(remembered.isVetted("B"));
    election[act]("B");
    assert(!remembered.isVetted("B"), act);
  }
});

Deno.test("a full disk is told of in signs of life, and in answers to them", () => {
  const full = () => true;
  const leading = electionOf({ full });
  leading.election.showLife();
  const at = appliedOf(leading.bench);
  assertEquals(leading.said()[0], `alive 2.A, decided ${at}, full`);
  const { bench, election, said } = electionOf({ full, durable: () => 7 });
  bench.parts.replica.abdicate();
  election.showLife();
  assertEquals(said()[0], `alive 0, decided ${at}, full`);
  election.receive("B", read("alive", `3.B, decided ${at}, full`));
  assertEquals(said(), [`heard 3.B, applied ${at}, durable 7, full`]);
  assertEquals(election.views.isFull("B"), true);
  election.receive("B", read("alive", `0, decided ${at}`));
  assertEquals(election.views.isFull("B"), false);
});

Deno.test("a leader hears up to where others are durable, and whether their disks are full", () => {
  const bench = new Bench().lead();
  const { views } = bench.parts.election;
  const at = appliedOf(bench);
  const { hash } = bench.parts.machine;
  const state = `applied ${at}, durable ${at - 3}, hash ${hash}`;
  bench.hear("B", `heard 1.A, ${state}, full`);
  assertEquals([views.durableOf("B"), views.isFull("B")], [0, false]);
  bench.hear("B", `heard ${bench.ballot}, ${state}, full`);
  assertEquals([views.durableOf("B"), views.isFull("B")], [at - 3, true]);
  bench.hear("B", `heard ${bench.ballot}, ${state}`);
  assertEquals(views.isFull("B"), false);
});
