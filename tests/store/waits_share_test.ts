/**
 * What waits and watches have a share of: a directory's room for patterns, and
 * the work of a turn.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  compileGlob,
  LIMITS,
  Store,
  Wait,
  Watch,
  type Watcher,
} from "../../store/mod.ts";
import { applyAll, NOP, set } from "./changes.ts";
import { catchUp, Listener } from "./watchers.ts";

const DEAF: Watcher = { watched: () => true, watchEnded: () => {} };

/** A pattern of 1,007 bytes on the directory. */
function longPattern(i: number | string): string {
  return `/d/*${String(i).padStart(4, "0")}${"x".repeat(999)}`;
}

Deno.test("Waits refuse a watch whose directory has too many patterns", () => {
  const store = new Store();
  applyAll(store, NOP);
  const one = new Listener();
  const most = Math.floor(LIMITS.waitGlobBytesEach / 1_007);
  // Those that are behind have a place there as well.
  for (let i = 0; i < most; i++) {
    one.watch(store, longPattern(i), { from: 1 + i % 2 });
  }
  assertEquals(one.take(), []);
  const { bytes } = store.waits;
  for (const from of [1, 2]) one.watch(store, longPattern("more"), { from });
  const refused = [`${most + 1} now: LIMIT`, `${most + 2} now: LIMIT`];
  assertEquals([one.take(), store.waits.bytes], [refused, bytes]);
  one.watch(store, longPattern(0), { from: 2 });
  one.watch(store, `/else${longPattern(0)}`, { from: 2 });
  const others = Array.from({ length: 5 }, () => new Listener());
  const told = others.map((listener, i) => {
    for (const j of [1, 2, 3, 4]) {
      listener.watch(store, longPattern(10 * i + j), { from: 1 });
    }
    return listener.take();
  });
  assertEquals(told.slice(0, 3), [[], [], []], "one alone cannot fill it");
  assertEquals(told.flat().length > 0, true, "all of them can");
  catchUp(store);
  assertEquals([one, ...others].flatMap((each) => each.take()), []);
});

Deno.test("Waits keep the room of a watch that is held", () => {
  const store = new Store();
  const one = new Listener();
  const watch = one.watch(store, "/d/**", { from: 1 });
  one.room = 1;
  applyAll(store, set("/d/a"), set("/d/b"));
  assertEquals([one.take().length, store.waits.isHeld(watch)], [2, true]);
  // Each another client's; the last would take what is left, and ours.
  const globs = Array.from({ length: 16 }, (_, i) => longPattern(i));
  const left = LIMITS.waitGlobBytes - 16 * globs[0]!.length;
  globs.push("/d/*".padEnd(left, "y"), "/d/*".padEnd(left - 5, "y"), "/d/*");
  const codes = globs.map((glob) => {
    const wish = { glob: compileGlob(glob), from: 3 };
    return store.waits.watch(new Watch({ ...DEAF }, wish))?.code;
  });
  assertEquals(codes.slice(0, 16), Array(16).fill(undefined));
  assertEquals(codes.slice(16), ["LIMIT", undefined, "LIMIT"]);
  one.room = Infinity;
  store.waits.resume(watch);
  catchUp(store);
  applyAll(store, set("/d/c"));
  assertEquals(one.take(), ["1: 2 set /d/b /d/b", "1: 3 set /d/c /d/c"]);
});

Deno.test("Waits count what one client waits for and watches together", () => {
  const store = new Store();
  const owner = {};
  const waiter = { owner, waitEnded: () => {}, revReached: () => {} };
  const watcher = { ...DEAF, owner };
  const start = (i: number, from: number) => {
    const glob = compileGlob(longPattern(i));
    return i % 2 === 0
      ? store.waits.watch(new Watch(watcher, { glob, from }))
      : store.waits.start(new Wait(waiter, { glob, from, ticket: i }));
  };
  const codes = [0, 1, 2, 3, 4, 5].map((i) => {
    const refusal = start(i, 1);
    return refusal !== undefined && "code" in refusal ? refusal.code : "";
  });
  assertEquals(codes, ["", "", "", "", "LIMIT", "LIMIT"]);
});

Deno.test("Waits tell each watch that is behind a little in turn", () => {
  const store = new Store();
  for (let i = 0; i < 50; i++) applyAll(store, set("/a", "x"));
  const listener = new Listener();
  for (const glob of ["/a", "/*", "/**"]) {
    listener.watch(store, glob, { from: 1 });
  }
  store.waits.catchUp(30);
  const counts = [0, 0, 0];
  const revs: number[] = [];
  for (const text of listener.take()) {
    counts[Number(text[0]) - 1]!++;
    revs.push(Number(text.split(" ")[1]));
  }
  assertEquals(counts, [5, 5, 5]);
  assertEquals(revs, revs.toSorted((a, b) => a - b), "rev by rev");
});

Deno.test("Waits bound what a turn tells by events and by their bytes", () => {
  const store = new Store();
  for (let i = 0; i < 40; i++) {
    applyAll(store, set("/large", "x".repeat(2560)), set("/small", ""));
  }
  for (const [glob, most] of [["/large", 9], ["/small", 50], ["/*", 16]]) {
    const listener = new Listener();
    const watch = listener.watch(store, String(glob), { from: 1 });
    store.waits.catchUp(100);
    const told = listener.take().length;
    assert(told <= Number(most) && told > 2, `${glob}: ${told} events`);
    catchUp(store, 100);
    assertEquals(listener.take().length + told, glob === "/*" ? 80 : 40);
    store.waits.cancel(watch);
  }
});

Deno.test("Waits tell much while others search in vain", () => {
  const store = new Store();
  for (let i = 0; i < 20_000; i++) applyAll(store, set(`/d/f${i % 100}`, ""));
  for (let i = 0; i < 100; i++) {
    const wish = { glob: compileGlob(`/d/x${i}*`), from: 1 };
    assertEquals(store.waits.watch(new Watch(DEAF, wish)), undefined);
  }
  const listener = new Listener();
  listener.watch(store, "/d/**", { from: 19_001 });
  // Its turn comes after some 100,000 units, and is as long as each of theirs.
  let told = 0;
  for (let turns = 0; turns < 25; turns++) {
    store.waits.catchUp(16_384);
    told += listener.take().length;
  }
  assertEquals([told, store.waits.behind], [1000, true]);
});

Deno.test("Waits count the body before as work, where it is told", () => {
  for (const previous of [true, false, undefined]) {
    const store = new Store();
    applyAll(store, set("/a", "x".repeat(51_200)), set("/a", ""));
    const wish = { glob: compileGlob("/a"), from: 2 };
    store.waits.watch(
      new Watch(DEAF, previous === undefined ? wish : { ...wish, previous }),
    );
    const { work } = store;
    catchUp(store);
    const most = 5 + (previous === true ? 200 : 0);
    const done = store.work - work;
    assert(done <= most && done > most - 5, `${previous}: ${done}`);
  }
});

Deno.test("Waits count no body as work that there was no room for", () => {
  const store = new Store();
  applyAll(store, set("/a", "x".repeat(51_200)));
  const listener = new Listener();
  listener.room = 0;
  const watch = listener.watch(store, "/a", { from: 1 });
  const { work } = store;
  catchUp(store);
  assertEquals([listener.take().length, store.work - work], [1, 1]);
  listener.room = 1;
  store.waits.resume(watch);
  catchUp(store);
  assert(store.work - work > 200);
});

Deno.test("Waits end those for which it is too late a few in a turn", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, set("/a"));
  const listener = new Listener();
  for (let i = 0; i < 20; i++) listener.watch(store, "/a", { from: 1 });
  applyAll(store, NOP, NOP);
  store.waits.catchUp(5);
  assertEquals(listener.take().length, 5);
  catchUp(store);
  assertEquals([listener.take().length, store.waits.count()], [15, 0]);
});
