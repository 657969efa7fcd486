/**
 * A watch is told every event that it asked for, in order, each once, or that
 * history no longer has it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { compileGlob, type EventKind, Store } from "../../store/mod.ts";
import { Watch } from "../../store/watch.ts";
import { applyAll, del, NOP, set } from "./changes.ts";
import { catchUp, Listener } from "./watchers.ts";

/** A store of five revs, and a NOP among them. */
function storeOfFive(): Store {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/a", "1"), set("/d/b", "2"), del("/a"), NOP);
  applyAll(store, set("/a", "5"));
  return store;
}

Deno.test("Watch counts the kinds of event that were wished for", () => {
  const rows: [EventKind[] | undefined, EventKind[]][] = [
    [undefined, ["nop", "set", "del"]],
    [["set"], ["set"]],
    [["del", "nop"], ["nop", "del"]],
    [[], []],
  ];
  for (const [kinds, wanted] of rows) {
    const wish = { glob: compileGlob("/a"), from: 1 };
    const listener = new Listener();
    const watch = new Watch(
      listener,
      kinds === undefined ? wish : { ...wish, kinds },
    );
    const all = ["nop", "set", "del"] as const;
    assertEquals(all.filter((kind) => watch.wants(kind)), wanted);
  }
});

Deno.test("S12: a watch is told of what was and of what comes", () => {
  const was = ["1: 1 set /a 1", "1: 2 set /d/b 2", "1: 3 del /a"];
  const rows: [glob: string, from: number, told: string[]][] = [
    ["/a", 1, [was[0]!, was[2]!, "1: 5 set /a 5", "1: 6 set /a 6"]],
    ["/a", 3, [was[2]!, "1: 5 set /a 5", "1: 6 set /a 6"]],
    ["/a", 4, ["1: 5 set /a 5", "1: 6 set /a 6"]],
    ["/a", 6, ["1: 6 set /a 6"]],
    ["/a", 7, []],
    ["/a", 8, []],
    ["/d/*", 1, [was[1]!, "1: 7 del /d/b"]],
    ["/d/*", 7, ["1: 7 del /d/b"]],
    ["/**", 2, [
      ...was.slice(1),
      "1: 4 nop /",
      "1: 5 set /a 5",
      "1: 6 set /a 6",
      "1: 7 del /d/b",
    ]],
    ["/x/**", 1, []],
    ["/never", 1, []],
    ["/", 1, ["1: 4 nop /"]],
  ];
  for (const [glob, from, told] of rows) {
    const store = storeOfFive();
    const listener = new Listener();
    const watch = listener.watch(store, glob, { from });
    assertEquals(listener.take(), [], "nothing is told at once");
    catchUp(store);
    const before = told.filter((text) => Number(text.split(" ")[1]) <= 5);
    assertEquals(listener.take(), before, `${glob} ${from}`);
    assertEquals(store.waits.isCurrent(watch), true);
    applyAll(store, set("/a", "6"), del("/d/b"));
    assertEquals(listener.take(), told.slice(before.length), `${glob} ${from}`);
    assertEquals(store.waits.count(), 1);
  }
});

Deno.test("Watch tells the kinds that count only, before and after", () => {
  const rows: [glob: string, kinds: EventKind[], told: number[]][] = [
    ["/**", ["set"], [1, 2, 5, 6]],
    ["/**", ["del"], [3, 8]],
    ["/**", ["nop"], [4, 7]],
    ["/a", ["set"], [1, 5, 6]],
    ["/a", ["del"], [3, 8]],
    ["/a", ["nop"], []],
    ["/*", ["del", "nop"], [3, 4, 7, 8]],
    ["/a", [], []],
  ];
  for (const [glob, kinds, told] of rows) {
    const store = storeOfFive();
    const listener = new Listener();
    const watch = listener.watch(store, glob, { from: 1, kinds });
    catchUp(store);
    applyAll(store, set("/a"), NOP, del("/a"));
    const revs = listener.take().map((text) => Number(text.split(" ")[1]));
    assertEquals(revs, told, `${glob} ${kinds}`);
    assertEquals(store.waits.toldUpTo(watch), 8);
  }
});

Deno.test("Watch hears nothing of a refused mutation", () => {
  const store = storeOfFive();
  const listener = new Listener();
  listener.watch(store, "/**", { from: 6 });
  store.apply(set("/a", "x", 0));
  store.apply(del("/d"));
  assertEquals([listener.take(), store.waits.count()], [[], 1]);
});

Deno.test("Watch is refused below the history", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, set("/a"), set("/a"), set("/a"));
  const listener = new Listener();
  for (const glob of ["/a", "/**", "/never"]) {
    listener.watch(store, glob, { from: 1 });
  }
  const late = ["1 now: TOO_LATE", "2 now: TOO_LATE", "3 now: TOO_LATE"];
  assertEquals([listener.take(), store.waits.count()], [late, 0]);
  listener.watch(store, "/a", { from: 2 });
  catchUp(store);
  assertEquals(listener.take(), ["4: 2 set /a /a", "4: 3 set /a /a"]);
});

Deno.test("S12: a watch without room is told again, once there is", () => {
  for (const glob of ["/a", "/*"]) {
    const store = new Store({ historyRevs: 100 });
    const listener = new Listener();
    const watch = listener.watch(store, glob, { from: 1 });
    listener.room = 1;
    applyAll(store, set("/a", "1"), set("/a", "2"), set("/a", "3"));
    assertEquals(listener.take(), ["1: 1 set /a 1", "1: no room for 2"]);
    assertEquals([store.waits.isHeld(watch), store.waits.behind], [
      true,
      false,
    ]);
    assertEquals([watch.next, store.waits.toldUpTo(watch)], [2, 1]);
    listener.room = 1;
    assertEquals(listener.take(), [], "room alone is not noticed");
    store.waits.resume(watch);
    assertEquals(listener.take(), [], "nothing is told by resume()");
    catchUp(store);
    assertEquals(listener.take(), ["1: 2 set /a 2", "1: no room for 3"]);
    assertEquals(store.waits.toldUpTo(watch), 2);
    listener.room = 9;
    store.waits.resume(watch);
    catchUp(store);
    assertEquals(listener.take(), ["1: 3 set /a 3"]);
    assertEquals(store.waits.isCurrent(watch), true);
    store.waits.resume(watch);
    assertEquals(store.waits.behind, false, "it was not held");
    applyAll(store, set("/a", "4"));
    assertEquals(listener.take(), ["1: 4 set /a 4"]);
  }
});

Deno.test("S12: a watch that history overtakes ends where it was", () => {
  const store = new Store({ historyRevs: 10 });
  const listener = new Listener();
  const [held, cut, behind] = [1, 2, 3].map(() =>
    listener.watch(store, "/a", { from: 1 })
  );
  listener.room = 3;
  applyAll(store, set("/a"), set("/a"));
  store.waits.resume(behind!);
  assertEquals(listener.take().length, 6);
  for (let i = 0; i < 8; i++) applyAll(store, NOP);
  assertEquals([store.firstRev, store.waits.cutLate(cut!)], [1, false]);
  applyAll(store, NOP);
  assertEquals([store.firstRev, store.waits.cutLate(cut!)], [2, false]);
  applyAll(store, NOP);
  assertEquals(listener.take(), [], "held and behind, none is looked at");
  assertEquals([store.firstRev, store.waits.cutLate(cut!)], [3, true]);
  assertEquals(listener.take(), ["2: TOO_LATE at 2"]);
  assertEquals(store.waits.cutLate(cut!), false);
  assertEquals(store.waits.cutLate(behind!), false, "it is not held");
  catchUp(store);
  assertEquals(listener.take(), ["3: TOO_LATE at 2"]);
  store.waits.resume(held!);
  catchUp(store);
  assertEquals(listener.take(), ["1: TOO_LATE at 2"]);
  assertEquals([store.waits.count(), store.waits.bytes], [0, 0]);
});

Deno.test("Watch knows how far it was told, in whatever state it is", () => {
  const store = storeOfFive();
  const { waits } = store;
  const listener = new Listener();
  const past = listener.watch(store, "/**", { from: 2 });
  const future = listener.watch(store, "/a", { from: 9 });
  const told = () => [waits.toldUpTo(past), waits.toldUpTo(future)];
  assertEquals(told(), [1, 8]);
  waits.catchUp(1);
  assertEquals(told(), [2, 8]);
  catchUp(store);
  assertEquals(told(), [5, 8]);
  applyAll(store, NOP, NOP);
  assertEquals(told(), [7, 8]);
  listener.room = 1;
  applyAll(store, NOP, NOP);
  assertEquals(told(), [8, 9]);
  waits.cancel(past);
  assertEquals([told(), past.next], [[8, 9], 9]);
});

Deno.test("Watch learns of a file's body before, and of its rev before", () => {
  const store = new Store({ historyRevs: 3 });
  applyAll(store, set("/a", "1"), set("/a", "2"), NOP, del("/a"));
  applyAll(store, set("/a", "5"));
  const listener = new Listener();
  const seen: unknown[] = [];
  listener.onEvent = (_, event) => {
    const before = store.before(event);
    seen.push([event.rev, event.previousRev, before?.rev, before?.length]);
  };
  listener.watch(store, "/**", { from: 3 });
  catchUp(store);
  applyAll(store, set("/a", "longer"));
  const rows = [[3, 0, undefined, undefined], [4, 2, 2, 1]];
  rows.push([5, 4, undefined, undefined], [6, 5, 5, 1]);
  assertEquals(seen, rows);
});
