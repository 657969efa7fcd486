/**
 * The audit: who is believed where the states of nodes differ.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { AssertionError } from "../../store/mod.ts";
import { Bench } from "./bench.ts";

/** A node hears what another's state has for hash, where its own has that. */
function heard(bench: Bench, from: string, differs = 0): void {
  const { machine: { applied, hash } } = bench.parts;
  const said = `heard ${bench.ballot}, applied ${applied}, hash ${hash}`;
  bench.hear(from, differs === 0 ? said : `${said}${differs}`);
}

const CONTRADICTED = /contradicted/;

Deno.test("C18: equal states are no cause for anything", () => {
  const bench = new Bench().lead();
  for (const from of "BCBC") heard(bench, from);
  assertEquals([bench.take(), bench.alarms], [[], []]);
});

Deno.test("C18: who differs from a majority is told so by the leader", () => {
  const bench = new Bench({ observers: "D" }).lead();
  heard(bench, "B");
  heard(bench, "C", 1);
  assertEquals(bench.take(CONTRADICTED).length, 1);
  heard(bench, "D", 1);
  assertEquals(bench.take(CONTRADICTED), [
    `D: contradicted ${bench.ballot} ${bench.parts.machine.applied}`,
  ]);
  assertEquals(bench.alarms, []);
});

Deno.test("C18: a leader that differs from a majority stops", () => {
  const bench = new Bench().lead();
  heard(bench, "B", 1);
  assertThrows(() => heard(bench, "C", 1), AssertionError, "C18");
});

Deno.test("C18: without a majority the operator is told, once for each node", () => {
  const bench = new Bench().lead();
  heard(bench, "B", 1);
  heard(bench, "B", 1);
  assertEquals(bench.alarms.length, 1);
  assertEquals(bench.alarms[0]!.includes('Node "B" differs'), true);
  assertEquals(bench.take(CONTRADICTED), []);
});

Deno.test("C18: observers do not make a majority", () => {
  const bench = new Bench({ observers: "DEF" }).lead();
  for (const id of "DEF") heard(bench, id, 1);
  assertEquals(bench.alarms.length, 3);
});

Deno.test("C18: hashes are compared at equal slots only", () => {
  const bench = new Bench().lead();
  const { applied } = bench.parts.machine;
  for (const at of [0, 1, applied - 1, applied + 1, applied + 4096]) {
    bench.hear("B", `heard ${bench.ballot}, applied ${at}, hash 12345`);
    bench.hear("C", `heard ${bench.ballot}, applied ${at}, hash 12345`);
  }
  assertEquals([bench.alarms, bench.take()], [[], []]);
});

Deno.test("C18: who is contradicted by its leader stops, at that slot", () => {
  const bench = new Bench({ id: "B" });
  const next = bench.parts.machine.applied + 1;
  bench.hear("A", `accept 2.A ${next}=no-op`);
  bench.hear("A", `decided 2.A up to ${next}`);
  const { applied, hash } = bench.parts.machine;
  assertEquals(applied, next);
  const say = (seqn: number, own: number, ballot = "2.A", from = "A") => {
    const [round, node] = ballot.split(".");
    const message = { round: Number(round), node: node! };
    bench.hear(from, {
      type: "contradicted",
      ballot: message,
      seqn,
      hash: own,
    });
  };
  say(next, hash);
  say(next - 1, hash + 1);
  say(next + 4_096, hash + 1);
  // C10: not by the leader of the ballot, or by one that is none any more.
  say(next, hash + 1, "2.A", "C");
  say(next, hash + 1, "1.A");
  assertThrows(() => say(next, hash + 1), AssertionError, "C18");
});
