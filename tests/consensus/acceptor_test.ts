/**
 * The acceptor: a test for each sentence of "Paxos Made Simple" about it, then
 * what a log of many slots adds.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { Acceptor } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/error.ts";
import { readBallot, readMessage, showMessage } from "./words.ts";
import { showRecord, showValue } from "./words.ts";

/** What an acceptor makes of a message: `answer <- record`, or silence. */
function hear(acceptor: Acceptor, text: string): string {
  const message = readMessage(text);
  if (message.type !== "prepare" && message.type !== "accept") {
    throw new Error(`An acceptor is not sent "${text}"`);
  }
  const answer = message.type === "prepare"
    ? acceptor.prepare(message)
    : acceptor.accept(message);
  if (answer === undefined) return "silence";
  const said = showMessage(answer.message);
  const { record } = answer;
  return record === undefined ? said : `${said} <- ${showRecord(record)}`;
}

/** Says each line to one acceptor and compares what it answers. */
function converse(...lines: readonly (readonly [string, string])[]): void {
  const acceptor = new Acceptor();
  for (const [said, answered] of lines) {
    assertEquals(hear(acceptor, said), answered, said);
  }
}

Deno.test("P1: an acceptor must accept the first proposal that it receives", () => {
  converse(["accept 1.A 1=x", "accepted 1.A 1 <- accepted 1=x@1.A"]);
});

Deno.test("P1a: it can accept a proposal numbered n iff it has not responded to a prepare request having a number greater than n", () => {
  converse(
    ["prepare 2.B from 1", "promise 2.B <- promised 2.B"],
    ["accept 1.Z 1=x", "nack 1.Z, promised 2.B"],
    ["accept 2.A 1=x", "nack 2.A, promised 2.B"],
    ["accept 2.B 1=y", "accepted 2.B 1 <- accepted 1=y@2.B"],
    ["accept 3.A 1=z", "accepted 3.A 1 <- accepted 1=z@3.A"],
  );
});

Deno.test("1b: it responds with a promise not to accept any more proposals numbered less than n", () => {
  converse(
    ["prepare 5.A from 1", "promise 5.A <- promised 5.A"],
    ["prepare 5.B from 1", "promise 5.B <- promised 5.B"],
    ["accept 5.A 1=x", "nack 5.A, promised 5.B"],
    ["accept 5.A 9=x", "nack 5.A, promised 5.B"],
  );
});

Deno.test("1b: ... and with the highest-numbered proposal that it has accepted", () => {
  converse(
    ["accept 1.A 1=x", "accepted 1.A 1 <- accepted 1=x@1.A"],
    ["accept 3.A 1=z", "accepted 3.A 1 <- accepted 1=z@3.A"],
    ["accept 2.A 1=y", "nack 2.A, promised 3.A"],
    [
      "prepare 4.B from 1",
      "promise 4.B, accepted 1=z@3.A <- promised 4.B",
    ],
  );
});

Deno.test("it has already responded to a prepare request numbered greater than n: it need not answer, and informs the proposer", () => {
  converse(
    ["prepare 2.A from 1", "promise 2.A <- promised 2.A"],
    ["prepare 1.B from 1", "nack 1.B, promised 2.A"],
    ["accept 1.B 1=x", "nack 1.B, promised 2.A"],
    // The refused one has left no trace.
    ["prepare 3.A from 1", "promise 3.A <- promised 3.A"],
  );
});

Deno.test("an acceptor records its intended response before actually sending the response: all but a refusal has a record", () => {
  converse(
    ["prepare 1.A from 1", "promise 1.A <- promised 1.A"],
    ["accept 1.A 1=x", "accepted 1.A 1 <- accepted 1=x@1.A"],
    ["prepare 0 from 1", "nack 0, promised 1.A"],
  );
});

Deno.test("a repeated request gets its answer again, and the record again: the first may not be durable yet", () => {
  converse(
    ["prepare 1.A from 1", "promise 1.A <- promised 1.A"],
    ["prepare 1.A from 1", "promise 1.A <- promised 1.A"],
    ["accept 1.A 1=x", "accepted 1.A 1 <- accepted 1=x@1.A"],
    ["accept 1.A 1=x", "accepted 1.A 1 <- accepted 1=x@1.A"],
    ["prepare 1.A from 1", "promise 1.A, accepted 1=x@1.A <- promised 1.A"],
  );
});

Deno.test("to accept is to promise: a proposal raises the number, in all slots", () => {
  converse(
    ["accept 4.A 1=x", "accepted 4.A 1 <- accepted 1=x@4.A"],
    ["prepare 3.B from 1", "nack 3.B, promised 4.A"],
    ["accept 3.B 2=y", "nack 3.B, promised 4.A"],
  );
});

Deno.test("section 3: one promise is for all instances, and reports those from the one asked for, in order", () => {
  converse(
    ["accept 1.A 5=v", "accepted 1.A 5 <- accepted 5=v@1.A"],
    ["accept 1.A 2=s", "accepted 1.A 2 <- accepted 2=s@1.A"],
    ["accept 1.A 3=t", "accepted 1.A 3 <- accepted 3=t@1.A"],
    [
      "prepare 2.B from 3",
      "promise 2.B, accepted 3=t@1.A 5=v@1.A <- promised 2.B",
    ],
    ["prepare 2.B from 6", "promise 2.B <- promised 2.B"],
  );
});

Deno.test("C3: the promise is the highest ballot that was answered", () => {
  const acceptor = new Acceptor();
  const seen: string[] = [];
  for (
    const line of [
      "prepare 0 from 1",
      "accept 2.A 1=x",
      "prepare 1.B from 1",
      "prepare 2.B from 1",
    ]
  ) {
    hear(acceptor, line);
    seen.push(`${acceptor.promised.round}${acceptor.promised.node}`);
  }
  assertEquals(seen, ["0", "2A", "2A", "2B"]);
});

Deno.test("C3: a ballot that proposes two values in one slot is a broken invariant", () => {
  const acceptor = new Acceptor();
  hear(acceptor, "accept 1.A 1=x");
  assertThrows(
    () => hear(acceptor, "accept 1.A 1=y"),
    AssertionError,
    "C3: a ballot has one value in a slot",
  );
});

Deno.test("forgetUpTo() returns the values that it let go of, however they came", () => {
  const acceptor = new Acceptor();
  for (const slot of ["3=c", "1=a", "4=d", "2=b"]) {
    hear(acceptor, `accept 1.A ${slot}`);
  }
  assertEquals(acceptor.forgetUpTo(2).map((value) => showValue(value)), [
    "a",
    "b",
  ]);
  assertEquals(
    hear(acceptor, "prepare 2.A from 3"),
    "promise 2.A, accepted 3=c@1.A 4=d@1.A <- promised 2.A",
  );
  assertEquals(acceptor.held, 2);
  assertEquals(acceptor.forgetUpTo(2), []);
  assertEquals(acceptor.forgetUpTo(1), []);
  assertEquals(
    hear(acceptor, "prepare 2.A from 2"),
    "behind 2.A, applied 2",
  );
  hear(acceptor, "accept 2.A 7=g");
  assertEquals(acceptor.forgetUpTo(1e9).map((value) => showValue(value)), [
    "c",
    "d",
    "g",
  ]);
  assertEquals(acceptor.held, 0);
});

Deno.test("C7: an acceptor can ignore any request: it promises nothing where it forgot, and says so", () => {
  const acceptor = new Acceptor();
  hear(acceptor, "accept 1.A 1=x");
  hear(acceptor, "accept 1.A 2=y");
  acceptor.forgetUpTo(1);
  const lines: [string, string][] = [
    // To promise without slot 1 would say that nothing was accepted in it.
    ["prepare 2.B from 1", "behind 2.B, applied 1"],
    ["accept 2.B 1=z", "silence"],
    ["accept 1.A 1=x", "silence"],
    // A refusal says nothing about the slot, and helps.
    ["prepare 0 from 1", "nack 0, promised 1.A"],
    ["prepare 2.B from 2", "promise 2.B, accepted 2=y@1.A <- promised 2.B"],
  ];
  for (const [said, answered] of lines) {
    assertEquals(hear(acceptor, said), answered, said);
  }
});

Deno.test("C7: what was not promised because the slot is forgotten binds nobody", () => {
  const acceptor = new Acceptor();
  hear(acceptor, "accept 1.A 1=x");
  acceptor.forgetUpTo(1);
  assertEquals(
    hear(acceptor, "prepare 9.B from 1"),
    "behind 9.B, applied 1",
  );
  assertEquals(
    hear(acceptor, "accept 1.A 2=y"),
    "accepted 1.A 2 <- accepted 2=y@1.A",
  );
});

Deno.test("C13: forgetting leaves the promise as it is, and what was accepted above", () => {
  const acceptor = new Acceptor();
  for (const line of ["accept 1.A 9=x", "prepare 4.B from 1"]) {
    hear(acceptor, line);
  }
  // The state up to slot 8 was taken over from another node.
  acceptor.forgetUpTo(8);
  assertEquals(acceptor.promised, { round: 4, node: "B" });
  assertEquals(showValue(acceptor.acceptedIn(9)!.value), "x");
  assertEquals(acceptor.acceptedIn(8), undefined);
  assertEquals(hear(acceptor, "accept 3.A 9=y"), "nack 3.A, promised 4.B");
  assertEquals(
    hear(acceptor, "prepare 4.B from 9"),
    "promise 4.B, accepted 9=x@1.A <- promised 4.B",
  );
});

Deno.test("heldBytes counts each slot's last value, until the slot is forgotten", () => {
  const acceptor = new Acceptor();
  const accept = (seqn: number, round: number, size: number) => {
    const ballot = { round, node: "A" };
    const value = new Uint8Array(size);
    acceptor.accept({ type: "accept", seqn, ballot, value });
    return acceptor.heldBytes;
  };
  assertEquals([accept(1, 1, 10), accept(2, 1, 20)], [10, 30]);
  assertEquals(accept(1, 1, 10), 30, "once more");
  assertEquals(accept(1, 2, 5), 25, "another instead");
  assertEquals(accept(2, 1, 20), 25, "refused");
  acceptor.forgetUpTo(1);
  assertEquals(acceptor.heldBytes, 20);
  assertEquals(accept(1, 9, 50), 20, "forgotten");
  acceptor.forgetUpTo(2);
  assertEquals(acceptor.heldBytes, 0);
});

Deno.test("to forget millions of slots costs as much as the few that are held", () => {
  const acceptor = new Acceptor();
  for (const slot of [5, 2 ** 50]) hear(acceptor, `accept 1.A ${slot}=x`);
  assertEquals(acceptor.forgetUpTo(2 ** 50 - 1).length, 1);
  assertEquals([acceptor.held, acceptor.forgetUpTo(2 ** 50).length], [1, 1]);
});

/** The position that the answer's message and record carry, if any. */
function positions(acceptor: Acceptor, text: string): string {
  const message = readMessage(text);
  const answer = message.type === "prepare"
    ? acceptor.prepare(message)
    : message.type === "accept"
    ? acceptor.accept(message)
    : undefined;
  const { record, message: said } = answer ?? {};
  const recorded = record !== undefined && "position" in record
    ? record.position
    : "-";
  const told = said !== undefined && "position" in said ? said.position : "-";
  return `${told} ${recorded} ${acceptor.position}`;
}

Deno.test("C23: each promise and each acceptance has the next position, and nothing else has one", () => {
  const acceptor = new Acceptor();
  const rows: [string, string][] = [
    ["prepare 2.A from 1", "1 1 1"],
    ["accept 2.A 1=x", "2 2 2"],
    ["prepare 1.A from 1", "- - 2"],
    ["accept 1.A 1=y", "- - 2"],
    // A repeated request makes a record again.
    ["accept 2.A 1=x", "3 3 3"],
    ["prepare 2.A from 1", "4 4 4"],
  ];
  for (const [said, answered] of rows) {
    assertEquals(positions(acceptor, said), answered, said);
  }
  acceptor.forgetUpTo(1);
  assertEquals(positions(acceptor, "prepare 3.A from 1"), "- - 4");
  assertEquals(positions(acceptor, "accept 3.A 1=z"), "- - 4");
});

/** What is restored: ballot, accepted values, forgotten, position. */
function memoryOf(
  promised: string,
  accepted: string,
  [forgotten, position]: readonly [number, number],
) {
  const promise = readMessage(`promise 9.Z, accepted ${accepted}`);
  if (promise.type !== "promise") throw new Error(promise.type);
  const ballot = readBallot(promised);
  return {
    promised: ballot,
    accepted: promise.accepted,
    forgotten,
    position,
  };
}

Deno.test("restore() goes on where the memory ends", () => {
  const acceptor = new Acceptor();
  const accepted = "7=x@1.A 9=z@1.A 6=v@1.A 7=y@2.B";
  acceptor.restore(memoryOf("3.C", accepted, [6, 40]));
  assertEquals(acceptor.promised, readBallot("3.C"));
  assertEquals([acceptor.position, acceptor.held], [40, 2]);
  const values = acceptor.acceptedAbove(0).map(({ value }) => value);
  assertEquals(values.map((value) => showValue(value)), ["y", "z"]);
  assertEquals(acceptor.heldBytes, values[0]!.length + values[1]!.length);
  assertEquals(hear(acceptor, "accept 2.B 8=w"), "nack 2.B, promised 3.C");
  assertEquals(hear(acceptor, "prepare 4.A from 6"), "behind 4.A, applied 6");
  assertEquals(
    hear(acceptor, "prepare 4.A from 7"),
    "promise 4.A, accepted 7=y@2.B 9=z@1.A <- promised 4.A",
  );
  assertEquals(acceptor.position, 41);
});

Deno.test("acceptedAbove() has the slots in order, however they came", () => {
  const acceptor = new Acceptor();
  for (const slot of [5, 2, 9]) hear(acceptor, `accept 1.A ${slot}=x`);
  const above = (seqn: number) =>
    acceptor.acceptedAbove(seqn).map((accepted) => accepted.seqn);
  assertEquals([above(0), above(2), above(9)], [[2, 5, 9], [5, 9], []]);
});

Deno.test("C3, C23: a memory that cannot be one node's is a broken invariant", () => {
  const rows: [memory: ReturnType<typeof memoryOf>, what: string][] = [
    [memoryOf("1.A", "7=x@2.B", [0, 4]), "C3: to accept is to promise"],
    [memoryOf("2.B", "7=x@2.B 7=y@1.A", [0, 4]), "C3: an acceptance never"],
    [memoryOf("2.B", "7=x@1.A 7=y@1.A", [0, 4]), "C3: a ballot has one value"],
    [memoryOf("2.B", "", [0, -1]), "C23: promises and acceptances are counted"],
  ];
  for (const [memory, what] of rows) {
    assertThrows(() => new Acceptor().restore(memory), AssertionError, what);
  }
  for (const said of ["prepare 1.A from 1", "accept 1.A 1=x"]) {
    const used = new Acceptor();
    hear(used, said);
    const again = () => used.restore(memoryOf("2.B", "", [0, 4]));
    assertThrows(again, AssertionError, "C23: a memory is one node's");
  }
});
