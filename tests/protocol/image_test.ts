/**
 * An image survives its way through bytes; whatever else comes is refused.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type ImagePiece,
  ImageReader,
  ImageWriter,
  ProtocolError,
} from "../../protocol/mod.ts";
import { LIMITS, mixBytes, Store } from "../../store/mod.ts";
import { applyAll, del, NOP, set } from "../store/changes.ts";
import {
  changeAtRandom,
  eventAt,
  FEW_PATHS,
  pictureOf,
  showEvent,
} from "../store/copy.ts";
import { randomOf } from "../store/model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const PIECE_BYTES = 256 << 10;
const HEAD = new TextEncoder().encode("slot 7, cals A B C");

function piecesOf(store: Store, head: Uint8Array = HEAD): ImagePiece[] {
  const writer = new ImageWriter(store, { head });
  const pieces: ImagePiece[] = [];
  for (let piece = writer.next(); piece; piece = writer.next()) {
    pieces.push(piece);
  }
  return pieces;
}

function readAll(pieces: readonly ImagePiece[]): ImageReader {
  const reader = new ImageReader();
  for (const { bytes, last } of pieces) reader.add(bytes, last);
  return reader;
}

function sample(): Store {
  const store = new Store({ historyRevs: 4 });
  const stamp = { time: 1_790_000_000_000, origin: "ABCDEFGHIJKLMNOP" };
  applyAll(store, set("/f", "1"), set("/d/x", ""), NOP);
  store.apply(set("/f", "four"), stamp);
  store.apply(del("/d/x"), { time: 5, origin: "" });
  applyAll(store, NOP, set("/e", ""));
  return store;
}

Deno.test(`ImageReader builds up what ImageWriter wrote (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  for (let round = 0; round < 40; round++) {
    const historyRevs = 1 + Math.floor(random() * 60);
    const store = new Store({ historyRevs });
    const seed = Math.floor(random() * 1e9);
    changeAtRandom([store], { seed, changes: Math.floor(random() * 90) });
    const reader = readAll(piecesOf(store));
    assertEquals(reader.head, HEAD);
    const copy = new Store({ historyRevs });
    copy.adopt(reader.finish());
    assertEquals(pictureOf(copy, FEW_PATHS), pictureOf(store, FEW_PATHS));
  }
});

Deno.test("ImageWriter cuts the image into pieces of a bounded size", () => {
  const store = new Store({ historyRevs: 500 });
  const values = [100_000, 0, 17, LIMITS.valueBytes, 300_000, 128];
  for (let i = 0; i < 60; i++) {
    const path = `/app/x${"x".repeat(i * 8)}/${i}`;
    applyAll(store, set(path, "v".repeat(values[i % 6]!)));
  }
  for (let i = 0; i < 5000; i++) applyAll(store, set(`/small/${i % 900}`, ""));
  const head = new Uint8Array(3 * PIECE_BYTES + 5).map((_, i) => i * i);
  const pieces = piecesOf(store, head);
  assert(pieces.length > 40, `${pieces.length} pieces`);
  for (const { bytes } of pieces) {
    assert(bytes.length < LIMITS.valueBytes + 2048, `${bytes.length} bytes`);
    const single = bytes.length > PIECE_BYTES + 64;
    const length = (bytes[0]! << 24 | bytes[1]! << 16 | bytes[2]! << 8) +
      bytes[3]!;
    assert(!single || bytes.length === length + 4, "a large entry goes alone");
  }
  assertEquals(pieces.map(({ last }) => last).indexOf(true), pieces.length - 1);
  const reader = readAll(pieces);
  assertEquals(reader.head, head);
  const copy = new Store();
  copy.adopt(reader.finish());
  assertEquals([copy.files, copy.hash], [store.files, store.hash]);
});

Deno.test("ImageWriter leaves out what is written meanwhile", () => {
  const store = new Store({ historyRevs: 20 });
  for (let i = 0; i < 3000; i++) applyAll(store, set(`/d/${i}`, `${i}`));
  const { hash } = store;
  const writer = new ImageWriter(store, { head: HEAD });
  const reader = new ImageReader();
  assertEquals(writer.rev, 3000);
  let pieces = 0;
  for (let piece = writer.next(); piece; piece = writer.next()) {
    reader.add(piece.bytes, piece.last);
    pieces++;
    for (let i = 0; i < 100; i++) {
      applyAll(store, del(`/d/${pieces * 100 + i}`));
    }
  }
  assert(pieces >= 3);
  const imported = reader.finish();
  assertEquals([imported.rev, imported.hash], [3000, hash]);
  const copy = new Store({ historyRevs: 20 });
  copy.adopt(imported);
  for (let i = 0; i < 3000; i++) {
    assertEquals(copy.get(`/d/${i}`).type, "file");
  }
});

Deno.test("ImageWriter hands out nothing once it is lost or closed", () => {
  const store = new Store({ historyRevs: 2, overdraftBytes: 1000 });
  applyAll(store, NOP, NOP, NOP);
  const lost = new ImageWriter(store, { head: HEAD });
  assert(lost.next());
  for (let i = 0; i < 100; i++) applyAll(store, NOP);
  assertEquals(lost.next(), undefined);
  lost.close();
  const closed = new ImageWriter(store, { head: HEAD });
  closed.close();
  assertEquals(closed.next(), undefined);
});

Deno.test("ImageWriter that has ended lets the store forget", () => {
  const store = new Store({ historyRevs: 2 });
  applyAll(store, NOP, NOP, NOP);
  piecesOf(store);
  applyAll(store, NOP, NOP, NOP);
  assertEquals([store.firstRev, store.overdue], [5, false]);
});

/** The pieces in one, so that it can be cut and changed anywhere. */
function bytesOf(store: Store): Uint8Array {
  const parts = piecesOf(store).map(({ bytes }) => [...bytes]);
  return Uint8Array.from(parts.flat());
}

function read(bytes: Uint8Array): void {
  const reader = new ImageReader();
  reader.add(bytes, true);
  const copy = new Store();
  copy.adopt(reader.finish());
}

/** The image with its checksum made to fit what was changed in it. */
function resealed(bytes: Uint8Array): Uint8Array {
  const entries = cut(bytes).slice(0, -1).map((entry) => [...entry]);
  const body = Uint8Array.from(entries.flat());
  // The checksum goes on from piece to piece; here all is one piece.
  const checksum = mixBytes(0, { bytes: body, start: 0, length: body.length });
  return Uint8Array.from([...body, ...endEntry(checksum >>> 0)]);
}

function endEntry(checksum: number): number[] {
  const varint: number[] = [];
  for (let rest = checksum; varint.length < 5; rest = Math.floor(rest / 128)) {
    varint.push(rest % 128 | (varint.length < 4 ? 0x80 : 0));
  }
  return [0, 0, 0, 8, 8, 5, 24, ...varint];
}

/** The entries of an image, as bytes. */
function cut(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at);
    entries.push(bytes.subarray(at, end));
    at = end;
  }
  return entries;
}

function join(entries: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(entries.flatMap((entry) => [...entry]));
}

Deno.test("ImageReader refuses an image that is cut short or goes on", () => {
  const bytes = bytesOf(sample());
  read(resealed(bytes));
  for (let length = 0; length < bytes.length; length++) {
    const part = resealed(bytes).subarray(0, length);
    const { message } = assertThrows(
      () => new ImageReader().add(part, true),
      ProtocolError,
    );
    assertMatch(message, /ends in a length|ends in an entry|lacks its end/);
  }
  const longer = Uint8Array.from([...resealed(bytes), 0]);
  assertThrows(() => read(longer), ProtocolError, "follow the end");
});

Deno.test("ImageReader refuses every image with a changed byte", () => {
  const bytes = resealed(bytesOf(sample()));
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 16, 128]) {
      const changed = bytes.slice();
      changed[at]! ^= bit;
      assertThrows(() => read(changed), ProtocolError);
    }
  }
});

Deno.test(`ImageReader stops at no bytes, though the checksum fits (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const bytes = bytesOf(sample());
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const entries = cut(bytes).map((entry) => entry.slice());
    for (let changes = 1 + random() * 3; changes > 0; changes--) {
      const entry = entries[Math.floor(random() * (entries.length - 1))]!;
      const at = 4 + Math.floor(random() * (entry.length - 4));
      entry[at] = Math.floor(random() * 256);
    }
    try {
      read(resealed(join(entries)));
    } catch (error) {
      // Anything else would stop the node.
      if (!(error instanceof ProtocolError)) throw error;
      refused++;
    }
  }
  // A body may have any bytes.
  assert(refused > 1500 && refused < 3000, `${refused} refused`);
});

/** A header of this version with these revs, and no files. */
function headerOf(first: number, last: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 8, 8, 1, 16, 1, 24, first, 32, last);
}

Deno.test("ImageReader takes a field that is not there for empty", () => {
  // Two NOPs, "/" and 1 in all; only the first names its origin, "A".
  const nop = [8, 4, 48, 3, 34, 1, 47, 40];
  const first = [0, 0, 0, 12, ...nop, 1, 74, 1, 65];
  const second = [0, 0, 0, 11, ...nop, 2, 56, 1];
  const entries = [headerOf(1, 2), first, second, [0, 0, 0, 0]];
  const reader = new ImageReader();
  reader.add(resealed(join(entries.map((e) => Uint8Array.from(e)))), true);
  const store = new Store();
  store.adopt(reader.finish());
  assertEquals(showEvent(eventAt(store, 1)), [1, "/", "nop", 0, 0, "A", ""]);
  assertEquals(showEvent(eventAt(store, 2)), [2, "/", "nop", 1, 0, "", ""]);
});

Deno.test("ImageReader refuses entries in another order", () => {
  const entries = cut(bytesOf(sample()));
  const [header, head, base] = entries as [Uint8Array, Uint8Array, Uint8Array];
  const rows: [part: string, Uint8Array[]][] = [
    ["Entry 2 of an image follows entry 0", entries.slice(1)],
    ["Entry 1 of an image follows entry 1", [header, ...entries]],
    ["Entry 2 of an image follows entry 3", [header, base, head]],
    ["no header", []],
    ["no type", [Uint8Array.of(0, 0, 0, 0)]],
    ["Cannot read entry 9", [header, Uint8Array.of(0, 0, 0, 2, 8, 9)]],
    ["ends at rev 3, not 7", [header]],
    ["from rev 7 to 3 cannot be", [headerOf(7, 3)]],
  ];
  for (const [part, list] of rows) {
    const bytes = resealed(join([...list, Uint8Array.of(0, 0, 0, 0)]));
    assertThrows(() => read(bytes), ProtocolError, part);
  }
});

Deno.test("ImageReader wants the last piece to be the one with the end", () => {
  const pieces = piecesOf(sample());
  const [first, second] = pieces as [ImagePiece, ImagePiece];
  assertEquals(pieces.length, 2);
  const reader = new ImageReader();
  assertThrows(() => reader.add(first.bytes, true), ProtocolError, "lacks");
  const other = new ImageReader();
  other.add(first.bytes, false);
  const early = () => other.add(second.bytes, false);
  assertThrows(early, ProtocolError, "before its last piece");
});

Deno.test("ImageReader refuses an image of another version", () => {
  const bytes = bytesOf(sample());
  assertEquals([bytes[6], bytes[7]], [2 * 8, 1]);
  bytes[7] = 2;
  assertThrows(() => read(resealed(bytes)), ProtocolError, "version 2");
});
