/**
 * A node's own commands that belong to clients' sessions: they travel as all
 * others do, in the node's own order.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { OwnCommands } from "../../consensus/mod.ts";
import { type Command, decodeBatch } from "../../protocol/mod.ts";
import type { Mutation, Outcome, SessionNumber } from "../../store/mod.ts";
import { NOP, set } from "../store/changes.ts";
import { mutate, once, open, seatMutation } from "./state.ts";

function bench(session = 9) {
  const own = new OwnCommands();
  if (session > 0) own.opened(session);
  own.alone = false;
  const told: string[] = [];
  const reply = {
    settled: (outcome: Outcome) =>
      void told.push(typeof outcome === "number" ? `${outcome}` : outcome.code),
  };
  const add = (mutation?: Mutation, by?: SessionNumber) =>
    own.add(mutation, { reply, time: 0, by });
  const handed = () => {
    const commands: Command[] = [];
    for (let batch = own.next(); batch !== undefined; batch = own.next()) {
      decodeBatch(batch.bytes.slice(), (command) => commands.push(command));
    }
    return commands;
  };
  return { own, told, reply, add, handed };
}

function by(session: number, number: number, acknowledged = 0): SessionNumber {
  return { session, number, acknowledged };
}

Deno.test("C6: commands of clients' sessions have their place among the node's", () => {
  const { own, told, reply, add, handed } = bench();
  own.open("loader", { reply, time: 0 });
  add(set("/a"), by(3, 1));
  add(NOP);
  add(undefined, by(3, 2, 1));
  assertEquals(handed(), [
    open([9, 1], "loader"),
    once([9, 2], [3, 1], set("/a")),
    mutate([9, 3], NOP),
    once([9, 4], [3, 2, 1]),
  ]);
  own.applied(1, 3);
  own.applied(2, { code: "GAP" });
  own.applied(3, 40);
  own.applied(4, 39);
  assertEquals([told, own.idle], [["3", "GAP", "40", "39"], true]);
});

Deno.test("they are handed out again, as they were, to the next leader", () => {
  const { own, add, handed } = bench();
  add(set("/a"), by(3, 7, 5));
  const first = handed();
  own.startAgain();
  assertEquals(handed(), first);
});

Deno.test("a change of seats of a client's session is a batch of its own", () => {
  const { own, add } = bench();
  add(undefined, by(3, 1));
  add(seatMutation(1, "B"), by(3, 2));
  add(undefined, by(3, 3));
  const seats: boolean[] = [];
  for (let batch = own.next(); batch !== undefined; batch = own.next()) {
    seats.push(batch.seats);
  }
  assertEquals(seats, [false, true, false]);
});

Deno.test("numbers that no log can hold are refused before they have a place in it", () => {
  const { own, told, add, handed } = bench();
  const bad = [
    by(-1, 1),
    by(1, -1),
    by(1, 1, -1),
    by(0.5, 1),
    by(1, 2 ** 53),
    by(1, 1, NaN),
  ];
  for (const one of bad) add(NOP, one);
  own.tellRefused();
  assertEquals(told, bad.map(() => "NUMBER"));
  add(NOP, by(2 ** 53 - 1, 2 ** 53 - 1, 2 ** 53 - 1));
  assertEquals(handed().length, 1);
});

Deno.test("without a session of the node nothing is taken, and nothing was done", () => {
  const { own, told, reply, add } = bench(0);
  add(NOP, by(1, 1));
  own.open("", { reply, time: 0 });
  own.tellRefused();
  assertEquals([told, own.hasBatches], [["UNAVAILABLE", "UNAVAILABLE"], false]);
});

Deno.test("C19: what nobody saw is dropped, and takes no number of the client's session", () => {
  const { own, told, reply, add, handed } = bench();
  add(NOP, by(3, 1));
  own.open("", { reply, time: 0 });
  own.tick({ now: 1, limit: 10 });
  own.tick({ now: 20, limit: 10 });
  assertEquals(told, ["UNAVAILABLE", "UNAVAILABLE"]);
  const [skip, ...more] = handed();
  assertEquals([skip?.kind, more.length], ["skip", 0]);
  assertEquals("by" in skip!, false);
});
