/**
 * What a path was at each rev, base and chain joined.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { NO_STAMP, Store } from "../../store/mod.ts";
import { MISSING_STATE, Versions } from "../../store/versions.ts";
import { History, SET } from "../../store/history.ts";
import { Slabs } from "../../store/slabs.ts";
import { Tree } from "../../store/tree.ts";
import { applyAll, del, NOP, set, textOf } from "./changes.ts";

/** The state as a short text: `3:body`, `dir`, `none`. */
function show(store: Store, path: string, rev: number): string {
  const state = store.get(path, rev);
  if (state.type !== "file") return state.type === "directory" ? "dir" : "none";
  return `${state.rev}:${textOf(state)}`;
}

Deno.test("Versions knows a path as file, directory and nothing in turn", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/a", "one"), set("/a", "two"), del("/a"));
  applyAll(store, set("/a/b", "below"), del("/a/b"), NOP, set("/a", ""));
  const seen = [1, 2, 3, 4, 5, 6, 7].map((rev) => show(store, "/a", rev));
  assertEquals(seen, ["1:one", "2:two", "none", "dir", "none", "none", "7:"]);
});

Deno.test("Versions reads the base where the rev is older than the chain", () => {
  const store = new Store({ historyRevs: 3 });
  applyAll(store, set("/a", "old"), set("/gone", "x"), del("/gone"));
  applyAll(store, NOP, NOP, NOP, NOP, NOP, set("/a", "new"));
  assertEquals([store.firstRev, store.rev], [7, 9]);
  const seen = [7, 8, 9].map((rev) => show(store, "/a", rev));
  assertEquals(seen, ["1:old", "1:old", "9:new"]);
  assertEquals(show(store, "/gone", 7), "none");
});

Deno.test("Versions tells the special revs of what is no file", () => {
  const store = new Store();
  store.apply(set("/a/b"));
  assertEquals(store.get("/a"), { type: "directory", rev: -2 });
  assertEquals(store.get("/"), { type: "directory", rev: -2 });
  for (const path of ["/x", "/a/b/c", "/a/", "", "//", "a", "/a/b/"]) {
    assertEquals(store.get(path), MISSING_STATE, path);
  }
});

Deno.test("Versions counts the entries that existed at the rev", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/d/a"), set("/d/b/c"), set("/d/b/e"));
  applyAll(store, del("/d/missing"), del("/d/a"), del("/d/b/c"));
  applyAll(store, del("/d/b/e"), set("/d"));
  const counts = [1, 2, 3, 4, 5, 6, 7, 8]
    .map((rev) => store.countEntries("/d", rev));
  assertEquals(counts, [1, 2, 2, 2, 1, 1, 0, 0]);
  assertEquals(store.countEntries("/d/b", 2), 1);
  assertEquals(store.countEntries("/d/b", 3), 2);
  assertEquals(store.countEntries("/nowhere", 3), 0);
  assertEquals(store.countEntries("/d/a", 3), 0);
});

Deno.test("Versions.lengthNow() finds the length in chain and base", () => {
  const parts = {
    tree: new Tree(),
    history: new History(),
    slabs: new Slabs(),
  };
  const versions = new Versions(parts);
  const node = parts.tree.ensure("/a");
  const row = { node, kind: SET, body: 0, length: 5, previous: 0 } as const;
  const rev = parts.history.append({
    ...row,
    shape: true,
    cost: 0,
    ...NO_STAMP,
  });
  parts.tree.turn(node, true, rev);
  parts.tree.setHead(node, rev);
  assertEquals(versions.lengthNow(node), 5);
  parts.tree.setBase(node, rev, { ref: 0, length: 5 });
  parts.history.dropFirst();
  assertEquals(versions.lengthNow(node), 5);
  assertEquals(versions.wasFile(node, 2), true);
});
