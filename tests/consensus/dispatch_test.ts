/**
 * Dispatch: messages that are handed on, and those that are not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { FIRST_CLAIM, NO_COMMANDS } from "../../consensus/mod.ts";
import { NOP } from "../store/changes.ts";
import { Bench } from "./bench.ts";
import { attachOf, batchOf, mutate } from "./state.ts";

/** Node B, which hears the leader A; D is an observer. */
function follower(peers = "ACD"): Bench {
  const bench = new Bench({ id: "B", observers: "D", peers });
  bench.hear("A", `alive 2.A, decided ${bench.parts.machine.applied}`);
  bench.take();
  return bench;
}

function forwarded(bench: Bench, hops = 2) {
  const batch = batchOf(mutate([bench.state.sessionOf("D"), 1], NOP));
  return { type: "forward", hops, seats: false, batch } as const;
}

Deno.test("what is for the leader is handed on to it, one hop less", () => {
  const bench = follower();
  bench.hear("D", forwarded(bench));
  bench.hear("D", attachOf("E"));
  bench.hear("D", "leave D, hops 1");
  assertEquals(bench.take(), [
    "A: forward [mutate], hops 1",
    "A: attach E at E:1, hops 0",
    "A: leave D, hops 0",
  ]);
});

Deno.test("... but not for ever: hops end, and are never more than usual", () => {
  const bench = follower();
  bench.hear("D", forwarded(bench, 0));
  assertEquals(bench.take(), []);
  bench.hear("D", forwarded(bench, 1e9));
  assertEquals(bench.take(), ["A: forward [mutate], hops 1"]);
});

Deno.test("... nor back to who sent it, nor where no way is known", () => {
  const bench = follower();
  bench.hear("A", forwarded(bench));
  assertEquals(bench.take(), []);
  const lost = new Bench({ id: "B", observers: "D" });
  lost.hear("D", forwarded(lost));
  assertEquals(lost.take(), []);
});

Deno.test("... by a third node where the leader is out of reach", () => {
  const bench = follower();
  bench.hear("C", `alive 2.A, decided ${bench.parts.machine.applied}`);
  bench.unlink("A");
  bench.take();
  bench.hear("D", forwarded(bench));
  assertEquals(bench.take(/forward/), ["C: forward [mutate], hops 1"]);
});

Deno.test("a leader takes forwards before it serves, registrations only then", () => {
  const bench = new Bench({ observers: "D" });
  bench.elect();
  bench.take();
  bench.hear("D", forwarded(bench));
  bench.hear("D", attachOf("E"));
  bench.propose();
  const { machine } = bench.parts;
  assertEquals(machine.sessions.ofOwner("D")?.last, 1);
  assertEquals(machine.isRegistered("E"), false);
});

Deno.test("a farewell finds the node that it is for", () => {
  const bench = follower();
  bench.hear("A", "farewell D, hops 1");
  assertEquals(bench.take(), ["D: farewell D, hops 0"]);
  bench.hear("A", "farewell D, hops 0");
  bench.hear("A", "farewell X, hops 1");
  assertEquals(bench.take(), []);
});

Deno.test("C10: no message of a stranger, in any order, changes or stops anything", () => {
  const bench = follower();
  bench.parts.election.remembered.judge("X", FIRST_CLAIM);
  const before = bench.parts.machine.hash;
  const next = bench.parts.machine.applied + 1;
  for (
    const said of [
      "prepare 9.C from 1",
      `accept 9.C ${next}=forged`,
      `accepted 2.A ${next}`,
      "promise 9.X, accepted 1=forged@9.X",
      "nack 2.A, promised 9.X",
      "behind 2.A, applied 4",
      "prevoted 2.B yes, applied 0, promised 9.X",
      "heard 2.A, applied 1, hash 1",
      "decided 9.C up to 1000",
      "handover 2.A",
      "told B 1 index 1, hops 2",
      "farewell B, hops 2",
    ]
  ) bench.hear("X", said);
  assertEquals(bench.take(), []);
  assertEquals(bench.parts.machine.hash, before);
  assertEquals(bench.parts.election.leader, { round: 2, node: "A" });
});

/** A new link to B, which has said nothing yet. */
function unvetted(): Bench {
  const bench = new Bench();
  bench.parts.election.remembered.linkUp("B");
  return bench;
}

/** Claims of B: what is remembered, and that of an older memory. */
const NOW = "claim 4:8:500";
const OLDER = "claim 3:7:500";

Deno.test("C23: promises count from those whose claim was good, not before", () => {
  const bench = new Bench({ peers: "B" });
  const { remembered } = bench.parts.election;
  remembered.linkUp("B");
  bench.parts.replica.campaign();
  bench.settle();
  bench.hear("B", `promise ${bench.ballot}`);
  assertEquals(bench.parts.replica.leading, false);
  bench.hear("B", `alive 0, decided 0, ${NOW}`);
  bench.hear("B", `promise ${bench.ballot}, position 700`);
  assertEquals(bench.parts.replica.leading, true);
  assertEquals(remembered.whatOf("B")?.position, 700);
});

Deno.test("C23: votes count from those whose claim was good, not before", () => {
  const bench = new Bench({ peers: "B" }).lead();
  const { remembered } = bench.parts.election;
  const { machine, replica } = bench.parts;
  const next = machine.applied + 1;
  replica.propose(NO_COMMANDS);
  bench.settle();
  remembered.linkUp("B");
  const vote = `accepted ${bench.ballot} ${next}, position 700`;
  bench.hear("B", vote);
  bench.hear("B", `alive 0, decided 0, ${NOW}`);
  bench.hear("B", `alive 0, decided 0, ${OLDER}`);
  bench.hear("B", vote);
  assertEquals(machine.applied, next - 1);
  assertEquals(remembered.whatOf("B")?.position, 500);
  bench.hear("B", `alive 0, decided 0, ${NOW}`);
  bench.hear("B", vote);
  assertEquals(machine.applied, next);
  assertEquals(remembered.whatOf("B")?.position, 700);
});

Deno.test("C17, C23: ... nor their word that a ballot stands", () => {
  const bench = new Bench({ peers: "B" }).lead();
  bench.tick(16);
  const { views, remembered } = bench.parts.election;
  const { applied, hash } = bench.parts.machine;
  const heard = `heard ${bench.ballot}, applied ${applied}, hash ${hash}`;
  remembered.linkUp("B");
  bench.hear("B", heard);
  assertEquals(views.hasAnswered("B"), false);
  remembered.judge("B", FIRST_CLAIM);
  bench.hear("B", heard);
  assertEquals(views.hasAnswered("B"), true);
});

Deno.test("a node's own votes need no claim", () => {
  const bench = new Bench({ cals: "A" }).lead();
  assertEquals(bench.parts.election.remembered.isVetted("A"), false);
  assertEquals(bench.parts.replica.leading, true);
});

Deno.test("C23: a sign of life of an older memory is not used, and answered with what is remembered", () => {
  const bench = unvetted();
  bench.hear("B", `alive 0, decided 1, ${NOW}`);
  bench.take();
  const say = () => bench.hear("B", `alive 9.B, decided 999, ${OLDER}`);
  say();
  say();
  assertEquals(bench.take(), ["B: outdated, claim 4:8:500"]);
  assertEquals(bench.parts.election.leader.round, 0);
  assertEquals(bench.parts.replica.decided, bench.parts.machine.applied);
  for (let i = 0; i < 9; i++) bench.parts.election.views.now++;
  say();
  assertEquals(bench.take(/outdated/), [], "not more often than that");
  bench.hear("B", "alive 9.B, decided 999, claim 5:9:600 began 499");
  assertEquals(bench.parts.election.leader.round, 0);
  bench.parts.election.views.now++;
  say();
  assertEquals(bench.take(/outdated/).length, 1);
});

Deno.test("C23: a node that is outdated is told so once, and whoever is not never", () => {
  const bench = new Bench();
  bench.hear("B", "outdated claim 1:0:900");
  assertEquals([bench.outdated, bench.take()], [[], []]);
  bench.hear("B", "outdated claim 2:9:600");
  bench.hear("C", "outdated claim 3:1:700");
  assertEquals(bench.outdated, ["2:9:600"]);
});
