/**
 * The replica: what it hands out, and what must wait for the disk. How the
 * roles of several nodes agree is the subject of roles_test.ts.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  deliver,
  leading,
  NOTHING,
  proposeOwed,
  replicaOf,
  settle,
  show,
  takeAll,
} from "./replica_bench.ts";
import { readMessage, readValue } from "./words.ts";

Deno.test("C1: a ballot is durable before it is asked with", () => {
  const replica = replicaOf();
  assert(!replica.hasReady);
  replica.campaign();
  assert(replica.hasReady);
  assertEquals(show(replica.takeReady()), {
    now: [],
    write: ["promised 1.A"],
    then: ["A: prepare 1.A from 1"],
  });
  assert(!replica.hasReady);
  assertEquals(show(replica.takeReady()), NOTHING);
});

Deno.test("C1: answers of the acceptor wait for their record, refusals do not", () => {
  const table: [said: string, Ready: ReturnType<typeof show>][] = [
    ["prepare 2.B from 1", {
      now: [],
      write: ["promised 2.B"],
      then: ["B: promise 2.B"],
    }],
    ["accept 2.B 1=x", {
      now: [],
      write: ["accepted 1=x@2.B"],
      then: ["B: accepted 2.B 1"],
    }],
    ["prepare 1.B from 1", {
      now: ["B: nack 1.B, promised 2.B"],
      write: [],
      then: [],
    }],
    ["accept 1.B 1=y", {
      now: ["B: nack 1.B, promised 2.B"],
      write: [],
      then: [],
    }],
  ];
  const replica = replicaOf();
  for (const [said, done] of table) {
    replica.receive("B", readMessage(said));
    assertEquals(show(replica.takeReady()), done, said);
  }
});

Deno.test("what came in while a write was under way is handed out together, in order", () => {
  const replica = replicaOf();
  const lines = ["prepare 2.B from 1", "accept 2.B 1=x", "accept 2.B 2=y"];
  for (const line of lines) replica.receive("B", readMessage(line));
  assertEquals(show(replica.takeReady()), {
    now: [],
    write: ["promised 2.B", "accepted 1=x@2.B", "accepted 2=y@2.B"],
    then: ["B: promise 2.B", "B: accepted 2.B 1", "B: accepted 2.B 2"],
  });
});

Deno.test("a leader's proposals leave at once, but its own vote counts only when durable", () => {
  const replica = leading();
  replica.propose(readValue("x"));
  const proposed = replica.takeReady();
  assertEquals(show(proposed), {
    now: ["A: accept 1.A 1=x"],
    write: [],
    then: [],
  });
  deliver(replica, proposed.messagesNow);
  const accepted = replica.takeReady();
  assertEquals(show(accepted), {
    now: [],
    write: ["accepted 1=x@1.A"],
    then: ["A: accepted 1.A 1"],
  });
  // The disk is slow: nothing is decided.
  assertEquals(takeAll(replica), []);
  deliver(replica, accepted.messagesAfter);
  assertEquals(takeAll(replica), ["1=x"]);
  assertEquals(show(replica.takeReady()), NOTHING);
});

Deno.test("values are decided in the order proposed, however many are under way", () => {
  const replica = leading();
  for (const value of ["x", "y", "z"]) replica.propose(readValue(value));
  settle(replica);
  replica.propose(readValue("last"));
  settle(replica);
  assertEquals(takeAll(replica), ["1=x", "2=y", "3=z", "4=last"]);
});

Deno.test("a new leadership finishes what an earlier one has begun", () => {
  const replica = leading();
  for (const value of ["x", "y"]) replica.propose(readValue(value));
  // Accepted and durable, but the votes are lost.
  deliver(replica, replica.takeReady().messagesNow);
  assertEquals(replica.takeReady().messagesAfter.length, 2);
  replica.campaign();
  assert(!replica.leading);
  deliver(replica, replica.takeReady().messagesAfter);
  deliver(replica, replica.takeReady().messagesAfter);
  assert(replica.leading && replica.owes);
  proposeOwed(replica);
  assertEquals(show(replica.takeReady()).now, [
    "A: accept 2.A 1=x",
    "A: accept 2.A 2=y",
  ]);
  replica.campaign();
  settle(replica);
  proposeOwed(replica);
  settle(replica);
  assertEquals(takeAll(replica), ["1=x", "2=y"]);
});

Deno.test("a new leadership fills gaps with no-ops", () => {
  const replica = replicaOf();
  replica.receive("B", readMessage("accept 1.B 2=y"));
  replica.takeReady();
  replica.campaign();
  settle(replica);
  proposeOwed(replica);
  replica.propose(readValue("z"));
  settle(replica);
  assertEquals(takeAll(replica), ["1=no-op", "2=y", "3=z"]);
});

Deno.test("C10: messages that nobody should have sent change nothing", () => {
  const lines: [from: string, said: string][] = [
    // Somebody else's ballot.
    ["X", "prepare 9.B from 1"],
    ["X", "accept 9.B 1=forged"],
    ["X", "accept 1.A 1=forged"],
    // Votes, promises and refusals of who is no cal.
    ["X", "accepted 1.A 1"],
    ["X", "accepted 1.A 7"],
    ["X", "promise 1.A"],
    ["X", "decided 1.A up to 1"],
    ["B", "decided 9.B up to 0"],
    ["X", "behind 9.A, applied 70"],
    ["X", "nack 1.A, promised 9.X"],
    // Of a cal, but stale, early, or about nothing.
    ["A", "accepted 0 1"],
    ["A", "accepted 9.A 1"],
    ["A", "accepted 1.A 99"],
    ["A", "promise 0, accepted 1=stale@0"],
    ["A", "promise 9.A, accepted 1=early@8.A"],
    ["A", "nack 0, promised 0"],
  ];
  for (const [from, said] of lines) {
    const replica = leading();
    replica.propose(readValue("x"));
    const { messagesNow } = replica.takeReady();
    replica.receive(from, readMessage(said));
    assertEquals(show(replica.takeReady()), NOTHING, said);
    assert(replica.leading, said);
    assertEquals(takeAll(replica), [], said);
    deliver(replica, messagesNow);
    settle(replica);
    assertEquals(takeAll(replica), ["1=x"], said);
  }
});

Deno.test("a leader that its own acceptor refuses leads no more, and comes back above", () => {
  const replica = leading();
  replica.receive("B", readMessage("prepare 7.B from 1"));
  replica.propose(readValue("x"));
  settle(replica);
  assert(!replica.leading);
  assertEquals(takeAll(replica), []);
  replica.campaign();
  assertEquals(show(replica.takeReady()).then, ["A: prepare 8.A from 1"]);
});

Deno.test("C8: noteApplied() returns the very values that were proposed, once nobody needs them", () => {
  const replica = leading();
  const values = ["x", "y"].map(readValue);
  for (const value of values) replica.propose(value);
  settle(replica);
  for (const value of values) {
    const slot = replica.takeDecided();
    if (slot === undefined) throw new Error("nothing was decided");
    assert(slot.value === value);
    const released = replica.noteApplied(slot);
    assertEquals(released.length, 1);
    assert(released[0] === value);
  }
});

Deno.test("C8: values that are kept for others are released when they are not any more", () => {
  const replica = leading();
  assertEquals(replica.keepDecided(true), []);
  const value = readValue("x");
  replica.propose(value);
  settle(replica);
  const slot = replica.takeDecided()!;
  assertEquals(replica.noteApplied(slot), []);
  const released = replica.keepDecided(false);
  assert(released.length === 1 && released[0] === value);
});

Deno.test("a new leadership asks from the first slot that was not handed on", () => {
  const replica = leading();
  for (const value of ["x", "y"]) replica.propose(readValue(value));
  settle(replica);
  assertEquals(takeAll(replica), ["1=x", "2=y"]);
  replica.campaign();
  assertEquals(show(replica.takeReady()).then, ["A: prepare 2.A from 3"]);
});

Deno.test("a node without a vote that promised more is led again, above; a stranger is not", () => {
  const lead = () => {
    const replica = replicaOf("A", "BX");
    replica.campaign();
    settle(replica);
    assert(replica.leading);
    return replica;
  };
  const table: [from: string, said: string, asked: string[]][] = [
    ["X", "nack 1.A, promised 9.X", ["prepare 10.A from 1"]],
    // It has promised no more than what this node leads with.
    ["X", "nack 1.A, promised 1.A", []],
    ["X", "nack 0, promised 0", []],
    ["stranger", "nack 1.A, promised 9.X", []],
  ];
  for (const [from, said, asked] of table) {
    const replica = lead();
    replica.receive(from, readMessage(said));
    assertEquals(
      show(replica.takeReady()).then,
      asked.flatMap((line) => ["A", "B", "X"].map((to) => `${to}: ${line}`)),
      `${from} ${said}`,
    );
    assertEquals(replica.leading, asked.length === 0, `${from} ${said}`);
  }
});
