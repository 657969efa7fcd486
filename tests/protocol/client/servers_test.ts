/**
 * Which server to try next, and when.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Servers } from "../../../protocol/client/servers.ts";

const why = "down";
/** Chance in the middle: pauses are as long as they are meant. */
const middle = () => 0.5;

Deno.test("Servers tries the others first, then waits for the first", () => {
  const servers = new Servers(["a", "b"], middle);
  assertEquals(servers.next(0), { address: "a" });
  servers.failed("a", { now: 0, why });
  assertEquals([servers.next(0), servers.allFailed], [{ address: "b" }, false]);
  servers.failed("b", { now: 10, why });
  assertEquals([servers.next(10), servers.allFailed], [{ at: 50 }, true]);
  assertEquals(servers.next(50), { address: "a" });
  assertEquals(servers.reasons, "a: down; b: down");
  servers.good("a", 50);
  assertEquals([servers.reasons, servers.allFailed], ["", false]);
});

Deno.test("Servers pauses longer each time, and never too long", () => {
  const servers = new Servers(["a"], middle);
  const pauses: number[] = [];
  for (let i = 0, now = 0; i < 8; i++) {
    servers.failed("a", { now, why });
    const next = servers.next(now);
    if (!("at" in next)) throw new Error("It is tried without a pause");
    pauses.push(next.at - now);
    now = next.at;
  }
  assertEquals(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
});

Deno.test("one that greets and breaks off has failed all the same", () => {
  const cases: readonly [number, number][] = [[0, 200], [1999, 200], [
    2000,
    50,
  ]];
  for (const [servedMs, pause] of cases) {
    const servers = new Servers(["a"], middle);
    servers.failed("a", { now: 0, why });
    servers.failed("a", { now: 0, why });
    servers.good("a", 1000);
    servers.failed("a", { now: 1000 + servedMs, why });
    assertEquals(
      servers.next(0),
      { at: 1000 + servedMs + pause },
      `${servedMs}`,
    );
  }
});

Deno.test("pauses differ, so that not all clients come at once", () => {
  for (const [chance, at] of [[0, 25], [0.5, 50], [0.99, 74.5]] as const) {
    const servers = new Servers(["a"], () => chance);
    servers.failed("a", { now: 0, why });
    assertEquals(servers.next(0), { at });
  }
});

Deno.test("unfit() leaves a server alone for a second, whatever it was", () => {
  const servers = new Servers(["a", "b"], middle);
  servers.unfit("a", { now: 0, why });
  assertEquals(servers.next(0), { address: "b" });
  servers.failed("b", { now: 990, why });
  assertEquals(servers.next(1000), { address: "a" });
});

Deno.test("Servers takes each once, a hundred at most, and may have none", () => {
  const servers = new Servers(["a", "a"], middle);
  assertEquals(servers.addresses, ["a"]);
  for (let i = 0; i < 200; i++) servers.add(`b${i}`);
  assertEquals(servers.count, 100);
  assertEquals(new Servers([], middle).next(0), { at: Infinity });
  servers.failed("unknown", { now: 0, why });
  servers.unfit("unknown", { now: 0, why });
  assertEquals(servers.reasons, "");
});

Deno.test("Servers forgets what the cluster names no more, never what was told", () => {
  const servers = new Servers(["told:1"], () => 0.5);
  servers.found(["b:1", "c:1"], { serving: "told:1" });
  assertEquals(servers.addresses, ["told:1", "b:1", "c:1"]);
  servers.found(["c:1", "d:1"], { serving: "b:1" });
  assertEquals(servers.addresses, ["told:1", "b:1", "c:1", "d:1"]);
  servers.found(["d:1"], { serving: "d:1" });
  assertEquals(servers.addresses, ["told:1", "d:1"]);
});

Deno.test("Servers doubts who has failed lately, longer each time", () => {
  const servers = new Servers(["a:1", "b:1", "c:1"], () => 0.5);
  assertEquals(servers.othersWorthTrying("a:1", 0), 2);
  servers.failed("b:1", { now: 0, why: "gone" });
  assertEquals(servers.othersWorthTrying("a:1", 2_499), 1);
  assertEquals(servers.othersWorthTrying("a:1", 2_500), 2);
  servers.failed("b:1", { now: 10_000, why: "gone" });
  assertEquals(servers.othersWorthTrying("a:1", 14_999), 1);
  assertEquals(servers.othersWorthTrying("a:1", 15_000), 2);
  servers.failed("b:1", { now: 20_000, why: "gone" });
  servers.good("b:1", 20_001);
  assertEquals(servers.othersWorthTrying("a:1", 20_001), 2);
});
