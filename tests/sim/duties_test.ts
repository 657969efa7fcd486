/**
 * The checkers of what nodes do with what they hear, shown good and bad ones.
 *
 * @module
 */
import type { Ballot, PeerMessage } from "../../protocol/mod.ts";
import { Adoption } from "./checkers/adoption.ts";
import { Duties } from "./checkers/duties.ts";
import { Rounds } from "./checkers/rounds.ts";
import { NO_DISK, violates } from "./checkers/samples.ts";

const LOW = { round: 1, node: "A" };
const HIGH = { round: 2, node: "B" };
const OWN = { round: 3, node: "C" };
const HIGH_OWN = { round: 5, node: "C" };
const VALUE = new Uint8Array([1]);
const OTHER = new Uint8Array([2]);

/** What C is sent by another, says itself, or that it has run. */
type Step =
  | { readonly by: string; readonly message: PeerMessage }
  | { readonly says: PeerMessage }
  | { readonly starts: true }
  | { readonly applied: number };

function promise(ballot: Ballot, ...accepted: [Ballot, Uint8Array][]) {
  const values = accepted.map(([ballot, value]) => ({
    seqn: 5,
    ballot,
    value,
  }));
  const total = values.length;
  const said = { ballot, from: 5, accepted: values, total, position: 0 };
  return { type: "promise", ...said } as const;
}

function prepare(ballot: Ballot, from = 5): PeerMessage {
  return { type: "prepare", ballot, from };
}

function accept(ballot: Ballot, value: Uint8Array = VALUE): PeerMessage {
  return { type: "accept", seqn: 5, ballot, value };
}

function alive(ballot: Ballot, round = 0): PeerMessage {
  return { type: "alive", ballot, decided: 4, round, ...NO_DISK };
}

const PREVOTE: PeerMessage = { type: "prevote", ballot: OWN, applied: 4 };
const RUN: Step = { applied: 0 };

function dutiesAfter(steps: readonly Step[]): void {
  const duties = new Duties();
  let applied = 0;
  for (const step of steps) {
    if ("says" in step) duties.sent("C", step.says);
    else if ("starts" in step) duties.started("C");
    else if ("by" in step) {
      duties.arrived(step.by, { id: "C", applied }, step.message);
    } else {
      applied = step.applied;
      duties.ran({ id: "C", applied }, () => false);
    }
  }
}

Deno.test("Duties accepts what is right", () => {
  dutiesAfter([
    { by: "A", message: alive(LOW) },
    { applied: 4 },
    { by: "B", message: prepare(HIGH) },
    { says: promise(HIGH) },
    { by: "A", message: alive(LOW) },
    { says: PREVOTE },
    { says: prepare(OWN) }, // It has the only seat.
    RUN,
    { says: prepare(OWN) },
    { says: alive(OWN) },
    { says: accept(OWN) },
    { by: "A", message: alive({ round: 4, node: "A" }) },
    { says: accept(OWN) }, // Not worked off yet.
    { applied: 5 },
    { says: alive({ round: 4, node: "A" }) },
  ]);
});

Deno.test("Duties finds what a node must not do", async (t) => {
  const next = { round: 4, node: "B" };
  const bad: Record<string, [string, Step[]]> = {
    "promising slots that are forgotten": ["a promise tells all", [
      { by: "B", message: alive(HIGH) },
      { applied: 4 },
      { by: "B", message: prepare(HIGH, 4) },
      { says: promise(HIGH) },
    ]],
    "running with a ballot again": ["a ballot is used once", [
      { says: prepare(OWN) },
      { says: PREVOTE },
      RUN,
      { says: prepare(OWN) },
    ]],
    "a late question of a ballot that is lost": ["a ballot is used once", [
      { starts: true },
      { says: prepare(HIGH_OWN) },
      { says: PREVOTE },
      RUN,
      { says: prepare(OWN) },
    ]],
    "running with a ballot of before a restart": ["a ballot is used once", [
      { starts: true },
      { says: prepare(OWN) },
      { starts: true },
      { says: prepare(OWN) },
    ]],
    "proposing on": ["one leads", [
      { says: prepare(OWN) },
      { by: "B", message: alive(next) },
      RUN,
      { says: accept(OWN) },
    ]],
    "showing signs of life on": ["one leads", [
      { says: prepare(OWN) },
      { by: "B", message: accept(next) },
      RUN,
      { says: alive(OWN) },
    ]],
    "believing another's follower": ["hearsay", [
      { by: "B", message: alive(LOW) },
      { applied: 4 },
    ]],
    "applying what nobody decided": ["hearsay", [{ applied: 1 }]],
  };
  for (const [what, [rule, steps]] of Object.entries(bad)) {
    await t.step(what, () => violates(rule, () => dutiesAfter(steps)));
  }
});

Deno.test("Duties lets a question come late from who writes it down", () => {
  dutiesAfter([
    { starts: true },
    { says: prepare(OWN) },
    { says: PREVOTE },
    RUN,
    { says: prepare(OWN) },
    { by: "B", message: alive({ round: 9, node: "B" }) },
    RUN,
    { starts: true }, // And has forgotten whom it heard.
    { says: prepare(HIGH_OWN) },
    { says: alive(HIGH_OWN) },
  ]);
});

/** C runs, is promised this, and proposes the value in slot 5. */
function adopt(
  promises: readonly PeerMessage[],
  { value, before = [] }: { value: Uint8Array; before?: PeerMessage[] },
): void {
  const adoption = new Adoption();
  for (const message of before) adoption.arrived("C", message);
  adoption.sent("C", prepare(OWN));
  for (const message of promises) adoption.arrived("C", message);
  adoption.sent("C", accept(OWN, value));
}

Deno.test("Adoption accepts what is right", () => {
  adopt([promise(OWN)], { value: OTHER });
  adopt([promise(OWN, [LOW, VALUE])], { value: VALUE });
  adopt([promise(OWN, [LOW, VALUE]), promise(OWN, [HIGH, OTHER])], {
    value: OTHER,
  });
  adopt([promise(HIGH, [LOW, VALUE])], { value: OTHER });
  // Its own acceptor tells more than the others.
  const before = [accept(HIGH, OTHER)];
  adopt([promise(OWN, [LOW, VALUE])], { value: OTHER, before });
});

Deno.test("Adoption finds another value than the highest", async (t) => {
  const both = [promise(OWN, [LOW, VALUE]), promise(OWN, [HIGH, OTHER])];
  const bad = { "a value of its own": both.slice(0, 1), "the first": both };
  for (const [what, promises] of Object.entries(bad)) {
    const value = what === "the first" ? VALUE : OTHER;
    await t.step(
      what,
      () => violates("adoption", () => adopt(promises, { value })),
    );
  }
});

const ASK = { type: "ask", hops: 2, asker: "D", question: 7 } as const;
const TOLD = { ...ASK, type: "told", index: 4 } as const;

function heard(ballot: Ballot, round: number): PeerMessage {
  const at = { applied: 4, durable: 4, hash: 0, full: false };
  return { type: "heard", ballot, round, ...at };
}

/** A leads cals A, B and C; the messages of others arrive there. */
function ask(...steps: [string, PeerMessage][]): void {
  const rounds = new Rounds(() => ["A", "B", "C"]);
  for (const [by, message] of steps) {
    if (by === "A") rounds.sent("A", message);
    else rounds.arrived(by, "A", message);
  }
}

Deno.test("Rounds accepts what is right", () => {
  ask(
    ["A", alive(LOW, 1)],
    ["D", ASK],
    ["A", alive(LOW, 2)],
    ["B", heard(LOW, 2)],
    ["D", ASK],
    ["A", TOLD],
    ["A", TOLD],
  );
  const rounds = new Rounds(() => ["A", "B", "C"]);
  rounds.sent("A", alive(LOW, 1));
  rounds.arrived("D", "A", ASK);
  rounds.arrived("B", "A", heard(LOW, 1));
  rounds.restarted("D");
  rounds.sent("A", TOLD); // An old question, which may come again.
  // What another has told it may pass on.
  ask(["D", ASK], ["B", TOLD], ["A", TOLD]);
});

Deno.test("Rounds finds reads that were not confirmed", async (t) => {
  const before: [string, PeerMessage][] = [
    ["A", alive(LOW, 1)],
    ["D", ASK],
    ["A", alive(LOW, 2)],
  ];
  const bad: Record<string, [string, PeerMessage]> = {
    "by an earlier round": ["B", heard(LOW, 1)],
    "for an earlier ballot": ["B", heard({ round: 0, node: "A" }, 2)],
    "by a stranger": ["D", heard(LOW, 2)],
  };
  for (const [what, last] of Object.entries(bad)) {
    await t.step(
      what,
      () => violates("reads", () => ask(...before, last, ["A", TOLD])),
    );
  }
});
