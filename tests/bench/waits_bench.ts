/**
 * What the store's part of watches costs, without sockets and frames: telling
 * many watches of one event, letting those that are behind read on, and idle
 * watches, in time per SET and in memory.
 *
 * Alone: `deno run -A --v8-flags=--expose-gc tests/bench/waits_bench.ts`.
 * Without that flag it measures no memory.
 *
 * @module
 */
import { compileGlob, Store, Watch, type Watcher } from "../../store/mod.ts";

const BODY = new Uint8Array(128).fill(120);
const SET = { type: "set", path: "/app/file", rev: -1, body: BODY } as const;
/** As much as a node lets be read in a turn. */
const TURN_WORK = 16_384;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes all, and does next to nothing. */
class Counter implements Watcher {
  told = 0;
  revs = 0;

  watched(_: Watch, event: { rev: number }): boolean {
    this.told++;
    this.revs += event.rev;
    return true;
  }

  watchEnded(): void {
    throw new Error("A watch has ended");
  }
}

function row(what: string, figure: string): void {
  console.log(`${what.padEnd(58)} ${figure}`);
}

function apply(store: Store, changes: number): void {
  for (let i = 0; i < changes; i++) store.apply(SET);
}

/** Watches of globs that were decoded from bytes, as requests bring them. */
function watchAll(
  store: Store,
  watcher: Watcher,
  wish: { count: number; from: number; globOf: (i: number) => string },
): Watch[] {
  return Array.from({ length: wish.count }, (_, i) => {
    const text = decoder.decode(encoder.encode(wish.globOf(i)));
    const glob = compileGlob(text);
    const watch = new Watch(watcher, { glob, from: wish.from });
    const refusal = store.waits.watch(watch);
    if (refusal !== undefined) throw new Error(refusal.detail);
    return watch;
  });
}

/** Nanoseconds of each run; the median of the later of nine rounds. */
function nanoseconds(times: number, run: () => void): number {
  const rounds = Array.from({ length: 9 }, () => {
    const started = performance.now();
    run();
    return (performance.now() - started) * 1e6 / times;
  });
  return rounds.slice(4).sort((a, b) => a - b)[2]!;
}

function fanOut(what: string, count: number, globOf: () => string): void {
  const store = new Store();
  apply(store, 1000);
  const watcher = new Counter();
  watchAll(store, watcher, { count, from: store.rev + 1, globOf });
  const changes = 500_000 / count;
  const each = nanoseconds(changes * count, () => apply(store, changes));
  if (watcher.told !== 9 * changes * count) throw new Error("Some missed one");
  row(what, `${each.toFixed(1)} ns a watch`);
}

function readOn(what: string, count: number, changes: number): void {
  for (const text of [SET.path, "/app/*"]) {
    const store = new Store();
    apply(store, changes);
    const watcher = new Counter();
    let longest = 0;
    const each = nanoseconds(count * changes, () => {
      const wish = { count, from: 1, globOf: () => text };
      const watches = watchAll(store, watcher, wish);
      while (store.waits.behind) {
        const started = performance.now();
        store.waits.catchUp(TURN_WORK);
        longest = Math.max(longest, performance.now() - started);
      }
      for (const watch of watches) store.waits.cancel(watch);
    });
    const figure = `${each.toFixed(0)} ns an event, longest turn ` +
      `${longest.toFixed(1)} ms`;
    row(`${what}, ${text}`, figure);
  }
}

type Idle = readonly [what: string, globOf: (i: number) => string];

const IDLE: readonly Idle[] = [
  ["on paths of their own", (i) => `/idle/dir/file${i}`],
  ["on directories of their own", (i) => `/idle/d${i}/*`],
  ["on one glob", () => "/idle/*"],
];

function idleMemory(): void {
  for (const [what, globOf] of IDLE) {
    let bytes = 0;
    // Twice: what the first run makes the runtime do is not the watches'.
    for (const count of [10_000, 10_000]) {
      const store = new Store();
      const before = usedBytes();
      const watcher = new Counter();
      const watches = watchAll(store, watcher, { count, from: 1, globOf });
      bytes = (usedBytes() - before) / count;
      // Asked last, so that all is held until then.
      const { waits } = store;
      if (waits.count() !== watches.length) throw new Error("One is missing");
    }
    if (Number.isNaN(bytes)) return;
    row(`an idle watch, of 10,000 ${what}`, `${bytes.toFixed(0)} bytes`);
  }
}

function idleSets(): void {
  const changes = 100_000;
  const none: Idle = ["", String];
  for (const [what, globOf] of [none, ...IDLE, none]) {
    const count = what === "" ? 0 : 10_000;
    const store = new Store();
    watchAll(store, new Counter(), { count, from: 1, globOf });
    const each = nanoseconds(changes, () => apply(store, changes));
    row(`SET beside ${count} idle watches ${what}`, `${each.toFixed(0)} ns`);
  }
}

/** Heap in use after the garbage is collected; NaN where that cannot be. */
function usedBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  gc?.();
  return gc === undefined ? NaN : Deno.memoryUsage().heapUsed;
}

/** Measures all, and prints a line of each. */
export function waitsBench(): void {
  idleMemory();
  fanOut("one event to 1,000 watches on its path", 1000, () => SET.path);
  fanOut("one event to 1,000 watches on a glob", 1000, () => "/app/*");
  fanOut("one event to 10,000 watches on its path", 10_000, () => SET.path);
  readOn("1,000 watches 100 events behind", 1000, 100);
  readOn("1 watch 100,000 events behind", 1, 100_000);
  idleSets();
}

if (import.meta.main) waitsBench();
