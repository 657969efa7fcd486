/**
 * Upkeep: what a leader does of its own accord, and which changes of seats it
 * refuses.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Mutation } from "../../store/mod.ts";
import { NOP, set } from "../store/changes.ts";
import { Bench, type BenchOptions } from "./bench.ts";
import { clusterOf } from "./cluster.ts";
import {
  attachOf,
  batchOf,
  clear,
  mutate,
  register,
  seatMutation,
  type State,
} from "./state.ts";

const SECOND = 100;
/** After so many ticks without an answer nobody counts as live. */
const SILENCE = 16;
/** A cluster that clears who is silent for a second. */
const CLEARING = { settings: { seatTimeoutTicks: SECOND } };

/** A serving leader whose others have just answered it. */
function leader(options: BenchOptions = {}): Bench {
  const bench = new Bench(options).lead();
  const others = `${options.cals ?? "ABC"}${options.observers ?? ""}`;
  bench.answer(others.replace("A", ""));
  return bench;
}

/** A serving leader that nobody has answered since it was voted for. */
function unheard(options: BenchOptions): Bench {
  const bench = new Bench(options).lead();
  bench.tick(SILENCE);
  bench.take();
  return bench;
}

/** Ticks, of which some nodes answer; chores are proposed and decided. */
function live(bench: Bench, ticks: number, who: string): void {
  for (let i = 0; i < ticks; i++) {
    bench.tick();
    bench.answer(who);
    bench.propose();
  }
}

/** Why a client's change is refused, "" where it is not. */
function refusal(bench: Bench, ...mutations: Mutation[]): string {
  const session = bench.state.sessionOf("B");
  const command = mutate([session, 1], ...mutations);
  return bench.parts.upkeep.refusesSeats(command) ?? "";
}

Deno.test("a node serves when its leadership record is applied, and no earlier", () => {
  const bench = new Bench();
  const { upkeep } = bench.parts;
  bench.elect();
  assertEquals(upkeep.serving, false);
  bench.propose();
  assertEquals(upkeep.serving, true);
  bench.hear("B", "nack 2.A, promised 3.B");
  assertEquals(upkeep.serving, false);
});

Deno.test("who attaches is registered, once, by a serving leader", () => {
  const bench = new Bench();
  bench.elect();
  const attach = () => bench.hear("B", attachOf("E"));
  attach();
  assertEquals(bench.parts.upkeep.waiting, false);
  bench.propose();
  attach();
  attach();
  bench.propose();
  assert(bench.parts.machine.isRegistered("E"));
  const session = bench.state.sessionOf("E");
  attach();
  bench.propose();
  assertEquals(bench.state.sessionOf("E"), session);
});

/** A seat that nobody has. */
function freeSeat(state: State): void {
  state.apply(mutate([state.sessionOf("A"), 1], seatMutation(7, "")));
}

Deno.test("a free seat is given to an attached node that has caught up", () => {
  const bench = new Bench({ cals: "AB", observers: "D", more: freeSeat })
    .lead();
  live(bench, 20, "B");
  assertEquals(bench.state.seats, "AB-", "D has not answered lately");
  live(bench, 10, "BD");
  assertEquals(bench.state.seats, "ABD");
});

Deno.test("... but not to one that lags behind", () => {
  const bench = new Bench({ cals: "AB", observers: "D", more: freeSeat })
    .lead();
  const { applied } = bench.parts.machine;
  for (let i = 0; i < 20; i++) {
    bench.tick();
    bench.answer("B");
    bench.hear("D", `heard ${bench.ballot}, applied ${applied - 65}, hash 0`);
    bench.propose();
  }
  assertEquals(bench.state.seats, "AB-");
  bench.hear("D", `heard ${bench.ballot}, applied ${applied - 64}, hash 0`);
  live(bench, 5, "B");
  assertEquals(bench.state.seats, "ABD");
});

Deno.test("C12: seats are not filled while too few are live", () => {
  const bench = unheard({ observers: "D", more: freeSeat });
  // A, D and one more are no quorum of four; A and D are none of three.
  live(bench, 10, "D");
  assertEquals(bench.state.seats, "ABC-");
  live(bench, 10, "BD");
  assertEquals(bench.state.seats, "ABCD");
});

Deno.test("C12: a client's change is refused unless the live hold a quorum of every set", () => {
  const table: [live: string, change: Mutation, safe: boolean][] = [
    ["BC", seatMutation(2, ""), true],
    ["B", seatMutation(2, ""), true],
    ["", seatMutation(2, ""), false],
    // D is dead: four cals need three.
    ["B", seatMutation(3, "D"), false],
    // C24: nobody knows that D has a state.
    ["BC", seatMutation(3, "D"), false],
    ["BD", seatMutation(3, "D"), true],
    // The set that results would be A and D, of which D is dead.
    ["B", seatMutation(1, "D"), false],
    ["BD", seatMutation(1, "D"), true],
  ];
  for (const [live, change, safe] of table) {
    const bench = unheard({ observers: "D" });
    bench.answer(live);
    assertEquals(
      refusal(bench, change) === "",
      safe,
      `${live}: ${text(change)}`,
    );
  }
});

function text(mutation: Mutation): string {
  return JSON.stringify(
    mutation,
    (key, value) => key === "body" ? new TextDecoder().decode(value) : value,
  );
}

Deno.test("C12: answers to an earlier leadership, and old ones, do not count", () => {
  const bench = leader();
  assertEquals(refusal(bench, seatMutation(2, "")), "");
  bench.parts.upkeep.deposed();
  bench.tick(16);
  assert(refusal(bench, seatMutation(2, "")).includes("Too few nodes answer"));
  const next = leader();
  next.parts.election.elected();
  next.tick();
  next.parts.election.elected();
  assert(refusal(next, seatMutation(2, "")).includes("Too few nodes answer"));
});

Deno.test("C12: no change while an earlier one is proposed, or not in force", () => {
  const bench = leader({ observers: "D" });
  const again = /earlier change of seats has not taken effect/;
  assertEquals(refusal(bench, seatMutation(3, "D")), "");
  assert(again.test(refusal(bench, seatMutation(2, ""))));
  const session = bench.state.sessionOf("B");
  bench.parts.replica.propose(
    batchOf(mutate([session, 1], seatMutation(3, "D"))),
  );
  bench.settle();
  assert(again.test(refusal(bench, seatMutation(2, ""))));
  bench.vote();
  assertEquals(bench.state.seats, "ABCD");
  assert(again.test(refusal(bench, seatMutation(2, ""))));
  bench.propose();
  bench.answer("BCD");
  assertEquals(refusal(bench, seatMutation(2, "")), "");
});

Deno.test("what changes nobody's vote is not judged", () => {
  const bench = new Bench({ observers: "D" }).lead();
  assertEquals(refusal(bench, seatMutation(9, "")), "");
  assertEquals(refusal(bench, seatMutation(1, "B")), "");
  assertEquals(refusal(bench, NOP), "");
  assertEquals(refusal(bench, set("/elsewhere")), "");
  // Both are refused where they are applied, each with its own reason.
  assertEquals(refusal(bench, seatMutation(1, "A")), "");
  assertEquals(refusal(bench, seatMutation(1, "nobody")), "");
});

Deno.test("C12: a leader that does not serve yet refuses every change", () => {
  const bench = new Bench({ observers: "D" });
  bench.elect();
  bench.answer("BC");
  assert(refusal(bench, seatMutation(2, "")) !== "");
});

Deno.test("a silent cal is cleared after the time-out, where a quorum of the rest is live", () => {
  const bench = leader({ seatTimeoutTicks: SECOND });
  live(bench, SECOND - 10, "B");
  assertEquals(bench.state.seats, "ABC");
  live(bench, 30, "B");
  assertEquals(bench.state.seats, "AB-");
  assertEquals(bench.parts.machine.isRegistered("C"), false);
});

Deno.test("C12: a silent cal is not cleared where the rest is no quorum", () => {
  const bench = leader({ cals: "ABCDE", seatTimeoutTicks: SECOND });
  // C, D and E are silent: nothing may be changed.
  live(bench, 2 * SECOND, "B");
  assertEquals(bench.state.seats, "ABCDE");
});

Deno.test("without a time-out nobody is cleared", () => {
  const bench = leader({ seatTimeoutTicks: 0 });
  live(bench, 10 * SECOND, "B");
  assertEquals(bench.state.seats, "ABC");
});

Deno.test("a new leader gives everybody the full time again", () => {
  const bench = leader({ seatTimeoutTicks: SECOND });
  live(bench, SECOND - 20, "B");
  bench.parts.election.elected();
  bench.parts.upkeep.deposed();
  live(bench, SECOND - 20, "B");
  assertEquals(bench.state.seats, "ABC");
  live(bench, 40, "B");
  assertEquals(bench.state.seats, "AB-");
});

Deno.test("a caught-up observer takes a silent cal's seat in one write", () => {
  const cluster = clusterOf("ABC", { observers: "D", ...CLEARING });
  const { store } = cluster.of("A");
  const { rev } = store.get("/ctl/cal/2");
  cluster.kill("C");
  cluster.tickUntil(() => cluster.seats("A") === "ABD", 3 * SECOND);
  const state = store.get("/ctl/cal/2");
  assert(state.rev > rev);
  assertEquals(store.get("/ctl/node/C/addr").type, "file", "cleared later");
  cluster.tickUntil(() => store.get("/ctl/node/C/addr").type === "missing");
  assertEquals(typeof cluster.write("D", "/on"), "number");
});

Deno.test("a cleared node learns it, comes back as an observer, and is seated again", () => {
  const cluster = clusterOf("ABC", CLEARING);
  cluster.pause("C");
  cluster.tickUntil(() => cluster.seats("A") === "AB-", 3 * SECOND);
  cluster.resume("C");
  cluster.tickUntil(() => cluster.seats("C") === "AB-");
  assertEquals(cluster.of("C").status().role, "observer");
  cluster.tickUntil(() => cluster.seats("C") === "ABC");
  assertEquals(cluster.of("C").status().role, "follower");
  assertEquals(typeof cluster.write("C", "/back"), "number");
});

Deno.test("registering at an address that another has clears that one, once its link is gone", () => {
  const cluster = clusterOf("ABC");
  cluster.add("D", "C:1").attach("L");
  for (const id of "ABC") cluster.link("D", id);
  cluster.tick(50);
  assertEquals(cluster.seats("A"), "ABC", "C's link is up");
  cluster.kill("C");
  cluster.tick(50);
  assertEquals(cluster.seats("A"), "ABD");
  assertEquals(cluster.of("A").store.get("/ctl/node/C/addr").type, "missing");
});

Deno.test("the older of two ids at one address is the one that goes", () => {
  const bench = leader({ cals: "AB", observers: "D" });
  bench.decide(clear(bench.ballot, "D"));
  bench.decide(register("E", "B:1"));
  live(bench, 20, "B");
  assert(bench.parts.machine.isRegistered("E"));
  assert(bench.parts.machine.isRegistered("B"));
});

Deno.test("a removed leader serves until the others have all slots of its set, then steps down", () => {
  const cluster = clusterOf("ABC");
  assertEquals(cluster.leader, "A");
  const outcome = cluster.write("B", "/ctl/cal/0", "");
  assertEquals(typeof outcome, "number");
  cluster.tickUntil(() =>
    cluster.leader !== "A" && cluster.leader !== undefined
  );
  assertEquals(cluster.of("A").status().role, "observer");
  assertEquals(typeof cluster.write("A", "/on"), "number");
});

Deno.test("a removed leader whose followers lag behind goes on serving", () => {
  const bench = leader();
  const { members } = bench.parts.machine;
  const session = bench.state.sessionOf("A");
  bench.decide(mutate([session, 1], seatMutation(0, "")));
  assertEquals([bench.state.cals, members.isCal("A")], ["BC", false]);
  const old = members.sets[0]!.from - 1;
  const { views } = bench.parts.election;
  const say = (from: string, applied: number) => {
    views.toldDurable(from, applied);
    views.answered(from);
  };
  for (let i = 0; i < 10; i++) {
    bench.tick();
    say("B", old - 1);
    say("C", old - 1);
  }
  assert(bench.parts.replica.leading);
  say("B", old);
  bench.tick(5);
  assert(bench.parts.replica.leading);
  say("C", old);
  bench.tick(5);
  assert(!bench.parts.replica.leading);
  assertEquals(bench.take(/handover/).length, 1);
});

Deno.test("handed over to the live cal that has most; to nobody where none has answered", () => {
  const bench = unheard({ cals: "ABC", observers: "D" });
  const { applied } = bench.parts.machine;
  assertEquals(bench.parts.upkeep.successor, undefined);
  assertEquals(bench.parts.upkeep.handOver(), false);
  assert(bench.parts.replica.leading);
  const say = (from: string, at: number) =>
    bench.hear(from, `heard ${bench.ballot}, applied ${at}, hash 0`);
  say("D", applied);
  assertEquals(bench.parts.upkeep.successor, undefined);
  say("B", applied - 2);
  say("C", applied - 1);
  assertEquals(bench.parts.upkeep.successor, "C");
  assertEquals(bench.parts.upkeep.handOver(), true);
  assertEquals(bench.take(/handover/), [`C: handover ${bench.ballot}`]);
  assert(!bench.parts.replica.leading);
});

Deno.test("who leaves is cleared at once, and let go when nobody needs it", () => {
  const bench = leader();
  bench.hear("C", "leave C, hops 1");
  bench.propose();
  assertEquals(bench.state.seats, "AB-");
  // B has not applied the slots in which C had a vote.
  bench.hear("C", "leave C, hops 1");
  assertEquals(bench.take(/farewell/), []);
  bench.answer("B");
  bench.hear("C", "leave C, hops 1");
  assertEquals(bench.take(/farewell/), ["C: farewell C, hops 1"]);
});

Deno.test("C12: who leaves keeps its seat where the rest would be no quorum", () => {
  const bench = new Bench().lead();
  bench.answer("C");
  bench.tick(16);
  bench.hear("C", "leave C, hops 1");
  bench.propose();
  assertEquals(bench.state.seats, "ABC");
});

Deno.test("what a deposed leader had in mind is void", () => {
  const bench = leader({ cals: "AB", observers: "D" });
  bench.hear("D", attachOf("E"));
  bench.hear("D", "leave D, hops 1");
  assert(bench.parts.upkeep.waiting);
  bench.parts.upkeep.deposed();
  assertEquals(bench.parts.upkeep.waiting, false);
  assertEquals(bench.parts.upkeep.next(), undefined);
});

Deno.test("C12: a change that is wrong by itself does not hide an unsafe one", () => {
  const bench = unheard({ observers: "D" });
  assert(refusal(bench, seatMutation(1, "X"), seatMutation(3, "D")) !== "");
});
