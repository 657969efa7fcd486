/**
 * The machine and seats: who is cleared or seated, and what is refused.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Command } from "../../protocol/mod.ts";
import { del, set } from "../store/changes.ts";
import {
  clear,
  codeOf,
  files,
  lead,
  mutate,
  seat,
  seatMutation,
  stateOf,
} from "./state.ts";

Deno.test("clear empties the seat, removes the node's files, ends its session", () => {
  const state = stateOf("ABC");
  const session = state.sessionOf("C");
  state.apply(clear("1.A", "C"));
  assertEquals(state.seats, "AB-");
  assertEquals(files(state).filter((line) => /\/C/.test(line)), []);
  assertEquals(state.machine.isRegistered("C"), false);
  assertEquals(state.apply(mutate([session, 1], set("/a"))), ["unknown"]);
  state.idle();
  assertEquals(state.cals, "AB");
});

Deno.test("clear removes what a node with a seat did not write itself, and stops at nothing", () => {
  const state = stateOf("AB");
  state.apply(mutate([state.sessionOf("A"), 1], set("/ctl/node/B/extra")));
  state.apply(clear("1.A", "B"));
  assertEquals(files(state).filter((line) => /\/B/.test(line)), []);
  const { rev } = state.store;
  assertEquals(state.apply(clear("1.A", "B")), [rev]);
  assertEquals(state.apply(clear("1.A", "nobody")), [rev]);
});

Deno.test("C12: clear that would leave no cal is refused, and removes nothing", () => {
  const state = stateOf("A");
  const before = files(state);
  assertEquals(codeOf(state.apply(clear("1.A", "A"))[0]), "SEAT");
  assertEquals([files(state), state.machine.isRegistered("A")], [before, true]);
});

Deno.test("C14: a clear or a seating is void after a later leadership record", () => {
  const table: [string, Command][] = [
    ["clear", clear("1.A", "C")],
    ["seat", seat("1.A", seatMutation(2, "D"))],
  ];
  for (const [name, command] of table) {
    const state = stateOf("ABC", "D");
    state.apply(lead("2.B"));
    const before = files(state);
    const outcome = state.apply(command)[0];
    assertEquals(codeOf(outcome), "SEAT", name);
    assertEquals([files(state), state.seats], [before, "ABC"], name);
    assert(state.machine.isRegistered("C"));
  }
});

Deno.test("C14: ... and before the record of its own ballot, too", () => {
  const state = stateOf("ABC");
  assertEquals(
    codeOf(state.apply(clear("9.C", "B"))[0]),
    "SEAT",
  );
  assertEquals(state.apply(lead("9.C"), clear("9.C", "B"))[1], state.store.rev);
  assertEquals(state.seats, "A-C");
});

Deno.test("a seating is an ordinary compare-and-set: who wrote the seat meanwhile wins", () => {
  const state = stateOf("AB", "CD");
  const { rev } = state.store.get("/ctl/cal/1");
  state.apply(mutate([state.sessionOf("A"), 1], seatMutation(1, "C")));
  state.idle();
  assertEquals(state.apply(seat("1.A", seatMutation(1, "D", rev))), [
    { code: "REV_MISMATCH" },
  ]);
  assertEquals(state.seats, "AC");
});

Deno.test("C12: hostile writes to the seats are refused, whoever sends them", () => {
  const table: [name: string, Command["kind"], ...Parameters<typeof set>][] = [
    ["twice", "mutate", "/ctl/cal/1", "A"],
    ["unregistered", "mutate", "/ctl/cal/1", "X"],
    ["garbage", "mutate", "/ctl/cal/1", "A\0\xff"],
    ["nested", "mutate", "/ctl/cal/1/x", "B"],
    ["the directory", "mutate", "/ctl/cal", "B"],
    ["the last cal", "mutate", "/ctl/cal/0", ""],
    ["twice", "seat", "/ctl/cal/1", "A"],
    ["the last cal", "seat", "/ctl/cal/0", ""],
  ];
  for (const [name, kind, path, body] of table) {
    const state = stateOf("A", "B");
    const mutation = set(path, body);
    const command = kind === "seat"
      ? seat("1.A", mutation)
      : mutate([state.sessionOf("A"), 1], mutation);
    const [outcome] = state.apply(command);
    assertEquals(codeOf(outcome), "SEAT", name);
    state.idle();
    assertEquals([state.cals, state.seats], ["A", "A"], name);
  }
});

Deno.test("C12: a seat can be removed, but not the last cal's", () => {
  const state = stateOf("AB");
  const session = state.sessionOf("A");
  assertEquals(
    typeof state.apply(mutate([session, 1], del("/ctl/cal/0")))[0],
    "number",
  );
  state.idle();
  assertEquals([state.cals, state.seats], ["B", "B"]);
  const [outcome] = state.apply(mutate([session, 2], del("/ctl/cal/1")));
  assertEquals(codeOf(outcome), "SEAT");
});

Deno.test("C12: no second change is applied before the first is in force", () => {
  const state = stateOf("ABC");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], seatMutation(2, "")));
  const [outcome] = state.apply(mutate([session, 2], seatMutation(1, "")));
  assertEquals(codeOf(outcome), "SEAT");
  assertEquals(codeOf(state.apply(clear("1.A", "B"))[0]), "SEAT");
  state.idle();
  assertEquals(state.apply(clear("1.A", "B")), [state.store.rev]);
  state.idle();
  assertEquals(state.cals, "A");
});

Deno.test("a change of seats at a stale rev is told so, not that a rule is broken", () => {
  const state = stateOf("A", "B");
  const session = state.sessionOf("A");
  const stale = seatMutation(0, "", 0);
  assertEquals(state.apply(mutate([session, 1], stale)), [
    { code: "REV_MISMATCH" },
  ]);
});

Deno.test("a change of seats that the store refuses changes no vote", () => {
  const state = stateOf("A", "B");
  const session = state.sessionOf("A");
  const [outcome] = state.apply(
    mutate([session, 1], set("/ctl/cal/no such name", "B")),
  );
  assertEquals(codeOf(outcome), "BAD_PATH");
  state.idle();
  assertEquals([state.cals, state.machine.members.seats.size], ["A", 1]);
});

Deno.test("free seats come and go, and change no vote", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], seatMutation(1, "")));
  state.apply(mutate([session, 2], seatMutation(2, "")));
  state.apply(mutate([session, 3], del("/ctl/cal/1")));
  assertEquals([state.machine.members.pending, state.seats], [false, "A-"]);
});
