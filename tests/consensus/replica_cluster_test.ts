/**
 * The replica among others: quorums of changing cals, catching up, states that
 * are taken over. Tests of one sentence each; schedules are in roles_test.ts.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ALPHA, Members, Replica } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import {
  answers,
  hear,
  leading,
  MEMBERS,
  NOTHING,
  proposeOwed,
  replicaOf,
  settle,
  show,
  takeAll,
} from "./replica_bench.ts";
import { readMessage, readValue, showValue } from "./words.ts";

Deno.test("everybody is sent what is proposed: the cals vote, the others hold copies", () => {
  const replica = replicaOf("ABC", "BCD");
  replica.campaign();
  assertEquals(show(replica.takeReady()).then, [
    "A: prepare 1.A from 1",
    "B: prepare 1.A from 1",
    "C: prepare 1.A from 1",
    "D: prepare 1.A from 1",
  ]);
  for (const id of "ABC") hear(replica, id, "promise 1.A");
  replica.propose(readValue("x"));
  assertEquals(
    show(replica.takeReady()).now.map((line) => line[0]).join(""),
    "ABCD",
  );
});

Deno.test("C2: promises and votes count from cals of the slot only", () => {
  const replica = replicaOf("ABC", "BCDE");
  replica.campaign();
  settle(replica);
  for (const id of "DE") hear(replica, id, "promise 1.A");
  assert(!replica.leading);
  hear(replica, "B", "promise 1.A");
  assert(replica.leading);
  replica.propose(readValue("x"));
  settle(replica);
  for (const id of "DE") hear(replica, id, "accepted 1.A 1");
  assertEquals(takeAll(replica), []);
  hear(replica, "C", "accepted 1.A 1");
  assertEquals(takeAll(replica), ["1=x"]);
});

Deno.test("C4: the leader's word counts for values accepted at its very ballot only", () => {
  const table: [lines: string[], taken: string[]][] = [
    [["accept 1.B 1=x", "decided 1.B up to 1"], ["1=x"]],
    [["accept 1.B 1=x", "accept 1.B 2=y", "decided 1.B up to 1"], ["1=x"]],
    [["accept 1.B 1=x", "accept 1.B 2=y", "decided 1.B up to 2"], [
      "1=x",
      "2=y",
    ]],
    // It was accepted in another ballot: another value may be decided.
    [["accept 1.B 1=x", "prepare 2.B from 1", "decided 2.B up to 1"], []],
    [["accept 2.B 1=x", "decided 1.B up to 1"], []],
    // A gap: slot 2 waits for slot 1.
    [["accept 1.B 2=y", "decided 1.B up to 2"], []],
    [["decided 1.B up to 1", "accept 1.B 1=x"], []],
  ];
  for (const [lines, taken] of table) {
    const replica = replicaOf("ABC");
    for (const line of lines) hear(replica, "B", line);
    assertEquals(takeAll(replica), taken, lines.join("; "));
  }
  const replica = replicaOf("ABC");
  hear(replica, "B", "accept 1.B 1=x");
  hear(replica, "C", "decided 1.B up to 1");
  assertEquals(takeAll(replica), [], "the word of somebody else");
});

Deno.test("C11: no proposal beyond applied + ALPHA", () => {
  const replica = leading("ABC");
  let proposed = 0;
  while (replica.hasRoom) {
    replica.propose(readValue(`v${++proposed}`));
    settle(replica);
  }
  assertEquals(proposed, ALPHA);
  assertThrows(
    () => replica.propose(readValue("one too many")),
    AssertionError,
    "C11",
  );
});

Deno.test("C11: a slot that is applied makes room for one more", () => {
  const replica = leading("ABC");
  for (let i = 1; i <= ALPHA; i++) replica.propose(readValue(`v${i}`));
  settle(replica);
  hear(replica, "B", "accepted 1.A 2");
  assertEquals([takeAll(replica), replica.hasRoom], [[], false]);
  hear(replica, "B", "accepted 1.A 1");
  assertEquals([takeAll(replica).length, replica.hasRoom], [2, true]);
});

Deno.test("C5: each slot needs the promises of its own cals, re-checked as sets become known", () => {
  const replica = leading("ABC");
  const members = MEMBERS.get(replica)!;
  const cals = ["A", "D", "E"];
  members.load({
    applied: 0,
    sets: [{ from: 1, cals: ["A", "B", "C"] }, { from: 2, cals }],
    seats: [],
  });
  replica.propose(readValue("x"));
  settle(replica);
  assertEquals(replica.hasRoom, false);
  replica.insist();
  const asked = show(replica.takeReady());
  assertEquals(asked.then, ["D: prepare 1.A from 2", "E: prepare 1.A from 2"]);
  hear(replica, "C", "promise 1.A");
  assertEquals(replica.hasRoom, false);
  hear(replica, "D", "promise 1.A, accepted 2=begun@0.D");
  assertEquals([replica.hasRoom, replica.owes], [true, true]);
  proposeOwed(replica);
  replica.propose(readValue("y"));
  settle(replica);
  hear(replica, "B", "accepted 1.A 1");
  hear(replica, "B", "accepted 1.A 2");
  assertEquals(replica.takeDecided()?.seqn, 1);
  assertEquals(replica.takeDecided(), undefined);
  hear(replica, "E", "accepted 1.A 2");
  assertEquals(showValue(replica.takeDecided()!.value), "begun");
});

Deno.test("insist() sends again what has no quorum, to those whose votes are missing", () => {
  const replica = leading("ABC");
  for (const value of ["x", "y"]) replica.propose(readValue(value));
  settle(replica);
  hear(replica, "B", "accepted 1.A 2");
  const again = ["B: accept 1.A 1=x", "C: accept 1.A 1=x"];
  // At first they are only on their way; then it is said over and over.
  for (const now of [[], [], [], again, [], [], [], again]) {
    replica.insist();
    assertEquals(show(replica.takeReady()), { now, write: [], then: [] });
  }
});

Deno.test("insist() sends nothing again where slots are decided meanwhile", () => {
  const replica = leading("ABC");
  for (let seqn = 1; seqn <= 8; seqn++) {
    replica.propose(readValue("x"));
    replica.propose(readValue("y"));
    settle(replica);
    replica.insist();
    assertEquals(show(replica.takeReady()), NOTHING);
    hear(replica, "B", `accepted 1.A ${seqn}`);
    takeAll(replica);
  }
});

Deno.test("linkUp() sends to that peer at once what lacks its vote, to no other", () => {
  const replica = leading("ABC");
  for (const value of ["x", "y"]) replica.propose(readValue(value));
  settle(replica);
  hear(replica, "B", "accepted 1.A 2");
  const sentTo = (peer: string) => {
    replica.linkUp(peer);
    return show(replica.takeReady());
  };
  const nothing = { write: [], then: [] };
  assertEquals(sentTo("B"), { now: ["B: accept 1.A 1=x"], ...nothing });
  assertEquals(sentTo("C"), { now: ["C: accept 1.A 1=x"], ...nothing });
  assertEquals(sentTo("D"), NOTHING);
});

Deno.test("insist() of a candidate asks those who have not promised, and of others nobody", () => {
  const replica = replicaOf("ABC");
  replica.insist();
  assertEquals(show(replica.takeReady()), NOTHING);
  replica.campaign();
  settle(replica);
  replica.insist();
  assertEquals(show(replica.takeReady()).then, [
    "B: prepare 1.A from 1",
    "C: prepare 1.A from 1",
  ]);
  replica.abdicate();
  replica.insist();
  assertEquals(show(replica.takeReady()), NOTHING);
});

Deno.test("C16: who leads and hears that more is decided than it knows steps down", () => {
  const lines: [from: string, said: string][] = [
    ["B", "behind 1.A, applied 1"],
    ["C", "decided 2.C up to 1"],
    ["C", "learned 1=x, first 1, decided 1"],
  ];
  for (const [from, said] of lines) {
    const replica = leading("ABC");
    replica.propose(readValue("mine"));
    settle(replica);
    hear(replica, from, said);
    assert(!replica.leading, said);
    hear(replica, "B", "accepted 1.A 1");
    const decided = said.startsWith("learned") ? ["1=x"] : [];
    assertEquals(takeAll(replica), decided, said);
    assertEquals(replica.decided, 1, said);
  }
  const replica = leading("ABC");
  replica.heardOf(0);
  assert(replica.leading, "it knows as much itself");
});

Deno.test("who lags behind is told what is kept, from the slot it asks for on", () => {
  const replica = leading("ABC");
  replica.keepDecided(true);
  for (const value of ["x", "y", "z"]) replica.propose(readValue(value));
  settle(replica);
  for (const seqn of [1, 2]) hear(replica, "B", `accepted 1.A ${seqn}`);
  takeAll(replica);
  const table: [from: number, answer: string][] = [
    [1, "C: learned 1=x 2=y, first 1, decided 2"],
    [2, "C: learned 2=y, first 1, decided 2"],
    [3, "C: learned from 3, first 1, decided 2"],
    [0, "C: learned from 0, first 1, decided 2"],
  ];
  for (const [from, answer] of table) {
    assertEquals(answers(replica, "C", `learn from ${from}`), [answer]);
  }
  replica.skipTo(9);
  assertEquals(answers(replica, "C", "learn from 1"), [
    "C: learned from 1, first 10, decided 9",
  ]);
});

Deno.test("one answer to who lags behind has a bounded size", () => {
  const replica = leading();
  replica.keepDecided(true);
  const sizes = [400_000, 600_000, 100_000, 3 << 20, 1];
  for (const size of sizes) replica.propose(readValue("x".repeat(size)));
  settle(replica);
  takeAll(replica);
  // Never more than a message may hold; but one that is larger goes alone.
  for (const [from, length] of [[1, 2], [2, 2], [3, 1], [4, 1], [5, 1]]) {
    replica.receive("C", { type: "learn", from: from! });
    const { message } = replica.takeReady().messagesNow[0]!;
    assertEquals(message.type === "learned" && message.values.length, length);
  }
});

Deno.test("what is learned is decided, in order, each slot once", () => {
  const replica = replicaOf("ABC");
  hear(replica, "B", "learned 2=y 3=z, first 1, decided 5");
  assertEquals([takeAll(replica), replica.decided], [[], 5]);
  hear(replica, "B", "learned 1=x 2=y, first 1, decided 5");
  assertEquals(takeAll(replica), ["1=x", "2=y", "3=z"]);
  hear(replica, "B", "learned 1=x 2=y, first 1, decided 5");
  assertEquals(takeAll(replica), []);
});

Deno.test("C7, C16: a candidate that lacks what is forgotten is told so, and gives up", () => {
  const old = leading("ABC");
  old.propose(readValue("x"));
  settle(old);
  hear(old, "B", "accepted 1.A 1");
  takeAll(old);
  assertEquals(answers(old, "C", "prepare 9.C from 1"), [
    "C: behind 9.C, applied 1",
  ]);
  assert(old.leading);
  const candidate = replicaOf("ABC");
  candidate.campaign();
  settle(candidate);
  hear(candidate, "B", "behind 1.A, applied 1");
  assertEquals([candidate.campaigning, candidate.decided], [false, 1]);
});

Deno.test("C13: a state that is taken over leaves promises, and acceptances above it", () => {
  const replica = replicaOf("ABC");
  hear(replica, "B", "accept 3.B 2=x");
  hear(replica, "B", "accept 3.B 12=y");
  replica.skipTo(9);
  assertEquals([replica.applied, replica.firstKept], [9, 10]);
  assertEquals(replica.promised, { round: 3, node: "B" });
  assertEquals(answers(replica, "C", "prepare 2.C from 10"), [
    "C: nack 2.C, promised 3.B",
  ]);
  assertEquals(answers(replica, "C", "prepare 4.C from 10"), [
    "C: promise 4.C, accepted 12=y@3.B",
  ]);
  hear(replica, "B", "learned 9=old 10=z, first 1, decided 10");
  assertEquals(replica.takeDecided()?.seqn, 10);
});

Deno.test("a survivor takes for decided what it accepted next, without a gap", () => {
  const replica = replicaOf("ABC");
  for (const slot of ["1=x", "2=y", "4=u"]) {
    hear(replica, "B", `accept 1.B ${slot}`);
  }
  replica.adoptAccepted();
  assertEquals(takeAll(replica), ["1=x", "2=y"]);
});

Deno.test("a node that cannot apply holds a bounded number of accepted slots", () => {
  const replica = replicaOf("ABC");
  assertEquals(answers(replica, "B", "accept 1.B 4096=x"), [
    "B: accepted 1.B 4096",
  ]);
  assertEquals(answers(replica, "B", "accept 1.B 4097=x"), []);
});

Deno.test("C11: who has no state does not campaign, and counts no promises", () => {
  const members = new Members();
  const peers = new Set(["B"]);
  const isRegistered = () => false;
  const replica = new Replica({ id: "A", members, peers, isRegistered });
  assertThrows(() => replica.campaign(), AssertionError, "C11");
  replica.receive("B", readMessage("promise 1.A"));
  assertEquals(replica.leading, false);
});

Deno.test("C10: what is no batch is not learned, nor what came with it", () => {
  const replica = replicaOf("ABC");
  const values = [readValue("x"), Uint8Array.of(1, 2)];
  const about = { from: 1, first: 1, decided: 2 };
  replica.receive("B", { type: "learned", ...about, values });
  assertEquals([takeAll(replica), replica.decided], [[], 2]);
  hear(replica, "C", "learned 1=x 2=y, first 1, decided 2");
  assertEquals(takeAll(replica), ["1=x", "2=y"]);
});

Deno.test("what is open is bounded in bytes; a slot that is applied makes room", () => {
  const replica = leading("ABC");
  const value = readValue("x".repeat(1 << 20));
  let proposed = 0;
  while (replica.hasRoom) {
    replica.propose(value);
    settle(replica);
    proposed++;
  }
  assertEquals(proposed, 4);
  for (const seqn of [1, 2]) hear(replica, "B", `accepted 1.A ${seqn}`);
  takeAll(replica);
  assert(replica.hasRoom);
  replica.abdicate();
  replica.campaign();
  settle(replica);
  hear(replica, "B", "promise 2.A");
  // What is owed is open when it is proposed again, and not before.
  assert(replica.hasRoom && replica.owes);
});

Deno.test("a node that cannot apply holds a bounded number of bytes, and the next slot always", () => {
  const replica = replicaOf("ABC");
  const ballot = { round: 1, node: "B" };
  const accept = (seqn: number, value: Uint8Array) => {
    replica.receive("B", { type: "accept", seqn, ballot, value });
    return replica.takeReady().messagesAfter.length;
  };
  // One piece of memory, which counts as often as it is held.
  const large = new Uint8Array(2 << 20);
  let held = 0;
  while (accept(2 + held, large) > 0) held++;
  assertEquals(held, 65);
  assertEquals(accept(2 + held, new Uint8Array(0)), 0);
  assertEquals(accept(1, readValue("x")), 1);
});

Deno.test("a survivor forgets what others said is decided", () => {
  const replica = replicaOf("ABC");
  replica.heardOf(9);
  assertEquals(replica.decided, 9);
  replica.forgetOthers();
  assertEquals(replica.decided, 0);
});
