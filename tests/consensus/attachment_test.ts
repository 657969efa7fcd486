/**
 * Attachment: how a node comes to belong to its cluster, and how it goes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Attachment, type AttachmentOptions } from "../../consensus/mod.ts";
import { Bench } from "./bench.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import { clear, register } from "./state.ts";
import { showMessage } from "./words.ts";

const LEADS = "alive 2.A, decided 0";

/** Asks a node to leave; tells whether it has been let go. */
function leave(cluster: Cluster, id: string): { left: boolean } {
  const state = { left: false };
  cluster.of(id).leave(() => {
    assert(!state.left, "it is told once");
    state.left = true;
  });
  cluster.settle();
  return state;
}

Deno.test("a node without a session asks the leader for one, again and again", () => {
  const bench = new Bench({
    id: "D",
    observers: "D",
    more: (state) => {
      state.apply(clear("1.A", "D"));
    },
  });
  bench.hear("A", LEADS);
  bench.tick(9);
  assertEquals(bench.take(/attach/), []);
  bench.tick(1);
  assertEquals(bench.take(/attach/), ["A: attach D at D:1, hops 2"]);
  bench.hear("A", LEADS);
  bench.tick(10);
  assertEquals(bench.take(/attach/).length, 1);
});

Deno.test("a registered node does not ask, nor one that knows no way to a leader", () => {
  const registered = new Bench({ id: "B" });
  for (let i = 0; i < 5; i++) {
    registered.hear("A", LEADS);
    registered.tick(10);
  }
  assertEquals(registered.take(/attach/), []);
  const lost = new Bench({ id: "D", blank: true });
  lost.tick(50);
  assertEquals(lost.take(/attach/), []);
});

Deno.test("noteSession() opens and ends the session of the node's own commands", () => {
  const bench = new Bench({ id: "B" });
  const { own, attachment } = bench.parts;
  const first = bench.state.sessionOf("B");
  assertEquals(own.session, first);
  bench.state.apply(clear("1.A", "B"));
  attachment.noteSession();
  assertEquals(own.session, 0);
  bench.state.apply(register("B"));
  attachment.noteSession();
  assertEquals(own.session, bench.state.sessionOf("B"));
  bench.state.idle();
  bench.state.apply(clear("1.A", "B"), register("B"));
  attachment.noteSession();
  assert(own.session > first);
});

Deno.test("a follower gives up its seat before it goes, and writes go on", () => {
  const cluster = clusterOf("ABC");
  const going = leave(cluster, "C");
  cluster.tickUntil(() => going.left, 100);
  assertEquals(cluster.seats("A"), "AB-");
  cluster.kill("C");
  assertEquals(typeof cluster.write("B", "/on"), "number");
});

Deno.test("a leader hands over first", () => {
  const cluster = clusterOf("ABC");
  const { campaigns } = cluster.of("A");
  const going = leave(cluster, "A");
  assert(cluster.leader !== "A", "another leads at once");
  cluster.tickUntil(() => going.left, 100);
  assertEquals(cluster.of("A").campaigns, campaigns);
  cluster.kill("A");
  assertEquals(typeof cluster.write("B", "/on"), "number");
  assertEquals(cluster.seats("B"), "-BC");
});

Deno.test("who is alone, or belongs to nobody, goes at once", () => {
  const alone = clusterOf("A");
  assertEquals(leave(alone, "A").left, true);
  const cluster = clusterOf("A");
  cluster.add("B");
  assertEquals(leave(cluster, "B").left, true);
});

Deno.test("a leader that nobody answers stays until somebody can lead instead", () => {
  const cluster = clusterOf("ABC");
  cluster.isolate("A");
  const going = leave(cluster, "A");
  cluster.tick(10);
  assertEquals(going.left, false);
  cluster.join("A");
  cluster.tickUntil(() => going.left, 100);
  assertEquals(cluster.seats("B"), "-BC");
});

Deno.test("C12: who goes stays as long as its vote is needed", () => {
  const cluster = clusterOf("ABC");
  cluster.pause("B");
  cluster.tick(20);
  const going = leave(cluster, "C");
  cluster.tick(50);
  assertEquals([going.left, cluster.seats("A")], [false, "ABC"]);
  cluster.resume("B");
  cluster.tickUntil(() => going.left, 100);
  assertEquals(cluster.seats("A"), "AB-");
});

Deno.test("an observer takes its entries with it", () => {
  const cluster = clusterOf("A", { observers: "B" });
  const going = leave(cluster, "B");
  cluster.tickUntil(() => going.left, 100);
  assertEquals(cluster.of("A").store.get("/ctl/node/B/addr").type, "missing");
});

Deno.test("a farewell to who does not go is nothing", () => {
  const bench = new Bench({ id: "B" });
  bench.hear("A", "farewell B, hops 1");
  assertEquals(bench.take(), []);
  assert(bench.parts.own.session > 0);
});

Deno.test("a registered node that only others reach asks by way of them, so that it counts", () => {
  const bench = new Bench({ id: "D", observers: "D" });
  bench.hear("B", `alive 2.A, decided ${bench.parts.machine.applied}`);
  bench.unlink("A");
  bench.tick(10);
  assertEquals(bench.take(/attach/), ["B: attach D at D:1, hops 2"]);
});

/** The attachment of the bench's node, with these options beside. */
function attachmentOf(bench: Bench, options: Partial<AttachmentOptions>) {
  const { id, parts } = bench;
  const said: string[] = [];
  const attachment = new Attachment({
    ...{ id, about: { addr: "D:1", hostname: "host", version: "1" } },
    machine: parts.machine,
    replica: parts.replica,
    election: parts.election,
    own: parts.own,
    upkeep: parts.upkeep,
    post: (to, message) => void said.push(`${to}: ${showMessage(message)}`),
    ...options,
  });
  return { attachment, said };
}

Deno.test("a session of an earlier incarnation is not the node's own: it asks for another", () => {
  const bench = new Bench({ id: "B" });
  bench.hear("A", LEADS);
  const { own, machine } = bench.parts;
  own.ended();
  const { attachment, said } = attachmentOf(bench, { incarnation: 3 });
  attachment.noteSession();
  assertEquals(own.session, 0);
  attachment.tick(10);
  assertEquals(said, ["A: attach B at D:1, incarnation 3, hops 2"]);
  bench.state.apply({ ...register("B"), incarnation: 3 });
  attachment.noteSession();
  assertEquals(own.session, bench.state.sessionOf("B"));
  const mine = own.session;
  attachment.noteSession();
  assertEquals(own.session, mine);
  attachment.tick(20);
  assertEquals(said.length, 1);
  // Another with its id has begun later, with the same memory.
  bench.state.apply({ ...register("B"), incarnation: 4 });
  attachment.noteSession();
  assertEquals([own.session, machine.isRegistered("B")], [0, true]);
});

Deno.test("... nor is one of another start that counted as the same", () => {
  const bench = new Bench({ id: "B" });
  bench.hear("A", LEADS);
  const { own } = bench.parts;
  own.ended();
  const begun = { incarnation: 3, start: 8 };
  const { attachment, said } = attachmentOf(bench, begun);
  bench.state.apply({ ...register("B"), incarnation: 3, start: 7 });
  attachment.noteSession();
  assertEquals(own.session, 0);
  attachment.tick(10);
  assertEquals(said, ["A: attach B at D:1, incarnation 3, start 8, hops 2"]);
  bench.state.apply(clear("1.A", "B"), { ...register("B"), ...begun });
  attachment.noteSession();
  assertEquals(own.session, bench.state.sessionOf("B"));
});

Deno.test("a node asks for nothing before it may", () => {
  const bench = new Bench({ id: "D", blank: true });
  bench.hear("A", LEADS);
  let may = false;
  const { attachment, said } = attachmentOf(bench, { mayAttach: () => may });
  attachment.tick(10);
  assertEquals(said, []);
  may = true;
  attachment.tick(20);
  assertEquals(said, ["A: attach D at D:1, hops 2"]);
});

Deno.test("who took another id asks as long as the one before has its place", () => {
  const bench = new Bench({ id: "D", observers: "DX" });
  bench.hear("A", LEADS);
  assert(bench.parts.own.session > 0);
  const { attachment, said } = attachmentOf(bench, { replaces: "X" });
  attachment.tick(10);
  assertEquals(said, ["A: attach D at D:1, for X, hops 2"]);
  bench.state.apply(clear("1.A", "X"));
  attachment.tick(20);
  assertEquals(said.length, 1);
});

Deno.test("a durable node keeps its seat and its entries, and goes at once", () => {
  const bench = new Bench({ id: "B" });
  bench.hear("A", LEADS);
  const { attachment, said } = attachmentOf(bench, { durable: true });
  let left = 0;
  attachment.leave(() => left++);
  assertEquals([left, said], [1, []]);
});

Deno.test("... a leader when it has handed over, or sees nobody to hand over to", () => {
  for (const peers of ["BC", ""]) {
    const bench = new Bench().lead();
    bench.answer(peers);
    if (peers === "") bench.tick(16);
    bench.take();
    const { attachment, said } = attachmentOf(bench, { durable: true });
    let left = 0;
    attachment.leave(() => left++);
    assertEquals([left, said], [1, []]);
    assertEquals(bench.parts.replica.leading, peers === "");
    const handovers = bench.take(/handover/);
    assertEquals(handovers.length, peers === "" ? 0 : 1);
    attachment.tick(2);
    assertEquals(left, 1);
  }
});

Deno.test("C23: nobody is registered whose start is not written down", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.restart("B");
  cluster.diskOf("B").held = true;
  cluster.sent.length = 0;
  cluster.tick(60);
  assertEquals(cluster.sent.filter((line) => line === "B>A attach"), []);
  const refused = cluster.write("B", "/first");
  assertEquals(typeof refused === "object" && refused.code, "UNAVAILABLE");
  // Of that start nothing is left: the next one counts as the same.
  cluster.restart("B");
  cluster.tickUntil(() => cluster.of("B").status().ready);
  assertEquals(typeof cluster.write("B", "/second"), "number");
  assertEquals(cluster.of("A").store.get("/second").type, "file");
  assertEquals(cluster.of("A").store.get("/first").type, "missing");
});
