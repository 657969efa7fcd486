/**
 * When a node is dialled again: soon at first, seldom in the end, and never
 * twice at once.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type DialTarget,
  PeerRedial,
} from "../../../protocol/net/peer_redial.ts";
import { A, B } from "../peer_messages.ts";

interface Dialled extends DialTarget {
  /** Ends the attempt. */
  readonly end: () => void;
}

/** A redialler whose time and whose dials are the test's. */
class Bench implements Disposable {
  readonly linked: Set<string> = new Set();
  readonly dials: Dialled[] = [];
  readonly redial: PeerRedial;
  /** The timers that are set. */
  readonly timers: Map<number, { run: () => void; ms: number }> = new Map();
  readonly #globals = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };
  #nextTimer = 1;

  constructor(chance: number) {
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms: number) => {
        this.timers.set(this.#nextTimer, { run, ms });
        return this.#nextTimer++;
      },
      clearTimeout: (timer: number) => this.timers.delete(timer),
    });
    this.redial = new PeerRedial({
      timing: { redialMs: 20, redialMaxMs: 1_000 },
      random: () => chance,
      isLinked: (id) => this.linked.has(id),
      dial: (target) =>
        new Promise((resolve) => {
          this.dials.push({ ...target, end: resolve });
        }),
    });
  }

  /** The attempt under way ends; resolves when that is known. */
  async end(): Promise<void> {
    this.dials.at(-1)!.end();
    await Promise.resolve();
    await Promise.resolve();
  }

  /** The one timer goes off; returns how long it was. */
  fire(): number {
    assertEquals(this.timers.size, 1, "one timer is set");
    const [[number, { run, ms }]] = [...this.timers] as [
      [number, { run: () => void; ms: number }],
    ];
    this.timers.delete(number);
    run();
    return ms;
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#globals);
  }
}

Deno.test("each failure doubles the time to the next attempt", async () => {
  for (const [chance, part] of [[0, 0.5], [0.5, 0.75]] as const) {
    using bench = new Bench(chance);
    bench.redial.keep(new Map([[A, "a:1"]]));
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) {
      await bench.end();
      delays.push(bench.fire() / part);
    }
    assertEquals(delays, [20, 40, 80, 160, 320, 640, 1000, 1000, 1000]);
    assertEquals(bench.dials.length, 10);
    // A link makes the next failure the first one.
    bench.linked.add(A);
    bench.redial.linked(A);
    await bench.end();
    assertEquals(bench.timers.size, 0);
    bench.linked.delete(A);
    bench.redial.unlinked(A);
    assertEquals(bench.fire() / part, 20);
  }
});

Deno.test("a node is dialled once at a time, and not while it is linked", async () => {
  using bench = new Bench(0);
  bench.redial.keep(new Map([[A, "a:1"]]));
  bench.redial.keep(new Map([[A, "a:1"]]));
  bench.redial.unlinked(A);
  assertEquals([bench.dials.length, bench.timers.size], [1, 0]);
  // It has moved while it was dialled: that is where it is dialled next.
  bench.redial.keep(new Map([[A, "a:2"]]));
  assertEquals(bench.dials.length, 1);
  await bench.end();
  bench.fire();
  assertEquals(bench.dials.map(({ addr }) => addr), ["a:1", "a:2"]);
  await bench.end();
  // The other side has dialled meanwhile.
  bench.linked.add(A);
  bench.fire();
  assertEquals([bench.dials.length, bench.timers.size], [2, 0]);
  bench.redial.keep(new Map([[A, "a:3"]]));
  assertEquals(bench.dials.length, 2, "it is linked, wherever it is");
});

Deno.test("a node that has moved is dialled at once", async () => {
  using bench = new Bench(0);
  bench.redial.keep(new Map([[A, "a:1"]]));
  for (let i = 0; i < 6; i++) {
    await bench.end();
    if (i < 5) bench.fire();
  }
  bench.redial.keep(new Map([[A, "a:2"]]));
  assertEquals([bench.dials.at(-1)?.addr, bench.timers.size], ["a:2", 0]);
});

Deno.test("who is no longer kept is not dialled again", async () => {
  using bench = new Bench(0);
  bench.redial.keep(new Map([[A, "a:1"]]));
  await bench.end();
  assertEquals(bench.timers.size, 1);
  bench.redial.keep(new Map([[B, "b:1"]]));
  assertEquals([bench.timers.size, bench.dials.at(-1)?.id], [0, B]);
  bench.redial.unlinked(A);
  assertEquals(bench.timers.size, 0);
  bench.redial.close();
  await bench.end();
  assertEquals([bench.timers.size, bench.dials.length], [0, 2]);
});
