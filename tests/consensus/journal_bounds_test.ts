/**
 * The journal's bounds: what a node does that writes more than its disk takes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readDirectory, replay } from "../../consensus/mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { Cluster, clusterOf } from "./cluster.ts";

const BODY = "x".repeat(500_000);
const LARGE = "x".repeat(1_000_000);

/** Of the log segments, in bytes. */
function logBytes(cluster: Cluster, id: string): number {
  const disk = cluster.diskOf(id);
  return disk.list().filter((name) => name.startsWith("log-"))
    .reduce((sum, name) => sum + disk.size(name), 0);
}

Deno.test("the log does not grow faster than the snapshot that replaces it", () => {
  const settings = { checkpointBytes: 1 };
  const cluster = new Cluster({ durable: true, settings });
  cluster.found("A");
  const disk = cluster.diskOf("A");
  // The snapshot has begun, and gets no further.
  disk.mayGoOn = (_op, lane) => lane === "log";
  cluster.tick(10);
  let written = 0;
  while (cluster.write("A", `/${written}`, BODY) !== undefined) written++;
  assert(written >= 5 && written <= 15, `${written} values were written`);
  const before = logBytes(cluster, "A");
  cluster.tick(20);
  const more = logBytes(cluster, "A") - before;
  assert(more < 1_000, "nothing but a mark is written");
  // It gets on, and so does the log, a little behind it.
  cluster.letGo("A");
  disk.mayGoOn = () => true;
  cluster.tick(100);
  assertEquals(typeof cluster.write("A", "/last", "v"), "number");
});

Deno.test("a follower whose disk stands still takes no more than it may hold, and needs a snapshot then", () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(30);
  const disk = cluster.diskOf("C");
  disk.held = true;
  const values = Math.ceil(LIMITS.logPendingBytes / LARGE.length) + 10;
  for (let n = 0; n < values; n++) {
    assertEquals(typeof cluster.write("A", `/${n % 3}`, LARGE), "number");
  }
  const toLog = () => disk.waiting.filter((op) => op.includes(" log-"));
  const held = toLog();
  cluster.tick(50);
  assertEquals(toLog(), held, "nothing more is handed over");
  // It has learned what it could not vote for.
  assertEquals(cluster.of("C").applied, cluster.of("A").applied);
  cluster.letGo("C");
  cluster.tick(300);
  const found = readDirectory(disk.crash("durable"))!;
  assertEquals(found.damage, undefined);
  const { applied, hash } = replay(found);
  assert(applied > values, "a snapshot has taken the place of the log");
  if (applied === cluster.of("C").applied) {
    assertEquals(hash, cluster.of("C").hash);
  }
});
