/**
 * The writer against a model of the log: whatever is lost, late, refused or
 * evicted, what was told of a write is what came of it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Connector } from "../../../protocol/client/connector.ts";
import type { Written } from "../../../protocol/client/write_command.ts";
import { Writer } from "../../../protocol/client/writer.ts";
import { encodeText } from "../../../protocol/mod.ts";
import type { ErrorCode } from "../../../store/mod.ts";
import { Cluster, type Effect, type Node } from "./cluster.ts";
import { World } from "./world.ts";

/** What a write was told, at last. */
interface Result {
  readonly index: number;
  /** A rev, a code, or undefined as long as nothing was told. */
  told: number | ErrorCode | undefined;
}

const ADDRESSES = ["a:1", "b:1", "c:1"];

/** A writer with its connector, and three nodes. */
class Scene {
  readonly world: World;
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  readonly writer: Writer;
  readonly connector: Connector;
  readonly results: Result[] = [];
  readonly #written: Written[] = [];

  constructor(seed: number) {
    const world = this.world = new World(seed);
    const cluster = this.cluster = new Cluster(world);
    this.nodes = ADDRESSES.map((address) => cluster.add(address));
    const now = () => world.now();
    const wakeAt = (time: number) => {
      if (time < Infinity) world.wakeAt(time);
    };
    this.connector = new Connector({ addresses: ADDRESSES }, {
      surroundings: world,
      user: {
        ready: () => this.writer.ready({ plain: false }),
        lost: () => this.writer.lost(),
        nobody: (error) => this.writer.noteNobody(error),
      },
    });
    this.writer = new Writer(this.connector, { name: "me", now, wakeAt });
    world.onTick = () => {
      this.connector.tick();
      this.writer.tick(world.now());
      wakeAt(Math.min(this.writer.due, this.connector.due));
    };
    this.connector.start();
  }

  write(
    { path, rev, timeoutMs }: { path: string; rev: number; timeoutMs: number },
  ): void {
    const index = this.results.length;
    const result: Result = { index, told: undefined };
    this.results.push(result);
    const tell = (told: number | ErrorCode) => {
      if (result.told !== undefined) throw new Error(`Told ${index} twice`);
      result.told = told;
    };
    const value = encodeText(String(index));
    const order = {
      verb: "SET",
      ask: { path, rev, value },
      timeoutMs,
    } as const;
    const written = this.writer.write(order, {
      written: (rev) => tell(rev!),
      failed: ({ code }) => tell(code),
    });
    this.#written.push(written);
  }

  giveUp(place: number): void {
    const { length } = this.#written;
    if (length > 0) this.#written[place % length]!.giveUp("enough");
  }

  heal(): void {
    for (const node of this.nodes) {
      node.down = node.silent = node.lags = false;
      node.fate = () => ({});
      node.catchUp();
      node.cutAll();
    }
    this.world.run(60_000);
  }
}

/** What happened to the command, in the log's order. */
function effectsOf({ effects }: Cluster): Map<number, Effect[]> {
  const byIndex = new Map<number, Effect[]>();
  for (const effect of effects) {
    const { mutation } = effect;
    if (mutation.type !== "set") throw new Error("Only SETs were asked for");
    const index = Number(new TextDecoder().decode(mutation.body));
    byIndex.set(index, [...byIndex.get(index) ?? [], effect]);
  }
  return byIndex;
}

/** Why what was told of one is not what came of it. */
function objection({ told }: Result, effects: readonly Effect[]) {
  const outcomes = effects.map(({ outcome }) =>
    typeof outcome === "number" ? outcome : outcome.code
  );
  const revs = outcomes.filter((outcome) => typeof outcome === "number");
  if (revs.length > 1) return `took effect at ${revs}`;
  if (told === undefined) return "was told nothing";
  if (told === "UNKNOWN") return undefined;
  if (told === "UNAVAILABLE") {
    return revs.length === 0 ? undefined : `was none, but is ${revs}`;
  }
  if (outcomes.length !== 1) return `came to ${outcomes}, was told ${told}`;
  return outcomes[0] === told ? undefined : `is ${outcomes}, told ${told}`;
}

function check({ cluster, results, writer }: Scene): void {
  const effects = effectsOf(cluster);
  for (const result of results) {
    const why = objection(result, effects.get(result.index) ?? []);
    if (why !== undefined) throw new Error(`Write ${result.index} ${why}`);
  }
  assertEquals(writer.unresolved, 0, "All are resolved");
  assertEquals(cluster.offences, []);
  // In the order in which they were asked for; this map is in the log's.
  const order = [...effects.keys()];
  assertEquals(order, order.toSorted((a, b) => a - b), "The order is kept");
}

/** How often each step comes, of which there are so many kinds. */
const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  write: [10, 5],
  pass: [10, 9],
  wait: [2, 9],
  cut: [2, 2],
  fate: [3, 41],
  down: [1, 5],
  mute: [1, 8],
  lag: [1, 5],
  evict: [1, 0],
  abort: [2, 50],
};

const STEP = fc.oneof(
  ...Object.entries(STEPS).map(([name, [weight, most]]) => ({
    weight,
    arbitrary: fc.record({ do: fc.constant(name), n: fc.nat(most) }),
  })),
);

const FATES: readonly ReturnType<Node["fate"]>[] = [
  {},
  { ms: 3 },
  { ms: 40 },
  { refusal: { code: "UNAVAILABLE" } },
  { refusal: { code: "UNKNOWN" } },
  { refusal: { code: "UNKNOWN" }, forget: true },
  { forget: true },
];

function play(scene: Scene, { do: what, n }: { do: string; n: number }): void {
  const { world, cluster, nodes } = scene;
  const node = nodes[n % 3]!;
  switch (what) {
    case "write": {
      const timeoutMs = n === 0 ? 30 : 0;
      return scene.write({
        path: `/f${n % 3}`,
        rev: n < 3 ? -1 : 0,
        timeoutMs,
      });
    }
    case "pass":
      return world.run(n / 2);
    case "wait":
      return world.run(n * 50);
    case "cut":
      return node.cutAll();
    case "fate": {
      // Nearly all, or only now and then.
      const fate = FATES[n % FATES.length]!;
      const often = [0.9, 0.5, 0.2, 0.2, 0, 0][Math.floor(n / 7)]!;
      node.fate = () => world.chance.chance(often) ? fate : {};
      return;
    }
    case "down":
      node.down = n < 3;
      return;
    case "mute":
      node.silent = n < 3;
      return;
    case "lag":
      // The first keeps the books.
      node.lags = n < 3 && node !== nodes[0];
      if (!node.lags) node.catchUp();
      return;
    case "evict":
      return cluster.append({ type: "end sessions" });
    default:
      return scene.giveUp(n);
  }
}

Deno.test("what the writer told is what came of each write", () => {
  const steps = fc.array(STEP, {
    minLength: 40,
    maxLength: 120,
    size: "max",
  });
  fc.assert(
    fc.property(steps, fc.nat(1_000), (steps, seed) => {
      const scene = new Scene(seed);
      scene.world.run(10);
      for (const step of steps) play(scene, step);
      scene.heal();
      check(scene);
    }),
    { numRuns: 300 },
  );
});

Deno.test("the check finds writes that are done twice, lost or revived", () => {
  const body = encodeText("0");
  const mutation = { type: "set", path: "/f", rev: -1, body } as const;
  const done = (outcome: Effect["outcome"]): Effect => ({
    by: undefined,
    mutation,
    outcome,
  });
  const mismatch = { code: "REV_MISMATCH" } as const;
  const cases: readonly [Result["told"], Effect[], boolean][] = [
    [1, [done(1)], true],
    [1, [done(1), done(2)], false],
    [1, [done(2)], false],
    [1, [], false],
    ["REV_MISMATCH", [done(mismatch)], true],
    ["REV_MISMATCH", [done(1)], false],
    ["REV_MISMATCH", [], false],
    ["UNAVAILABLE", [], true],
    ["UNAVAILABLE", [done(1)], false],
    ["UNKNOWN", [done(1)], true],
    ["UNKNOWN", [done(1), done(2)], false],
    ["UNKNOWN", [], true],
    [undefined, [], false],
  ];
  for (const [told, effects, isFine] of cases) {
    const why = objection({ index: 0, told }, effects);
    assertEquals(why === undefined, isFine, `${told}: ${why}`);
  }
});
