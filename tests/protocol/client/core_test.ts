/**
 * The client as a whole, at servers that are real connections.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { READ_WAYS, type Verb } from "../../../protocol/mod.ts";
import type { ResponseEncoder } from "../../../protocol/mod.ts";
import { Cluster, type Node } from "./cluster.ts";
import { type Asked, LINEAGE, Rig, Scripted } from "./rig.ts";
import { Down } from "./world.ts";

/** A client of three nodes that are one cluster. */
function newCluster(seed = 1): { rig: Rig; cluster: Cluster; nodes: Node[] } {
  const hosts = { "a:1": new Down(), "b:1": new Down(), "c:1": new Down() };
  const rig = new Rig(hosts, { seed });
  const cluster = new Cluster(rig.world);
  const nodes = Object.keys(hosts).map((address) => cluster.add(address));
  rig.start();
  return { rig, cluster, nodes };
}

Deno.test("ClientCore reads and writes, and goes on at another server", () => {
  const { rig, cluster, nodes } = newCluster();
  const told = [rig.set("/a"), rig.set("/b")];
  rig.world.run(20);
  nodes[0]!.down = true;
  nodes[0]!.cutAll();
  told.push(rig.set("/c"), rig.ask("GET", { path: "/c" }));
  rig.world.run(50);
  assertEquals(told.map(({ text }) => text), [
    "rev 1",
    "rev 2",
    "rev 3",
    "rev 3",
  ]);
  assertEquals([cluster.effects.length, rig.core.address], [3, "b:1"]);
});

Deno.test("no later read sees less than was seen, at whatever server", () => {
  // (6) Each way of seeing a rev, then a local read at a server that lags.
  const ways: readonly [string, (rig: Rig) => void][] = [
    ["SET", (rig) => rig.set("/x")],
    ["GET", (rig) => rig.ask("GET", { path: "/new", read: LINEARIZABLE })],
    ["STAT", (rig) => rig.ask("STAT", { path: "/new" })],
    ["REV", (rig) => rig.ask("REV")],
    ["WAIT", (rig) => rig.ask("WAIT", { path: "/new", rev: 1 })],
    ["WALK", (rig) => rig.ask("WALK", { path: "/**", offset: 0 })],
    ["list", (rig) => rig.ask("WALK", { path: "/**", limit: 9 })],
    ["names", (rig) => rig.ask("GETDIR", { path: "/", limit: 9 })],
  ];
  for (const [name, see] of ways) {
    const { rig, cluster, nodes } = newCluster();
    cluster.write("/old");
    nodes[1]!.lags = true;
    cluster.write("/new");
    see(rig);
    rig.world.run(20);
    assertEquals(rig.core.seen >= 2, true, name);
    nodes[0]!.down = true;
    nodes[0]!.cutAll();
    const read = rig.ask("GET", { path: "/new" });
    rig.world.run(100);
    assertEquals([rig.core.address, read.text], ["b:1", undefined], name);
    nodes[1]!.catchUp();
    rig.world.run(10);
    assertEquals(read.text, "rev 2", name);
  }
});

const LINEARIZABLE = READ_WAYS.linearizable;

Deno.test("a local read carries what was seen, unless it is at a rev", () => {
  const a = new Scripted(({ reply }) => {
    reply((answers, tag) => answers.rev(tag, 5));
  });
  const rig = new Rig({ "a:1": a }).start();
  const minRevOf = (verb: Verb, ask: Parameters<Rig["ask"]>[1]) => {
    rig.ask(verb, ask);
    rig.world.run(10);
    return a.last.request.minRev;
  };
  assertEquals(minRevOf("REV", {}), 0);
  assertEquals(minRevOf("GET", { path: "/a" }), 5);
  assertEquals(minRevOf("GET", { path: "/a", minRev: 3 }), 5);
  assertEquals(minRevOf("GET", { path: "/a", minRev: 9 }), 9);
  assertEquals(minRevOf("GET", { path: "/a", rev: 2 }), undefined);
  assertEquals(minRevOf("GET", { path: "/a", read: LINEARIZABLE }), undefined);
  assertEquals(minRevOf("SELF", {}), undefined);
});

Deno.test("close() fails all, and nothing is sent or dialled afterwards", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const told = [
    rig.set("/a"),
    rig.ask("GET", { path: "/a" }),
    rig.ask("WAIT", { path: "/a", rev: 1 }),
  ];
  const failed: string[] = [];
  const subscription = rig.core.watch({ ...WATCH, from: 1 }, taker(failed));
  // Whoever is told may call the client back.
  for (const one of told) {
    one.onEnd = () => {
      rig.core.close();
      failed.push(rig.set("/late").text ?? "nothing");
      rig.core.watch(WATCH, taker(failed));
    };
  }
  rig.world.run(10);
  const { taken } = a.pipe;
  rig.core.close();
  assertEquals(told.map(({ text }) => text), ["CLOSED", "CLOSED", "CLOSED"]);
  assertEquals(new Set(failed), new Set(["CLOSED"]));
  assertEquals([a.pipe.closed, failed.length], [true, 7]);
  subscription.cancel();
  subscription.taken(5);
  rig.core.found(["b:1"]);
  rig.core.tick();
  rig.core.start();
  rig.world.run(60_000);
  assertEquals([rig.world.dials.length, a.pipe.taken], [1, taken]);
  assertEquals(rig.told, ["ready"]);
});

const WATCH = {
  glob: "/**",
  from: undefined,
  want: 0,
  windowBytes: 100,
  progressMs: 1_000,
  snapshots: true,
} as const;

function taker(failed: string[]) {
  return {
    event() {},
    progress() {},
    snapshot() {},
    file() {},
    current() {},
    failed: ({ code }: { code: string }) => failed.push(code),
  };
}

Deno.test("close() within a callback of a connection: nobody hears more", () => {
  const acts: readonly [string, (rig: Rig, told: string[]) => void][] = [
    ["ready", (rig, told) => {
      const { push } = told;
      told.push = (...what) => {
        if (what[0] === "ready") rig.core.close();
        return push.apply(told, what);
      };
    }],
    ["nobody", (rig, told) => {
      rig.world.hosts.set("a:1", new Down());
      const { push } = told;
      told.push = (...what) => {
        rig.core.close();
        return push.apply(told, what);
      };
    }],
  ];
  for (const [name, arrange] of acts) {
    const rig = new Rig({ "a:1": new Scripted() });
    arrange(rig, rig.told);
    const write = rig.set("/a");
    rig.core.start();
    rig.world.run(60_000);
    assertEquals([rig.told.length, rig.world.dials.length], [1, 1], name);
    assertEquals(write.text === undefined, false, name);
  }
});

Deno.test("close() within an answer ends the line in the midst of others", () => {
  const a = new Scripted();
  const rig = new Rig({ "a:1": a }).start();
  const told = [1, 2, 3].map(() => rig.ask("GET", { path: "/a" }));
  told[0]!.onEnd = () => rig.core.close();
  rig.world.run(10);
  for (const { reply } of a.asked) {
    reply((answers: ResponseEncoder, tag: number) => answers.rev(tag, 1));
  }
  rig.world.run(10);
  assertEquals(told.map(({ text }) => text), ["rev 1", "CLOSED", "CLOSED"]);
});

Deno.test("tags of what was given up are free when the server is done", () => {
  // (9) Thousands of waits and watches, none of which is left behind.
  const { rig, nodes } = newCluster();
  for (let i = 0; i < 2_000; i++) {
    const wait = rig.ask("WAIT", { path: `/a${i}`, rev: 1 });
    const watch = rig.core.watch({ ...WATCH, from: 1 }, taker([]));
    rig.world.run(3);
    wait.giveUp("enough");
    watch.cancel();
  }
  rig.world.run(10);
  assertEquals(nodes[0]!.store.waits.count(), 0);
  // Nothing is awaited: the line is left alone from now on.
  const { ticks } = rig.world;
  rig.world.run(1_000_000);
  assertEquals(rig.world.ticks - ticks <= 2, true);
});

Deno.test("a world that wakes the client only when asked to loses nothing", () => {
  // (5) Every deadline, ping, dial and retry, whatever happens to servers.
  const { rig, cluster, nodes } = newCluster(5);
  const told: { text: string | undefined; at: number; from: number }[] = [];
  const { chance } = rig.world;
  for (let i = 0; i < 300; i++) {
    const node = chance.pick(nodes);
    node.down = chance.chance(0.5);
    node.silent = chance.chance(0.2);
    if (chance.chance(0.5)) node.cutAll();
    node.fate = () => chance.chance(0.2) ? { forget: true } : {};
    const one = chance.chance(0.5)
      ? rig.set(`/a${i % 7}`, { timeoutMs: 1_500 })
      : rig.ask("GET", { path: "/a" }, { timeoutMs: 1_500 });
    told.push(Object.assign(one, { from: rig.world.now() }));
    rig.world.run(chance.below(400));
  }
  for (const node of nodes) {
    node.down = node.silent = false;
    node.fate = () => ({});
    node.cutAll();
  }
  rig.world.run(20_000);
  assertEquals(told.filter(({ text }) => text === undefined).length, 0);
  const late = told.filter(({ at, from }) => at - from > 1_500);
  assertEquals(late, []);
  const last = rig.set("/last", { timeoutMs: 5_000 });
  rig.world.run(5_000);
  assertEquals(last.text?.startsWith("rev"), true);
  assertEquals(cluster.log.length > 0, true);
});

Deno.test("requests name the history; its servers are known in order", () => {
  const asked: Asked[] = [];
  const a = new Scripted((one) => asked.push(one));
  const rig = new Rig({ "a:1": a, "b:1": a }).start();
  rig.ask("GET", { path: "/a" });
  rig.world.run(10);
  assertEquals(asked[0]!.request.lineage, LINEAGE);
  assertEquals(rig.core.servers, ["a:1", "b:1"]);
});
