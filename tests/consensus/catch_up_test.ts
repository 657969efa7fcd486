/**
 * Catching up: who is asked for what is lacking, and when.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { Bench } from "./bench.ts";
import { clusterOf } from "./cluster.ts";

const ASKS = /learn from|fetch/;

/** Node B; where it is, the others are by so many slots ahead. */
function behind(slots: number): { bench: Bench; next: number } {
  const bench = new Bench({ id: "B" });
  bench.tick();
  const { applied } = bench.parts.machine;
  bench.hear("C", `alive 0, decided ${applied + slots}`);
  bench.take();
  return { bench, next: applied + 1 };
}

Deno.test("who lacks slots for some ticks asks a live peer that has them", () => {
  const { bench, next } = behind(2);
  bench.tick(2);
  assertEquals(bench.take(ASKS), []);
  bench.tick(1);
  assertEquals(bench.take(ASKS), [`C: learn from ${next}`]);
});

Deno.test("who lacks nothing asks nobody", () => {
  const { bench } = behind(0);
  bench.tick(100);
  assertEquals(bench.take(ASKS), []);
});

Deno.test("as long as it gets on by itself it does not ask", () => {
  const { bench, next } = behind(40);
  bench.hear("A", "alive 2.A, decided 0");
  for (let i = 0; i < 10; i++) {
    bench.hear("A", `accept 2.A ${next + i}=no-op`);
    bench.hear("A", `decided 2.A up to ${next + i}`);
    bench.tick(2);
  }
  assertEquals(bench.take(ASKS), []);
});

Deno.test("an answer that does not come is asked for again, not at once", () => {
  const { bench, next } = behind(2);
  bench.tick(3);
  bench.take();
  for (let i = 0; i < 19; i++) {
    bench.tick();
    bench.hear("C", `alive 0, decided ${next + 1}`);
  }
  assertEquals(bench.take(ASKS), []);
  bench.tick();
  assertEquals(bench.take(ASKS), [`C: learn from ${next}`]);
});

Deno.test("what was learned is applied, and where there is more that is asked for at once", () => {
  const { bench, next } = behind(9);
  bench.tick(3);
  bench.take();
  bench.hear(
    "C",
    `learned ${next}=no-op ${next + 1}=no-op, first 1, decided ${next + 8}`,
  );
  assertEquals(bench.parts.machine.applied, next + 1);
  assertEquals(bench.take(ASKS), [`C: learn from ${next + 2}`]);
  bench.hear("C", `learned ${next + 2}=no-op, first 1, decided ${next + 2}`);
  assertEquals(bench.take(ASKS), []);
});

Deno.test("an answer without what was asked for leads to nothing", () => {
  const { bench, next } = behind(9);
  bench.tick(3);
  bench.take();
  bench.hear("C", `learned from ${next}, first ${next}, decided ${next + 8}`);
  assertEquals(bench.take(ASKS), []);
});

Deno.test("slots that are gone are not asked for again: the state is", () => {
  const { bench, next } = behind(900);
  bench.tick(3);
  bench.take();
  const lost = `first ${next + 100}, decided ${next + 800}`;
  bench.hear("C", `learned from ${next}, ${lost}`);
  assertEquals(bench.take(ASKS), ["C: fetch image 0 piece 0"]);
  assert(bench.parts.transfer.receiving);
  bench.hear("C", `alive 0, decided ${next + 900}`);
  bench.tick(40);
  assertEquals(bench.take(/learn from/), []);
});

Deno.test("a node that missed messages has them soon after", () => {
  const cluster = clusterOf("ABC");
  const images = cluster.of("C").imagesInstalled;
  cluster.loses = (message, { to }) =>
    to === "C" && message.type !== "alive" && message.type !== "learned";
  for (let i = 0; i < 20; i++) cluster.write("A", `/f${i}`);
  assert(cluster.of("C").applied < cluster.of("A").applied);
  cluster.tickUntil(() => cluster.of("C").applied === cluster.of("A").applied);
  assertEquals(cluster.of("C").hash, cluster.of("A").hash);
  assertEquals(cluster.of("C").imagesInstalled, images);
});

Deno.test("a node that was away for longer than slots are kept takes over the state", () => {
  const cluster = clusterOf("ABC");
  const images = cluster.of("C").imagesInstalled;
  cluster.isolate("C");
  const large = "x".repeat(1 << 20);
  const slots = LIMITS.decidedLogBytes / large.length + 2;
  for (let i = 0; i < slots; i++) cluster.write("A", `/f${i % 3}`, large);
  cluster.join("C");
  cluster.tickUntil(() => cluster.of("C").applied === cluster.of("A").applied);
  assertEquals(cluster.of("C").imagesInstalled, images + 1);
  assertEquals(cluster.of("C").hash, cluster.of("A").hash);
  assertEquals(typeof cluster.write("C", "/on"), "number");
});
