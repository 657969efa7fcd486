/**
 * The proposer: a test for each sentence of "Paxos Made Simple" about it.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { compareBallots, formatBallot, Proposer } from "../../consensus/mod.ts";
import { ZERO_BALLOT } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/error.ts";
import { read, readBallot, readValue, showMessage } from "./words.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const CALS = ["A", "B", "C"];

/** A proposer of node A that asked for promises at ballot 1.A. */
function campaigning(from = 1): Proposer {
  const proposer = new Proposer("A");
  proposer.campaign(from, ZERO_BALLOT);
  return proposer;
}

/** One of node A that leads at ballot 1.A. */
function leading(): Proposer {
  const proposer = campaigning();
  promise(proposer, "A 1.A");
  promise(proposer, "B 1.A");
  return proposer;
}

/** A promise, `B 1.A, accepted 1=x@0.9`; returns what is owed then. */
function promise(proposer: Proposer, text: string, cals = CALS): string[] {
  const from = text.slice(0, 1);
  const message = read("promise", text.slice(2));
  proposer.promised(from, { promise: message, cals });
  return proposer.covers(cals) ? owed(proposer) : [];
}

/** Proposes what others began. */
function owed(proposer: Proposer): string[] {
  const said: string[] = [];
  while (proposer.owes) said.push(showMessage(proposer.proposeOwed()));
  return said;
}

/** A refusal: `B 1.A, promised 2.B`. */
function nack(proposer: Proposer, text: string): void {
  const message = read("nack", text.slice(2));
  const isCal = CALS.includes(text.slice(0, 1));
  proposer.nacked(text.slice(0, 1), { nack: message, isCal });
}

const propose = (proposer: Proposer, value: string): string =>
  showMessage(proposer.propose(readValue(value)));

Deno.test("1a: a proposer selects a proposal number n and sends a prepare request with number n", () => {
  const message = new Proposer("A").campaign(7, ZERO_BALLOT);
  assertEquals(showMessage(message), "prepare 1.A from 7");
});

Deno.test("it begins phase 1 with a higher proposal number than any it has already used", () => {
  const proposer = campaigning();
  const numbers = [1, 2, 3].map(() => proposer.campaign(1, ZERO_BALLOT));
  assertEquals(numbers.map(({ ballot }) => formatBallot(ballot)), [
    "2.A",
    "3.A",
    "4.A",
  ]);
});

Deno.test("... and higher than any it has seen: its own acceptor's, and those that refused it", () => {
  const proposer = new Proposer("A");
  proposer.campaign(1, readBallot("5.C"));
  assertEquals(formatBallot(proposer.ballot), "6.A");
  nack(proposer, "B 6.A, promised 9.B");
  nack(proposer, "C 6.A, promised 8.C");
  proposer.campaign(1, readBallot("7.C"));
  assertEquals(formatBallot(proposer.ballot), "10.A");
});

Deno.test("two different proposers never issue a proposal with the same number", () => {
  const seen = fc.record({
    round: fc.nat(5),
    node: fc.constantFrom("A", "B", "C"),
  });
  const property = fc.property(
    fc.array(seen),
    fc.array(seen),
    (mine, yours) => {
      const [a, b] = [new Proposer("A"), new Proposer("B")];
      const used = mine.map((ballot) => a.campaign(1, ballot).ballot);
      const others = yours.map((ballot) => b.campaign(1, ballot).ballot);
      return used.every((ballot, i) =>
        others.every((other) => compareBallots(ballot, other) !== 0) &&
        (i === 0 || compareBallots(ballot, used[i - 1]!) > 0)
      );
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 300 });
});

Deno.test("2a: only if it receives a response from a majority of acceptors", () => {
  const table: [promises: string[], leads: boolean][] = [
    [["A 1.A"], false],
    [["A 1.A", "B 1.A"], true],
    [["B 1.A", "C 1.A"], true],
    // Twice the same one; strangers; promises of other ballots.
    [["B 1.A", "B 1.A"], false],
    [["A 1.A", "X 1.A", "Y 1.A"], false],
    [["A 1.A", "B 1.B", "C 2.A"], false],
    [["A 1.A", "B 0"], false],
  ];
  for (const [promises, leads] of table) {
    const proposer = campaigning();
    for (const text of promises) promise(proposer, text);
    assertEquals(proposer.leading, leads, promises.join(", "));
  }
});

Deno.test("C5: a proposer that does not lead proposes nothing", () => {
  const table: [name: string, Proposer][] = [
    ["one that never campaigned", new Proposer("A")],
    ["one without a quorum", campaigning()],
    ["one that was refused", leading()],
    ["one that campaigns again", leading()],
  ];
  nack(table[2]![1], "B 1.A, promised 2.B");
  table[3]![1].campaign(1, ZERO_BALLOT);
  for (const [name, proposer] of table) {
    assertEquals(proposer.leading, false, name);
    assertThrows(() => propose(proposer, "x"), AssertionError, "C5", name);
  }
});

Deno.test("P2c: v is the value of the highest-numbered proposal among the responses", () => {
  const table: [first: string, second: string, proposed: string][] = [
    ["A 9.A, accepted 1=x@1.C", "B 9.A", "accept 9.A 1=x"],
    ["A 9.A", "B 9.A, accepted 1=x@1.C", "accept 9.A 1=x"],
    ["A 9.A, accepted 1=x@1.C", "B 9.A, accepted 1=y@2.B", "accept 9.A 1=y"],
    ["A 9.A, accepted 1=x@3.B", "B 9.A, accepted 1=y@2.C", "accept 9.A 1=x"],
    ["A 9.A, accepted 1=x@2.B", "B 9.A, accepted 1=y@2.C", "accept 9.A 1=y"],
    [
      "A 9.A, accepted 1=no-op@3.B",
      "B 9.A, accepted 1=y@2.C",
      "accept 9.A 1=no-op",
    ],
  ];
  for (const [first, second, proposed] of table) {
    const proposer = new Proposer("A");
    proposer.campaign(1, readBallot("8.Z"));
    assertEquals(promise(proposer, first), []);
    assertEquals(promise(proposer, second), [proposed], second);
  }
});

Deno.test("P2c: ... or is any value if the responses reported no proposals", () => {
  const proposer = leading();
  assertEquals(propose(proposer, "mine"), "accept 1.A 1=mine");
  assertEquals(propose(proposer, "next"), "accept 1.A 2=next");
});

Deno.test("P2c: who is no cal yet may be one of a later slot: its report counts, its promise does not", () => {
  const proposer = campaigning();
  promise(proposer, "D 1.A, accepted 1=begun@0.D");
  promise(proposer, "B 1.A");
  assertEquals(proposer.leading, false);
  assertEquals(promise(proposer, "C 1.A"), ["accept 1.A 1=begun"]);
});

Deno.test("section 3: the gap is filled by proposing a no-op, and new commands come after", () => {
  const proposer = campaigning(3);
  promise(proposer, "B 1.A, accepted 2=old@0.B 4=d@0.B");
  assertEquals(promise(proposer, "C 1.A, accepted 6=f@0.C"), [
    "accept 1.A 3=no-op",
    "accept 1.A 4=d",
    "accept 1.A 5=no-op",
    "accept 1.A 6=f",
  ]);
  assertEquals(propose(proposer, "g"), "accept 1.A 7=g");
});

Deno.test("the responses to an earlier number do not count for a later one", () => {
  const proposer = campaigning();
  promise(proposer, "B 1.A, accepted 1=x@0.B");
  proposer.campaign(1, ZERO_BALLOT);
  assertEquals(promise(proposer, "A 2.A"), []);
  assertEquals(proposer.leading, false);
  assertEquals(promise(proposer, "C 2.A"), []);
  assertEquals(propose(proposer, "new"), "accept 2.A 1=new");
});

Deno.test("a promise that comes late, or twice, has no say in slots that were proposed", () => {
  const proposer = leading();
  assertEquals(propose(proposer, "w"), "accept 1.A 1=w");
  assertEquals(promise(proposer, "C 1.A, accepted 1=x@0.C"), []);
  assertEquals(promise(proposer, "B 1.A"), []);
  assertEquals(propose(proposer, "y"), "accept 1.A 2=y");
});

Deno.test("informed of a higher number, it should abandon its proposal", () => {
  const table: [nack: string, leads: boolean][] = [
    ["B 1.A, promised 2.B", false],
    ["B 1.A, promised 1.B", false],
    // News of numbers that are no higher.
    ["B 1.A, promised 1.A", true],
    ["B 0, promised 0", true],
    // One that has no vote cannot have promised anything of weight.
    ["X 1.A, promised 9.X", true],
  ];
  for (const [text, leads] of table) {
    const proposer = leading();
    nack(proposer, text);
    assertEquals(proposer.leading, leads, text);
  }
});

Deno.test("a proposer adopts as many slots as an acceptor may report", () => {
  const ballot = readBallot("0.B");
  const accepted = Array.from({ length: 200_000 }, (_, i) => ({
    seqn: i + 1,
    ballot,
    value: new Uint8Array(0),
  }));
  const proposer = campaigning();
  const message = { ...read("promise", "1.A"), accepted };
  const promise = { ...message, total: accepted.length };
  proposer.promised("A", { promise, cals: ["A"] });
  assertEquals(owed(proposer).length, accepted.length);
});

Deno.test("C5: what was reported is proposed before anything new", () => {
  const proposer = campaigning();
  proposer.promised("A", {
    promise: read("promise", "1.A, accepted 2=old@0.B"),
    cals: ["A"],
  });
  assertEquals([proposer.leading, proposer.owes], [true, true]);
  assertThrows(() => propose(proposer, "new"), AssertionError, "C5");
  assertEquals(owed(proposer), ["accept 1.A 1=no-op", "accept 1.A 2=old"]);
  assertEquals(propose(proposer, "new"), "accept 1.A 3=new");
  assertThrows(() => proposer.proposeOwed(), AssertionError, "C5");
});

Deno.test("a promise in parts counts when all parts are here, in any order, twice or not", () => {
  const parts = [
    "B 1.A, accepted 1=x@0.B of 3",
    "B 1.A, accepted 2=y@0.B of 3",
    "B 1.A, accepted 3=z@0.B of 3",
  ];
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 1, 0, 1, 2]]) {
    const proposer = campaigning();
    promise(proposer, "A 1.A");
    const last = order.length - 1;
    for (const at of order.slice(0, last)) {
      assertEquals(promise(proposer, parts[at]!), []);
      assertEquals([proposer.leading, proposer.hasPromised("B")], [
        false,
        false,
      ]);
    }
    assertEquals(promise(proposer, parts[order[last]!]!), [
      "accept 1.A 1=x",
      "accept 1.A 2=y",
      "accept 1.A 3=z",
    ]);
  }
});

Deno.test("section 3: cals that come to vote later are asked, from the next slot on", () => {
  const proposer = leading();
  propose(proposer, "x");
  assertEquals(proposer.covers([..."DEF"]), false);
  assertEquals(showMessage(proposer.askAgain()), "prepare 1.A from 2");
  const later = [..."DEF"];
  promise(proposer, "D 1.A, accepted 1=stale@0.D 3=begun@0.D", later);
  assertEquals(proposer.covers(later), false);
  // Slot 1 had its quorum; slot 3 may have been decided there.
  assertEquals(promise(proposer, "E 1.A", later), [
    "accept 1.A 2=no-op",
    "accept 1.A 3=begun",
  ]);
});

Deno.test("a leader or candidate that gives up owes nothing, and starts from none", () => {
  const proposer = campaigning();
  promise(proposer, "A 1.A, accepted 1=x@0.B");
  proposer.abandon();
  promise(proposer, "B 1.A");
  assertEquals([proposer.leading, proposer.campaigning, proposer.owes], [
    false,
    false,
    false,
  ]);
  proposer.campaign(1, ZERO_BALLOT);
  promise(proposer, "B 2.A");
  assertEquals(proposer.leading, false);
  assertEquals(promise(proposer, "C 2.A"), []);
});

Deno.test("see() raises the next ballot, whoever uses the one seen", () => {
  const proposer = leading();
  proposer.see(readBallot("7.X"));
  proposer.see(readBallot("3.Y"));
  assertEquals([proposer.leading, formatBallot(proposer.seen)], [true, "7.X"]);
  proposer.campaign(1, ZERO_BALLOT);
  assertEquals(formatBallot(proposer.ballot), "8.A");
});

Deno.test("C5: parts of answers to different questions do not make one answer", () => {
  const proposer = new Proposer("A");
  proposer.campaign(5, ZERO_BALLOT);
  const say = (text: string) => {
    const message = read("promise", text.slice(2));
    proposer.promised(text[0]!, { promise: message, cals: CALS });
  };
  say("A 1.A from 5");
  say("B 1.A from 5");
  // C has accepted something in slots 5 and 20; a part of that comes.
  say("C 1.A from 5, accepted 5=x@0.C of 2");
  proposer.proposeOwed();
  propose(proposer, "y");
  // It was asked again, from slot 6 on, and again a part comes.
  say("C 1.A from 6, accepted 6=y@1.A of 2");
  assertEquals(proposer.hasPromised("C"), false);
  say("C 1.A from 6, accepted 20=z@0.C of 2");
  assertEquals([proposer.hasPromised("C"), proposer.owes], [true, true]);
});
