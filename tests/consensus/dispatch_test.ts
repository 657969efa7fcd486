/**
 * Dispatch: messages that are handed on, and those that are not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { NOP } from "../store/changes.ts";
import { Bench } from "./bench.ts";
import { aboutOf, batchOf, mutate } from "./state.ts";

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
  bench.hear("D", { type: "attach", hops: 1, ...aboutOf("E") });
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
  bench.hear("D", { type: "attach", hops: 1, ...aboutOf("E") });
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
