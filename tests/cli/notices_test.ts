/**
 * What a person is told of servers that come and go, and how often.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Notices } from "../../cli/notices.ts";

const A = "a:1";
const B = "b:2";

class Scene {
  readonly lines: string[] = [];
  readonly notices: Notices;
  ms = 0;

  constructor({ json = false }: { json?: boolean } = {}) {
    const io = { say: (text: string) => void this.lines.push(text) };
    this.notices = new Notices({ io, json, now: () => this.ms });
    this.notices.servers = () => [A, B];
  }

  connected(address: string): void {
    this.notices.take({ type: "connected", address });
  }

  lost(address: string, why = "gone"): void {
    this.notices.take({ type: "lost", address, why });
  }

  resumed(address: string, rev: number): void {
    this.notices.take({ type: "resumed", glob: "/**", rev, address });
  }

  /** What was said since the last time. */
  said(): string {
    return this.lines.splice(0).join("");
  }
}

Deno.test("a loss and its end are said, an attempt in vain is not", () => {
  const scene = new Scene();
  scene.lost(A);
  scene.connected(B);
  assertEquals([scene.said(), scene.notices.hasLost], ["", false]);
  scene.lost(B, "the server ended it");
  const lost = "doozer: lost b:2: the server ended it; trying others\n";
  assertEquals([scene.said(), scene.notices.hasLost], [lost, true]);
  scene.connected(A);
  assertEquals(scene.said(), "");
  scene.resumed(A, 7);
  assertEquals(scene.said(), "doozer: goes on at a:1 from rev 7\n");
});

Deno.test("one server is tried again", () => {
  const scene = new Scene();
  scene.notices.servers = () => [A];
  scene.connected(A);
  scene.lost(A);
  assertEquals(scene.said(), "doozer: lost a:1: gone; trying again\n");
});

Deno.test("that no server can be reached is said once", () => {
  const scene = new Scene();
  scene.connected(A);
  scene.lost(A);
  scene.said();
  scene.lost(B, "refused");
  const nobody =
    "doozer: no server can be reached, trying on: a:1: gone; b:2: refused\n";
  assertEquals(scene.said(), nobody);
  for (let times = 0; times < 100; times++) {
    scene.ms += 2000;
    scene.lost(A, "refused");
    scene.lost(B, "refused");
  }
  assertEquals(scene.said(), "");
  scene.connected(B);
  scene.resumed(B, 3);
  assertEquals(scene.said(), "doozer: goes on at b:2 from rev 3\n");
});

Deno.test("a server that comes and goes is spoken of once a minute", () => {
  const scene = new Scene();
  for (scene.ms = 0; scene.ms < 60_000; scene.ms += 2000) {
    scene.connected(A);
    scene.resumed(A, 5);
    scene.lost(A);
  }
  assertEquals(
    scene.said(),
    "doozer: lost a:1: gone; trying others\n" +
      "doozer: goes on at a:1 from rev 5\n",
  );
  scene.connected(A);
  scene.lost(A);
  assertEquals(scene.said(), "doozer: lost a:1: gone; trying others\n");
});

Deno.test("the end of all servers is said, even after others were not", () => {
  const scene = new Scene();
  for (let times = 0; times < 2; times++) {
    scene.connected(A);
    scene.lost(A);
    scene.lost(B);
    scene.ms += 10;
  }
  scene.said();
  scene.ms += 60_000;
  scene.lost(A);
  const nobody =
    "doozer: no server can be reached, trying on: a:1: gone; b:2: gone\n";
  assertEquals(scene.said(), nobody);
});

Deno.test("a wait goes on as soon as there is a server", () => {
  const scene = new Scene();
  scene.connected(A);
  scene.notices.waitsFrom = 9;
  scene.lost(A);
  scene.said();
  scene.connected(B);
  assertEquals(scene.said(), "doozer: goes on at b:2 from rev 9\n");
});

Deno.test("with JSON each notice is an object", () => {
  const scene = new Scene({ json: true });
  scene.connected(A);
  scene.lost(A);
  scene.lost(B);
  scene.connected(A);
  scene.resumed(A, 4);
  scene.notices.eventsLost({ from: 4, to: 9 });
  assertEquals(scene.said().trimEnd().split("\n").map((l) => JSON.parse(l)), [
    { notice: "lost", address: A, why: "gone" },
    {
      notice: "unreachable",
      servers: [{ address: A, why: "gone" }, { address: B, why: "gone" }],
    },
    { notice: "resumed", address: A, rev: 4 },
    { notice: "events_lost", from: 4, to: 9 },
  ]);
});
