/**
 * What an importer must refuse, whoever sent it.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AssertionError,
  checkHeader,
  type ImageBase,
  type ImageHeader,
  Store,
  type StoreEvent,
  StoreImporter,
} from "../../store/mod.ts";
import { applyAll, del, NOP, set } from "./changes.ts";
import { eventAt, feed, importImage } from "./copy.ts";

const BODY = { bytes: new Uint8Array([1, 2, 3]), start: 0, length: 3 };

/** An image of first rev 4 to last rev 6, taken apart. */
function sample() {
  const store = new Store({ historyRevs: 3 });
  applyAll(store, set("/f", "1"), set("/d/x", "2"), set("/f", "3"));
  applyAll(store, set("/f", "4"), del("/d/x"), NOP);
  const bases: ImageBase[] = [];
  const events: StoreEvent[] = [];
  const header = store.openImage();
  header.next(1e6, {
    base: ({ path, rev }) => bases.push({ path, rev, body: BODY }),
    revision: (event) => events.push(event),
  });
  return { header, bases, events };
}

/** The first complaint about the image, or undefined. */
function complaintOf(
  header: ImageHeader,
  bases: readonly ImageBase[],
  events: readonly StoreEvent[],
): string | undefined {
  const importer = new StoreImporter(header);
  for (const base of bases) {
    const wrong = importer.base(base);
    if (wrong !== undefined) return wrong;
  }
  for (const event of events) {
    const wrong = importer.revision(event);
    if (wrong !== undefined) return wrong;
  }
  const imported = importer.finish();
  return typeof imported === "string" ? imported : undefined;
}

Deno.test("StoreImporter takes an image as it was handed out", () => {
  const store = new Store({ historyRevs: 3 });
  applyAll(store, set("/f", "1"), set("/d/x", "2"), set("/f", "3"));
  applyAll(store, set("/f", "4"), del("/d/x"), NOP);
  const imported = importImage(store.openImage());
  assertEquals([imported.rev, imported.hash], [6, store.hash]);
});

Deno.test("StoreImporter refuses a base that cannot be", () => {
  const { header, bases } = sample();
  const rows: [part: string, ImageBase][] = [
    ["of rev 4 does not lie below", { path: "/n", rev: 4, body: BODY }],
    ["of rev 0 does not lie below", { path: "/n", rev: 0, body: BODY }],
    ["BAD_PATH", { path: "/n//", rev: 1, body: BODY }],
    ["BAD_PATH", { path: "", rev: 1, body: undefined }],
    ['two bases of "/f"', { path: "/f", rev: 1, body: BODY }],
    ['two bases of "/f"', { path: "/f", rev: 1, body: undefined }],
    ["NOTDIR", { path: "/f/x", rev: 1, body: BODY }],
    ["ISDIR", { path: "/d", rev: 1, body: BODY }],
    ["ISDIR", { path: "/", rev: 1, body: BODY }],
  ];
  for (const [part, base] of rows) {
    const wrong = complaintOf(header, [...bases, base], []);
    assert(wrong?.includes(part), `${wrong} instead of "${part}"`);
  }
});

Deno.test("StoreImporter refuses a revision that cannot be", () => {
  const { header, bases, events } = sample();
  const nop = events[2]!;
  const rows: [part: string, place: number, Partial<StoreEvent>][] = [
    ["Rev 5 follows rev 3", 0, { rev: 5 }],
    ["Rev 4 follows rev 4", 1, { rev: 4 }],
    ["follows another rev", 0, { previousRev: 2 }],
    ["follows another rev", 0, { previousRev: 0 }],
    ["follows another rev", 1, { path: "/n", previousRev: 4 }],
    ["follows another rev", 1, { path: "/n", previousRev: -1 }],
    ["none for a del", 1, { path: "/" }],
    ["none for a nop", 2, { path: "/f" }],
    ["none for a set", 0, { path: "/x y" }],
    ["refused: NOTDIR", 0, { path: "/f/x", previousRev: 0 }],
    ["refused: ISDIR", 1, { path: "/d", previousRev: 0 }],
    ["refused: LIMIT", 0, {
      body: { bytes: new Uint8Array(2 ** 21), start: 0, length: 2 ** 21 },
    }],
  ];
  for (const [part, place, change] of rows) {
    const changed = events.map((event, at) =>
      at === place ? { ...event, ...change } : event
    );
    const wrong = complaintOf(header, bases, changed);
    assert(wrong?.includes(part), `${wrong} instead of "${part}"`);
  }
  const more = complaintOf(header, bases, [...events, { ...nop, rev: 7 }]);
  assertEquals(more, "Rev 7 follows rev 6");
  const importer = new StoreImporter(header);
  for (const event of events) importer.revision({ ...event, previousRev: 0 });
  assertEquals(importer.base(bases[0]!), "A base follows a revision");
});

Deno.test("StoreImporter refuses what is not as the header says", () => {
  const { header, bases, events } = sample();
  const plain = (change: Partial<ImageHeader>): ImageHeader => {
    const { first, last, hash, files, liveBytes } = header;
    return { first, last, hash, files, liveBytes, ...change };
  };
  const rows: [part: string, ImageHeader][] = [
    ["ends at rev 6, not 7", plain({ last: 7 })],
    ["has 1 files, not 2", plain({ files: 2 })],
    ["bytes, not 1", plain({ liveBytes: 1 })],
  ];
  for (const [part, other] of rows) {
    const wrong = complaintOf(other, bases, events);
    assert(wrong?.includes(part), `${wrong} instead of "${part}"`);
  }
  assertEquals(complaintOf(plain({}), bases, events), undefined);
});

Deno.test("StoreImporter refuses a history that no source would keep", () => {
  const { header, bases, events } = sample();
  const importer = new StoreImporter(header, { historyBytes: 50 });
  for (const base of bases) importer.base(base);
  assertEquals(importer.revision(events[0]!), undefined);
  assertEquals(importer.revision(events[1]!), undefined);
  const wrong = importer.revision(events[2]!);
  assertEquals(wrong, "The history has more than 50 bytes");
});

Deno.test("checkHeader() refuses what no image can be of", () => {
  const good: ImageHeader = {
    first: 4,
    last: 6,
    hash: 1,
    files: 2,
    liveBytes: 3,
  };
  assertEquals(checkHeader(good), undefined);
  assertEquals(checkHeader({ ...good, first: 1, last: 0 }), undefined);
  const bad: Partial<ImageHeader>[] = [
    { first: 0 },
    { first: 7 },
    { first: 2, last: 0 },
    { first: 1.5 },
    { last: 2 ** 60 },
    { files: -1 },
    { liveBytes: NaN },
  ];
  for (const change of bad) {
    assert(checkHeader({ ...good, ...change })?.includes("cannot be"));
  }
});

Deno.test("StoreImporter takes the rev before of a file long gone", () => {
  const { header, bases, events } = sample();
  const event = { ...events[0]!, path: "/n", previousRev: 2 };
  const importer = new StoreImporter(header);
  for (const base of bases) importer.base(base);
  assertEquals(importer.revision(event), undefined);
  // From here on it is known.
  const next = { ...event, rev: 5, previousRev: 2 };
  assert(importer.revision(next)?.includes("follows another rev"));
  assertEquals(importer.revision({ ...next, previousRev: 4 }), undefined);
});

Deno.test("ImportedStore is adopted once, and never by a newer store", () => {
  const store = new Store();
  applyAll(store, set("/a"), NOP);
  const imported = importImage(store.openImage());
  const newer = new Store();
  applyAll(newer, NOP, NOP, NOP);
  assertThrows(() => newer.adopt(imported), AssertionError, "never goes back");
  const other = new Store();
  other.adopt(imported);
  assertThrows(() => new Store().adopt(imported), AssertionError, "once");
});

Deno.test("Store.adopt() ends its own images, and counts work on", () => {
  const source = new Store();
  applyAll(source, set("/a"), NOP, NOP);
  const store = new Store();
  applyAll(store, set("/a"));
  eventAt(store, 1);
  const { work } = store;
  const image = store.openImage();
  store.adopt(importImage(source.openImage()));
  assertEquals([image.lost, store.work >= work], [true, true]);
  assertEquals(feed(image, new StoreImporter(source.openImage()), 99), "lost");
  image.close();
  assertEquals([store.rev, store.overdue], [3, false]);
});

Deno.test("Store.adopt() keeps to its own bounds from then on", () => {
  const source = new Store();
  for (let i = 0; i < 300; i++) applyAll(source, set("/a", `${i}`));
  const store = new Store({ historyRevs: 10 });
  store.adopt(importImage(source.openImage()));
  assertEquals([store.firstRev, store.overdue], [1, true]);
  for (let i = 0; i < 10; i++) applyAll(store, NOP);
  assertEquals([store.firstRev, store.overdue], [301, false]);
});
