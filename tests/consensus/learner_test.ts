/**
 * The learner: whose votes decide, and that decisions come out once, in order.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { Learner } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/error.ts";
import { readBallot, readValue, showValue } from "./words.ts";

const CALS = ["A", "B", "C"];

/** Opens slots: `7=x@2.B`. */
function open(learner: Learner, text: string, cals = CALS): void {
  const [seqn, value, ballot] = text.split(/[=@]/);
  learner.open(Number(seqn), {
    ballot: readBallot(ballot!),
    value: readValue(value!),
    cals,
  });
}

/** Votes: `B 7@2.B`, the voter, the slot and the ballot. */
function vote(learner: Learner, ...texts: readonly string[]): void {
  for (const text of texts) {
    const [voter, seqn, ballot] = text.split(/[ @]/);
    learner.accepted(voter!, {
      seqn: Number(seqn),
      ballot: readBallot(ballot!),
    });
  }
}

/** Everything that is decided and can be handed on, as `1=x 2=y`. */
function takeAll(learner: Learner): string {
  const taken: string[] = [];
  for (let at = learner.take(); at !== undefined; at = learner.take()) {
    taken.push(`${at.seqn}=${showValue(at.value)}`);
  }
  return taken.join(" ");
}

Deno.test("a learner must find out that a proposal has been accepted by a majority of acceptors", () => {
  const table: [votes: string[], decided: string][] = [
    [[], ""],
    [["A 1@1.A"], ""],
    [["A 1@1.A", "B 1@1.A"], "1=x"],
    [["B 1@1.A", "C 1@1.A"], "1=x"],
    [["A 1@1.A", "B 1@1.A", "C 1@1.A"], "1=x"],
    // Twice the same acceptor.
    [["A 1@1.A", "A 1@1.A"], ""],
    // Who is no cal of the slot.
    [["A 1@1.A", "X 1@1.A", "Y 1@1.A", " 1@1.A"], ""],
    // Votes of another ballot, a later and an earlier one.
    [["A 1@1.A", "B 1@2.B", "C 1@0"], ""],
    [["A 1@1.A", "B 1@1.B"], ""],
    // Votes for another slot, one that nobody opened.
    [["A 1@1.A", "B 2@1.A", "C 0@1.A"], ""],
  ];
  for (const [votes, decided] of table) {
    const learner = new Learner();
    open(learner, "1=x@1.A");
    vote(learner, ...votes);
    assertEquals(takeAll(learner), decided, votes.join(", "));
  }
});

Deno.test("the quorum is one of the slot's own cals", () => {
  const learner = new Learner();
  open(learner, "1=x@1.A", ["A"]);
  open(learner, "2=y@1.A", [..."ABCDE"]);
  vote(learner, "A 1@1.A", "A 2@1.A", "B 2@1.A");
  assertEquals(takeAll(learner), "1=x");
  vote(learner, "C 2@1.A");
  assertEquals(takeAll(learner), "2=y");
});

Deno.test("votes for a slot that is opened again at a higher ballot start from none", () => {
  const learner = new Learner();
  open(learner, "1=x@1.A");
  vote(learner, "A 1@1.A");
  open(learner, "1=y@3.A");
  vote(learner, "B 1@3.A", "C 1@1.A");
  assertEquals(takeAll(learner), "");
  vote(learner, "A 1@3.A");
  assertEquals(takeAll(learner), "1=y");
});

Deno.test("decided slots are handed on in order, each once", () => {
  const learner = new Learner();
  const steps: [decide: string, out: string, next: number][] = [
    ["3=c", "", 1],
    ["1=a", "1=a", 2],
    ["1=a", "", 2],
    ["5=e", "", 2],
    ["2=b", "2=b 3=c", 4],
    ["4=no-op", "4=no-op 5=e", 6],
    ["3=c", "", 6],
  ];
  for (const [decide, out, next] of steps) {
    const [seqn, value] = decide.split("=");
    learner.decide(Number(seqn), readValue(value!));
    assertEquals(takeAll(learner), out, decide);
    assertEquals(learner.next, next, decide);
  }
  assertEquals(learner.held, 0);
});

Deno.test("C4: a slot that is decided twice with one value is decided once", () => {
  const learner = new Learner();
  learner.decide(1, readValue("x"));
  learner.decide(1, readValue("x"));
  assertEquals(takeAll(learner), "1=x");
});

Deno.test("C4: a slot that is decided with two values is a broken invariant", () => {
  for (const other of ["y", "xx", "no-op"]) {
    const learner = new Learner();
    learner.decide(1, readValue("x"));
    assertThrows(
      () => learner.decide(1, readValue(other)),
      AssertionError,
      "C4",
      other,
    );
  }
});

Deno.test("C4: votes and news of one slot must agree", () => {
  for (const value of ["x", "y"]) {
    const learner = new Learner();
    open(learner, "2=x@1.A");
    learner.decide(2, readValue(value));
    // A leader that was deposed may not know, and proposes; no quorum follows.
    open(learner, `2=x@2.A`);
    vote(learner, "A 2@2.A");
    const decide = () => vote(learner, "B 2@2.A");
    if (value === "x") decide();
    else assertThrows(decide, AssertionError, "C4");
  }
});

Deno.test("a slot that was handed on is closed: no votes are counted for it", () => {
  const learner = new Learner();
  open(learner, "1=x@1.A");
  learner.decide(1, readValue("x"));
  assertEquals(takeAll(learner), "1=x");
  assertEquals(learner.held, 0);
  vote(learner, "A 1@1.A", "B 1@1.A");
  open(learner, "1=x@2.A");
  assertEquals(learner.held, 0);
  vote(learner, "A 1@2.A", "B 1@2.A");
  assertEquals(takeAll(learner), "");
  assertEquals(learner.next, 2);
});

Deno.test("closeAll() stops counting: who leads no more decides nothing", () => {
  const learner = new Learner();
  open(learner, "1=x@1.A");
  vote(learner, "A 1@1.A");
  learner.closeAll();
  vote(learner, "B 1@1.A", "C 1@1.A");
  assertEquals([takeAll(learner), learner.held], ["", 0]);
  learner.decide(1, readValue("y"));
  assertEquals(takeAll(learner), "1=y");
});

Deno.test("lacking() names slots without a quorum, in order, and whose votes are missing", () => {
  const learner = new Learner();
  for (const text of ["1=x@1.A", "2=y@1.A", "3=z@1.A", "4=u@1.A"]) {
    open(learner, text);
  }
  vote(learner, "A 1@1.A", "A 2@1.A", "B 2@1.A", "X 3@1.A");
  const show = (most: number) =>
    learner.lacking(most).map(({ seqn, value, missing }) =>
      `${seqn}=${showValue(value)} ${missing.join("")}`
    );
  assertEquals(show(9), ["1=x BC", "3=z ABC", "4=u ABC"]);
  assertEquals(show(1), ["1=x BC"]);
});

Deno.test("skipTo() passes over what another node's state holds, and keeps the rest", () => {
  const learner = new Learner();
  learner.decide(2, readValue("old"));
  open(learner, "3=old@1.A");
  learner.decide(6, readValue("f"));
  learner.skipTo(4);
  assertEquals([learner.next, learner.held], [5, 1]);
  learner.decide(3, readValue("other"));
  learner.decide(5, readValue("e"));
  assertEquals(takeAll(learner), "5=e 6=f");
});

Deno.test("C13: a learner never goes back", () => {
  const learner = new Learner();
  learner.skipTo(4);
  learner.skipTo(4);
  assertThrows(() => learner.skipTo(3), AssertionError, "C13");
});

Deno.test("C4: decideAccepted() stops at a gap, at the last slot, and at another ballot", () => {
  const accepted = ["2=b@1.A", "3=c@1.A", "4=d@2.B", "6=f@1.A"];
  const acceptedIn = (seqn: number) => {
    const text = accepted.find((each) => each.startsWith(`${seqn}=`));
    if (text === undefined) return undefined;
    const [, value, ballot] = text.split(/[=@]/);
    return { seqn, value: readValue(value!), ballot: readBallot(ballot!) };
  };
  const table: [upTo: number, ballot: string | undefined, taken: string][] = [
    [1, undefined, "1=a"],
    [2, undefined, "1=a 2=b"],
    [Infinity, undefined, "1=a 2=b 3=c 4=d"],
    [9, "1.A", "1=a 2=b 3=c"],
    [9, "2.B", "1=a"],
  ];
  for (const [upTo, ballot, expected] of table) {
    const learner = new Learner();
    learner.decide(1, readValue("a"));
    const only = ballot === undefined ? {} : { ballot: readBallot(ballot) };
    learner.decideAccepted({ acceptedIn, upTo, ...only });
    assertEquals(takeAll(learner), expected, `${upTo} ${ballot}`);
  }
});
