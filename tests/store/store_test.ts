/**
 * The rules of mutations, and that memory is counted and given back. What
 * random changes do is compared with a model in store_model_test.ts.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionError } from "../../store/error.ts";
import {
  compileGlob,
  type ErrorCode,
  LIMITS,
  type Mutation,
  Store,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { ROW_BYTES } from "../../store/history.ts";
import { DIRECTORY_BYTES, NODE_BYTES, Turns } from "../../store/tree.ts";
import {
  applyAll,
  del,
  fileText,
  NOP,
  refusalOf,
  set,
  textOf,
} from "./changes.ts";
import { randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const FORCE = Number.MAX_SAFE_INTEGER;
const PAGE_BYTES = 256 << 10;

/** `/f` is a file of rev 3, `/d` a directory that holds `/d/x` of rev 2. */
function sample(): Store {
  const store = new Store();
  applyAll(store, set("/f", "1"), set("/d/x"), set("/f", "2"));
  return store;
}

/** All that can be seen of a store now. */
function picture(store: Store): unknown[] {
  const files: unknown[] = [];
  const glob = compileGlob("/**");
  for (let offset = 0;; offset++) {
    const match = store.match(glob, { offset, rev: store.rev });
    if (match === undefined) break;
    files.push([match.path, match.rev, textOf(match)]);
  }
  const { rev, firstRev, liveBytes, historyBytes, nodes } = store;
  return [files, { rev, firstRev, liveBytes, historyBytes, nodes }];
}

const GOOD: [name: string, Mutation][] = [
  ["SET of a missing file that clobbers", set("/n", "v", -1)],
  ["SET of a missing file that creates", set("/n", "v", 0)],
  ["SET of a missing file at any rev", set("/n", "v", 5)],
  ["SET of a file that clobbers", set("/f", "v", -1)],
  ["SET of a file at its rev", set("/f", "v", 3)],
  ["SET of a file at a later rev", set("/f", "v", 4)],
  ["SET of a file by force", set("/f", "v", FORCE)],
  ["SET of an empty body", set("/f", "")],
  ["SET in directories that are new", set("/a/b/c")],
  ["DEL of a file that clobbers", del("/f", -1)],
  ["DEL of a file at its rev", del("/f", 3)],
  ["DEL of a file at a later rev", del("/f", FORCE)],
  ["DEL of a missing file", del("/n", -1)],
  ["DEL of a missing file, rev 0", del("/n", 0)],
  ["DEL of a missing file at any rev", del("/n", 5)],
  ["DEL below a file, which counts as missing", del("/f/x/y", -1)],
  ["NOP", NOP],
];

const BAD: [name: string, Mutation, ErrorCode][] = [
  ["SET of a file that must not exist", set("/f", "v", 0), "REV_MISMATCH"],
  ["SET of a file that changed since", set("/f", "v", 2), "REV_MISMATCH"],
  ["SET of a file, rev -2", set("/f", "v", -2), "REV_MISMATCH"],
  ["SET of a file, rev -3", set("/f", "v", -3), "REV_MISMATCH"],
  ["SET of a missing file, rev -2", set("/n", "v", -2), "REV_MISMATCH"],
  ["SET of a directory", set("/d", "v", -1), "ISDIR"],
  ["SET of a directory, rev 0", set("/d", "v", 0), "ISDIR"],
  ["SET of a directory, its rev", set("/d", "v", -2), "ISDIR"],
  ["SET of a directory, rev -3", set("/d", "v", -3), "REV_MISMATCH"],
  ["SET of the root", set("/", "v"), "ISDIR"],
  ["SET below a file", set("/f/x", "v"), "NOTDIR"],
  ["SET far below a file", set("/d/x/y/z", "v"), "NOTDIR"],
  ["SET below a file, bad rev", set("/f/x", "v", -3), "NOTDIR"],
  ["SET of a bad path", set("/a b", "v"), "BAD_PATH"],
  ["SET of an empty path", set("", "v"), "BAD_PATH"],
  ["SET of a bad path below a file", set("/f/..", "v"), "BAD_PATH"],
  ["SET with a slash at the end", set("/f/", "v"), "BAD_PATH"],
  ["DEL of a file that changed since", del("/f", 2), "REV_MISMATCH"],
  ["DEL of a file, rev 0", del("/f", 0), "REV_MISMATCH"],
  ["DEL of a missing file, rev -2", del("/n", -2), "REV_MISMATCH"],
  ["DEL of a directory", del("/d", -1), "ISDIR"],
  ["DEL of a directory, rev -3", del("/d", -3), "REV_MISMATCH"],
  ["DEL of the root", del("/", -1), "ISDIR"],
  ["DEL of a bad path", del("/f/", -1), "BAD_PATH"],
];

Deno.test("S1: Store.apply() gives each good mutation one rev", async (t) => {
  for (const [name, mutation] of GOOD) {
    await t.step(name, () => {
      const store = sample();
      assertEquals(store.apply(mutation), 4);
      assertEquals(store.rev, 4);
      if (mutation.type === "nop") return;
      const { path } = mutation;
      if (mutation.type === "del") {
        assertEquals(store.get(path).type, "missing");
      } else {
        const body = new TextDecoder().decode(mutation.body);
        assertEquals([store.get(path).rev, fileText(store, path)], [4, body]);
      }
    });
  }
});

Deno.test("S2: Store.apply() refuses a bad mutation, no trace", async (t) => {
  for (const [name, mutation, code] of BAD) {
    await t.step(name, () => {
      const store = sample();
      const before = picture(store);
      assertEquals(store.apply(mutation), { code });
      assertEquals(picture(store), before);
    });
  }
});

Deno.test("Store.apply() copies the body", () => {
  const store = new Store();
  const body = Uint8Array.of(65, 66);
  store.apply({ type: "set", path: "/a", rev: -1, body });
  body.fill(0);
  assertEquals(fileText(store, "/a"), "AB");
});

Deno.test("Store.apply() leaves a file alone when a path below is deleted", () => {
  const store = sample();
  applyAll(store, del("/f/x"), del("/f/x/y"), del("/d/x/z"));
  assertEquals([store.get("/f").rev, store.get("/d/x").rev], [3, 2]);
  assertEquals(store.get("/f").type, "file");
  // The deleted path is known for a while, and is no directory for that.
  assertEquals(store.apply(set("/f/x/y")), { code: "NOTDIR" });
  assertEquals(store.apply(del("/f")), 7);
  assertEquals(store.apply(set("/f/x/y")), 8);
});

Deno.test("Store removes a directory with its last entry", () => {
  const store = new Store();
  applyAll(store, set("/a/b/c/d"), set("/a/e"), del("/a/b/c/d"));
  assertEquals(store.get("/a/b").type, "missing");
  assertEquals(store.get("/a").type, "directory");
  applyAll(store, set("/a/b", "now a file"), del("/a/e"), del("/a/b"));
  assertEquals(store.get("/a").type, "missing");
  assertEquals(store.countEntries("/"), 0);
});

Deno.test("Store takes a value of the full size and refuses a larger", () => {
  const store = new Store();
  const most = LIMITS.valueBytes;
  const body = new Uint8Array(most + 1);
  const plain = { type: "set", path: "/a", rev: -1 } as const;
  assertEquals(store.apply({ ...plain, body }), {
    code: "LIMIT",
    detail: `The value has ${most + 1} bytes, the limit is ${most}`,
  });
  assertEquals([store.rev, store.nodes, store.bodyBytes], [0, 1, 0]);
  assertEquals(store.apply({ ...plain, body: body.subarray(1) }), 1);
});

Deno.test("Store refuses what the tree has no room for, and goes on", () => {
  const limits: { treeBytes: number } = LIMITS;
  const { treeBytes } = limits;
  // A tree of the real limit would take the test a gigabyte.
  limits.treeBytes = 20_000;
  try {
    const store = new Store({ historyRevs: 1 });
    const put = (i: number) => store.apply(set(`/f${i}`, "x".repeat(1000)));
    const room = Math.floor(20_000 / (1003 + NODE_BYTES));
    for (let i = 0; i < room; i++) assertEquals(put(i), i + 1);
    const before = picture(store);
    const would = store.liveBytes + NODE_BYTES + `/f${room}`.length + 1000;
    assertEquals(refusalOf(put(room)), {
      code: "LIMIT",
      detail: `The tree would have ${would} bytes, the limit is 20000`,
    });
    assertEquals(refusalOf(store.apply(set("/a/b/c/d"))).code, "LIMIT");
    assertEquals(picture(store), before);
    assertEquals(put(0), room + 1);
    applyAll(store, del("/f1"));
    assertEquals(put(room), room + 3);
  } finally {
    limits.treeBytes = treeBytes;
  }
});

Deno.test("S5: Store.liveBytes pays for directories that paths bring", () => {
  const store = new Store({ historyRevs: 1 });
  const path = "/d".repeat(LIMITS.pathBytes / 2);
  applyAll(store, set(path, ""));
  const bytes = NODE_BYTES + path.length +
    (LIMITS.pathBytes / 2 - 1) * DIRECTORY_BYTES;
  assertEquals(store.liveBytes, bytes);
  applyAll(store, set(`${path.slice(0, -2)}/e`, "12345"));
  assertEquals(store.liveBytes, bytes + NODE_BYTES + path.length + 5);
  applyAll(store, del(path));
  assertEquals(store.liveBytes, bytes + 5);
  applyAll(store, del(`${path.slice(0, -2)}/e`));
  assertEquals(store.liveBytes, 0);
});

Deno.test("S5: Store.historyBytes pays for what only history keeps", () => {
  const store = new Store({ historyRevs: 4 });
  const body = (length: number) => "x".repeat(length);
  const cost: number[] = [];
  const apply = (mutation: Mutation) => {
    const before = store.historyBytes;
    applyAll(store, mutation);
    cost.push(store.historyBytes - before);
  };
  apply(set("/a", body(1000)));
  apply(set("/a", body(10)));
  apply(set("/a", body(0)));
  apply(set("/b", body(500)));
  assertEquals(cost, [ROW_BYTES, ROW_BYTES + 1000, ROW_BYTES + 10, ROW_BYTES]);
  applyAll(store, del("/b"), NOP, NOP, NOP);
  assertEquals(store.historyBytes, 4 * ROW_BYTES + NODE_BYTES + 2 + 500);
  applyAll(store, NOP);
  assertEquals(store.historyBytes, 4 * ROW_BYTES);
});

Deno.test("Store forgets by revs: the last N can be read", () => {
  for (const historyRevs of [1, 2, 5]) {
    const store = new Store({ historyRevs });
    assertEquals([store.firstRev, store.rev], [1, 0]);
    for (let rev = 1; rev <= 12; rev++) {
      applyAll(store, set("/a", `${rev}`));
      assertEquals(store.firstRev, Math.max(1, rev - historyRevs + 1));
      for (let at = store.firstRev; at <= rev; at++) {
        assertEquals(store.get("/a", at).rev, at);
      }
    }
  }
  assertThrows(() => new Store({ historyRevs: 0 }), AssertionError);
});

Deno.test("Store forgets by bytes, but never the newest rev", () => {
  const store = new Store({ historyBytes: 10_000 });
  for (let i = 0; i < 50; i++) {
    applyAll(store, set("/a", "x".repeat(900)));
    assert(store.historyBytes <= 10_000);
  }
  assertEquals(store.rev - store.firstRev, 9);
  applyAll(store, set("/a", "x".repeat(50_000)), set("/a", ""));
  assertEquals(store.firstRev, store.rev);
  assertEquals(store.get("/a").rev, store.rev);
});

/** Changes a store at random, and leaves waits and readers behind. */
function churn(store: Store, random: () => number): void {
  const waiter: Waiter = { waitEnded: () => {}, revReached: () => {} };
  const pick = (from: number) => Math.floor(random() * from);
  for (let i = 0; i < 20_000; i++) {
    const depth = 1 + pick(4);
    const path = Array.from({ length: depth }, () => `/n${pick(7)}`).join("");
    const body = "x".repeat(2 ** (random() * 10));
    store.apply(random() < 0.6 ? set(path, body) : del(path));
    if (i % 100 === 0) {
      const glob = compileGlob(random() < 0.5 ? "/never/*" : path);
      const wait = new Wait(waiter, { glob, from: store.rev, ticket: i });
      store.waits.start(wait);
      if (random() < 0.5) store.waits.cancel(wait);
    }
  }
}

/** Deletes every file and lets history forget that it was there. */
function emptyOut(store: Store, historyRevs: number): void {
  const glob = compileGlob("/**");
  for (;;) {
    const match = store.match(glob, { offset: 0, rev: store.rev });
    if (match === undefined) break;
    applyAll(store, del(match.path));
  }
  for (let i = 0; i < historyRevs; i++) applyAll(store, NOP);
}

Deno.test(`S6: Store holds nothing once all is gone (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  for (const historyRevs of [1, 10, 3000]) {
    const store = new Store({ historyRevs });
    churn(store, random);
    assert(store.files > 0 && store.nodes > store.files);
    emptyOut(store, historyRevs);
    assertEquals([store.files, store.liveBytes, store.nodes], [0, 0, 1]);
    assertEquals(store.historyBytes, historyRevs * ROW_BYTES);
    assertEquals(store.countEntries("/"), 0);
    // Bodies of up to 1,024 bytes have 33 sizes of slots.
    assert(store.bodyBytes <= 33 * PAGE_BYTES, `${store.bodyBytes} held`);
  }
});

Deno.test("S6: Store's memory does not grow by overwriting", () => {
  const store = new Store({ historyRevs: 500 });
  const round = (from: number) => {
    for (let i = 0; i < 5000; i++) {
      applyAll(store, set(`/d${i % 7}/f${i % 100}`, "x".repeat(128)));
      applyAll(store, set(`/once/f${from + i}`), del(`/once/f${from + i}`));
    }
    return [store.nodes, store.bodyBytes, store.historyBytes];
  };
  const first = round(0);
  for (let i = 1; i < 5; i++) assertEquals(round(0), first);
  const [nodes, bodyBytes] = round(10_000);
  assertEquals([nodes, bodyBytes], first.slice(0, 2));
});

Deno.test("S6: Store forgets when directories came and went", () => {
  const made = new Set<Turns>();
  const { add } = Turns.prototype;
  Turns.prototype.add = function (rev: number): void {
    made.add(this);
    add.call(this, rev);
  };
  try {
    const store = new Store({ historyRevs: 10 });
    for (let i = 0; i < 500; i++) applyAll(store, set("/a/b/c"), del("/a/b/c"));
    assertEquals(made.size, 2);
    for (const turns of made) assertEquals(turns.countAfter(0), 10);
  } finally {
    Turns.prototype.add = add;
  }
});
