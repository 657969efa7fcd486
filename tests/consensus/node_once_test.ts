/**
 * Commands of clients' sessions through whole nodes: sent again to others,
 * after elections, restarts, and states that were taken over.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { decodeImageHead, parseName } from "../../protocol/mod.ts";
import type { Mutation, Outcome } from "../../store/mod.ts";
import { NOP, refusalOf, set } from "../store/changes.ts";
import { type Cluster, clusterOf } from "./cluster.ts";

/** What came of it, which must have come by now. */
function only(outcomes: readonly Outcome[]): Outcome {
  assertEquals(outcomes.length, 1);
  return outcomes[0]!;
}

/** A session that a node has opened for a client. */
function openOn(cluster: Cluster, id: string, name = ""): number {
  const outcomes = cluster.openSession(id, name);
  cluster.tickUntil(() => outcomes.length > 0);
  return only(outcomes) as number;
}

/** Sends it, and waits for its outcome. */
function send(
  cluster: Cluster,
  id: string,
  place: Parameters<Cluster["once"]>[1],
  mutation?: Mutation,
): Outcome {
  const outcomes = cluster.once(id, place, mutation);
  cluster.tickUntil(() => outcomes.length > 0);
  return only(outcomes);
}

/** All nodes have applied the same, and are equal. */
function agree(cluster: Cluster): void {
  const nodes = [...cluster.nodes.values()];
  const last = Math.max(...nodes.map(({ applied }) => applied));
  cluster.tickUntil(() => nodes.every(({ applied }) => applied >= last));
  assertEquals(new Set(nodes.map(({ hash }) => hash)).size, 1);
}

Deno.test("C27: a command that is sent through two nodes takes effect once, and both tell the same", () => {
  const cluster = clusterOf("ABC");
  const session = openOn(cluster, "B", "loader");
  assertEquals(session, 1);
  const { rev } = cluster.of("A").store;
  const create = set("/x", "1", 0);
  const outcomes = [
    cluster.once("B", [session, 1], create),
    cluster.once("C", [session, 1], create),
    cluster.once("A", [session, 1], create),
  ];
  cluster.tickUntil(() => outcomes.every(({ length }) => length > 0));
  assertEquals(outcomes.map(only), [rev + 1, rev + 1, rev + 1]);
  assertEquals(cluster.of("A").store.rev, rev + 1);
  // A failed one has one outcome, too.
  const failed: Outcome = { code: "REV_MISMATCH" };
  assertEquals(send(cluster, "A", [session, 2], create), failed);
  cluster.write("A", "/x", "2");
  assertEquals(send(cluster, "C", [session, 2], create), failed);
  agree(cluster);
});

Deno.test("numbers that do not fit are refused by every node alike", () => {
  const cluster = clusterOf("ABC");
  const session = openOn(cluster, "A");
  const code = (outcome: Outcome) => refusalOf(outcome).code;
  for (const id of "ABC") {
    assertEquals(code(send(cluster, id, [session, 2], NOP)), "GAP");
    assertEquals(code(send(cluster, id, [session + 1, 1], NOP)), "SESSION");
    assertEquals(code(send(cluster, id, [session, 0], NOP)), "NUMBER");
    assertEquals(code(send(cluster, id, [session, -1], NOP)), "NUMBER");
  }
  assertEquals(typeof send(cluster, "B", [session, 1], NOP), "number");
  agree(cluster);
});

Deno.test("C27: a command whose answer was lost with the leader is told from its outcome", () => {
  const cluster = clusterOf("ABC");
  const session = openOn(cluster, "A");
  // The leader decides it, and dies before anybody is told.
  cluster.loses = (message, { from }) =>
    from === "A" && message.type === "decided";
  const lost = cluster.once("B", [session, 1], set("/x", "1", 0));
  cluster.settle();
  assertEquals(lost, []);
  const { rev } = cluster.of("A").store;
  cluster.kill("A");
  cluster.loses = () => false;
  const again = send(cluster, "C", [session, 1], set("/x", "1", 0));
  assertEquals(again, rev);
  cluster.tickUntil(() => lost.length > 0);
  assertEquals(only(lost), rev);
  assertEquals(cluster.of("C").store.rev, rev);
  agree(cluster);
});

Deno.test("a number that was given up is ordered empty, and its command comes too late", () => {
  const cluster = clusterOf("ABC");
  const session = openOn(cluster, "A");
  cluster.loses = (message, { from }) =>
    from === "B" && message.type === "forward";
  const late = cluster.once("B", [session, 1], set("/x"));
  cluster.tick(3);
  assertEquals(late, []);
  const { rev } = cluster.of("A").store;
  assertEquals(send(cluster, "C", [session, 1]), 0);
  assertEquals(send(cluster, "A", [session, 1]), 0);
  cluster.loses = () => false;
  cluster.tickUntil(() => late.length > 0);
  assertEquals(refusalOf(only(late)).code, "NUMBER");
  assertEquals(cluster.of("A").store.rev, rev);
  assertEquals(send(cluster, "B", [session, 2, 1], NOP), rev + 1);
});

Deno.test("C27: a node that takes over a state has the sessions that are in it", () => {
  const cluster = clusterOf("AB");
  const session = openOn(cluster, "A");
  const first = send(cluster, "A", [session, 1], set("/x", "1", 0));
  // So much that its peers do not keep the slots.
  for (let i = 0; i < 20; i++) cluster.write("A", "/f", `${i}`.repeat(500_000));
  cluster.attach("C");
  cluster.tickUntil(() => cluster.of("C").isOpen);
  assert(cluster.of("C").imagesInstalled > 0, "it has copied the state");
  assertEquals(send(cluster, "C", [session, 1], set("/x", "1", 0)), first);
  agree(cluster);
});

for (const way of ["its log", "a snapshot"]) {
  Deno.test(`C27: a node that is started again has its clients' sessions from ${way}`, () => {
    const checkpointBytes = way === "its log" ? 4 << 20 : 1000;
    const settings = { checkpointBytes };
    const cluster = clusterOf("A", { durable: true, settings });
    const session = openOn(cluster, "A", "loader");
    const create = set("/x", "1", 0);
    const first = send(cluster, "A", [session, 1], create);
    const second = send(cluster, "A", [session, 2], create);
    assertEquals(refusalOf(second).code, "REV_MISMATCH");
    const kinds = () =>
      cluster.diskOf("A").list().map((name) => parseName(name)?.kind);
    for (let i = 0; i < 50; i++) {
      cluster.write("A", "/f", `${i}`.repeat(50));
      cluster.tick(5);
    }
    assertEquals(kinds().includes("snapshot"), way === "a snapshot");
    const table = () => decodeImageHead(cluster.of("A").head()).clients;
    const before = table();
    cluster.restart("A");
    assertEquals(table(), before);
    cluster.tickUntil(() => cluster.of("A").status().ready);
    cluster.tick(50);
    assertEquals(send(cluster, "A", [session, 1], create), first);
    assertEquals(send(cluster, "A", [session, 2], create), second);
    const third = send(cluster, "A", [session, 3, 2], NOP);
    assertEquals(typeof third, "number");
    const forgotten = send(cluster, "A", [session, 2], create);
    assertEquals(refusalOf(forgotten).code, "NUMBER");
    assertEquals(openOn(cluster, "A"), session + 1);
  });
}

Deno.test("recover() ends the sessions of clients: what was told may not be here", () => {
  const cluster = clusterOf("ABC", { durable: true });
  const session = openOn(cluster, "A");
  send(cluster, "A", [session, 1], NOP);
  cluster.tick(30);
  for (const id of "BC") cluster.kill(id);
  cluster.tick(50);
  assertEquals(cluster.of("A").recover(), undefined);
  cluster.tickUntil(() => cluster.of("A").status().ready);
  const code = () => refusalOf(send(cluster, "A", [session, 2], NOP)).code;
  assertEquals(code(), "SESSION");
  cluster.tick(50);
  cluster.restart("A");
  cluster.tickUntil(() => cluster.of("A").status().ready);
  cluster.tick(50);
  assertEquals(code(), "SESSION");
  assertEquals(openOn(cluster, "A"), session + 1);
});
