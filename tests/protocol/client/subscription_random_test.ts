/**
 * A subscription at servers that fail, lag and forget, with a taker that is
 * slow: it is told all that happened, once, or what there is instead.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Cluster, Node } from "./cluster.ts";
import type { Rig } from "./rig.ts";
import { newCluster, Watched } from "./watched.ts";

const STEPS = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("write"), n: fc.nat(9), size: fc.nat(400) }),
    fc.record({ do: fc.constant("cut"), n: fc.nat(1), size: fc.nat(1) }),
    fc.record({ do: fc.constant("down"), n: fc.nat(1), size: fc.nat(1) }),
    fc.record({ do: fc.constant("lag"), n: fc.nat(1), size: fc.nat(1) }),
    fc.record({ do: fc.constant("take"), n: fc.nat(9), size: fc.nat(900) }),
    fc.record({ do: fc.constant("pass"), n: fc.nat(9), size: fc.nat(60) }),
  ),
  { minLength: 20, maxLength: 120, size: "max" },
);

Deno.test("whatever happens, each event is told once, in order, or a snapshot", () => {
  const order = fc.record({
    windowBytes: fc.integer({ min: 1, max: 1_500 }),
    from: fc.constantFrom(1, undefined),
    historyRevs: fc.constantFrom(4, 12, 1_000),
  });
  fc.assert(
    fc.property(STEPS, order, (steps, { historyRevs, ...own }) => {
      const { rig, cluster, nodes } = newCluster({ historyRevs });
      const watched = new Watched(rig, own);
      watched.slow = true;
      for (const step of steps) play({ rig, cluster, nodes, watched }, step);
      for (const node of nodes) heal(node);
      watched.slow = false;
      for (let i = 0; i < 40; i++) {
        watched.take();
        rig.world.run(200);
      }
      check(watched, { cluster, windowBytes: own.windowBytes });
    }),
    { numRuns: 100 },
  );
});

interface Scene {
  readonly rig: Rig;
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  readonly watched: Watched;
}

function play(
  { rig, cluster, nodes, watched }: Scene,
  step: { do: string; n: number; size: number },
): void {
  const node = nodes[step.n % nodes.length]!;
  switch (step.do) {
    case "write":
      return cluster.write(`/f${step.n}`, "v".repeat(step.size));
    case "cut":
      return node.cutAll();
    case "down":
      node.down = step.size === 0;
      return;
    case "lag":
      node.lags = step.size === 0;
      if (!node.lags) node.catchUp();
      return;
    case "take":
      return watched.take(step.size);
    default:
      return rig.world.run(step.size);
  }
}

function heal(node: Node): void {
  node.down = node.lags = false;
  node.catchUp();
}

/** What was told is all that happened; order is looked after by Watched. */
function check(
  watched: Watched,
  { cluster, windowBytes }: { cluster: Cluster; windowBytes: number },
): void {
  const { store } = cluster.nodes[0]!;
  assertEquals(watched.error, undefined);
  const files = [...watched.files].sort();
  const wanted: [string, number][] = [];
  for (let n = 0; n < 10; n++) {
    const state = store.get(`/f${n}`);
    if (state.type === "file") wanted.push([`/f${n}`, state.rev]);
  }
  assertEquals(files, wanted);
  const gaps = watched.told.filter((what) => what.startsWith("["));
  if (gaps.length === 0) assertEquals(watched.revs.length, store.rev);
  // A piece of a snapshot is a frame, too.
  const frame = gaps.length === 0 ? watched.largest : 10 * 450;
  assertEquals(watched.most < windowBytes + frame, true);
}

Deno.test("the check of what was told finds what is missing", () => {
  const { rig, cluster } = newCluster();
  const watched = new Watched(rig);
  for (const path of ["/f1", "/f2"]) {
    cluster.write(path);
  }
  rig.world.run(10);
  watched.revs.pop();
  let found = false;
  try {
    check(watched, { cluster, windowBytes: 1 << 20 });
  } catch {
    found = true;
  }
  assertEquals(found, true);
});
