/**
 * What nodes do whose disks are full, or do not answer: whole nodes, with
 * disks that the test stops.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { STUCK_DISK_TICKS } from "../../consensus/mod.ts";
import type { Outcome } from "../../store/mod.ts";
import { Cluster, clusterOf } from "./cluster.ts";

/** Nothing more is appended to the disks of these nodes; or it is again. */
function fill(cluster: Cluster, ids: string, full = true): void {
  for (const id of ids) {
    const disk = cluster.diskOf(id);
    disk.fails = ({ type }) => full && type === "append" ? "full" : undefined;
  }
}

/** What a client is told of a write, as soon as it is told. */
function tryToWrite(cluster: Cluster, id: string): Outcome | undefined {
  const outcomes = cluster.propose(id, { type: "nop" });
  cluster.settle();
  return outcomes[0];
}

function refusalOf(outcome: Outcome | undefined): string {
  return typeof outcome === "object"
    ? `${outcome.code}: ${outcome.detail}`
    : `${outcome}`;
}

/** A disk that has no space notices when it is written to. */
function untilFull(cluster: Cluster, id: string): void {
  cluster.write(id, "/fills");
  cluster.tick(20);
}

const WHY = "Cannot append: full: nothing was done, reads go on";

Deno.test("a lone node with a full disk refuses writes at once, reads, and resumes by itself", () => {
  const cluster = new Cluster({ durable: true });
  cluster.found("A");
  fill(cluster, "A");
  const first = cluster.propose("A", { type: "nop" });
  cluster.tick(20);
  assertEquals(first, [], "what was taken before waits for space");
  assertEquals(
    refusalOf(tryToWrite(cluster, "A")),
    `UNAVAILABLE: ${WHY}`,
  );
  assertEquals(cluster.leader, "A");
  const reads = cluster.read("A");
  cluster.tick();
  assertEquals(reads, ["confirmed"]);
  fill(cluster, "A", false);
  cluster.tick(80);
  assertEquals(typeof first[0], "number", "and is done then");
  assertEquals(typeof tryToWrite(cluster, "A"), "number");
});

Deno.test("a leader with a full disk lets a cal lead that has space: writes go on", () => {
  const cluster = clusterOf("ABC", { durable: true });
  assertEquals(cluster.leader, "A");
  fill(cluster, "A");
  untilFull(cluster, "A");
  cluster.tickUntil(() => "BC".includes(cluster.leader ?? "A"));
  for (const id of "ABC") {
    assertEquals(typeof tryToWrite(cluster, id), "number", id);
  }
  assert(cluster.seats("B").includes("A"), "it keeps its seat");
});

Deno.test("a leader does not hand over to a cal whose disk is full, too", () => {
  const cluster = clusterOf("ABCDE", { durable: true });
  fill(cluster, "B"); // Else it would be the first choice.
  untilFull(cluster, "A");
  fill(cluster, "A");
  cluster.sent.length = 0;
  untilFull(cluster, "A");
  cluster.tickUntil(() => "CDE".includes(cluster.leader ?? "A"));
  const to = cluster.sent.filter((sent) => sent.endsWith(" handover"));
  assert(to.length > 0 && to.every((sent) => /^A>[CDE] /.test(sent)), `${to}`);
});

Deno.test("where all disks are full the leader leads on: reads are confirmed, writes refused everywhere", () => {
  const cluster = clusterOf("ABC", { durable: true });
  fill(cluster, "BC");
  untilFull(cluster, "A");
  fill(cluster, "A");
  untilFull(cluster, "A");
  cluster.tick(300);
  assertEquals(cluster.leader, "A");
  const leader = cluster.of("A").id;
  assertEquals(
    refusalOf(tryToWrite(cluster, "A")),
    `UNAVAILABLE: ${WHY}`,
  );
  assertEquals(
    refusalOf(tryToWrite(cluster, "B")),
    `UNAVAILABLE: The disk of the leading node "${leader}" is full: ` +
      "nothing was done, reads go on",
  );
  const reads = cluster.read("B");
  cluster.tick(10);
  assertEquals(reads, ["confirmed"]);
  fill(cluster, "ABC", false);
  cluster.tick(100);
  assertEquals(typeof tryToWrite(cluster, "B"), "number");
});

Deno.test("a leader whose disk does not answer for a second leads no more", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.diskOf("A").held = true;
  cluster.write("A", "/x");
  assertEquals(cluster.leader, "A", "a moment is no reason");
  cluster.tick(STUCK_DISK_TICKS - 10);
  assertEquals(cluster.leader, "A");
  cluster.tickUntil(() => "BC".includes(cluster.leader ?? "A"), 100);
  assertEquals(typeof tryToWrite(cluster, "B"), "number");
});

Deno.test("... also where it knows of nobody who could: others may know better", () => {
  const cluster = clusterOf("ABC", { durable: true });
  fill(cluster, "BC");
  untilFull(cluster, "A");
  cluster.diskOf("A").held = true;
  cluster.propose("A", { type: "nop" });
  cluster.tick(STUCK_DISK_TICKS + 20);
  assertEquals(cluster.leader, undefined);
  fill(cluster, "BC", false);
  cluster.tickUntil(() => "BC".includes(cluster.leader ?? "A"));
});

Deno.test("a lone leader whose disk does not answer waits: nobody could lead instead", () => {
  const cluster = new Cluster({ durable: true });
  cluster.found("A");
  const { campaigns } = cluster.of("A");
  cluster.diskOf("A").held = true;
  const outcomes = cluster.propose("A", { type: "nop" });
  cluster.tick(STUCK_DISK_TICKS + 50);
  assertEquals([outcomes, cluster.leader], [[], "A"]);
  cluster.letGo("A");
  cluster.tick();
  assertEquals(typeof outcomes[0], "number");
  assertEquals(cluster.of("A").campaigns, campaigns);
});
