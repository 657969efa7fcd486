/**
 * Every wait gets exactly one answer: the first event that it asked for, or
 * that its rev is too old.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  compileGlob,
  LIMITS,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { applyAll, del, NOP, set, textOf } from "./changes.ts";

/** Takes note of all that it is told, as text. */
class Listener implements Waiter {
  readonly told: string[] = [];
  readonly waits: Wait[] = [];

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    this.told.push(`${ticket}: ${show(result)}`);
  }

  revReached(ticket: number, rev: number): void {
    this.told.push(`${ticket}: rev ${rev}`);
  }

  /** Starts a wait; what it answers at once is noted as well. */
  start(store: Store, text: string, from: number): Wait {
    const ticket = this.waits.length + 1;
    const wait = new Wait(this, { glob: compileGlob(text), from, ticket });
    this.waits.push(wait);
    const result = store.waits.start(wait);
    if (result !== undefined) this.told.push(`${ticket} now: ${show(result)}`);
    return wait;
  }

  /** What it was told since it was last asked. */
  take(): string[] {
    return this.told.splice(0);
  }
}

function show(result: StoreEvent | Refusal): string {
  if ("code" in result) return result.code;
  const { rev, path, kind, body } = result;
  return `${rev} ${kind} ${path} ${textOf(body)}`.trimEnd();
}

Deno.test("Waits answer at once with the first retained event", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/a", "1"), set("/b", "2"), del("/a"), NOP);
  applyAll(store, set("/a", "5"));
  const rows: [glob: string, from: number, result: string][] = [
    ["/a", 1, "1 set /a 1"],
    ["/a", 2, "3 del /a"],
    ["/a", 3, "3 del /a"],
    ["/a", 4, "5 set /a 5"],
    ["/*", 2, "2 set /b 2"],
    ["/**", 4, "4 nop /"],
    ["/", 1, "4 nop /"],
    ["/*", 4, "4 nop /"],
    ["/?", 4, "5 set /a 5"],
  ];
  for (const [glob, from, result] of rows) {
    const listener = new Listener();
    listener.start(store, glob, from);
    assertEquals(listener.take(), [`1 now: ${result}`], `${glob} ${from}`);
  }
  assertEquals(store.waits.count(), 0);
});

Deno.test("S7: Waits answer with the next event that matches, once", () => {
  const store = new Store();
  applyAll(store, set("/a"), set("/d/x"));
  const listener = new Listener();
  for (const glob of ["/a", "/d/*", "/d/**", "/**", "/d/x", "/d/y"]) {
    listener.start(store, glob, 3);
  }
  assertEquals(store.waits.count(), 6);
  assertEquals(listener.take(), []);
  applyAll(store, set("/d/x", "v"));
  const told = ["2: 3 set /d/x v", "3: 3 set /d/x v", "4: 3 set /d/x v"];
  assertEquals(listener.take().sort(), [...told, "5: 3 set /d/x v"]);
  applyAll(store, set("/a", "v"));
  assertEquals(listener.take(), ["1: 4 set /a v"]);
  applyAll(store, del("/d/x"), set("/a"));
  assertEquals(listener.take(), []);
  applyAll(store, del("/d/y"));
  assertEquals(listener.take(), ["6: 7 del /d/y"]);
  assertEquals(store.waits.count(), 0);
});

Deno.test("Waits skip what comes before their rev", () => {
  const store = new Store();
  const listener = new Listener();
  for (const glob of ["/a", "/*"]) listener.start(store, glob, 3);
  applyAll(store, set("/a", "1"), set("/a", "2"));
  assertEquals(listener.take(), []);
  applyAll(store, set("/a", "3"));
  assertEquals(listener.take(), ["1: 3 set /a 3", "2: 3 set /a 3"]);
});

Deno.test("Waits hear nothing of a refused mutation", () => {
  const store = new Store();
  applyAll(store, set("/a"));
  const listener = new Listener();
  listener.start(store, "/**", 2);
  store.apply(set("/a", "x", 0));
  store.apply(set("/a/b"));
  store.apply(del("/"));
  assertEquals(listener.take(), []);
  assertEquals(store.waits.count(), 1);
});

Deno.test("Waits answer TOO_LATE below the history, at once", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, set("/a"), set("/a"), set("/a"), NOP);
  const listener = new Listener();
  for (const glob of ["/a", "/**", "/never"]) listener.start(store, glob, 2);
  const told = ["1 now: TOO_LATE", "2 now: TOO_LATE", "3 now: TOO_LATE"];
  assertEquals(listener.take(), told);
  listener.start(store, "/a", 3);
  assertEquals(listener.take()[0], "4 now: 3 set /a /a");
});

Deno.test("Waits that are cancelled hear nothing, whatever their state", () => {
  const store = new Store({ historyRevs: 10_000 });
  for (let i = 0; i < 1000; i++) applyAll(store, set("/a"));
  const listener = new Listener();
  const behind = listener.start(store, "/d/*", 1);
  assertEquals(store.waits.behind, true);
  const byGlob = listener.start(store, "/d/*", 1001);
  const byPath = listener.start(store, "/d/x", 1001);
  const twin = listener.start(store, "/d/x", 1001);
  const ended = listener.start(store, "/a", 1);
  listener.take();
  for (const wait of [behind, byGlob, byPath, ended]) store.waits.cancel(wait);
  for (const wait of [behind, byGlob, byPath]) store.waits.cancel(wait);
  assertEquals([store.waits.behind, store.waits.count()], [false, 1]);
  applyAll(store, set("/d/x"));
  assertEquals(listener.take(), ["4: 1001 set /d/x /d/x"]);
  store.waits.cancel(twin);
  assertEquals(store.waits.count(), 0);
});

Deno.test("Waits read a long history in turns of bounded length", () => {
  const store = new Store({ historyRevs: 10_000 });
  applyAll(store, set("/d/x"));
  for (let i = 0; i < 2000; i++) applyAll(store, set("/a"));
  applyAll(store, set("/d/y"));
  const listener = new Listener();
  const wait = listener.start(store, "/d/*", 2);
  const first = wait.next;
  assertEquals([store.waits.behind, first < 1000], [true, true]);
  let turns = 0;
  while (store.waits.behind) {
    const before = wait.next;
    store.waits.catchUp(100);
    turns++;
    assertEquals(wait.next - before <= 100, true);
  }
  assertEquals(turns, Math.ceil((2002 - first) / 100));
  assertEquals(listener.take(), ["1: 2002 set /d/y /d/y"]);
});

Deno.test("Waits share a turn: the rows read are bounded for all of them", () => {
  const store = new Store({ historyRevs: 10_000 });
  for (let i = 0; i < 2000; i++) applyAll(store, set("/a"));
  const listener = new Listener();
  const waits = ["/d/*", "/e/*", "/f/*"].map((glob) =>
    listener.start(store, glob, 1)
  );
  const sum = () => waits.reduce((sum, wait) => sum + wait.next, 0);
  while (store.waits.behind) {
    const before = sum();
    store.waits.catchUp(300);
    assertEquals(sum() - before <= 300, true);
  }
  assertEquals(waits.map((wait) => wait.next), [2001, 2001, 2001]);
  applyAll(store, set("/f/x"));
  assertEquals(listener.take(), ["3: 2001 set /f/x /f/x"]);
});

Deno.test("Waits miss nothing that happens while they are behind", () => {
  const store = new Store({ historyRevs: 10_000 });
  for (let i = 0; i < 1000; i++) applyAll(store, set("/a"));
  const listener = new Listener();
  listener.start(store, "/d/*", 1);
  applyAll(store, set("/d/x"), set("/d/y"));
  assertEquals(listener.take(), []);
  while (store.waits.behind) store.waits.catchUp(64);
  assertEquals(listener.take(), ["1: 1001 set /d/x /d/x"]);
});

Deno.test("S7: Waits that history overtakes end with TOO_LATE", () => {
  const store = new Store({ historyRevs: 1000 });
  for (let i = 0; i < 1000; i++) applyAll(store, set("/a"));
  const listener = new Listener();
  listener.start(store, "/d/*", 1);
  for (let i = 0; i < 900; i++) applyAll(store, set("/a"));
  store.waits.catchUp(64);
  assertEquals(listener.take(), ["1: TOO_LATE"]);
  assertEquals([store.waits.behind, store.waits.count()], [false, 0]);
});

Deno.test("Waits on a path look it up, however long the history is", () => {
  const store = new Store({ historyRevs: 10_000 });
  applyAll(store, set("/b"));
  for (let i = 0; i < 3000; i++) applyAll(store, set("/a"));
  applyAll(store, set("/b", "2"));
  const listener = new Listener();
  listener.start(store, "/b", 2);
  listener.start(store, "/never", 2);
  assertEquals(store.waits.behind, false);
  assertEquals(listener.take(), ["1 now: 3002 set /b 2"]);
});

Deno.test("Waits tell when a rev is reached, and only then", () => {
  const store = new Store();
  const listener = new Listener();
  const other = new Listener();
  store.waits.whenRev(2, { waiter: listener, ticket: 1, bytes: 0 });
  store.waits.whenRev(2, { waiter: other, ticket: 2, bytes: 0 });
  const forgotten = { waiter: listener, ticket: 3, bytes: 0 };
  store.waits.whenRev(3, forgotten);
  store.waits.whenRev(3, { waiter: other, ticket: 4, bytes: 0 });
  applyAll(store, NOP);
  assertEquals([listener.take(), other.take()], [[], []]);
  applyAll(store, NOP);
  assertEquals([listener.take(), other.take()], [["1: rev 2"], ["2: rev 2"]]);
  store.waits.forgetRev(3, forgotten);
  store.waits.forgetRev(9, forgotten);
  applyAll(store, NOP, NOP);
  assertEquals([listener.take(), other.take()], [[], ["4: rev 3"]]);
  store.waits.whenRev(9, forgotten);
  store.waits.forgetRev(9, forgotten);
  assertEquals(store.waits.count(), 0);
});

Deno.test("Waits read the store as of the event that they are told of", () => {
  const store = new Store({ historyRevs: 1 });
  applyAll(store, set("/a", "before"));
  const seen: string[] = [];
  const waiter: Waiter = {
    waitEnded: () => seen.push(`${store.rev} ${store.get("/a").type}`),
    revReached: (_, rev) => seen.push(`${rev} ${store.rev}`),
  };
  const glob = compileGlob("/a");
  store.waits.start(new Wait(waiter, { glob, from: 2, ticket: 1 }));
  store.waits.whenRev(2, { waiter, ticket: 2, bytes: 0 });
  applyAll(store, del("/a"));
  assertEquals(seen, ["2 missing", "2 2"]);
});

Deno.test("Waits on one event reach ten thousand listeners", () => {
  const store = new Store();
  const listener = new Listener();
  for (let i = 0; i < 10_000; i++) {
    listener.start(store, i % 2 === 0 ? "/a/*" : `/a/f${i % 10}`, 1);
  }
  applyAll(store, set("/a/f1"));
  const told = listener.take();
  assertEquals(told.length, 6000);
  assertEquals(new Set(told).size, 6000);
  assertStringIncludes(told[0]!, "1 set /a/f1");
  assertEquals(store.waits.count(), 4000);
  for (const wait of listener.waits) store.waits.cancel(wait);
  assertEquals(store.waits.count(), 0);
});

Deno.test("Waits count what they hold, until they end in whatever way", () => {
  const store = new Store();
  const listener = new Listener();
  applyAll(store, ...Array(400).fill(NOP));
  let behind = 0;
  store.waits.onBehind = () => behind++;
  const cancelled = listener.start(store, "/a/*", 1);
  assertEquals([behind, store.waits.behind], [1, true]);
  listener.start(store, "/b/*", 401);
  listener.start(store, "/b/c", 401);
  assertEquals(behind, 1);
  const waiter = listener;
  store.waits.whenRev(401, { waiter, ticket: 9, bytes: 100 });
  const far = { waiter, ticket: 9, bytes: 100 };
  store.waits.whenRev(9_000, far);
  const held = store.waits.bytes;
  store.waits.cancel(cancelled);
  store.waits.cancel(cancelled);
  assertEquals(held > store.waits.bytes, true);
  applyAll(store, set("/b/c", "v"));
  store.waits.forgetRev(9_000, far);
  assertEquals([store.waits.count(), store.waits.bytes], [0, 0]);
});

Deno.test("Waits are refused above what all of them may hold", () => {
  const limits: { waitBytesNode: number } = LIMITS;
  const { waitBytesNode } = limits;
  limits.waitBytesNode = 2_000;
  try {
    const store = new Store();
    const listener = new Listener();
    for (let i = 0; i < 5; i++) listener.start(store, "/a/*", 1);
    assertEquals(listener.take(), ["5 now: LIMIT"]);
    const asked = { waiter: listener, ticket: 9, bytes: 1_000 };
    assertStringIncludes(store.waits.whenRev(7, asked)?.detail ?? "", "2000");
    store.waits.cancel(listener.waits[0]!);
    listener.start(store, "/a/*", 1);
    assertEquals(listener.take(), []);
  } finally {
    limits.waitBytesNode = waitBytesNode;
  }
});

Deno.test("Waits bound the patterns that each event is matched with", () => {
  const store = new Store();
  const listener = new Listener();
  const long = "x".repeat(1_000);
  const most = Math.floor(LIMITS.waitGlobBytesEach / 1_006);
  for (let i = 0; i < most; i++) {
    listener.start(store, `/d/*${String(i).padStart(3, "0")}${long}`, 1);
  }
  assertEquals(listener.take(), []);
  const more = `/d/*more${long}`;
  const refused = listener.start(store, more, 1);
  assertEquals(listener.take(), [`${refused.ticket} now: LIMIT`]);
  // The same pattern again costs nothing, elsewhere there is room.
  listener.start(store, `/d/*000${long}`, 1);
  listener.start(store, `/e/*more${long}`, 1);
  assertEquals(listener.take(), []);
  for (const wait of listener.waits) store.waits.cancel(wait);
  listener.start(store, more, 1);
  assertEquals([listener.take(), store.waits.count()], [[], 1]);
});

Deno.test("Waits that are behind share the work of a turn", () => {
  const store = new Store();
  const listener = new Listener();
  applyAll(store, ...Array(2_000).fill(NOP), set("/a/z", "v"));
  listener.start(store, "/b/*", 1);
  listener.start(store, "/a/*", 1);
  // Alone, the first would take all of the first turns.
  store.waits.catchUp(1_000);
  store.waits.catchUp(1_000);
  store.waits.catchUp(800);
  store.waits.catchUp(1_000);
  assertEquals(listener.take(), ["2: 2001 set /a/z v"]);
});
