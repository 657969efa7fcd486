/**
 * A subscription: every event once, in order, or a snapshot that says so.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { ErrorCode } from "../../../store/mod.ts";
import { type Asked, Rig, Scripted } from "./rig.ts";
import { newCluster, Watched } from "./watched.ts";

Deno.test("a watch goes on at the next server, with what it was not told", () => {
  const { rig, cluster, nodes } = newCluster();
  const watched = new Watched(rig);
  for (const path of ["/a", "/b"]) cluster.write(path);
  rig.world.run(10);
  nodes[0]!.cutAll();
  cluster.write("/c");
  rig.world.run(10);
  cluster.write("/a");
  rig.world.run(10);
  assertEquals(watched.told, ["/a@1", "/b@2", "/c@3", "/a@4"]);
  const resumed = rig.world.notices.filter(({ type }) => type === "resumed");
  assertEquals(resumed, [
    { type: "resumed", glob: "/**", rev: 3, address: "b:1" },
  ]);
  assertEquals(rig.core.seen, 4);
});

Deno.test("marks say how far it is, and where to go on", () => {
  const { rig, cluster, nodes } = newCluster({ historyRevs: 3 });
  const watched = new Watched(rig, { glob: "/a" });
  rig.world.run(10);
  for (let i = 0; i < 9; i++) cluster.write("/b");
  rig.world.run(10);
  for (let i = 0; i < 3; i++) {
    nodes[0]!.expire();
    rig.world.run(1_000);
  }
  assertEquals(watched.told, ["to 9"]);
  // It begins behind the mark: what history has forgotten is not missed.
  nodes[0]!.cutAll();
  cluster.write("/a");
  rig.world.run(10);
  assertEquals(watched.told, ["to 9", "/a@10"]);
});

Deno.test("where history is too short, a snapshot stands for events", () => {
  const { rig, cluster, nodes } = newCluster({ historyRevs: 2 });
  const watched = new Watched(rig);
  cluster.write("/a");
  rig.world.run(10);
  for (const node of nodes) node.down = true;
  nodes[0]!.cutAll();
  for (const path of ["/b", "/a", "/c", "/b"]) cluster.write(path);
  for (const node of nodes) node.down = false;
  rig.world.run(200);
  cluster.write("/d");
  rig.world.run(10);
  assertEquals(watched.told, [
    "/a@1",
    "[5 from 2",
    "/a@3",
    "/b@5",
    "/c@4",
    "5]",
    "/d@6",
  ]);
  // Unless that is not wanted.
  const strict = new Watched(rig, { from: 2, snapshots: false });
  rig.world.run(10);
  assertEquals(strict.told, ["TOO_LATE"]);
});

Deno.test("a watch may begin with a snapshot, told piece by piece", () => {
  const { rig, cluster, nodes } = newCluster();
  const value = "v".repeat(1000);
  for (let i = 100; i < 1_000; i++) cluster.write(`/${i}`, value);
  const windowBytes = 10_000;
  const watched = new Watched(rig, { from: undefined, windowBytes });
  rig.world.run(100);
  assertEquals(watched.told.slice(0, 2), ["[900 from undefined", "/100@1"]);
  assertEquals([watched.told.length, watched.told.at(-1)], [902, "900]"]);
  // A slow taker, and a line that is cut between pieces.
  const slow = new Watched(rig, { from: undefined, windowBytes });
  slow.slow = true;
  rig.world.run(100);
  const { length } = slow.told;
  assertEquals([length > 1, length < 500], [true, true], `${length}`);
  nodes[0]!.cutAll();
  cluster.write("/x");
  while (slow.held > 0) {
    slow.take();
    rig.world.run(100);
  }
  const files = Array.from({ length: 900 }, (_, i) => `/${100 + i}@${i + 1}`);
  assertEquals(slow.told, ["[900 from undefined", ...files, "900]", "/x@901"]);
});

Deno.test("a snapshot that history overtakes begins anew, and says so", () => {
  const { rig, cluster } = newCluster({ historyRevs: 5 });
  for (let i = 10; i < 60; i++) cluster.write(`/${i}`, "v".repeat(10_000));
  const watched = new Watched(rig, { from: undefined, windowBytes: 1 });
  watched.slow = true;
  rig.world.run(100);
  for (let i = 0; i < 20; i++) cluster.write("/10", "w");
  watched.slow = false;
  watched.take();
  rig.world.run(100);
  const begins = watched.told.filter((what) => what.startsWith("["));
  assertEquals(begins, ["[50 from undefined", "[70 from undefined"]);
  assertEquals([watched.told.at(-1), watched.files.size], ["70]", 50]);
});

Deno.test("no more is told ahead than the window and a frame, on any line", () => {
  // (3) Each line begins with what is left of the window, and no more.
  const { rig, cluster, nodes } = newCluster();
  const windowBytes = 500;
  const watched = new Watched(rig, { windowBytes });
  watched.slow = true;
  for (let i = 0; i < 200; i++) cluster.write(`/a${i}`, "v".repeat(300));
  for (let i = 0; i < 20; i++) {
    rig.world.run(3_000);
    for (const node of nodes) node.cutAll();
  }
  rig.world.run(3_000);
  const bound = windowBytes + watched.largest;
  assertEquals(watched.most < bound, true, `${watched.most} of ${bound}`);
  watched.slow = false;
  watched.take();
  rig.world.run(3_000);
  assertEquals(watched.revs.length, 200);
});

Deno.test("the window is as large after resumptions as it was", () => {
  // Credit that drifted down would end in silence.
  const { rig, cluster, nodes } = newCluster();
  const watched = new Watched(rig, { windowBytes: 200 });
  for (let i = 0; i < 50; i++) {
    cluster.write("/a", "v".repeat(i % 3 * 90));
    rig.world.run(7);
    if (i % 2 === 0) nodes[i % 4 / 2]!.cutAll();
  }
  rig.world.run(3_000);
  assertEquals(watched.revs.length, 50);
  watched.slow = true;
  for (let i = 0; i < 50; i++) cluster.write("/a", "v".repeat(60));
  rig.world.run(1_000);
  const { held, largest } = watched;
  assertEquals([held >= 200 - largest, held < 200 + largest], [true, true]);
});

Deno.test("what is not taken is held against the next line's window", () => {
  const { rig, cluster, nodes } = newCluster();
  const windowBytes = 1_000;
  const watched = new Watched(rig, { windowBytes });
  watched.slow = true;
  for (let i = 0; i < 200; i++) cluster.write(`/a${i}`, "v".repeat(300));
  for (let i = 0; i < 20; i++) {
    rig.world.run(3_000);
    watched.take(400); // Not enough for more credit.
    for (const node of nodes) node.cutAll();
  }
  rig.world.run(3_000);
  const bound = windowBytes + watched.largest;
  assertEquals(watched.most < bound, true, `${watched.most} of ${bound}`);
});

Deno.test("no snapshot is older than what was seen", () => {
  const { rig, cluster, nodes } = newCluster();
  cluster.write("/old");
  nodes[1]!.lags = true;
  rig.set("/new");
  rig.world.run(10);
  nodes[0]!.down = true;
  nodes[0]!.cutAll();
  const watched = new Watched(rig, { from: undefined });
  rig.world.run(100);
  assertEquals([watched.told, rig.core.address], [[], "b:1"]);
  nodes[1]!.catchUp();
  rig.world.run(10);
  assertEquals(watched.told[0], "[2 from undefined");
});

Deno.test("a watch waits for servers as long as it takes", () => {
  // (4) It is refused everywhere, or nobody is there: it does not end.
  const refusals: readonly ErrorCode[] = ["UNAVAILABLE", "READONLY"];
  for (const code of refusals) {
    for (const from of [1, undefined]) {
      const a = new Scripted(({ reply }) =>
        reply((answers, tag) => answers.error(tag, code, "not yet"))
      );
      const rig = new Rig({ "a:1": a, "b:1": a }).start();
      const watched = new Watched(rig, { from });
      rig.world.run(60_000);
      assertEquals(watched.told, [], code);
      const { length } = a.asked;
      assertEquals(length < 400, true, `${code}: ${length} requests`);
      a.onAsked = watching;
      rig.world.run(5_000);
      assertEquals(watched.told.at(-1), "/a@9");
    }
  }
});

/** Answers a WATCH, and a WALK with an empty list. */
function watching({ verb, reply }: Asked): void {
  if (verb === "WATCH") {
    return reply((answers, tag) => {
      answers.mark(tag, 3);
      answers.event(tag, { flags: 4, rev: 9, path: "/a", body: NO_BODY });
    });
  }
  reply((answers, tag) => {
    answers.list(tag, { rev: 3, last: true, entries: NO_BODY });
  });
}

const NO_BODY = { bytes: new Uint8Array(0), start: 0, length: 0 };

Deno.test("what makes no sense ends a watch, or the line", () => {
  const nonsense: readonly [string, (asked: Asked) => void][] = [
    ["an event twice", ({ reply }) =>
      reply((answers, tag) => {
        for (const rev of [4, 4]) {
          answers.event(tag, { flags: 4, rev, path: "/a", body: NO_BODY });
        }
      })],
    ["back in time", ({ reply }) =>
      reply((answers, tag) => {
        for (const rev of [5, 4]) {
          answers.event(tag, { flags: 4, rev, path: "/a", body: NO_BODY });
        }
      })],
  ];
  for (const [name, say] of nonsense) {
    const a = new Scripted(say);
    const rig = new Rig({ "a:1": a, "b:1": new Scripted(watching) }).start();
    const watched = new Watched(rig);
    rig.world.run(100);
    assertEquals(watched.told.length, 2, name);
    assertEquals([rig.core.address, watched.told[1]], ["b:1", "/a@9"], name);
  }
});

Deno.test("a list that is none ends the watch, rather than never", () => {
  const lists: readonly [string, (asked: Asked) => void][] = [
    ["a server of the original", ({ reply }) =>
      reply((answers, tag) => {
        answers.event(tag, { flags: 4, rev: 4, path: "/a", body: NO_BODY });
      })],
    ["an empty piece", ({ reply }) =>
      reply((answers, tag) => {
        answers.list(tag, { rev: 4, last: false, entries: NO_BODY });
      })],
    ["no rev", ({ reply }) => reply((answers, tag) => answers.done(tag))],
  ];
  for (const [name, say] of lists) {
    const a = new Scripted(say);
    const rig = new Rig({ "a:1": a }).start();
    const watched = new Watched(rig, { from: undefined });
    rig.world.run(1_000);
    assertEquals([watched.told, a.asked.length], [["OTHER"], 1], name);
  }
});

Deno.test("a watch that no server would take is never asked for", () => {
  const rig = new Rig({ "a:1": new Scripted() }).start();
  const bad = [
    { glob: "/".repeat(2_000) },
    { from: 0.5 },
    { windowBytes: 0 },
    { windowBytes: 2 ** 31 + 1 },
    { progressMs: NaN },
  ];
  for (const order of bad) {
    const watched = new Watched(rig, order);
    const code = "glob" in order ? "LIMIT" : "OTHER";
    assertEquals(watched.told, [code], JSON.stringify(order));
  }
});

Deno.test("takers may call the client back", () => {
  const { rig, cluster } = newCluster();
  for (let i = 100; i < 200; i++) cluster.write(`/${i}`, "v".repeat(10_000));
  const stops = ["[100 from undefined", "/150@51", "100]", "/new@101"];
  for (const stop of stops) {
    const watched = new Watched(rig, { from: undefined, windowBytes: 1 });
    watched.onTold = (what) => {
      if (what === stop) watched.subscription.cancel();
    };
    rig.world.run(100);
    if (stop === "/new@101") cluster.write("/new");
    rig.world.run(100);
    // Nothing after that.
    assertEquals(watched.told.at(-1), stop);
  }
});
