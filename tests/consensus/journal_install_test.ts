/**
 * The journal of a node whose state comes not from its log: it took over that
 * of another, or goes on alone.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Found, readDirectory, replay } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { CLOBBER, compileGlob, Wait } from "../../store/mod.ts";
import type { Outcome, Refusal, StoreEvent } from "../../store/mod.ts";
import { type Cluster, clusterOf } from "./cluster.ts";
import { CHECKPOINT_STARTS } from "./histories.ts";
import type { Kept, MemoryDisk } from "./memory_disk.ts";

function durableCluster(): Cluster {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(30);
  return cluster;
}

/** What B's disk would say after a crash. */
function foundAt(disk: MemoryDisk, kept: Kept = "written"): Found {
  const copy = kept === "written" ? disk.copy() : disk;
  const found = readDirectory(copy);
  assertEquals(found?.damage, undefined);
  return found!;
}

/** Where the others are, B cannot be reached. */
function cutOff(cluster: Cluster, id: string): void {
  cluster.loses = (_, { from, to }) => from === id || to === id;
}

/** A node that is started so often forgets what it has not in its snapshot. */
function startOften(cluster: Cluster, id: string): void {
  for (let start = 0; start < CHECKPOINT_STARTS; start++) {
    cluster.restart(id);
    cluster.tick(3);
  }
  cluster.tickUntil(() => cluster.leader !== undefined);
}

/** The others forget what B, cut off, lacks: it will need an image. */
function moveOn(cluster: Cluster): void {
  startOften(cluster, "A");
  startOften(cluster, "C");
  for (let n = 0; n < 3; n++) cluster.write(cluster.leader!, `/on/${n}`);
  startOften(cluster, "A");
  startOften(cluster, "C");
}

/** B is reached again, and has caught up. */
function comeBack(cluster: Cluster): void {
  cluster.loses = () => false;
  const { applied } = cluster.of(cluster.leader!);
  cluster.tickUntil(() => cluster.of("B").applied >= applied, 2000);
}

const noSnapshot: MemoryDisk["mayGoOn"] = (_, lane) => lane !== "snapshot";
const noSnapshotName: MemoryDisk["mayGoOn"] = (op) =>
  op.type !== "rename" || !op.to.startsWith("snapshot");

Deno.test("a state that was taken over is durable when its snapshot is", () => {
  const cluster = durableCluster();
  const before = cluster.of("B").applied;
  cutOff(cluster, "B");
  moveOn(cluster);
  const disk = cluster.diskOf("B");
  disk.mayGoOn = noSnapshot;
  comeBack(cluster);
  assertEquals(
    cluster.sent.filter((line) => line === "B>A fetch").length > 0 ||
      cluster.sent.includes("B>C fetch"),
    true,
  );
  const durable: number[] = [];
  cluster.loses = (message, { from }) => {
    if (from === "B" && message.type === "heard") durable.push(message.durable);
    return false;
  };
  cluster.write(cluster.leader!, "/later");
  cluster.tick(60);
  assert(durable.length > 0);
  assert(durable.every((upTo) => upTo <= before), durable.join());
  assert(foundAt(disk).applied <= before);
  disk.mayGoOn = noSnapshotName;
  cluster.letGo("B");
  cluster.tick(60);
  // Of what comes while the snapshot is written nothing is lost, either.
  cluster.write(cluster.leader!, "/last");
  cluster.tick(60);
  assert(durable.every((upTo) => upTo <= before), durable.join());
  disk.mayGoOn = () => true;
  cluster.letGo("B");
  cluster.tick(60);
  assertEquals(durable.at(-1), cluster.of("B").applied);
  const found = foundAt(disk);
  assertEquals(replay(found).store.hash, cluster.of("B").store.hash);
});

/**
 * B has accepted what was never decided, in slots in which the others decide
 * something else; then it takes over their state, and applies what follows.
 */
function acceptedInVain(): Cluster {
  const cluster = durableCluster();
  cluster.tickUntil(() => cluster.leader === "A");
  cluster.diskOf("A").held = true;
  // B's votes come nowhere, and A's own is lost with it.
  cluster.loses = ({ type }, { from, to }) =>
    from === "B" && type === "accepted" || to === "C" && type === "accept";
  for (let n = 0; n < 4; n++) cluster.write("A", `/in/vain/${n}`);
  cutOff(cluster, "B");
  cluster.restart("A");
  cluster.tickUntil(() => cluster.leader !== undefined);
  for (let n = 0; n < 6; n++) cluster.write(cluster.leader!, `/decided/${n}`);
  return cluster;
}

Deno.test("C4: what was accepted in vain before a state was taken over is not taken for decided after a crash", () => {
  const cluster = acceptedInVain();
  const disk = cluster.diskOf("B");
  assert(foundAt(disk).accepted.length >= 1, "it has accepted");
  moveOn(cluster);
  disk.mayGoOn = noSnapshot;
  comeBack(cluster);
  for (let n = 0; n < 3; n++) cluster.write(cluster.leader!, `/after/${n}`);
  cluster.tick(60);
  assertEquals(cluster.of("B").store.get("/in/vain/0").type, "missing");
  const { store, applied } = replay(foundAt(disk));
  assert(applied > 0);
  assertEquals(store.get("/in/vain/0").type, "missing");
  cluster.restart("B", "written");
  comeBack(cluster);
  cluster.tick(60);
  const leader = cluster.of(cluster.leader!);
  assertEquals(cluster.of("B").store.hash, leader.store.hash);
});

Deno.test("C1, C23: a checkpoint repeats what was accepted and is not decided, and what others claimed", () => {
  const cluster = acceptedInVain();
  cutOff(cluster, "B");
  const facts = () => {
    const { accepted, promised, peers, claim, sizes } = foundAt(
      cluster.diskOf("B"),
    );
    const { position } = claim;
    const claims = [...peers].sort();
    return {
      first: Math.min(...sizes.keys()),
      accepted,
      promised,
      claims,
      position,
    };
  };
  cluster.restart("B");
  cluster.tick(3);
  const before = facts();
  assert(before.accepted.length > 0 && before.claims.length === 2);
  startOften(cluster, "B");
  const after = facts();
  assert(after.first > before.first, "the old log is gone");
  assertEquals({ ...after, first: 0 }, { ...before, first: 0 });
});

Deno.test("C26: a snapshot of before may get its name after a later state was taken over", () => {
  const cluster = durableCluster();
  const waits = () =>
    cluster.diskOf("B").waiting.some((op) => op.startsWith("rename snap"));
  while (!waits()) {
    cluster.restart("B");
    cluster.diskOf("B").mayGoOn = noSnapshotName;
    cluster.tick(30);
  }
  const disk = cluster.diskOf("B");
  for (let n = 0; n < 3; n++) cluster.write(cluster.leader!, `/more/${n}`);
  cluster.tick(30);
  cutOff(cluster, "B");
  moveOn(cluster);
  comeBack(cluster);
  const durable: number[] = [];
  cluster.loses = (message, { from }) => {
    if (from === "B" && message.type === "heard") durable.push(message.durable);
    return false;
  };
  cluster.tick(30);
  disk.mayGoOn = () => true;
  cluster.letGo("B");
  cluster.tick(300);
  assertEquals(durable, durable.toSorted((a, b) => a - b), "never less");
  const found = foundAt(disk);
  assertEquals(replay(found).store.hash, cluster.of("B").store.hash);
});

/** A survivor that has accepted what was not decided; the others are gone. */
function survivor(): Cluster {
  const cluster = durableCluster();
  cluster.loses = ({ type }, { from, to }) =>
    from === "B" && type === "accepted" || to === "C" && type === "accept";
  cluster.diskOf("A").held = true;
  cluster.write("A", "/accepted");
  cluster.loses = () => false;
  cluster.kill("A");
  cluster.kill("C");
  cluster.tick(50);
  assertEquals(cluster.of("B").store.get("/accepted").type, "missing");
  return cluster;
}

Deno.test("recover() tells nobody anything until the other lineage is durable", () => {
  const cluster = survivor();
  const node = cluster.of("B");
  const disk = cluster.diskOf("B");
  disk.mayGoOn = noSnapshot;
  cluster.sent.length = 0;
  const said: PeerMessage["type"][] = [];
  cluster.loses = ({ type }) => {
    said.push(type);
    return false;
  };
  assertEquals(node.recover(), undefined);
  cluster.add("D").attach(node.lineage);
  cluster.link("D", "B");
  const outcomes = cluster.propose("B");
  cluster.tick(200);
  assertEquals(node.status().role === "leader", false);
  assertEquals(outcomes, []);
  const binding = new Set(
    said.filter((type) =>
      /promise|accept|prepare$|learned|piece|decided/.test(type)
    ),
  );
  assertEquals([...binding], []);
  disk.mayGoOn = () => true;
  cluster.letGo("B");
  cluster.tickUntil(() => cluster.leader === "B");
  assertEquals(node.store.get("/accepted").type, "file");
});

Deno.test("C19: what recover() finishes is told to nobody who means the old history", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.write("A", "/first");
  cluster.tick(30);
  const node = cluster.of("B");
  cluster.loses = ({ type }, { from, to }) =>
    from === "B" && type === "accepted" || to === "C" && type === "accept";
  cluster.diskOf("A").held = true;
  const told: [lineage: string, outcome: Outcome][] = [];
  const mutation = {
    type: "set",
    path: "/accepted",
    rev: CLOBBER,
    body: new Uint8Array(1),
  } as const;
  const { lineage } = node;
  const settled = (outcome: Outcome) => told.push([node.lineage, outcome]);
  node.propose(mutation, { settled });
  const glob = compileGlob("/**");
  const from = node.store.rev + 1;
  const waitEnded = (_: number, result: StoreEvent | Refusal) =>
    told.push([node.lineage, "code" in result ? result : result.rev]);
  const waiter = { waitEnded, revReached() {} };
  node.store.waits.start(new Wait(waiter, { glob, from, ticket: 1 }));
  cluster.settle();
  cluster.loses = () => false;
  cluster.kill("A");
  cluster.kill("C");
  cluster.tick(50);
  assertEquals(told, []);
  assertEquals(node.recover(), undefined);
  cluster.settle();
  assertEquals(node.store.get("/accepted").type, "file");
  assertEquals(told.length, 2);
  for (const [meant] of told) assert(meant !== lineage, "It is another one");
  const outcomes = told.map(([, told]) =>
    typeof told === "number" ? told : told.code
  );
  assertEquals(outcomes.toSorted(), [from, "UNKNOWN"]);
});

Deno.test("C4: a recover() that a crash cuts short has not happened", () => {
  for (const kept of ["durable", "written", "half"] as const) {
    const cluster = survivor();
    const { applied, lineage } = cluster.of("B");
    const disk = cluster.diskOf("B");
    disk.mayGoOn = noSnapshot;
    cluster.of("B").recover();
    cluster.settle();
    cluster.tick(100);
    const left = disk.crash(kept);
    const found = foundAt(left, kept);
    assertEquals([found.applied, found.header.lineage], [applied, lineage]);
    assertEquals(replay(found).store.get("/accepted").type, "missing");
    // And it can be done again.
    const node = cluster.restart("B", left);
    cluster.tick(50);
    assertEquals([node.lineage, node.recover()], [lineage, undefined]);
    cluster.tickUntil(() => cluster.leader === "B");
    const again = foundAt(cluster.diskOf("B"));
    assertEquals(again.header.lineage, node.lineage);
    assertEquals(again.header.parent, lineage);
    assertEquals(node.store.get("/accepted").type, "file");
    assertEquals(typeof cluster.write("B", "/goes/on"), "number");
  }
});

Deno.test("C4, C26: recover() cut short at any operation has happened, or not", () => {
  const lineages = new Set<string>();
  for (let most = 0; most < 60; most++) {
    for (const kept of ["durable", "written", "half"] as const) {
      const cluster = survivor();
      const node = cluster.of("B");
      const before = node.lineage;
      const disk = cluster.diskOf("B");
      const performed = disk.performed.length;
      disk.mayGoOn = () => disk.performed.length < performed + most;
      node.recover();
      cluster.settle();
      cluster.tick(60);
      const where = `operation ${most}, ${kept}`;
      const leads = cluster.leader === "B";
      const found = foundAt(disk.crash(kept), kept);
      const { lineage } = found.header;
      const recovered = replay(found).store.get("/accepted").type === "file";
      assertEquals(lineage === node.lineage, recovered, where);
      if (leads) assert(recovered, where);
      lineages.add(lineage === before ? "before" : "after");
      const again = cluster.restart("B", disk.crash(kept));
      cluster.tick(50);
      if (again.lineage === before) again.recover();
      cluster.tickUntil(() => cluster.leader === "B");
      assertEquals(again.store.get("/accepted").type, "file");
    }
  }
  assertEquals(lineages.size, 2);
});
