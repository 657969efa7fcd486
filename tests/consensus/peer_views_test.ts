/**
 * What a node knows of others: who is live, who has answered, who is ahead.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { LIVE_TICKS, PeerViews } from "../../consensus/mod.ts";
import { readBallot } from "./words.ts";

/** Node A's views; B and C are linked, D is not. */
function viewsOf(peers = "BC"): PeerViews {
  return new PeerViews({ id: "A", peers: new Set(peers) });
}

Deno.test("a linked node is live as long as it was heard lately; the node itself always is", () => {
  const views = viewsOf();
  assertEquals([views.isLive("A"), views.isLive("B")], [true, false]);
  views.heard("B");
  views.heard("D");
  assertEquals([views.isLive("B"), views.isLive("D")], [true, false]);
  views.now += LIVE_TICKS;
  assertEquals(views.isLive("B"), true);
  views.now += 1;
  assertEquals([views.isLive("A"), views.isLive("B")], [true, false]);
  views.heard("B");
  views.lost("B");
  assertEquals(views.isLive("B"), false);
});

Deno.test("an answer counts in the leadership in which it came, for a while", () => {
  const views = viewsOf();
  views.now = 100;
  views.answered("B");
  views.now = 105;
  views.led();
  assertEquals([views.hasAnswered("A"), views.hasAnswered("B")], [true, false]);
  views.answered("B");
  assertEquals(views.hasAnswered("B"), true);
  views.now += LIVE_TICKS;
  assertEquals(views.hasAnswered("B"), true);
  views.now += 1;
  assertEquals([views.hasAnswered("A"), views.hasAnswered("B")], [true, false]);
});

Deno.test("silence is counted from the last answer, or from when this node came to lead", () => {
  const views = viewsOf();
  views.now = 50;
  views.answered("B");
  views.now = 60;
  views.led();
  views.now = 70;
  const silences = () => [..."ABC"].map((id) => views.silenceOf(id));
  assertEquals(silences(), [0, 10, 10]);
  views.answered("B");
  views.now = 75;
  assertEquals(silences(), [0, 5, 15]);
});

Deno.test("who has answered within so many ticks", () => {
  const views = viewsOf();
  views.now = 1;
  views.answered("B");
  views.now = 11;
  views.answered("C");
  const within = (ticks: number) => [...views.answeredWithin(ticks)].sort();
  assertEquals([within(0), within(9), within(10)], [
    ["A", "C"],
    ["A", "C"],
    ["A", "B", "C"],
  ]);
});

Deno.test("up to where a node has applied never goes back", () => {
  const views = viewsOf();
  views.told("B", 7);
  views.told("B", 5);
  assertEquals([views.appliedOf("B"), views.appliedOf("C")], [7, 0]);
});

Deno.test("a teacher is live and ahead, and of several the one that is most", () => {
  const views = viewsOf("BCE");
  views.told("B", 7);
  views.told("C", 9);
  views.told("D", 99);
  assertEquals([views.aheadOf(6), views.aheadOf(9)], ["C", undefined]);
  views.now += LIVE_TICKS + 1;
  assertEquals(views.aheadOf(6), undefined);
  views.told("B", 7);
  assertEquals([views.aheadOf(6), views.aheadOf(7)], ["B", undefined]);
});

Deno.test("a lost link is no long silence", () => {
  const peers = new Set(["B"]);
  const views = new PeerViews({ id: "A", peers });
  views.led();
  views.now = 1000;
  views.answered("B");
  views.now += 2;
  peers.delete("B");
  views.lost("B");
  assertEquals([views.hasAnswered("B"), views.silenceOf("B")], [false, 2]);
  assertEquals(views.answeredWithin(10), new Set(["A"]));
});

Deno.test("the way to a leader is through who hears the highest ballot", () => {
  const views = viewsOf();
  assertEquals(views.hearsLeader, undefined);
  views.heard("B");
  views.follows("B", readBallot("0"));
  assertEquals(views.hearsLeader, undefined);
  views.follows("B", readBallot("3.X"));
  views.follows("C", readBallot("3.Y"));
  views.heard("C");
  assertEquals(views.hearsLeader, "C");
  views.lost("C");
  assertEquals(views.hearsLeader, "B");
  views.now += LIVE_TICKS + 1;
  assertEquals(views.hearsLeader, undefined);
});

Deno.test("up to where a node's state is durable is what it told itself, and never goes back", () => {
  const views = viewsOf();
  views.told("B", 9);
  assertEquals(views.durableOf("B"), 0, "to have applied is not enough");
  views.toldDurable("B", 7);
  views.toldDurable("B", 5);
  assertEquals([views.durableOf("B"), views.durableOf("C")], [7, 0]);
});

Deno.test("a node's disk is full as long as it says so", () => {
  const views = viewsOf();
  assertEquals(views.isFull("B"), false);
  views.toldFull("B", true);
  assertEquals([views.isFull("B"), views.isFull("C")], [true, false]);
  views.toldFull("B", false);
  assertEquals(views.isFull("B"), false);
});
