/**
 * The hash tells apart what differs, and is the same on every machine.
 *
 * @module
 */
import { assertEquals, assertNotEquals } from "@std/assert";
import {
  mixBytes,
  mixNumber,
  mixText,
  mixWord,
  type Mutation,
  Store,
} from "../../store/mod.ts";
import { applyAll, del, NOP, set } from "./changes.ts";
import { changeAtRandom } from "./copy.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

function hashOfBytes(bytes: Uint8Array, start = 0): number {
  return mixBytes(0, { bytes, start, length: bytes.length - start });
}

Deno.test("mixWord() is the inner step of MurmurHash3", () => {
  // Its reference result for the key 00 00 00 00 with seed 0, less the end.
  assertEquals(mixWord(0, 0) >>> 0, 0xe6546b64);
  assertEquals(mixWord(0, 1) >>> 0, 0x26cf0576);
  assertEquals(mixWord(-1, 2 ** 32 - 1), mixWord(-1, -1));
});

Deno.test("mixWord() never makes two hashes one", () => {
  const hashes = new Set<number>();
  for (let hash = 0; hash < 50_000; hash++) hashes.add(mixWord(hash, 12345));
  assertEquals(hashes.size, 50_000);
});

Deno.test("The hashes tell apart what is nearly equal", () => {
  const texts = ["", "a", "b", "ab", "ba", "abc", "ab\0", "\0ab", "abcd"];
  assertEquals(new Set(texts.map((text) => mixText(0, text))).size, 9);
  const runs = new Set<number>();
  for (let length = 0; length <= 9; length++) {
    const bytes = new Uint8Array(length);
    runs.add(hashOfBytes(bytes));
    for (let i = 0; i < length; i++) {
      bytes[i] = 1;
      runs.add(hashOfBytes(bytes));
      bytes[i] = 0;
    }
  }
  assertEquals(runs.size, 10 + 45);
  const numbers = [0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, 2 ** 52 - 1];
  const hashes = numbers.map((number) => mixNumber(0, number));
  assertEquals(new Set(hashes).size, numbers.length);
});

Deno.test("mixBytes() takes a run wherever it lies", () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i * 7);
  for (let start = 0; start < 20; start++) {
    assertEquals(hashOfBytes(bytes, start), hashOfBytes(bytes.slice(start)));
  }
});

Deno.test("S9: Store.hash has these values, on every machine", () => {
  const store = new Store();
  const hashes = [store.hash];
  const changes = [set("/a", "one"), set("/a/b", ""), del("/a"), NOP];
  for (const change of [...changes, set("/long", "0123456789")]) {
    store.apply(change);
    hashes.push(store.hash);
  }
  // As computed by another program, in another language.
  const expected = [0, 0xa2122927, 0xa2122927, 0xbe574011, 0x8a56f5d5];
  assertEquals(hashes, [...expected, 0x3a443833]);
});

Deno.test("S9: Store.hash differs where rev, kind, path or body do", () => {
  const base = [set("/a", "one"), set("/b", "two")];
  const others: Mutation[][] = [
    [set("/b", "two"), set("/a", "one")],
    [set("/a", "one"), set("/b", "twp")],
    [set("/a", "one"), set("/b", "two\0")],
    [set("/a", "one"), set("/c", "two")],
    [set("/a", "one"), del("/b")],
    [set("/a", "one"), NOP],
    [set("/a", "one"), set("/b", "")],
    [set("/a", "one")],
    [],
  ];
  const hashes = [base, ...others].map((changes) => {
    const store = new Store();
    applyAll(store, ...changes);
    return store.hash;
  });
  assertEquals(new Set(hashes).size, hashes.length);
});

Deno.test(`S9: Store.hash is of what was applied, not of what is kept (SEED=${SEED})`, () => {
  const stores = [new Store(), new Store({ historyRevs: 1 })];
  changeAtRandom(stores, { seed: SEED, changes: 500 });
  assertEquals(stores[0]!.hash, stores[1]!.hash);
  const before = stores[0]!.hash;
  const refused = stores[0]!.apply({ type: "del", path: "/a//", rev: -1 });
  assertEquals([typeof refused, stores[0]!.hash], ["object", before]);
  stores[0]!.apply(NOP, { time: 5, origin: "x" });
  stores[1]!.apply(NOP);
  assertEquals(stores[0]!.hash, stores[1]!.hash);
  assertNotEquals(stores[0]!.hash, before);
});
