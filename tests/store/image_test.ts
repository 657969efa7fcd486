/**
 * An image is the store as it was when it was taken, whatever is written
 * while it is read; and it costs no more than is asked for.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ImageBase,
  type ImageVisitor,
  Store,
  type StoreEvent,
  StoreImporter,
} from "../../store/mod.ts";
import { applyAll, del, NOP, set, textOf } from "./changes.ts";
import {
  changeAtRandom,
  copyOf,
  eventAt,
  feed,
  FEW_PATHS,
  finished,
  importImage,
  pictureOf,
  showEvent,
} from "./copy.ts";
import { randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** Takes note of what it is handed. */
class Listener implements ImageVisitor {
  readonly entries: string[] = [];

  base({ path, rev, body }: ImageBase): void {
    this.entries.push(`${rev} ${path} ${body ? textOf(body) : "gone"}`);
  }

  revision({ rev, kind, path, body, previousRev }: StoreEvent): void {
    const text = `${rev} ${kind} ${path} after ${previousRev} ${textOf(body)}`;
    this.entries.push(text.trimEnd());
  }
}

Deno.test("StoreImage hands out the bases, then the revisions in order", () => {
  const store = new Store({ historyRevs: 3 });
  applyAll(store, set("/f", "1"), set("/d", "2"), del("/d"), NOP);
  applyAll(store, set("/d/x", "5"), set("/f", "6"), del("/d/y"), NOP);
  const listener = new Listener();
  const image = store.openImage();
  assertEquals([image.first, image.last], [6, 8]);
  assertEquals(image.next(1e6, listener), "done");
  assertEquals(listener.entries, [
    "1 /f 1",
    "3 /d gone",
    "5 /d/x 5",
    "6 set /f after 1 6",
    "7 del /d/y after 0",
    "8 nop / after 4",
  ]);
  image.close();
});

Deno.test("StoreImage names what was forgotten of a path that is no file", () => {
  const store = new Store({ historyRevs: 2 });
  // Nothing readable tells that "/d" was a file, but its next event does.
  applyAll(store, set("/d"), del("/d"), set("/d/x"), NOP, NOP, NOP);
  const image = store.openImage();
  applyAll(store, del("/d/x"), set("/d"));
  const copy = new Store();
  copy.adopt(importImage(image));
  applyAll(copy, del("/d/x"), set("/d"));
  assertEquals(eventAt(store, 8).previousRev, 2);
  assertEquals(showEvent(eventAt(copy, 8)), showEvent(eventAt(store, 8)));
});

Deno.test("StoreImage of an empty store is empty", () => {
  const store = new Store();
  const copy = copyOf(store);
  assertEquals([copy.rev, copy.firstRev, copy.hash], [0, 1, store.hash]);
  applyAll(store, set("/a"));
  applyAll(copy, set("/a"));
  assertEquals(pictureOf(copy, FEW_PATHS), pictureOf(store, FEW_PATHS));
});

Deno.test(`S10: a copy is as its source was, at every rev (SEED=${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 5, 20, 1000),
      fc.integer({ min: 0, max: 120 }),
      fc.constantFrom(1, 100, 700, 5000),
      (seed, historyRevs, changes, budget) => {
        checkCopy({ seed, historyRevs, changes, budget });
      },
    ),
    { numRuns: 150, seed: SEED },
  );
});

interface Trial {
  readonly seed: number;
  readonly historyRevs: number;
  readonly changes: number;
  readonly budget: number;
}

function checkCopy({ seed, historyRevs, changes, budget }: Trial): void {
  const random = randomOf(seed + 1);
  const source = new Store({ historyRevs });
  changeAtRandom([source], { seed, changes });
  const before = pictureOf(source, FEW_PATHS);
  const { firstRev, rev } = source;
  const image = source.openImage();
  const importer = new StoreImporter(image);
  const meanwhile: { seed: number; changes: number }[] = [];
  do {
    const more = { seed: Math.floor(random() * 1e9), changes: 1 };
    meanwhile.push(more);
    changeAtRandom([source], more);
  } while (feed(image, importer, budget) === "more");
  image.close();
  const copy = new Store({ historyRevs });
  const imported = finished(importer);
  assertEquals([imported.rev, imported.hash], [rev, image.hash]);
  copy.adopt(imported);
  assertEquals(copy.firstRev, firstRev);
  assertEquals(pictureOf(copy, FEW_PATHS), before);
  for (const more of meanwhile) changeAtRandom([copy], more);
  assertAlike(copy, source);
  changeAtRandom([copy, source], { seed: seed + 2, changes: 60 });
  assertAlike(copy, source);
}

/** Both may have forgotten at another time, but then the same. */
function assertAlike(copy: Store, source: Store): void {
  for (const store of [copy, source]) store.trim(Infinity);
  assertEquals(copy.firstRev, source.firstRev);
  assertEquals(copy.historyBytes, source.historyBytes);
  const plain = (store: Store) =>
    pictureOf(store, FEW_PATHS).map((seen) => {
      const [rev, path, kind, previous, ...rest] = Array.isArray(seen)
        ? seen
        : [];
      if (typeof rev !== "number") return seen;
      // What came before history depends on when the rest was forgotten.
      return [rev, path, kind, previous < store.firstRev || previous, rest];
    });
  assertEquals(plain(copy), plain(source));
}

Deno.test("StoreImage.next() hands out what the budget allows, or one", () => {
  const store = new Store({ historyRevs: 4 });
  for (let i = 0; i < 20; i++) applyAll(store, set(`/f${i}`, "x".repeat(100)));
  applyAll(store, set("/big", "x".repeat(5000)));
  const image = store.openImage();
  const sizes: number[] = [];
  for (let state = "more"; state === "more";) {
    const listener = new Listener();
    state = image.next(900, listener);
    sizes.push(listener.entries.length);
    const bytes = listener.entries.join("").length;
    assert(bytes <= 900 || listener.entries.length === 1, `${bytes} bytes`);
  }
  assertEquals(sizes.reduce((sum, size) => sum + size), 21);
  assert(sizes.length >= 8, `${sizes}`);
  image.close();
});

Deno.test("StoreImage.next() passes over what is no base, a bit at a time", () => {
  const store = new Store();
  for (let i = 0; i < 10_000; i++) applyAll(store, set(`/d/${i}`, ""));
  const image = store.openImage();
  const listener = new Listener();
  let calls = 0;
  while (listener.entries.length === 0) {
    assertEquals(image.next(1000, listener), "more");
    calls++;
  }
  assert(calls > 50, `${calls} calls for 10,000 nodes`);
  image.close();
});

Deno.test("Store keeps what an image needs, and no longer", () => {
  const store = new Store({ historyRevs: 10 });
  const fill = (count: number) => {
    for (let i = 0; i < count; i++) applyAll(store, NOP);
  };
  fill(30);
  const [early, late] = [store.openImage(), store.openImage()];
  fill(500);
  assertEquals([store.firstRev, store.overdue], [21, true]);
  late.close();
  late.close();
  fill(500);
  assertEquals([store.firstRev, early.needs], [21, 21]);
  // What was handed out can be forgotten.
  assertEquals(early.next(128 * 4, new Listener()), "more");
  fill(1);
  assertEquals([early.needs, store.firstRev], [24, 24]);
  early.close();
  assertEquals([store.firstRev, store.overdue], [1022, false]);
  assertEquals(early.next(1e6, new Listener()), "lost");
});

Deno.test("Store forgets bit by bit what an image made it keep", () => {
  const store = new Store({ historyRevs: 10 });
  applyAll(store, NOP);
  const image = store.openImage();
  for (let i = 0; i < 20_000; i++) applyAll(store, set("/a", "x"));
  image.close();
  const kept = store.rev - store.firstRev;
  assert(kept > 15_000, "closing forgets not all at once");
  let most = 0;
  while (store.overdue) {
    const before = store.firstRev;
    applyAll(store, NOP);
    most = Math.max(most, store.firstRev - before);
  }
  assertEquals(store.rev - store.firstRev + 1, 10);
  assert(most <= 100, `${most} rows at once`);
  assert(store.bodyBytes <= 2 * (256 << 10), `${store.bodyBytes} bytes held`);
});

Deno.test("Store gives up an image for which history grows too far", () => {
  const options = { historyRevs: 10, overdraftBytes: 5000 };
  const store = new Store(options);
  for (let i = 0; i < 20; i++) applyAll(store, NOP);
  const image = store.openImage();
  let written = 0;
  for (; !image.lost; written++) applyAll(store, NOP);
  assert(written > 100 && written < 200, `${written}`);
  assertEquals(image.next(1e6, new Listener()), "lost");
  for (let i = 0; i < 10; i++) applyAll(store, NOP);
  assertEquals([store.firstRev, store.overdue], [store.rev - 9, false]);
  image.close();
  const again = copyOf(store);
  assertEquals(again.rev, store.rev);
});

Deno.test("Store shrinks again after an image also when values are large", () => {
  const large = set("/a", "x".repeat(100_000));
  const store = new Store({ historyRevs: 3, overdraftBytes: 400_000 });
  for (let i = 0; i < 4; i++) applyAll(store, large);
  const image = store.openImage();
  for (let i = 0; !image.lost && i < 100; i++) applyAll(store, large);
  assert(image.lost);
  for (let i = 0; i < 5; i++) applyAll(store, large);
  assertEquals(store.rev - store.firstRev + 1, 3);
});

Deno.test("Store shrinks after an image, however large what is written", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, NOP);
  const image = store.openImage();
  for (let i = 0; i < 20_000; i++) applyAll(store, NOP);
  image.close();
  const large = set("/a", "x".repeat(50_000));
  applyAll(store, large);
  for (let turns = 0; store.overdue; turns++) {
    const before = store.historyBytes;
    applyAll(store, large);
    assert(store.historyBytes <= before, `it grows in turn ${turns}`);
    assert(turns < 100, "it shrinks too slowly");
  }
  assertEquals(store.rev - store.firstRev, 1);
});

Deno.test("Store.trim() forgets what is overdue where nothing is applied", () => {
  const store = new Store({ historyRevs: 10 });
  applyAll(store, NOP);
  const image = store.openImage();
  for (let i = 0; i < 5000; i++) applyAll(store, NOP);
  image.close();
  assertEquals([store.overdue, store.firstRev], [true, 2049]);
  store.trim(1000);
  assertEquals([store.overdue, store.firstRev], [true, 3049]);
  store.trim(1e6);
  assertEquals([store.overdue, store.firstRev], [false, 4992]);
  store.trim(1e6);
  assertEquals(store.firstRev, 4992);
});
