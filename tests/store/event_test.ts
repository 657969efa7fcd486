/**
 * An event tells what its rev did, and nothing that came later.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  compileGlob,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { applyAll, del, NOP, set, textOf } from "./changes.ts";

const NOBODY: Waiter = { waitEnded: () => {}, revReached: () => {} };

function eventAt(store: Store, rev: number): StoreEvent {
  const wish = { glob: compileGlob("/**"), from: rev, ticket: 1 };
  const result: StoreEvent | Refusal | undefined = store.waits.start(
    new Wait(NOBODY, wish),
  );
  if (result === undefined || !("kind" in result)) throw new Error("no event");
  return result;
}

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
