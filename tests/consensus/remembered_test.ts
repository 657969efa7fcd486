/**
 * What is remembered of the memories of others: who comes back with less is
 * known, and who is healthy is never taken for that.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { FIRST_CLAIM, Remembered } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { randomOf } from "../store/model.ts";
import { readClaim, showClaim } from "./words.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** One that began as `3:77:500`, and what it was told to write down. */
function remembers(own = "1:0:0", registered = "") {
  const news: string[] = [];
  const remembered = new Remembered({
    own: readClaim(own),
    onNews: (node, claim) => void news.push(`${node} ${showClaim(claim)}`),
    isRegistered: (node) => node !== "" && registered.includes(node),
  });
  return { remembered, news };
}

/** What is remembered of B. */
function known(remembered: Remembered): string {
  const claim = remembered.whatOf("B");
  return claim === undefined ? "nothing" : showClaim(claim);
}

Deno.test("C23: judge() finds a claim good unless more was heard of the node", () => {
  const rows: [before: string, claim: string, judged: string, after: string][] =
    [
      ["", "1:0:0", "good", "1:0:0"],
      ["", "9:7:500", "good", "9:7:500"],
      // The same process: it gets on, and messages overtake each other.
      ["3:7:500", "3:7:500", "good", "3:7:500"],
      ["3:7:500", "3:7:501", "good", "3:7:501"],
      ["3:7:500", "3:7:499", "good", "3:7:500"],
      // It was started again, with all that it had made durable, or not.
      ["3:7:500", "4:8:500", "good", "4:8:500"],
      ["3:7:500", "9:8:700", "good", "9:8:700"],
      ["3:7:500", "4:8:499", "older", "3:7:500"],
      ["3:7:500", "9:8:0", "older", "3:7:500"],
      // Two that began with the same memory: one of them is a copy.
      ["3:7:500", "3:8:500", "older", "3:7:500"],
      ["3:7:500", "3:8:900", "older", "3:7:500"],
      ["3:7:500", "2:6:500", "older", "3:7:500"],
      ["3:7:500", "2:6:900", "older", "3:7:500"],
    ];
  for (const [before, claim, judged, after] of rows) {
    const { remembered } = remembers();
    if (before !== "") remembered.judge("B", readClaim(before));
    assertEquals(remembered.judge("B", readClaim(claim)), judged, claim);
    assertEquals(known(remembered), after, claim);
  }
});

Deno.test("C23: an old memory stays an old one, however far it gets", () => {
  const { remembered } = remembers();
  remembered.judge("B", readClaim("5:7:1000"));
  const judge = (claim: string, began: number) =>
    remembered.judge("B", readClaim(claim), { began });
  assertEquals(judge("6:8:990", 990), "older");
  // Its first signs of life may be lost, and its position rises meanwhile.
  assertEquals(judge("6:8:1000", 990), "older");
  assertEquals(judge("6:8:9000", 990), "older");
  assertEquals(judge("6:9:9000", 1000), "good");
  assertEquals(judge("6:9:9001", 1000), "good");
});

Deno.test("C23: who has made no good claim over its link is not vetted", () => {
  const { remembered } = remembers();
  const vetted = () => remembered.isVetted("B");
  assertEquals(vetted(), false);
  remembered.judge("B", readClaim("3:7:500"));
  assertEquals([vetted(), remembered.isVetted("C")], [true, false]);
  remembered.linkUp("B");
  assertEquals(vetted(), false, "perhaps another process");
  remembered.judge("B", readClaim("2:6:500"));
  assertEquals(vetted(), false);
  remembered.judge("B", readClaim("4:8:500"));
  assertEquals(vetted(), true);
  remembered.judge("B", readClaim("3:7:500"));
  assertEquals(vetted(), false, "a late one; the next makes it good again");
  remembered.judge("B", readClaim("4:8:500"));
  assertEquals(vetted(), true);
  remembered.linkDown("B");
  assertEquals(vetted(), false);
});

Deno.test("C23: a vote shows how far its node is, and no other than that of the vetted", () => {
  const { remembered } = remembers();
  remembered.judge("B", readClaim("3:7:500"));
  remembered.noteVote("B", 700);
  remembered.noteVote("B", 600);
  assertEquals(known(remembered), "3:7:700");
  // The record of the vote is lost: so is what was promised.
  assertEquals(remembered.judge("B", readClaim("4:8:699")), "older");
  assertThrows(() => remembered.noteVote("B", 1), AssertionError, "C23");
  assertThrows(() => remembered.noteVote("C", 1), AssertionError, "C23");
  assertEquals(known(remembered), "3:7:700");
});

Deno.test("what is news is told once", () => {
  const { remembered, news } = remembers();
  for (const claim of ["1:7:5", "1:7:5", "1:7:4", "1:7:6", "2:8:6", "1:7:9"]) {
    remembered.judge("B", readClaim(claim));
  }
  remembered.judge("B", readClaim("2:8:6"));
  remembered.noteVote("B", 6);
  remembered.noteVote("B", 8);
  assertEquals(news, ["B 1:7:5", "B 1:7:6", "B 2:8:6", "B 2:8:8"]);
});

Deno.test("restore() takes what was written down, in order, and is no news", () => {
  const { remembered, news } = remembers();
  for (const claim of ["3:7:500", "3:7:600", "4:8:600", "3:7:900"]) {
    remembered.restore("B", readClaim(claim));
  }
  assertEquals([known(remembered), news], ["4:8:600", []]);
  assertEquals(remembered.isVetted("B"), false);
  remembered.restore("C", FIRST_CLAIM);
  assertEquals(remembered.all(), [
    ["B", readClaim("4:8:600")],
    ["C", FIRST_CLAIM],
  ]);
});

Deno.test("C23: isOutdated() where others remember what this node does not", () => {
  const rows: [own: string, remembered: string, outdated: boolean][] = [
    ["4:8:500", "4:8:500", false],
    // What it has told itself since it started.
    ["4:8:500", "4:8:900", false],
    ["4:8:500", "3:7:500", false],
    ["4:8:500", "3:7:499", false],
    ["4:8:500", "3:7:501", true],
    ["4:8:500", "4:9:0", true],
    ["4:8:500", "5:9:0", true],
    ["1:0:0", "1:0:0", false],
  ];
  for (const [own, claim, outdated] of rows) {
    const { remembered } = remembers(own);
    assertEquals(remembered.isOutdated(readClaim(claim)), outdated, claim);
  }
});

Deno.test(`C23: late messages of its earlier lives never make a healthy node outdated (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const peer = remembers().remembered;
  const late: string[] = [];
  const answers: string[] = [];
  let position = 0;
  for (let incarnation = 1; incarnation <= 300; incarnation++) {
    const start = Math.floor(random() * 2 ** 32);
    const { remembered } = remembers(`${incarnation}:${start}:${position}`);
    peer.linkUp("B");
    for (let said = 0; said < 4; said++) {
      position += Math.floor(random() * 3);
      const claim = `${incarnation}:${start}:${position}`;
      late.push(claim);
      const old = late[Math.floor(random() * late.length)]!;
      // In any order, and over whatever link.
      for (const one of random() < 0.5 ? [old, claim] : [claim, old]) {
        if (peer.judge("B", readClaim(one)) === "older") {
          answers.push(known(peer));
        } else peer.noteVote("B", readClaim(one).position);
      }
      for (const answer of answers.slice(-20)) {
        assert(!remembered.isOutdated(readClaim(answer)), answer);
      }
    }
    assertEquals(
      peer.judge("B", { incarnation, start, position }),
      "good",
      "and it is not kept from voting for long",
    );
  }
  assert(answers.length > 100);
});

Deno.test("of nodes that are not registered so many are remembered, the newest", () => {
  const { remembered } = remembers("1:0:0", "RS");
  const hear = (node: string) => remembered.judge(node, FIRST_CLAIM);
  hear("R");
  for (let n = 0; n < 1500; n++) hear(`stranger ${n}`);
  hear("S");
  const nodes = remembered.all().map(([node]) => node);
  assertEquals([nodes[0], nodes.at(-1)], ["R", "S"]);
  assertEquals(nodes.length, 1002);
  assertEquals(nodes[1], "stranger 500");
});

Deno.test("C23: what is no claim is a broken invariant", () => {
  for (const own of ["0:0:0", "1:0:-1", "1.5:0:0"]) {
    assertThrows(() => remembers(own), AssertionError, "C23");
  }
});
