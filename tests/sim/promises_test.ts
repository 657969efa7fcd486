/**
 * The checker of the acceptors, shown good and bad dialogues.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { PeerMessage } from "../../protocol/mod.ts";
import { Promises } from "./checkers/promises.ts";
import { violates } from "./checkers/samples.ts";

const LOW = { round: 1, node: "A" };
const HIGH = { round: 2, node: "B" };
const VALUE = new Uint8Array([1]);
const OTHER = new Uint8Array([2]);

const HEARD: PeerMessage = {
  type: "heard",
  ballot: LOW,
  round: 0,
  applied: 0,
  durable: 0,
  hash: 0,
  full: false,
};

function promise(ballot: typeof LOW, accepted: typeof LOW[] = []): PeerMessage {
  const values = accepted.map((ballot, i) => {
    return { seqn: i + 5, ballot, value: VALUE };
  });
  const total = values.length;
  const said = { ballot, from: 1, accepted: values, total, position: 0 };
  return { type: "promise", ...said };
}

function accept(ballot: typeof LOW, value = VALUE, seqn = 5): PeerMessage {
  return { type: "accept", seqn, ballot, value };
}

function accepted(ballot: typeof LOW, seqn = 5): PeerMessage {
  return { type: "accepted", seqn, ballot, position: 0 };
}

Deno.test("Promises accepts what is right", () => {
  const promises = new Promises();
  const say = (id: string, message: PeerMessage, applied = 0) =>
    promises.sent({ id, applied, window: 9 }, message);
  say("C", promise(LOW));
  say("C", accepted(LOW));
  say("A", accept(LOW));
  say("A", accept(LOW));
  say("C", promise(HIGH, [LOW]));
  say("C", accepted(LOW)); // Late: the promise told of it.
  say("C", promise(HIGH, [LOW]));
  say("B", accept(HIGH, OTHER));
  say("C", accepted(HIGH));
  promises.state("A", { slot: 5, hash: 1 });
  promises.state("B", { slot: 5, hash: 1 });
  assertEquals([promises.campaigns, promises.leaderships], [0, 2]);
});

Deno.test("Promises finds what an acceptor must not say", async (t) => {
  const bad: Record<string, [string, [string, PeerMessage][]]> = {
    "a smaller promise": ["a promise is kept", [
      ["C", promise(HIGH)],
      ["C", promise(LOW)],
    ]],
    "a smaller ballot accepted": ["a promise is kept", [
      ["C", promise(HIGH)],
      ["C", accepted(LOW)],
    ]],
    "one that the promise did not tell of": ["a promise is kept", [
      ["C", promise(HIGH, [LOW])],
      ["C", accepted(LOW, 6)],
    ]],
    "a promise smaller than what was accepted": ["a promise is kept", [
      ["C", accepted(HIGH)],
      ["C", promise(LOW)],
    ]],
    "following who was overtaken": ["a promise is kept", [
      ["C", promise(HIGH)],
      ["C", HEARD],
    ]],
    "a promise that leaves out an acceptance": ["a promise tells all", [
      ["B", { type: "prepare", ballot: HIGH, from: 5 }],
      ["C", accepted(LOW)],
      ["C", promise(HIGH)],
    ]],
    "two values of a ballot": ["one ballot, one value", [
      ["A", accept(LOW)],
      ["A", accept(LOW, OTHER)],
    ]],
    "another's ballot proposed with": ["own ballots", [["C", accept(LOW)]]],
    "another's ballot asked with": ["own ballots", [
      ["C", { type: "prepare", ballot: LOW, from: 1 }],
    ]],
    "a slot beyond the window": ["the window", [
      ["A", accept(LOW, VALUE, 10)],
    ]],
    "two decisions": ["one decision", [
      ["A", {
        type: "learned",
        from: 4,
        values: [OTHER, VALUE],
        first: 1,
        decided: 5,
      }],
      ["B", {
        type: "learned",
        from: 5,
        values: [OTHER],
        first: 1,
        decided: 5,
      }],
    ]],
  };
  for (const [what, [rule, messages]] of Object.entries(bad)) {
    await t.step(what, () => {
      const promises = new Promises();
      violates(rule, () => {
        for (const [id, message] of messages) {
          promises.sent({ id, applied: 0, window: 9 }, message);
        }
      });
    });
  }
});

Deno.test("Promises finds unequal states at equal slots", () => {
  const promises = new Promises();
  promises.state("A", { slot: 5, hash: 1 });
  promises.state("A", { slot: 6, hash: 2 });
  const differs = () => promises.state("B", { slot: 6, hash: 3 });
  violates("equal states", differs);
});
