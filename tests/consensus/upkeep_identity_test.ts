/**
 * Upkeep of nodes that have begun anew, or gave up their id for another; and
 * what of the others must be durable before the leader acts on it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Upkeep } from "../../consensus/mod.ts";
import type { Attach } from "../../protocol/mod.ts";
import { Bench, type BenchOptions } from "./bench.ts";
import { attachOf, mutate, seatMutation, type State } from "./state.ts";

/** After so many ticks without an answer nobody counts as live. */
const SILENCE = 16;

/** A serving leader whose others have just answered it. */
function leader(options: BenchOptions = {}): Bench {
  const bench = new Bench(options).lead();
  const others = `${options.cals ?? "ABC"}${options.observers ?? ""}`;
  bench.answer(others.replace("A", ""));
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

/** A seat that nobody has. */
function freeSeat(state: State): void {
  state.apply(mutate([state.sessionOf("A"), 1], seatMutation(7, "")));
}

Deno.test("who is registered and has begun anew is registered again; whoever has not is not", () => {
  const bench = leader();
  const { sessions } = bench.parts.machine;
  const first = bench.state.sessionOf("B");
  const attach = (incarnation: number) => {
    bench.hear("B", { ...attachOf("B"), incarnation });
    bench.propose();
  };
  attach(1);
  assertEquals(bench.state.sessionOf("B"), first);
  attach(3);
  const second = bench.state.sessionOf("B");
  assert(second > first);
  assertEquals(sessions.ofOwner("B")?.incarnation, 3);
  attach(2);
  attach(3);
  assertEquals([bench.state.sessionOf("B"), bench.state.seats], [
    second,
    "ABC",
  ]);
});

/** A leader of ABC that X asks for the place of C, which is away. */
function replacing(attach: Partial<Attach> = {}): Bench {
  const bench = leader({ observers: "X", peers: "BX" });
  live(bench, 5, "BX");
  bench.hear("X", { ...attachOf("X"), replaces: "C", ...attach });
  return bench;
}

Deno.test("the seat of who gave up its id goes to an heir, and then its entries", () => {
  const bench = replacing();
  live(bench, 5, "BX");
  assertEquals(bench.state.seats, "ABX");
  live(bench, 10, "BX");
  assertEquals(bench.parts.machine.isRegistered("C"), false);
  assertEquals(bench.state.seats, "ABX");
});

Deno.test("... and where there is none both are cleared", () => {
  const bench = leader({ peers: "BX" });
  bench.hear("X", { ...attachOf("X"), replaces: "C" });
  live(bench, 5, "B");
  assertEquals(bench.state.seats, "AB-");
  assertEquals(bench.parts.machine.isRegistered("C"), false);
  assert(bench.parts.machine.isRegistered("X"));
});

Deno.test("C12: ... not while the rest would be no quorum", () => {
  const bench = new Bench({ observers: "X", peers: "BX" }).lead();
  bench.tick(SILENCE);
  bench.hear("X", { ...attachOf("X"), replaces: "C" });
  live(bench, 10, "X");
  assertEquals(bench.state.seats, "ABC");
  live(bench, 10, "BX");
  assertEquals(bench.state.seats, "ABX");
});

Deno.test("nobody takes the place of who has a link, of itself, or of the leader", () => {
  for (const replaces of ["B", "X", "A", "", "Y"]) {
    const bench = replacing({ replaces });
    live(bench, 20, "BX");
    assertEquals(bench.state.seats, "ABC", replaces);
  }
});

Deno.test("... nor of itself by way of another", () => {
  const bench = leader({ observers: "X", peers: "BC" });
  bench.hear("B", { ...attachOf("X"), replaces: "X" });
  live(bench, 20, "BC");
  assert(bench.parts.machine.isRegistered("X"));
});

Deno.test("C24: a seat is given only to who would have caught up after a restart", () => {
  const bench = new Bench({ cals: "AB", observers: "D", more: freeSeat })
    .lead();
  const say = (durable: number) => {
    const { applied, hash } = bench.parts.machine;
    const state = `applied ${applied}, durable ${durable}, hash ${hash}`;
    bench.hear("D", `heard ${bench.ballot}, ${state}`);
    live(bench, 5, "B");
  };
  say(bench.parts.machine.applied - 65);
  assertEquals(bench.state.seats, "AB-");
  say(bench.parts.machine.applied - 64);
  assertEquals(bench.state.seats, "ABD");
});

Deno.test("C24: who leaves is let go only when the others would have its slots after a restart", () => {
  const bench = leader();
  bench.hear("C", "leave C, hops 1");
  bench.propose();
  const { applied, hash, members } = bench.parts.machine;
  const old = members.sets[0]!.from - 1;
  const farewells = (durable: number) => {
    const state = `applied ${applied}, durable ${durable}, hash ${hash}`;
    bench.hear("B", `heard ${bench.ballot}, ${state}`);
    bench.hear("C", "leave C, hops 1");
    return bench.take(/farewell/).length;
  };
  assertEquals([farewells(old - 1), farewells(old)], [0, 1]);
});

Deno.test("C24: ... the leader itself included", () => {
  const bench = leader();
  let durable = 0;
  const upkeep = new Upkeep({
    ...bench.parts,
    id: "A",
    election: bench.parts.election,
    now: () => 0,
    seatTimeoutTicks: 0,
    durableApplied: () => durable,
  });
  bench.hear("C", "leave C, hops 1");
  bench.propose();
  bench.answer("B");
  const leave = () => {
    upkeep.leave("C", { type: "leave", hops: 1, node: "C" });
    return bench.take(/farewell/).length;
  };
  durable = bench.parts.machine.members.sets[0]!.from - 2;
  assertEquals(leave(), 0);
  durable++;
  assertEquals(leave(), 1);
});
