/**
 * An event tells what its rev did, and nothing that came later.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Store, type StoreEvent } from "../../store/mod.ts";
import { applyAll, del, NOP, set, textOf } from "./changes.ts";
import { eventAt } from "./copy.ts";

/** An event as rev, path, kind, rev of the event before, body. */
function show(event: StoreEvent): unknown[] {
  const { rev, path, kind, previousRev, body } = event;
  return [rev, path, kind, previousRev, textOf(body)];
}

Deno.test("StoreEvent names rev, path, kind, the event before, the body", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/a", "one"), set("/b", ""), set("/a", "two"));
  applyAll(store, NOP, del("/a"), del("/a"), del("/c/d"), set("/a", "three"));
  applyAll(store, NOP);
  const events = Array.from(
    { length: 9 },
    (_, i) => show(eventAt(store, i + 1)),
  );
  assertEquals(events, [
    [1, "/a", "set", 0, "one"],
    [2, "/b", "set", 0, ""],
    [3, "/a", "set", 1, "two"],
    [4, "/", "nop", 0, ""],
    [5, "/a", "del", 3, ""],
    [6, "/a", "del", 5, ""],
    [7, "/c/d", "del", 0, ""],
    [8, "/a", "set", 6, "three"],
    [9, "/", "nop", 4, ""],
  ]);
});

Deno.test("StoreEvent names the event before though it is forgotten", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, set("/a", "one"), NOP, NOP, NOP, set("/a", "two"));
  assertEquals(show(eventAt(store, 5)), [5, "/a", "set", 1, "two"]);
});

Deno.test("StoreEvent names none where the file was gone and forgotten", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, set("/a", "one"), del("/a"), NOP, NOP, set("/a", "two"));
  assertEquals(show(eventAt(store, 5)), [5, "/a", "set", 0, "two"]);
});

Deno.test("StoreEvent tells when it was asked for, and by whom", () => {
  const store = new Store({ historyRevs: 5000 });
  const stampOf = (rev: number) => ({
    // Clocks of different nodes, one of them not set at all.
    time: rev % 7 === 0 ? rev : 1_790_000_000_000 + (rev * 7919) % 1000,
    origin: `node ${rev % 5}`,
  });
  for (let rev = 1; rev <= 20_000; rev++) store.apply(NOP, stampOf(rev));
  for (let rev = store.firstRev; rev <= store.rev; rev += 13) {
    const { time, origin } = eventAt(store, rev);
    assertEquals({ time, origin }, stampOf(rev));
  }
});

Deno.test("StoreEvent has no time and no origin where none was given", () => {
  const store = new Store();
  applyAll(store, set("/a"));
  const { time, origin } = eventAt(store, 1);
  assertEquals([time, origin], [0, ""]);
});
