/**
 * The checkers of leaders, shown good and bad ones.
 *
 * @module
 */
import type { Ballot, Command, PeerMessage } from "../../protocol/mod.ts";
import { encodeCommand, encodeText, WireWriter } from "../../protocol/mod.ts";
import { Chores } from "./checkers/chores.ts";
import { Quorums } from "./checkers/quorums.ts";
import { event, NO_DISK, violates } from "./checkers/samples.ts";

const LOW = { round: 1, node: "A" };
const HIGH = { round: 2, node: "B" };
const VALUE = new Uint8Array([1]);

/** Who sends a message; a promise or a vote arrives at A. */
type Said = [string, PeerMessage];

/** Slots up to 9 have three cals, later ones two others. */
let isDurable = true;

function quorumsWith(...votes: Said[]): Quorums {
  const quorums = new Quorums(
    (slot) => slot < 10 ? ["A", "B", "C"] : ["A", "D"],
    () => isDurable,
  );
  for (const [from, message] of votes) {
    if (message.type === "accept") quorums.sent(from, message);
    else quorums.arrived(from, "A", message);
  }
  return quorums;
}

function promise(ballot: Ballot): PeerMessage {
  const said = { from: 1, accepted: [], total: 0, position: 0 };
  return { type: "promise", ballot, ...said };
}

/** One of two parts of a promise. */
function part(seqn: number, from = 8): PeerMessage {
  const accepted = [{ seqn, ballot: HIGH, value: VALUE }];
  const said = { from, accepted, total: 2, position: 0 };
  return { type: "promise", ballot: LOW, ...said };
}

function accept(seqn: number): PeerMessage {
  return { type: "accept", seqn, ballot: LOW, value: VALUE };
}

function accepted(seqn: number, ballot = LOW): PeerMessage {
  return { type: "accepted", seqn, ballot, position: 0 };
}

function decided(upTo: number): PeerMessage {
  return { type: "decided", ballot: LOW, upTo };
}

Deno.test("Quorums accepts what is right", () => {
  const quorums = quorumsWith(
    ["B", promise(LOW)],
    ["A", accept(8)],
    ["A", accept(9)],
    ["C", accepted(8)],
    ["B", accepted(9)],
    ["D", promise(LOW)],
    ["A", accept(10)],
    ["D", accepted(10)],
  );
  quorums.sent("A", decided(10));
  const alive = { type: "alive", decided: 99, round: 0, ...NO_DISK } as const;
  quorums.sent("B", { ...alive, ballot: LOW });
});

Deno.test("Quorums accepts what two leaders know to be decided", () => {
  const quorums = quorumsWith(
    ["B", part(8)],
    ["B", part(9)],
    ["A", accept(8)],
    ["C", accepted(8)],
  );
  quorums.sent("A", decided(8));
  quorums.arrived("C", "B", promise(HIGH));
  quorums.sent("B", { type: "accept", seqn: 8, ballot: HIGH, value: VALUE });
  quorums.sent("B", { type: "decided", ballot: HIGH, upTo: 8 });
});

Deno.test("Quorums finds what a leader must not do", async (t) => {
  const led: Said[] = [["B", promise(LOW)], ["A", accept(8)]];
  const bad: Record<string, [Said[], PeerMessage]> = {
    "proposing without promises": [[], accept(8)],
    "the promise of a stranger": [[["D", promise(LOW)]], accept(8)],
    "a part of a promise": [[["B", part(8)]], accept(8)],
    "parts of two answers": [[["B", part(8)], ["B", part(9, 9)]], accept(8)],
    "the promise for another ballot": [[["B", promise(HIGH)]], accept(8)],
    "promises of the cals of another slot": [led, accept(10)],
    "deciding without votes": [led, decided(8)],
    "the vote of a stranger": [[...led, ["D", accepted(8)]], decided(8)],
    "votes for another ballot": [
      [...led, ["C", accepted(8, HIGH)]],
      decided(8),
    ],
    "a vote of its own that is not durable": [
      [...led, ["C", accepted(8)]],
      decided(8),
    ],
    "votes for another slot": [[...led, ["C", accepted(9)]], decided(8)],
  };
  for (const [what, [before, last]] of Object.entries(bad)) {
    await t.step(what, () => {
      isDurable = !what.includes("durable");
      const quorums = quorumsWith(...before);
      violates("quorums", () => quorums.sent("A", last));
    });
  }
});

function batch(command: Command): Uint8Array {
  const writer = new WireWriter(64);
  encodeCommand(writer, command);
  return writer.written().slice();
}

function clear(ballot: Ballot): Uint8Array {
  return batch({ kind: "clear", ballot, node: "C", time: 0 });
}

function seat(ballot: Ballot): Uint8Array {
  const body = encodeText("C");
  const given = { type: "set", path: "/ctl/cal/1", rev: 0, body } as const;
  return batch({ kind: "seat", ballot, time: 0, mutations: [given] });
}

const CLEARED = event(3, { path: "/ctl/node/C/addr", kind: "del" });

Deno.test("Chores accepts those of the leader in power", () => {
  const chores = new Chores();
  const lead = batch({ kind: "lead", ballot: LOW });
  chores.proposed({ seqn: 1, ballot: LOW, value: lead }, 5);
  chores.proposed({ seqn: 2, ballot: LOW, value: clear(LOW) }, 6);
  chores.applied(CLEARED, 2);
});

Deno.test("Chores finds what a dead leader left behind", async (t) => {
  const led = batch({ kind: "lead", ballot: HIGH });
  for (const value of [clear(LOW), seat(LOW)]) {
    await t.step(`${value.length} bytes`, () => {
      const chores = new Chores();
      chores.proposed({ seqn: 2, ballot: LOW, value }, 5);
      chores.proposed({ seqn: 1, ballot: HIGH, value: led }, 6);
      chores.proposed({ seqn: 2, ballot: HIGH, value }, 6);
      violates("a stale chore", () => chores.applied(CLEARED, 2));
    });
  }
});
