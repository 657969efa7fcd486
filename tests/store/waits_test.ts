/**
 * Waits and watches side by side: what they cost, and that what their owners
 * do while they are told harms nobody.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  compileGlob,
  LIMITS,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
  Watch,
  type Watcher,
} from "../../store/mod.ts";
import { Waits } from "../../store/waits.ts";
import { applyAll, del, NOP, set } from "./changes.ts";
import { importImage } from "./copy.ts";
import { catchUp, Listener } from "./watchers.ts";

const DEAF: Watcher = { watched: () => true, watchEnded: () => {} };

Deno.test("Waits tell a wait once and a watch each time", () => {
  const store = new Store();
  assert(store.waits instanceof Waits);
  const listener = new Listener();
  const ended: (StoreEvent | Refusal)[] = [];
  const waiter = {
    waitEnded: (_: number, result: StoreEvent | Refusal) => ended.push(result),
    revReached: () => {},
  };
  for (const glob of ["/a", "/*"]) {
    listener.watch(store, glob, { from: 1 });
    const wish = { glob: compileGlob(glob), from: 1, ticket: 1 };
    store.waits.start(new Wait(waiter, wish));
  }
  assertEquals(store.waits.count(), 4);
  applyAll(store, set("/a"), set("/a"));
  const told = ["1: 1 set /a /a", "2: 1 set /a /a"];
  const again = ["1: 2 set /a /a", "2: 2 set /a /a"];
  assertEquals(listener.take(), [...told, ...again]);
  assertEquals([ended.length, store.waits.count()], [2, 2]);
});

Deno.test("Waits count watches and what they cost, in every place", () => {
  const store = new Store();
  applyAll(store, set("/a"), set("/a"));
  const { waits } = store;
  const listener = new Listener();
  const watches = ["/a", "/a", "/*", "/*", "/never", "/x/*"].map((glob) =>
    listener.watch(store, glob, { from: 1 })
  );
  watches.push(listener.watch(store, "/a", { from: 3 }));
  const { bytes } = waits;
  assert(bytes > 7 * 400, `${bytes}`);
  listener.room = 0;
  waits.catchUp(3);
  const places = watches.map((watch) => watch.place);
  assertEquals(new Set(places).size, 3, `${places}`);
  assertEquals([waits.count(), waits.bytes], [7, bytes]);
  for (const watch of watches) {
    const before = waits.bytes;
    waits.cancel(watch);
    assertEquals([watch.place, before > waits.bytes], ["nowhere", true]);
    waits.cancel(watch);
    waits.resume(watch);
    assertEquals(waits.cutLate(watch), false);
  }
  assertEquals([waits.count(), waits.bytes, waits.behind], [0, 0, false]);
  listener.take();
  applyAll(store, set("/a"), set("/x/y"));
  assertEquals(listener.take(), []);
});

Deno.test("Waits refuse watches above what all of them may hold", () => {
  const limits: { waitBytesNode: number } = LIMITS;
  const { waitBytesNode } = limits;
  limits.waitBytesNode = 2_500;
  try {
    const store = new Store();
    applyAll(store, NOP);
    for (const from of [1, 2]) {
      const watch = new Watch(DEAF, { glob: compileGlob("/a"), from });
      assertEquals(store.waits.watch(watch), undefined);
    }
    const more = new Watch(DEAF, { glob: compileGlob("/a"), from: 1 });
    const refusal = store.waits.watch(more);
    assertEquals(refusal?.code, "LIMIT");
    assertStringIncludes(refusal?.detail ?? "", "2500");
    assertEquals(store.waits.count(), 2);
    const { bytes } = store.waits;
    store.waits.cancel(more);
    assertEquals(store.waits.bytes, bytes, "it was never counted");
  } finally {
    limits.waitBytesNode = waitBytesNode;
  }
});

Deno.test("Waits start what is theirs once", () => {
  const store = new Store();
  const watch = new Watch(DEAF, { glob: compileGlob("/a"), from: 1 });
  store.waits.watch(watch);
  assertThrows(() => store.waits.watch(watch), Error, "started once");
});

Deno.test("Waits give all who are told in a row the same event", () => {
  const store = new Store();
  const events: StoreEvent[] = [];
  const watcher: Watcher = {
    watched: (_, event) => events.push(event) > 0,
    watchEnded: () => {},
  };
  const watch = (glob: string, from: number) =>
    store.waits.watch(new Watch(watcher, { glob: compileGlob(glob), from }));
  for (const glob of ["/a", "/a", "/*", "/**"]) watch(glob, 1);
  applyAll(store, set("/a"));
  assertEquals([events.length, new Set(events).size], [4, 1]);
  applyAll(store, set("/a"));
  events.length = 0;
  for (const glob of ["/a", "/a", "/*", "/**"]) watch(glob, 1);
  catchUp(store);
  assertEquals([events.length, new Set(events).size], [8, 2]);
});

Deno.test("Waits tell whom they hold of nothing, at no cost", () => {
  const store = new Store();
  const listener = new Listener();
  listener.room = 0;
  const watch = listener.watch(store, "/a", { from: 1 });
  let called = 0;
  store.waits.onBehind = () => called++;
  applyAll(store, set("/a"));
  assertEquals(listener.take(), ["1: no room for 1"]);
  const { work } = store;
  for (let i = 0; i < 10; i++) {
    applyAll(store, set("/a"));
    store.waits.catchUp(100);
  }
  assertEquals([listener.take(), store.work - work, called], [[], 0, 0]);
  store.waits.resume(watch);
  store.waits.resume(watch);
  assertEquals([called, store.waits.count()], [1, 1]);
});

Deno.test("Waits let watchers cancel and resume while they are told", () => {
  for (const past of [true, false]) {
    const store = new Store();
    const listener = new Listener();
    const { waits } = store;
    const from = 1;
    if (past) applyAll(store, set("/a", "1"));
    const [first, second, third] = [1, 2, 3].map(() =>
      listener.watch(store, "/a", { from })
    );
    listener.onEvent = (watch) => {
      if (watch === first) waits.cancel(second!);
      if (watch === third) waits.cancel(third!);
    };
    if (past) catchUp(store);
    else applyAll(store, set("/a", "1"));
    assertEquals(listener.take(), ["1: 1 set /a 1", "3: 1 set /a 1"]);
    applyAll(store, set("/a", "2"));
    assertEquals(listener.take(), ["1: 2 set /a 2"]);
    assertEquals(waits.count(), 1);
  }
});

Deno.test("Waits do not hold what its watcher has cancelled", () => {
  for (const past of [true, false]) {
    const store = new Store();
    const told: number[] = [];
    const watcher: Watcher = {
      watched: (watch, event) => {
        told.push(event.rev);
        store.waits.cancel(watch);
        return false;
      },
      watchEnded: () => {},
    };
    if (past) applyAll(store, set("/a"));
    const wish = { glob: compileGlob("/a"), from: 1 };
    store.waits.watch(new Watch(watcher, wish));
    if (past) catchUp(store);
    else applyAll(store, set("/a"));
    assertEquals(told, [1]);
    assertEquals([store.waits.count(), store.waits.bytes], [0, 0]);
  }
});

Deno.test("Waits go on with watches in a state that is taken over", () => {
  const [source, store] = [new Store(), new Store({ historyRevs: 4 })];
  const both = [source, store];
  for (const each of both) applyAll(each, set("/a", "1"), set("/b", "2"));
  const listener = new Listener();
  const current = listener.watch(store, "/*", { from: 3 });
  const later = listener.watch(store, "/a", { from: 6 });
  const past = listener.watch(store, "/b", { from: 2 });
  const held = listener.watch(store, "/a", { from: 1 });
  listener.room = 0;
  store.waits.catchUp(4);
  assertEquals(listener.take().sort(), [
    "3: no room for 2",
    "4: no room for 1",
  ]);
  store.waits.resume(past);
  applyAll(source, NOP, set("/a", "4"), del("/b"), set("/a", "6"));
  store.adopt(importImage(source.openImage()));
  assertEquals([later.next, current.next, past.next], [6, 3, 2]);
  assertEquals(store.waits.toldUpTo(current), 2);
  listener.room = Infinity;
  store.waits.resume(held);
  catchUp(store);
  const told = listener.take();
  const of = (number: number) =>
    told.filter((text) => text.startsWith(`${number}:`))
      .map((text) => Number(text.split(" ")[1]));
  assertEquals([1, 2, 3, 4].map(of), [[3, 4, 5, 6], [6], [2, 5], [1, 4, 6]]);
  applyAll(store, set("/a", "7"));
  assertEquals(listener.take().length, 3);
});

Deno.test("Waits end watches that a later state has no history for", () => {
  const [source, store] = [new Store({ historyRevs: 2 }), new Store()];
  for (const each of [source, store]) applyAll(each, set("/a"), set("/a"));
  const listener = new Listener();
  listener.watch(store, "/a", { from: 3 });
  const past = listener.watch(store, "/a", { from: 2 });
  const held = listener.watch(store, "/a", { from: 1 });
  const future = listener.watch(store, "/a", { from: 5 });
  listener.room = 0;
  store.waits.catchUp(4);
  store.waits.resume(past);
  listener.take();
  applyAll(source, set("/a"), NOP, NOP);
  store.adopt(importImage(source.openImage()));
  assertEquals(listener.take().sort(), [
    "1: TOO_LATE at 3",
    "2: TOO_LATE at 2",
  ]);
  assertEquals([store.waits.cutLate(held), store.waits.cutLate(future)], [
    true,
    false,
  ]);
  assertEquals(listener.take(), ["3: TOO_LATE at 1"]);
  assertEquals(store.waits.count(), 1);
});
