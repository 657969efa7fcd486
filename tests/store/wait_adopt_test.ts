/**
 * Those who wait on a store that takes over a later state of another: they
 * miss nothing and see nothing twice, or learn that it is too late.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  compileGlob,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { applyAll, NOP, set } from "./changes.ts";
import { changeAtRandom, eventAt, importImage } from "./copy.ts";
import { matchesSlowly, randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** Takes note of all that it is told. */
class Listener implements Waiter {
  readonly told: string[] = [];
  readonly ended: Map<number, StoreEvent | Refusal> = new Map();

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    assert(!this.ended.has(ticket), `wait ${ticket} ended twice`);
    this.ended.set(ticket, result);
    const text = "code" in result ? result.code : `${result.rev}`;
    this.told.push(`${ticket}: ${text}`);
  }

  revReached(ticket: number, rev: number): void {
    this.told.push(`${ticket}: rev ${rev}`);
  }

  start(store: Store, ticket: number, glob: string, from: number): Wait {
    const wait = new Wait(this, { glob: compileGlob(glob), from, ticket });
    const result = store.waits.start(wait);
    if (result !== undefined) this.waitEnded(ticket, result);
    return wait;
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

/** Two stores that have the same so far. */
function twins(changes: number): [Store, Store] {
  const stores = [new Store(), new Store()] as const;
  for (const store of stores) {
    for (let i = 0; i < changes; i++) applyAll(store, set("/before"));
  }
  return [...stores];
}

function adoptFrom(source: Store, store: Store): void {
  store.adopt(importImage(source.openImage()));
}

function catchUp(store: Store): void {
  while (store.waits.behind) store.waits.catchUp(10);
}

Deno.test("S7: Waits read what a store did not see itself, once", () => {
  const [source, store] = twins(3);
  const listener = new Listener();
  let behind = 0;
  store.waits.onBehind = () => behind++;
  listener.start(store, 1, "/a", 4);
  listener.start(store, 2, "/d/*", 2);
  listener.start(store, 3, "/**", 4);
  listener.start(store, 4, "/none", 1);
  listener.start(store, 5, "/none/*", 1);
  listener.start(store, 6, "/a", 8);
  listener.start(store, 7, "/**", 7);
  applyAll(source, set("/d/x"), set("/a"), set("/a"));
  adoptFrom(source, store);
  assertEquals([behind, listener.take()], [1, []]);
  catchUp(store);
  assertEquals(listener.take().sort(), ["1: 5", "2: 4", "3: 4"]);
  assertEquals(store.waits.count(), 4);
  applyAll(store, set("/none/y"), set("/a"), set("/none/y"));
  assertEquals(listener.take(), ["5: 7", "7: 7", "6: 8"]);
  assertEquals([store.waits.count(), listener.ended.has(4)], [1, false]);
});

Deno.test("Waits end with TOO_LATE where the new history does not reach", () => {
  const [source, store] = twins(3);
  const short = new Store({ historyRevs: 2 });
  applyAll(short, ...Array(3).fill(set("/before")));
  const listener = new Listener();
  // What they were asked for long ago they have seen not to come.
  listener.start(store, 1, "/a", 1);
  listener.start(store, 2, "/d/*", 1);
  listener.start(store, 3, "/a", 5);
  listener.start(store, 4, "/a", 6);
  for (const other of [source, short]) applyAll(other, NOP, NOP, set("/a"));
  adoptFrom(short, store);
  assertEquals(store.firstRev, 5);
  assertEquals(listener.take().sort(), ["1: TOO_LATE", "2: TOO_LATE"]);
  catchUp(store);
  assertEquals(listener.take(), ["3: 6", "4: 6"]);
  assertEquals([store.waits.count(), store.waits.bytes], [0, 0]);
});

Deno.test("Waits that have seen all up to the new history go on with it", () => {
  const [, store] = twins(3);
  const short = new Store({ historyRevs: 2 });
  applyAll(short, ...Array(3).fill(set("/before")));
  const listener = new Listener();
  listener.start(store, 1, "/a", 1);
  listener.start(store, 2, "/a*", 1);
  // Those pass by while the waits lie in the index.
  for (const other of [store, short]) applyAll(other, NOP, NOP);
  applyAll(short, set("/a"), NOP);
  adoptFrom(short, store);
  catchUp(store);
  assertEquals([store.firstRev, store.rev], [6, 7]);
  assertEquals(listener.take().sort(), ["1: 6", "2: 6"]);
});

Deno.test("Waits that are behind read on where they were", () => {
  const [source, store] = twins(2000);
  const listener = new Listener();
  const wait = listener.start(store, 1, "/a*", 1);
  const gone = listener.start(store, 2, "/c*", 1);
  store.waits.catchUp(600);
  const { next } = wait;
  assert(next > 300 && next < 1000, `${next}`);
  applyAll(source, set("/a1"), set("/b1"));
  adoptFrom(source, store);
  assertEquals(wait.next, next);
  store.waits.cancel(gone);
  catchUp(store);
  assertEquals(listener.take(), ["1: 2001"]);
  assertEquals([store.waits.count(), store.waits.bytes], [0, 0]);
});

Deno.test("Waits tell of the revs that a store jumps to, in order", () => {
  const [source, store] = twins(1);
  const listener = new Listener();
  const ask = (rev: number, ticket: number) =>
    store.waits.whenRev(rev, { waiter: listener, ticket, bytes: 10 });
  ask(5, 1);
  ask(3, 2);
  ask(4, 3);
  ask(6, 4);
  ask(3, 5);
  for (let i = 0; i < 4; i++) applyAll(source, NOP);
  adoptFrom(source, store);
  const reached = ["2: rev 3", "5: rev 3", "3: rev 4", "1: rev 5"];
  assertEquals(listener.take(), reached);
  applyAll(store, NOP);
  assertEquals(listener.take(), ["4: rev 6"]);
  assertEquals(store.waits.bytes, 0);
});

Deno.test("Waits are not put behind where nothing has come", () => {
  const [source, store] = twins(4);
  const listener = new Listener();
  listener.start(store, 1, "/**", 5);
  store.waits.onBehind = () => listener.told.push("behind");
  adoptFrom(source, store);
  assertEquals([store.waits.behind, listener.take()], [false, []]);
  applyAll(store, NOP);
  assertEquals(listener.take(), ["1: 5"]);
});

const GLOBS = ["/**", "/a/*", "/a", "/b/**", "/a/b/c", "/*", "/c/d/e/f", "/"];

Deno.test(`S7: Waits get their first event across any number of states (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  let events = 0;
  for (let round = 0; round < 30; round++) events += checkWaits(random);
  // A check that saw little is none. Some rounds have few, by chance.
  assert(events > 30 * 40, `only ${events} waits had an event`);
});

/**
 * One store applies all; the other is given its state now and then. Tells how
 * many waits had an event.
 */
function checkWaits(random: () => number): number {
  const historyRevs = 5 + Math.floor(random() * 60);
  const whole = new Store();
  const source = new Store({ historyRevs });
  const store = new Store({ historyRevs });
  const listener = new Listener();
  const wishes: { glob: string; from: number }[] = [];
  for (let step = 0; step < 150; step++) {
    const glob = GLOBS[Math.floor(random() * GLOBS.length)]!;
    const from = Math.max(1, store.rev - 5 + Math.floor(random() * 30));
    listener.start(store, wishes.push({ glob, from }) - 1, glob, from);
    const lags = random() < 0.3;
    const stores = lags ? [whole, source] : [whole, source, store];
    if (!lags && store.rev < source.rev) adoptFrom(source, store);
    const changes = Math.floor(random() * (lags ? 12 : 3));
    changeAtRandom(stores, { seed: Math.floor(random() * 1e9), changes });
    if (random() < 0.5) store.waits.catchUp(Math.floor(random() * 40));
  }
  catchUp(store);
  return checkAnswers({ whole, store, listener, wishes });
}

function checkAnswers(all: {
  whole: Store;
  store: Store;
  listener: Listener;
  wishes: readonly { glob: string; from: number }[];
}): number {
  const { whole, store, listener, wishes } = all;
  const paths = [""];
  for (let rev = 1; rev <= whole.rev; rev++) {
    paths.push(eventAt(whole, rev).path);
  }
  let events = 0;
  wishes.forEach(({ glob, from }, ticket) => {
    const result = listener.ended.get(ticket);
    const first = paths.findIndex((path, rev) =>
      rev >= from && rev <= store.rev && matchesSlowly(glob, path)
    );
    if (result === undefined) assertEquals(first, -1, `${glob} from ${from}`);
    else if ("code" in result) assertEquals(result.code, "TOO_LATE");
    else {
      events++;
      assertEquals(result.rev, first, `${glob} from ${from}`);
      assertEquals(result.path, paths[first]);
    }
  });
  return events;
}
