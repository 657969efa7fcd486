/**
 * Lists of matches and entries: right, in order, and not made too often.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { compileGlob, LIMITS, NO_STAMP, Store } from "../../store/mod.ts";
import { History, type NodeNumber, SET } from "../../store/history.ts";
import { Listings } from "../../store/listing.ts";
import { NO_BODY, Slabs } from "../../store/slabs.ts";
import { Tree } from "../../store/tree.ts";
import { Versions } from "../../store/versions.ts";
import { applyAll, del, set, textOf } from "./changes.ts";

function matches(store: Store, glob: string, rev = store.rev): string[] {
  const found: string[] = [];
  for (let offset = 0;; offset++) {
    const match = store.match(compileGlob(glob), { offset, rev });
    if (match === undefined) return found;
    found.push(match.path);
  }
}

function entries(store: Store, path: string, rev = store.rev): string[] {
  const found: string[] = [];
  for (let offset = 0;; offset++) {
    const name = store.entry(path, { offset, rev });
    if (name === undefined) return found;
    found.push(name);
  }
}

Deno.test("Store.match() goes in tree order, names by their bytes", () => {
  const store = new Store();
  const inOrder = ["/w/A", "/w/a/z", "/w/a/z0/b", "/w/a-b", "/w/a.b", "/w/a0"];
  inOrder.push("/w/aa/b", "/w/b", "/w/~");
  for (const path of inOrder.toReversed()) applyAll(store, set(path));
  assertEquals(matches(store, "/w/**"), inOrder);
  assertEquals(matches(store, "/**"), inOrder);
  assertEquals(
    matches(store, "/w/*"),
    inOrder.filter((path) => path.split("/").length === 3),
  );
});

Deno.test("Store.match() finds by every shape of glob", () => {
  const store = new Store();
  const paths = ["/a/b/c", "/a/b/d", "/a/bc", "/ab/c", "/b", "/b-/c/d/e"];
  for (const path of paths) applyAll(store, set(path));
  const rows: [glob: string, matches: string[]][] = [
    ["/", []],
    ["/*", ["/b"]],
    ["/a", []],
    ["/b", ["/b"]],
    ["/a/b/c", ["/a/b/c"]],
    ["/a/b/x", []],
    ["/x/**", []],
    ["/a/**", ["/a/b/c", "/a/b/d", "/a/bc"]],
    ["/a**", ["/a/b/c", "/a/b/d", "/a/bc", "/ab/c"]],
    ["/a*/c", ["/ab/c"]],
    ["/?/b*", ["/a/bc"]],
    ["/**/c", ["/a/b/c", "/ab/c"]],
    ["/**c", ["/a/b/c", "/a/bc", "/ab/c"]],
    ["/a/b*", ["/a/bc"]],
    ["/a/b**", ["/a/b/c", "/a/b/d", "/a/bc"]],
    ["/b/**", []],
    ["/b-/**/e", ["/b-/c/d/e"]],
    ["/*/*/*/*", ["/b-/c/d/e"]],
    ["/b/*", []],
    ["/a/b/c/**", []],
  ];
  for (const [glob, expected] of rows) {
    assertEquals(matches(store, glob), expected, glob);
  }
});

Deno.test("Store.match() gives the file's own rev and body at that rev", () => {
  const store = new Store({ historyRevs: 10 });
  applyAll(store, set("/a", "one"), set("/b", "x"), set("/a", "two"));
  const glob = compileGlob("/*");
  const seen = [1, 2, 3].map((rev) => {
    const { type, path, rev: fileRev, ...body } = store.match(glob, {
      offset: 0,
      rev,
    })!;
    return [type, path, fileRev, textOf(body)];
  });
  assertEquals(seen, [
    ["file", "/a", 1, "one"],
    ["file", "/a", 1, "one"],
    ["file", "/a", 3, "two"],
  ]);
});

Deno.test("Store.match() and entry() end at both ends of the list", () => {
  const store = new Store();
  applyAll(store, set("/a"));
  const glob = compileGlob("/**");
  for (const offset of [-1, 1, 2 ** 31 - 1, -(2 ** 31)]) {
    assertEquals(store.match(glob, { offset, rev: 1 }), undefined);
    assertEquals(store.entry("/", { offset, rev: 1 }), undefined);
  }
});

Deno.test("Store.entry() names what existed at the rev, sorted", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/d/b/x"), set("/d/a"), set("/d/B"), del("/d/no"));
  applyAll(store, del("/d/a"), del("/d/b/x"), set("/d/a/c"));
  const seen = [1, 2, 3, 4, 5, 6, 7].map((rev) => entries(store, "/d", rev));
  const three = ["B", "a", "b"];
  assertEquals(seen, [
    ["b"],
    ["a", "b"],
    three,
    three,
    ["B", "b"],
    ["B"],
    ["B", "a"],
  ]);
  assertEquals(entries(store, "/"), ["d"]);
  assertEquals(entries(store, "/nowhere"), []);
  assertEquals(entries(store, "/d/B"), []);
});

Deno.test("Store.match() does not mix lists of globs, revs and entries", () => {
  const store = new Store({ historyRevs: 100 });
  applyAll(store, set("/a/b"), set("/a/c"));
  const pinned = store.rev;
  assertEquals(matches(store, "/a/*", pinned), ["/a/b", "/a/c"]);
  applyAll(store, del("/a/b"), set("/a/d"), set("/other/x"));
  assertEquals(matches(store, "/a/*", pinned), ["/a/b", "/a/c"]);
  assertEquals(matches(store, "/a/*"), ["/a/c", "/a/d"]);
  assertEquals(matches(store, "/a/**"), ["/a/c", "/a/d"]);
  assertEquals(entries(store, "/a"), ["c", "d"]);
  assertEquals(entries(store, "/a", pinned), ["b", "c"]);
  assertEquals(entries(store, "/", pinned), ["a"]);
});

Deno.test("Store.match() is not fooled by a node's number used again", () => {
  const store = new Store({ historyRevs: 1 });
  for (let i = 0; i < 50; i++) {
    applyAll(store, set(`/a/f${i}`));
    assertEquals(matches(store, "/a/*"), [`/a/f${i}`]);
    assertEquals(entries(store, "/a"), [`f${i}`]);
    applyAll(store, del(`/a/f${i}`));
    assertEquals(matches(store, "/a/*"), []);
    assertEquals(entries(store, "/"), []);
  }
});

/** Counts how often it is asked whether a node existed. */
class CountingVersions extends Versions {
  asked = 0;
  override wasFile(node: NodeNumber, rev: number): boolean {
    this.asked++;
    return super.wasFile(node, rev);
  }
}

function countedTree(paths: readonly string[]) {
  const tree = new Tree();
  const history = new History();
  for (const path of paths) {
    const node = tree.ensure(path);
    const row = { node, kind: SET, body: NO_BODY, length: 0 } as const;
    const rev = history.append({
      ...row,
      previous: 0,
      shape: true,
      cost: 0,
      ...NO_STAMP,
    });
    tree.turn(node, true, rev);
    tree.setHead(node, rev);
  }
  const versions = new CountingVersions({ tree, history, slabs: new Slabs() });
  const listings = new Listings(versions);
  return { versions, listings, last: history.last };
}

Deno.test("Listings look only where the glob's prefix leads", () => {
  const paths = ["/app/x/1", "/app/x/2", "/app/y/3"];
  for (let i = 0; i < 2000; i++) paths.push(`/big/d${i % 50}/f${i}`);
  const { versions, listings, last } = countedTree(paths);
  for (const glob of ["/app/x/*", "/app/**", "/app/x/1", "/a**", "/app/?/*"]) {
    versions.asked = 0;
    listings.matching(compileGlob(glob), last);
    assert(versions.asked < 120, `${glob}: ${versions.asked} nodes asked`);
  }
  versions.asked = 0;
  listings.matching(compileGlob("/*"), last);
  assert(versions.asked < 120, `/*: ${versions.asked} nodes asked`);
});

Deno.test("Listings make a list once for all of its requests", () => {
  const paths = Array.from({ length: 500 }, (_, i) => `/d/f${i}`);
  const { versions, listings, last } = countedTree(paths);
  const glob = compileGlob("/d/*");
  const directory = versions.tree.find("/d")!;
  const list = listings.matching(glob, last);
  const names = listings.entries(directory, last);
  versions.asked = 0;
  for (let i = 0; i < 500; i++) {
    assert(listings.matching(compileGlob("/d/*"), last) === list);
    assert(listings.entries(directory, last) === names);
  }
  assertEquals(versions.asked, 0);
});

Deno.test("Listings keep the lists of as many walks as there are clients", () => {
  const paths = Array.from({ length: 40 }, (_, i) => `/d/f${i}`);
  const { versions, listings, last } = countedTree(paths);
  const globs = Array.from(
    { length: LIMITS.connections },
    (_, i) => compileGlob(`/d/${"?".repeat(1 + i % 30)}*${"*".repeat(i / 30)}`),
  );
  for (const glob of globs) listings.matching(glob, last);
  versions.asked = 0;
  for (const glob of globs) listings.matching(glob, last);
  assertEquals(versions.asked, 0);
});
