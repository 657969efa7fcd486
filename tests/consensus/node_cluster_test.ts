/**
 * Nodes as a cluster: what its clients see, whoever leads, dies or comes back.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Outcome } from "../../store/mod.ts";
import { fileText, NOP, refusalOf, set } from "../store/changes.ts";
import { Cluster, clusterOf } from "./cluster.ts";
import { mutations, picture } from "./pictures.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

Deno.test("every node applies what any of them was asked for, and answers its own clients", () => {
  const cluster = clusterOf("ABC", { observers: "D" });
  const commands = fc.sample(mutations, { seed: SEED, numRuns: 100 });
  const outcomes = commands.map((mutation, i) =>
    cluster.propose("ABCD"[i % 4]!, mutation)
  );
  cluster.settle();
  assertEquals(outcomes.map(({ length }) => length), commands.map(() => 1));
  const first = picture(cluster.of("A").store);
  for (const id of "BCD") {
    cluster.tickUntil(() => cluster.of(id).applied === cluster.of("A").applied);
    assertEquals(cluster.of(id).hash, cluster.of("A").hash, id);
    assertEquals(picture(cluster.of(id).store), first, id);
  }
});

Deno.test("C6: one client's writes are applied in the order it sent them, whoever leads", () => {
  const cluster = clusterOf("ABC");
  const outcomes: Outcome[][] = [];
  for (let i = 0; i < 30; i++) {
    outcomes.push(cluster.propose("B", set("/f", `${i}`)));
    if (i === 10) cluster.kill("A");
    if (i % 3 === 0) cluster.tick();
  }
  cluster.tickUntil(() => outcomes.every(({ length }) => length === 1));
  const revs = outcomes.map(([outcome]) => Number(outcome));
  assertEquals(revs, [...revs].sort((a, b) => a - b));
  assertEquals(fileText(cluster.of("C").store, "/f"), "29");
});

Deno.test("C15: what was handed to a leader that died is applied once", () => {
  const cluster = clusterOf("ABC");
  cluster.loses = (message, { from }) =>
    from === "A" && message.type === "decided";
  const outcomes = cluster.propose("B", NOP, NOP, NOP);
  cluster.settle();
  assertEquals(outcomes, []);
  const { rev } = cluster.of("A").store;
  cluster.kill("A");
  cluster.loses = () => false;
  cluster.tickUntil(() => outcomes.length === 3);
  assertEquals(cluster.of("B").store.rev, rev);
  assertEquals(outcomes, [rev - 2, rev - 1, rev]);
});

Deno.test("the leader dies: others write again before a silent one would be given up", () => {
  const cluster = clusterOf("ABC");
  cluster.kill("A");
  const outcomes = cluster.propose("B", NOP);
  const ticks = cluster.tickUntil(() => outcomes.length > 0);
  assert(ticks <= 10, `${ticks} ticks`);
  assertEquals(typeof outcomes[0], "number");
});

Deno.test("the leader stops: others write again soon", () => {
  const cluster = clusterOf("ABC");
  cluster.pause("A");
  const outcomes = cluster.propose("C", NOP);
  const ticks = cluster.tickUntil(() => outcomes.length > 0);
  assert(ticks <= 60, `${ticks} ticks`);
  cluster.resume("A");
  cluster.tick(20);
  assertEquals(cluster.of("A").status().role, "follower");
  assertEquals(cluster.of("A").hash, cluster.of("C").hash);
});

Deno.test("without a quorum a write ends in its time, and is never said to have failed", () => {
  const cluster = clusterOf("ABC", { settings: { requestTimeoutTicks: 50 } });
  for (const id of "BC") cluster.pause(id);
  const [first, later] = [cluster.propose("A", NOP), cluster.propose("A", NOP)];
  cluster.tick(120);
  assertEquals([first, later].flat().map((one) => refusalOf(one).code), [
    "UNKNOWN",
    "UNKNOWN",
  ]);
  const never = cluster.propose("A", NOP);
  cluster.tick(120);
  assertEquals(refusalOf(never[0]!).code, "UNAVAILABLE");
  for (const id of "BC") cluster.resume(id);
  cluster.tickUntil(() => cluster.leader !== undefined);
  assertEquals(typeof cluster.write("A", "/on"), "number");
});

Deno.test("a quiet cluster keeps its leader: nobody campaigns without a cause", () => {
  const cluster = clusterOf("ABCDE");
  const campaigns = () =>
    [...cluster.nodes.values()].map((node) => node.campaigns).join();
  const before = campaigns();
  cluster.tick(2_000);
  assertEquals([campaigns(), cluster.leader], [before, "A"]);
});

Deno.test("a node that was cut off comes back, and disturbs nobody", () => {
  const cluster = clusterOf("ABC");
  cluster.isolate("C");
  cluster.tick(200);
  const { campaigns } = cluster.of("C");
  cluster.join("C");
  cluster.tick(50);
  assertEquals([cluster.leader, cluster.of("C").campaigns], ["A", campaigns]);
  assertEquals(cluster.of("C").hash, cluster.of("A").hash);
});

Deno.test("a node that reaches the leader by another only takes writes and reads", () => {
  const cluster = clusterOf("ABC");
  cluster.unlink("A", "C");
  cluster.tick(50);
  assertEquals(cluster.leader, "A");
  const outcomes = cluster.propose("C", set("/through", "B"));
  cluster.tickUntil(() => outcomes.length > 0, 100);
  assertEquals(typeof outcomes[0], "number");
  const told = cluster.read("C");
  cluster.tickUntil(() => told.length > 0, 100);
  assertEquals(told, ["confirmed"]);
});

Deno.test("recover() is refused while a leader is heard, or where a peer holds more", () => {
  const cluster = clusterOf("ABC");
  assert(cluster.of("B").recover()?.detail?.includes('Node "A" leads'));
  const blank = new Cluster().add("A");
  assert(blank.recover()?.detail?.includes("no state"));
});

Deno.test("recover() makes a survivor a cluster of its own, in a new lineage, with all it accepted", () => {
  const cluster = clusterOf("ABC");
  cluster.write("A", "/kept");
  const { lineage } = cluster.of("B");
  for (const id of "AC") cluster.kill(id);
  cluster.tick(60);
  assertEquals(cluster.of("B").status().ready, false);
  assertEquals(cluster.of("B").recover(), undefined);
  cluster.settle();
  const status = cluster.of("B").status();
  assertEquals([status.role, status.ready, cluster.seats("B")], [
    "leader",
    true,
    "-B-",
  ]);
  assert(status.lineage !== lineage && cluster.lineages[0] === status.lineage);
  assertEquals(fileText(cluster.of("B").store, "/kept"), "/kept");
  assertEquals(typeof cluster.write("B", "/on"), "number");
});

Deno.test("what is handed on and lost is handed on again", () => {
  const cluster = clusterOf("ABC");
  cluster.loses = (message) => message.type === "forward";
  const outcomes = cluster.propose("B", NOP);
  cluster.settle();
  cluster.loses = () => false;
  const ticks = cluster.tickUntil(() => outcomes.length > 0);
  assert(ticks <= 50, `${ticks} ticks`);
});

Deno.test("C9: a read that comes while a node runs is begun in that run", () => {
  const cluster = clusterOf("ABC");
  for (const id of "AB") {
    const told: string[] = [];
    const reply = {
      confirmed: () => void told.push("confirmed"),
      refused: () => void told.push("refused"),
    };
    const node = cluster.of(id);
    node.propose(NOP, { settled: () => node.confirmRead(reply) });
    cluster.settle();
    assertEquals(told, ["confirmed"], id);
  }
});

Deno.test("reads that come without a leader are confirmed as soon as there is one", () => {
  const cluster = clusterOf("ABC");
  cluster.kill("A");
  const reads = [cluster.read("B"), cluster.read("C")];
  const writes = [cluster.propose("B", NOP), cluster.propose("C", NOP)];
  cluster.tickUntil(() => writes.flat().length === 2);
  assertEquals(reads, [["confirmed"], ["confirmed"]]);
});

Deno.test("recover() of a node that had been cleared makes it a member again", () => {
  const cluster = clusterOf("ABC", { settings: { seatTimeoutTicks: 100 } });
  cluster.loses = (message) => message.type === "attach";
  cluster.pause("C");
  cluster.tickUntil(() => cluster.seats("A") === "AB-");
  cluster.resume("C");
  cluster.tickUntil(() => cluster.seats("C") === "AB-");
  for (const id of "AB") cluster.kill(id);
  cluster.tick(60);
  assertEquals(cluster.of("C").recover(), undefined);
  cluster.tick(20);
  assertEquals(cluster.of("C").status().reason, "");
  assertEquals(typeof cluster.write("C", "/on"), "number");
});

Deno.test("a leader to which a dead leader's record is reported late serves on", () => {
  const cluster = clusterOf("ABCDE");
  // Only E accepts what A proposes last.
  cluster.loses = (message, { from, to }) =>
    from === "A" && message.type === "accept" && to !== "E" && to !== "A" ||
    message.type === "accepted" && to === "A";
  cluster.propose("A", NOP);
  cluster.settle();
  cluster.kill("A");
  // Then E leads, and nobody hears its leadership record.
  cluster.loses = (message, { from }) =>
    message.type === "accept" ||
    from !== "E" && ["prevote", "prepare"].includes(message.type);
  cluster.tickUntil(() => cluster.of("E").status().role === "leader");
  cluster.isolate("E");
  cluster.loses = (message, { from }) =>
    message.type === "prevote" && from !== "B";
  cluster.tickUntil(() => cluster.leader === "B");
  cluster.loses = () => false;
  cluster.join("E");
  cluster.tick(100);
  assertEquals(cluster.leader, "B");
  const reads = ["B", "C", "E"].map((id) => cluster.read(id));
  const outcomes = cluster.propose("C", NOP);
  cluster.tick(20);
  assertEquals(reads, reads.map(() => ["confirmed"]));
  assertEquals(typeof outcomes[0], "number");
});
