/**
 * The machine: what each command does to the state, and when it does nothing.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Machine } from "../../consensus/mod.ts";
import { ProtocolError } from "../../protocol/mod.ts";
import { AssertionError, LIMITS, Store } from "../../store/mod.ts";
import { del, fileText, NOP, set } from "../store/changes.ts";
import { importImage } from "../store/copy.ts";
import {
  batchOf,
  clear,
  codeOf,
  files,
  found,
  lead,
  mutate,
  register,
  seatMutation,
  skip,
  State,
  stateOf,
} from "./state.ts";
import { readBallot } from "./words.ts";

Deno.test("found writes the files that clients look for, and gives the founder a vote and a session", () => {
  const state = new State();
  state.machine.members.found("A");
  assertEquals(state.apply(found("A")), [7]);
  assertEquals(files(state), [
    "/ctl/cal/0=A",
    "/ctl/name=local",
    "/ctl/node/A/addr=A:1",
    "/ctl/node/A/hostname=host-A",
    "/ctl/node/A/version=1.0.0",
    "/ctl/node/A/writable=true",
    "/ctl/ns/local/A=A:1",
  ]);
  assertEquals([state.cals, state.machine.cluster], ["A", "local"]);
  assertEquals(state.sessionOf("A"), 1, "its place in the log");
});

Deno.test("a cluster is founded once", () => {
  const state = stateOf("A");
  const { hash, rev } = state.store;
  assertEquals(state.apply(found("B")), ["repeat"]);
  assertEquals([state.store.hash, state.store.rev, state.cals], [
    hash,
    rev,
    "A",
  ]);
});

Deno.test("register writes a node's files and opens its session, once", () => {
  const state = stateOf("A");
  const { rev } = state.store;
  assertEquals(state.apply(register("B", "b.example:2")), [rev + 5]);
  assertEquals(
    files(state).filter((line) => /\/B/.test(line)),
    [
      "/ctl/node/B/addr=b.example:2",
      "/ctl/node/B/hostname=host-B",
      "/ctl/node/B/version=1.0.0",
      "/ctl/node/B/writable=true",
      "/ctl/ns/local/B=b.example:2",
    ],
  );
  assert(state.machine.isRegistered("B"));
  const { id } = state.machine.sessions.ofOwner("B")!;
  assertEquals(state.apply(register("B")), ["repeat"]);
  assertEquals(state.sessionOf("B"), id);
});

Deno.test("each registration opens another session: what came under the one before is unknown", () => {
  const state = stateOf("A", "B");
  const before = state.sessionOf("B");
  state.apply(mutate([before, 1], set("/a")));
  state.apply(clear("1.A", "B"));
  state.apply(register("B"));
  assert(state.sessionOf("B") > before);
  assertEquals(state.apply(mutate([before, 2], set("/b"))), ["unknown"]);
  assertEquals(state.store.get("/b").type, "missing");
});

Deno.test("C15: a session's commands are applied once, in the order of their numbers", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  const { rev } = state.store;
  const say = (number: number, path: string) =>
    state.apply(mutate([session, number], set(path)))[0];
  assertEquals(say(2, "/early"), "gap");
  assertEquals(say(1, "/one"), rev + 1);
  assertEquals(say(1, "/again"), "repeat");
  assertEquals(say(2, "/two"), rev + 2);
  assertEquals(say(1, "/again"), "repeat");
  assertEquals(say(4, "/early"), "gap");
  assertEquals(
    state.apply(mutate([session + 1, 1], set("/stranger"))),
    ["unknown"],
  );
  assertEquals([state.store.rev, fileText(state.store, "/two")], [
    rev + 2,
    "/two",
  ]);
});

Deno.test("C15: a command that is refused counts as applied", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  const [refused] = state.apply(mutate([session, 1], set("/ctl", "x", 0)));
  assertEquals(refused, { code: "ISDIR" });
  assertEquals(state.apply(mutate([session, 1], set("/a"))), ["repeat"]);
  assertEquals(state.apply(mutate([session, 2], NOP)), [state.store.rev]);
});

Deno.test("C15: repeats, gaps and strangers' commands change nothing at all", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], set("/a")));
  const { hash: before } = state.machine.sessions;
  const { hash, rev } = state.store;
  const commands = [
    mutate([session, 1], set("/b")),
    mutate([session, 3], set("/b")),
    mutate([999, 1], set("/b")),
    skip([session, 3, 9]),
    skip([999, 1, 9]),
  ];
  for (const command of commands) {
    assertEquals(typeof state.apply(command)[0], "string");
    assertEquals([state.store.hash, state.store.rev], [hash, rev]);
    assertEquals(state.machine.sessions.hash, before);
  }
});

Deno.test("a command of several mutations has the outcome of its last, and one session number", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  const { rev } = state.store;
  const both = mutate([session, 1], set("/a"), set("/b"));
  assertEquals(state.apply(both), [rev + 2]);
  assertEquals(state.apply(mutate([session, 2], del("/a"))), [rev + 3]);
});

Deno.test("C15: skipped numbers do nothing, and what follows is applied", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  assertEquals(state.apply(skip([session, 1, 3])), [
    { code: "UNAVAILABLE", detail: "dropped" },
  ]);
  assertEquals(state.apply(mutate([session, 2], set("/late"))), ["repeat"]);
  assertEquals(state.apply(mutate([session, 4], set("/a"))), [state.store.rev]);
  assertEquals(state.store.get("/late").type, "missing");
});

Deno.test("C15: a skip of which a part was applied passes over the rest only", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], set("/a")));
  assertEquals(codeOf(state.apply(skip([session, 1, 3]))[0]), "UNAVAILABLE");
  assertEquals(state.apply(skip([session, 1, 3])), ["repeat"]);
  assertEquals(state.apply(skip([session, 5, 9])), ["gap"]);
  assertEquals(state.machine.sessions.find(session)?.last, 3);
});

Deno.test("the stamp of an event names the command's time and who asked for it", () => {
  const state = stateOf("A", "B");
  const session = state.sessionOf("B");
  const events: [string, number][] = [];
  const { store } = state;
  const { apply } = store;
  store.apply = (mutation, stamp) => {
    events.push([stamp!.origin, stamp!.time]);
    return apply.call(store, mutation, stamp);
  };
  state.apply({ ...mutate([session, 1], set("/a")), time: 77 });
  const command = mutate([session, 2], set("/a"));
  state.apply({ ...command, origin: "someone", time: 78 });
  assertEquals(events, [["B", 77], ["someone", 78]]);
});

Deno.test("a command of an unknown kind stops a node before it applies it", () => {
  const state = stateOf("A");
  const value = batchOf(register("B"));
  // Byte 5 is the kind's value; the frame's length is the first four.
  const at = value.indexOf(3, 4);
  value[at] = 99;
  const slot = { seqn: state.machine.applied + 1, value };
  assertThrows(
    () => state.machine.apply(slot, () => {}),
    AssertionError,
    "known to this version",
  );
});

Deno.test("machines that apply the same slots have the same hash, others have not", () => {
  const states = [1, 2, 3, 4].map(() => stateOf("ABC", "D"));
  const hashes = () => new Set(states.map(({ machine }) => machine.hash)).size;
  assertEquals(hashes(), 1);
  const session = states[0]!.sessionOf("A");
  states[0]!.apply(mutate([session, 1], set("/a")));
  states[1]!.apply(mutate([session, 1], set("/b")));
  states[2]!.apply(skip([session, 1, 1]));
  states[3]!.apply();
  assertEquals(hashes(), 4);
});

Deno.test("a state that is taken over goes on as the one it was taken from", () => {
  const state = stateOf("ABC", "D");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], seatMutation(2, "D")));
  const copy = new State(new Machine(new Store()));
  const imported = importImage(state.store.openImage());
  copy.machine.adopt(state.machine.head, imported);
  for (const number of [1, 2, 3]) {
    const command = mutate([session, number], set(`/f${number}`));
    assertEquals(copy.apply(command), state.apply(command));
    assertEquals(copy.machine.hash, state.machine.hash);
  }
  for (let i = 0; i < 100; i++) {
    assertEquals(copy.cals, state.cals);
    copy.apply();
    state.apply();
  }
  assertEquals([copy.cals, copy.machine.cluster], ["ABD", "local"]);
});

Deno.test("C13: a state that is not newer is not taken over", () => {
  const state = stateOf("A");
  const imported = importImage(state.store.openImage());
  assertThrows(
    () => state.machine.adopt(state.machine.head, imported),
    AssertionError,
    "C13",
  );
});

Deno.test("C15: registrations that can write nothing open sessions of their own", () => {
  const state = stateOf("A");
  const paths = [..."BC"].flatMap((id) => [
    ...["addr", "hostname", "version", "writable"].map((name) =>
      `/ctl/node/${id}/${name}/x`
    ),
    `/ctl/ns/local/${id}/x`,
  ]);
  const session = state.sessionOf("A");
  paths.forEach((path, i) => state.apply(mutate([session, i + 1], set(path))));
  const { rev } = state.store;
  state.apply(register("B"));
  state.apply(register("C"));
  assertEquals(state.store.rev, rev);
  assert(state.sessionOf("B") !== state.sessionOf("C"));
});

Deno.test("leadership records only raise the leadership: an adopted one is no news", () => {
  const state = stateOf("ABC");
  const table: [said: string, then: string][] = [
    ["3.B", "3.B"],
    ["2.C", "3.B"],
    ["3.A", "3.B"],
    ["3.B", "3.B"],
    ["3.C", "3.C"],
    ["4.A", "4.A"],
  ];
  for (const [said, then] of table) {
    assertEquals(state.apply(lead(said)), [state.store.rev], said);
    assertEquals(state.machine.leadership, readBallot(then), said);
  }
});

Deno.test("C15: a skip that begins after a gap, or ends before it begins, does nothing", () => {
  const state = stateOf("A");
  const session = state.sessionOf("A");
  state.apply(mutate([session, 1], NOP));
  assertEquals(state.apply(skip([session, 3, 9])), ["gap"]);
  assertEquals(state.apply(skip([session, 2, 1])), ["repeat"]);
  assertEquals(state.machine.sessions.find(session)?.last, 1);
});

Deno.test("numbers of which the next is no other are refused before they are counted", () => {
  const state = stateOf("A");
  const value = batchOf(skip([state.sessionOf("A"), 2 ** 53, 2 ** 53]));
  // Who counts from there never ends: this must end at once.
  let asked = 0;
  const { sessions } = state.machine;
  const { admit } = sessions;
  sessions.admit = (...all) => {
    assert(++asked < 1_000, "It counts without end");
    return admit.call(sessions, ...all);
  };
  const slot = { seqn: state.machine.applied + 1, value };
  assertThrows(() => state.machine.apply(slot, () => {}), ProtocolError);
});

/** A node that has begun so many times. */
function registerAgain(node: string, incarnation: number, addr?: string) {
  return { ...register(node, addr), incarnation };
}

Deno.test("who has begun anew gets another session; its seat stays, and files that say the same", () => {
  const state = stateOf("AB");
  const before = state.sessionOf("B");
  state.apply(mutate([before, 1], set("/a")));
  const { rev } = state.store;
  assertEquals(state.apply(registerAgain("B", 2)), [rev]);
  assertEquals(state.sessionOf("B"), state.machine.applied, "by its place");
  assertEquals(state.machine.sessions.ofOwner("B")?.incarnation, 2);
  assertEquals([state.seats, state.machine.sessions.size], ["AB", 2]);
  // What its earlier life asked for, and was not applied, never is.
  assertEquals(state.apply(mutate([before, 2], set("/b"))), ["unknown"]);
  assertEquals(state.apply(mutate([state.sessionOf("B"), 1], set("/c"))), [
    rev + 1,
  ]);
  assertEquals(state.apply(registerAgain("B", 3, "b.example:2")), [rev + 3]);
  const texts = ["/ctl/node/B/addr", "/ctl/ns/local/B"]
    .map((path) => fileText(state.store, path));
  assertEquals(texts, ["b.example:2", "b.example:2"]);
  assertEquals(state.store.get("/ctl/node/B/hostname").rev <= rev, true);
});

Deno.test("... and no earlier life of it does", () => {
  const state = stateOf("A");
  state.apply(registerAgain("B", 3));
  const session = state.sessionOf("B");
  const { hash } = state.machine.sessions;
  for (const incarnation of [1, 2, 3]) {
    const again = registerAgain("B", incarnation, "b.example:2");
    assertEquals(state.apply(again), ["repeat"]);
  }
  assertEquals([state.sessionOf("B"), state.machine.sessions.hash], [
    session,
    hash,
  ]);
  assertEquals(fileText(state.store, "/ctl/node/B/addr"), "B:1");
});

Deno.test("of two starts that count as the same incarnation the first is registered", () => {
  const state = stateOf("AB");
  state.apply({ ...registerAgain("B", 2), start: 7 });
  const session = state.sessionOf("B");
  state.apply(mutate([session, 1], set("/a")));
  const { hash } = state.machine.sessions;
  const other = { ...registerAgain("B", 2, "b.example:2"), start: 8 };
  assertEquals(state.apply(other), ["repeat"]);
  assertEquals(state.machine.sessions.all().slice(1), [
    { id: session, owner: "B", incarnation: 2, start: 7, last: 1 },
  ]);
  assertEquals(state.machine.sessions.hash, hash);
  assertEquals(fileText(state.store, "/ctl/node/B/addr"), "B:1");
});

Deno.test("the limit of sessions keeps strangers out, not who has one", () => {
  const state = stateOf("AB");
  const { sessions } = state.machine;
  for (let n = 0; sessions.size < LIMITS.sessions; n++) {
    sessions.open(1_000_000 + n, { owner: `o${n}`, incarnation: 1, start: 0 });
  }
  assertEquals(codeOf(state.apply(register("C"))[0]), "LIMIT");
  assertEquals(typeof state.apply(registerAgain("B", 2))[0], "number");
  assertEquals(sessions.ofOwner("B")?.incarnation, 2);
});

Deno.test("found opens a session of the founder's incarnation and start", () => {
  const state = new State();
  state.machine.members.found("A");
  state.apply({ ...found("A"), incarnation: 4, start: 77 });
  const { incarnation, start } = state.machine.sessions.ofOwner("A")!;
  assertEquals([incarnation, start], [4, 77]);
});
