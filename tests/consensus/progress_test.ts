/**
 * Progress: slots are applied in order, and all who must know are told.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  type ImageHead,
  ImageReader,
  ImageWriter,
} from "../../protocol/mod.ts";
import { encodeImageHead } from "../../protocol/mod.ts";
import { decodeImageHead } from "../../protocol/mod.ts";
import type { ImportedStore, Outcome, Store } from "../../store/mod.ts";
import { NOP, set } from "../store/changes.ts";
import { Bench } from "./bench.ts";
import { clusterOf } from "./cluster.ts";
import { mutate, stateOf } from "./state.ts";

function imageOf(store: Store, head: ImageHead) {
  const writer = new ImageWriter(store, { head: encodeImageHead(head) });
  const reader = new ImageReader();
  for (let piece = writer.next(); piece !== undefined; piece = writer.next()) {
    reader.add(piece.bytes.slice(), piece.last);
    if (piece.last) break;
  }
  const copy: { head: ImageHead; store: ImportedStore } = {
    head: decodeImageHead(reader.head),
    store: reader.finish(),
  };
  return copy;
}

function ask(bench: Bench): Outcome[] {
  const told: Outcome[] = [];
  const settled = (outcome: Outcome) => void told.push(outcome);
  bench.parts.own.add(NOP, { reply: { settled }, time: 0 });
  return told;
}

Deno.test("a client is told when its node has applied the command, with its own outcome", () => {
  const bench = new Bench({ id: "B" });
  const { own, machine } = bench.parts;
  const told = ask(bench);
  const batch = own.next()!.bytes;
  const seqn = machine.applied + 1;
  const ballot = { round: 2, node: "A" };
  bench.hear("A", { type: "accept", seqn, ballot, value: batch });
  assertEquals(told, []);
  const { rev } = machine.store;
  bench.hear("A", { type: "decided", ballot, upTo: seqn });
  assertEquals(told, [rev + 1]);
});

Deno.test("commands that came too early are handed out again, all in order", () => {
  const bench = new Bench({ id: "B" });
  const { own, machine } = bench.parts;
  const told = [ask(bench)];
  const first = own.next()!.bytes;
  told.push(ask(bench));
  const second = own.next()!.bytes;
  const seqn = machine.applied + 1;
  const ballot = { round: 2, node: "A" };
  bench.hear("A", { type: "accept", seqn, ballot, value: second });
  bench.hear("A", { type: "decided", ballot, upTo: seqn });
  assertEquals(told, [[], []]);
  assertEquals([own.next()?.bytes, own.next()?.bytes], [first, second]);
});

Deno.test("another node's commands settle nothing here", () => {
  const bench = new Bench({ id: "B" });
  const told = ask(bench);
  bench.parts.own.next();
  const seqn = bench.parts.machine.applied + 1;
  bench.hear("A", `accept 2.A ${seqn}=no-op`);
  bench.hear("A", `decided 2.A up to ${seqn}`);
  assertEquals(told, []);
});

Deno.test("the leader tells the others once that slots are decided", () => {
  const cluster = clusterOf("ABC");
  cluster.sent.length = 0;
  cluster.write("A", "/a");
  const decided = cluster.sent.filter((line) => line.includes("decided"));
  assertEquals(decided, ["A>B decided", "A>C decided"]);
});

Deno.test("C13: a state that is taken over is whole, and what was applied unseen is UNKNOWN", () => {
  const bench = new Bench({ id: "B" });
  const told = [ask(bench), ask(bench)];
  bench.parts.own.next();
  const state = stateOf("ABC");
  const session = state.sessionOf("B");
  state.apply(mutate([session, 1], NOP), mutate([session, 2], set("/seen")));
  const image = imageOf(state.store, state.machine.head);
  const more = ask(bench);
  bench.install(image);
  const { machine, replica, own } = bench.parts;
  assertEquals(machine.hash, state.machine.hash);
  assertEquals(machine.head, state.machine.head);
  assertEquals([replica.applied, own.settled], [machine.applied, 2]);
  const code = (outcomes: Outcome[]) =>
    outcomes.map((one) => typeof one === "number" ? one : one.code);
  assertEquals([...told, more].map(code), [["UNKNOWN"], ["UNKNOWN"], []]);
});

Deno.test("C13: a state that is not newer changes nothing", () => {
  const bench = new Bench({ id: "B", more: (state) => state.idle(3) });
  const { hash, applied } = bench.parts.machine;
  const state = stateOf("ABC");
  bench.install(imageOf(state.store, state.machine.head));
  assertEquals([bench.parts.machine.hash, bench.parts.machine.applied], [
    hash,
    applied,
  ]);
});

Deno.test("who takes over a state leads no more", () => {
  const bench = new Bench().lead();
  const state = stateOf("ABC");
  state.idle(200);
  bench.install(imageOf(state.store, state.machine.head));
  assert(!bench.parts.replica.leading);
  assertEquals(bench.parts.replica.promised, { round: 2, node: "A" });
});

Deno.test("new cals are asked for their promises as soon as they are known", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.answer("BCD");
  bench.parts.replica.propose(new Uint8Array(0));
  bench.settle();
  bench.vote();
  bench.take();
  const session = bench.state.sessionOf("B");
  bench.decide(mutate([session, 1], set("/ctl/cal/3", "D")));
  assertEquals(bench.take(/^D: prepare/).length > 0, true);
});

Deno.test("a lone node keeps no slots for others; with company it does", () => {
  const alone = new Bench({ cals: "A" }).lead();
  assertEquals(alone.parts.own.alone, true);
  const { replica } = alone.parts;
  assertEquals(replica.firstKept, replica.applied + 1);
  const some = new Bench({ cals: "AB" }).lead();
  assertEquals(some.parts.own.alone, false);
  assert(some.parts.replica.firstKept <= some.parts.replica.applied);
});
