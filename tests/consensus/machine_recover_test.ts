/**
 * The one change of the state that is not in the log: a survivor goes on alone.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileText, set } from "../store/changes.ts";
import { files, mutate, register, stateOf } from "./state.ts";

Deno.test("recover() makes the survivor the only cal and the only registered node", () => {
  const state = stateOf("ABC", "D");
  state.apply(mutate([state.sessionOf("B"), 1], set("/a")));
  state.machine.recover("B", { time: 5, parent: "L" });
  assertEquals([state.cals, state.seats], ["B", "-B-"]);
  assertEquals(
    state.machine.sessions.all().map(({ owner, last }) => `${owner}${last}`),
    ["B1"],
  );
  assertEquals(
    files(state).filter((line) => /\/[ACD](\/|=)/.test(line)),
    [],
  );
  assertEquals(fileText(state.store, "/a"), "/a");
  assertEquals(fileText(state.store, "/ctl/lineage/parent"), "L");
  state.apply(mutate([state.sessionOf("B"), 2], set("/b")));
  assertEquals([state.cals, fileText(state.store, "/b")], ["B", "/b"]);
});

Deno.test("recover() of a node that does not run ends its session, too, and keeps its seat", () => {
  const state = stateOf("ABC", "D");
  state.machine.recover("B", { time: 5, parent: "L", anew: true });
  assertEquals([state.cals, state.seats], ["B", "-B-"]);
  assertEquals(state.machine.sessions.size, 0);
  assertEquals(files(state).filter((line) => /\/[ABCD](\/|=)/.test(line)), []);
  state.idle();
  assertEquals(typeof state.apply(register("B"))[0], "number");
  assertEquals([state.cals, state.seats], ["B", "-B-"]);
  assertEquals(fileText(state.store, "/ctl/node/B/addr"), "B:1");
});

Deno.test("recover() of an observer takes a seat, and of two orders of seats makes one", () => {
  const state = stateOf("ABC", "D");
  state.machine.recover("D", { time: 5, parent: "L" });
  assertEquals([state.cals, state.seats], ["D", "D--"]);
  state.idle();
  assertEquals(state.cals, "D");
});
