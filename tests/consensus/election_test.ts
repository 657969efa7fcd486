/**
 * The election: when a node tries to lead, and when it leaves others alone.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { formatBallot } from "../../consensus/mod.ts";
import { Bench } from "./bench.ts";

/** Longer than any patience is without chance. */
const PATIENCE = 15;
const DEAF = 30;

const PREVOTE = /prevote /;
const PREPARE = /prepare/;

/** Node B, which follows A at ballot 2.A. */
function follower(options: ConstructorParameters<typeof Bench>[0] = {}): Bench {
  const bench = new Bench({ id: "B", ...options });
  bench.hear("A", `alive 2.A, decided ${bench.parts.machine.applied}`);
  bench.take();
  return bench;
}

/** Where all are, as a message says it. */
function appliedOf(bench: Bench): number {
  return bench.parts.machine.applied;
}

Deno.test("a follower is patient while it hears its leader, by whatever message", () => {
  const bench = follower();
  const at = appliedOf(bench);
  for (let i = 0; i < 10; i++) {
    for (
      const said of [
        `alive 2.A, decided ${at}`,
        `decided 2.A up to ${at}`,
        `accept 2.A ${at + 1}=no-op`,
      ]
    ) {
      bench.hear("A", said);
      bench.tick(PATIENCE - 1);
    }
  }
  assertEquals(bench.take(PREVOTE), []);
  assertEquals(formatBallot(bench.parts.election.leader), "2.A");
});

Deno.test("a silent leader is given up: first others are asked whether they agree", () => {
  const bench = follower();
  bench.tick(PATIENCE);
  const at = appliedOf(bench);
  assertEquals(bench.take(PREVOTE), [
    `A: prevote 2.B, applied ${at}`,
    `C: prevote 2.B, applied ${at}`,
  ]);
  assertEquals(bench.parts.election.leader.round, 0);
  assertEquals(bench.take(PREPARE), []);
  bench.hear("C", `prevoted 2.B yes, applied ${at}, promised 0`);
  assertEquals(bench.take(PREPARE).length, 2);
  assertEquals(bench.parts.election.campaigns, 1);
});

Deno.test("chance makes one wait longer than the other", () => {
  const ticks = [0, 0.5, 0.99].map((chance) => {
    const bench = follower({ random: () => chance });
    let waited = 0;
    while (bench.take(PREVOTE).length === 0) {
      bench.tick();
      waited++;
    }
    return waited;
  });
  assertEquals(ticks, [PATIENCE, PATIENCE + 7, PATIENCE + 14]);
});

Deno.test("a pre-vote is denied while a leader is heard", () => {
  const bench = follower();
  const at = appliedOf(bench);
  bench.tick(PATIENCE - 1);
  bench.take();
  bench.hear("C", `prevote 9.C, applied ${at}`);
  assertEquals(bench.take(), [
    `C: prevoted 9.C no, applied ${at}, promised 1.A`,
  ]);
  bench.tick();
  bench.take();
  bench.hear("C", `prevote 9.C, applied ${at}`);
  assertEquals(bench.take().length, 1);
  assert(!bench.parts.replica.leading);
});

Deno.test("a leader denies pre-votes: who only returns disturbs nobody", () => {
  const bench = new Bench().lead();
  const at = appliedOf(bench);
  bench.hear("C", `prevote 9.C, applied ${at}`);
  assertEquals(bench.take(), [
    `C: prevoted 9.C no, applied ${at}, promised 2.A`,
  ]);
  assert(bench.parts.replica.leading);
});

Deno.test("a pre-vote is granted where no leader is heard, and binds nobody", () => {
  const bench = new Bench({ id: "B" });
  const at = appliedOf(bench);
  bench.hear("C", `prevote 9.C, applied ${at}`);
  bench.hear("A", `prevote 8.A, applied ${at + 3}`);
  assertEquals(bench.take(), [
    `C: prevoted 9.C yes, applied ${at}, promised 1.A`,
    `A: prevoted 8.A yes, applied ${at}, promised 1.A`,
  ]);
  assertEquals(bench.parts.replica.promised.round, 0);
});

Deno.test("a pre-vote is denied to who knows less, or asks with a ballot that is too low", () => {
  const bench = new Bench({ id: "B" });
  const at = appliedOf(bench);
  bench.hear("C", `prepare 5.C from ${at + 1}`);
  bench.take();
  bench.hear("C", `prevote 9.C, applied ${at - 1}`);
  bench.hear("C", `prevote 5.C, applied ${at}`);
  bench.hear("C", `prevote 6.C, applied ${at}`);
  assertEquals(bench.take().map((line) => line.split(" ")[3]), [
    "no,",
    "no,",
    "yes,",
  ]);
});

Deno.test("pre-votes count from cals, for the ballot asked with, once each", () => {
  const bench = follower({ cals: "ABCDE", observers: "XY" });
  const at = appliedOf(bench);
  bench.tick(PATIENCE);
  bench.take();
  const grant = (from: string, ballot = "2.B", word = "yes") =>
    bench.hear(from, `prevoted ${ballot} ${word}, applied ${at}, promised 0`);
  grant("C");
  grant("C");
  grant("X");
  grant("Y");
  grant("D", "1.B");
  grant("D", "2.B", "no");
  assertEquals(bench.take(PREPARE), []);
  grant("E");
  assert(bench.take(PREPARE).length > 0);
});

Deno.test("who is behind learns first: it does not campaign while a live peer has more", () => {
  const bench = follower();
  const at = appliedOf(bench);
  bench.tick(PATIENCE);
  bench.take();
  bench.hear("C", `prevoted 2.B yes, applied ${at + 5}, promised 0`);
  assertEquals(bench.take(PREPARE), []);
  assertEquals(bench.parts.election.teacher, "C");
  bench.tick(2);
  assert(bench.take(/learn from/).length > 0);
});

Deno.test("a ballot that others have promised is gone above the next time", () => {
  const bench = follower();
  const at = appliedOf(bench);
  bench.tick(PATIENCE);
  bench.take();
  bench.hear("C", `prevoted 2.B no, applied ${at}, promised 40.C`);
  bench.tick(2 * PATIENCE);
  assertEquals(
    bench.take(PREVOTE).at(-1),
    `C: prevote 41.B, applied ${at}`,
  );
});

Deno.test("observers never ask, and never campaign", () => {
  const bench = follower({ id: "D", observers: "D" });
  bench.tick(10 * PATIENCE);
  assertEquals(bench.take(PREVOTE), []);
  bench.hear("A", "handover 2.A");
  assertEquals([bench.take(PREPARE), bench.parts.election.campaigns], [[], 0]);
});

Deno.test("a node without a state never asks", () => {
  const bench = new Bench({ id: "D", blank: true });
  bench.tick(10 * PATIENCE);
  assertEquals(bench.take(PREVOTE), []);
});

Deno.test("the leader's link is closed: that is acted on at once", () => {
  const bench = follower();
  bench.unlink("A");
  assertEquals(bench.take(PREVOTE).length, 1);
  const slow = follower({ random: () => 0.99 });
  slow.unlink("A");
  assertEquals(slow.take(PREVOTE), []);
  slow.tick(4);
  assertEquals(slow.take(PREVOTE).length, 1);
});

Deno.test("another link that is closed is no reason for anything", () => {
  const bench = follower();
  bench.unlink("C");
  bench.tick(5);
  assertEquals(bench.take(PREVOTE), []);
  assertEquals(formatBallot(bench.parts.election.leader), "2.A");
});

Deno.test("a deaf leader steps down: its signs of life would keep others from leading", () => {
  const bench = new Bench({ cals: "ABCDE", observers: "X" }).lead();
  for (let i = 0; i < 10; i++) {
    bench.tick(DEAF / 2);
    bench.answer("BC");
  }
  assert(bench.parts.replica.leading);
  for (let i = 0; i < 4; i++) {
    bench.tick(DEAF / 2);
    // Two of five, and an observer, are no quorum.
    bench.answer("BX");
  }
  assert(!bench.parts.replica.leading);
  assertEquals(bench.parts.election.leader.round, 0);
  bench.take();
  bench.tick(3);
  assertEquals(bench.take(/alive [1-9]/), []);
});

Deno.test("a new leader has the same time to be heard", () => {
  const bench = new Bench().lead();
  bench.tick(DEAF - 1);
  assert(bench.parts.replica.leading);
  bench.tick(2);
  assert(!bench.parts.replica.leading);
});

Deno.test("answers to an earlier ballot, or to nobody, do not count", () => {
  const bench = new Bench().lead();
  const at = appliedOf(bench);
  for (let i = 0; i < 4; i++) {
    bench.tick(DEAF / 2);
    bench.hear("B", `heard 1.A, applied ${at}, hash 0`);
    bench.hear("C", `alive 0, decided ${at}`);
  }
  assert(!bench.parts.replica.leading);
});

Deno.test("a leader shows life to all, and names how far it is; others name whom they hear", () => {
  const leader = new Bench({ observers: "D" }).lead();
  const at = appliedOf(leader);
  leader.tick(3);
  assertEquals(leader.take(/alive/), [
    `B: alive 2.A, decided ${at}`,
    `C: alive 2.A, decided ${at}`,
    `D: alive 2.A, decided ${at}`,
  ]);
  const bench = follower();
  bench.tick(3);
  assertEquals(bench.take(/A: alive/), [
    `A: alive 2.A, decided ${appliedOf(bench)}`,
  ]);
});

Deno.test("only the leader's own sign of life is answered, and it counts", () => {
  const bench = new Bench({ id: "B" });
  const at = appliedOf(bench);
  bench.hear("C", `alive 2.A, decided ${at}`);
  assertEquals(bench.take(), []);
  assertEquals(bench.parts.election.leader.round, 0);
  bench.hear("A", `alive 2.A, decided ${at}, round 7`);
  assertEquals(bench.take(), [`A: heard 2.A, applied ${at}, round 7`]);
});

Deno.test("a leader that was overtaken is told so, when it shows life", () => {
  const bench = new Bench({ id: "B" });
  const at = appliedOf(bench);
  bench.hear("C", `prepare 3.C from ${at + 1}`);
  bench.take();
  bench.hear("A", `alive 2.A, decided ${at}`);
  assertEquals(bench.take(), ["A: nack 2.A, promised 3.C"]);
  const old = new Bench().lead();
  old.hear("B", "nack 2.A, promised 3.C");
  assert(!old.parts.replica.leading);
});

Deno.test("a leader that hears a higher one leads no more", () => {
  const bench = new Bench().lead();
  const at = appliedOf(bench);
  bench.hear("C", `alive 3.C, decided ${at}`);
  assert(!bench.parts.replica.leading);
  assertEquals(formatBallot(bench.parts.election.leader), "3.C");
});

Deno.test("C16: a leader that hears of more than it knows leads no more", () => {
  const bench = new Bench().lead();
  bench.hear("B", `alive 2.A, decided ${appliedOf(bench) + 1}`);
  assert(!bench.parts.replica.leading);
});

Deno.test("handed over, a cal campaigns at once; on the word of the leader only", () => {
  const bench = follower();
  bench.hear("C", "handover 2.A");
  bench.hear("A", "handover 1.A");
  assertEquals(bench.take(PREPARE), []);
  bench.hear("A", "handover 2.A");
  assertEquals(bench.take(PREPARE).length, 2);
});

Deno.test("a node that is about to go tries nothing any more", () => {
  const bench = follower();
  bench.parts.election.beQuiet();
  bench.tick(4 * PATIENCE);
  bench.hear("A", "handover 2.A");
  assertEquals(bench.take(PREVOTE), []);
  assertEquals(bench.parts.election.campaigns, 0);
});

Deno.test("who promised another, or was refused, gives it the time to win", () => {
  const bench = follower();
  const at = appliedOf(bench);
  bench.tick(PATIENCE - 1);
  bench.hear("C", `prepare 3.C from ${at + 1}`);
  bench.tick(PATIENCE - 1);
  assertEquals(bench.take(PREVOTE), []);
  // One that was promised something higher is not waited for.
  bench.hear("A", `prepare 2.A from ${at + 1}`);
  bench.tick(1);
  assert(bench.take(PREVOTE).length > 0);
});

Deno.test("a candidate that nobody answers tries again, above", () => {
  const bench = follower();
  const at = appliedOf(bench);
  bench.tick(PATIENCE);
  bench.hear("C", `prevoted 2.B yes, applied ${at}, promised 0`);
  bench.take();
  bench.tick(2 * PATIENCE);
  const asked = bench.take(PREVOTE);
  assert(asked.length > 0);
  assert(!asked[0]!.includes("2.B"), asked[0]);
});

Deno.test("the leader is reached itself if it can be, else through who hears it", () => {
  const bench = follower({ peers: "AC" });
  assertEquals(bench.parts.election.wayToLeader, "A");
  bench.hear("C", `alive 2.A, decided ${appliedOf(bench)}`);
  bench.unlink("A");
  assertEquals(bench.parts.election.wayToLeader, "C");
  const cut = follower({ peers: "A" });
  cut.unlink("A");
  assertEquals(cut.parts.election.wayToLeader, undefined);
  assertEquals(new Bench().lead().parts.election.wayToLeader, "A");
});

Deno.test("a peer that can be reached again hears at once who leads", () => {
  const bench = follower();
  bench.link("C");
  assertEquals(bench.take(), [`C: alive 2.A, decided ${appliedOf(bench)}`]);
});

Deno.test("pre-votes need a quorum of every set, in force and to come", () => {
  const bench = new Bench({ id: "B", cals: "ABC", observers: "D" });
  const { members } = bench.parts.machine;
  const at = appliedOf(bench);
  members.load({
    applied: at,
    sets: [
      { from: at + 1, cals: [..."ABC"] },
      { from: at + 9, cals: [..."BCDE"] },
    ],
    seats: [...members.seats],
  });
  bench.tick(PATIENCE);
  bench.take();
  bench.hear("A", `prevoted 2.B yes, applied ${at}, promised 0`);
  bench.hear("D", `prevoted 2.B yes, applied ${at}, promised 0`);
  assertEquals(bench.take(PREPARE), []);
  bench.hear("C", `prevoted 2.B yes, applied ${at}, promised 0`);
  assert(bench.take(PREPARE).length > 0);
});

Deno.test("a leader that steps down does not name the one before it", () => {
  const bench = follower();
  bench.lead();
  bench.parts.replica.abdicate();
  assertEquals(bench.parts.election.leader.round, 0);
});
