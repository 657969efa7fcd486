/**
 * Pieces in a file: what was written is read; all else is damage.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type ByteSource,
  crc32c,
  type Damage,
  encodeHeader,
  ImageReader,
  ImageWriter,
  pieceHead,
  ProtocolError,
  readHeader,
  readPieces,
} from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { applyAll, del, set } from "../store/changes.ts";
import { concatBytes } from "./raw_client.ts";

const START = 7;

/** A file of these pieces, after some bytes of something else. */
function fileOf(pieces: readonly Uint8Array[]): Uint8Array {
  const parts = pieces.flatMap((piece) => [pieceHead(piece), piece]);
  return concatBytes([new Uint8Array(START).fill(1), ...parts]);
}

function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: ({ offset, length }) => bytes.slice(offset, offset + length),
  };
}

interface Read {
  readonly pieces: readonly Uint8Array[];
  readonly lasts: readonly boolean[];
  readonly damage: Damage | undefined;
}

function readAll(source: ByteSource, offset = START): Read {
  const pieces: Uint8Array[] = [];
  const lasts: boolean[] = [];
  const damage = readPieces(source, {
    offset,
    visit: (piece, last) => {
      pieces.push(piece);
      lasts.push(last);
    },
  });
  return { pieces, lasts, damage };
}

const PIECES = [
  Uint8Array.of(1, 2, 3),
  new Uint8Array(0),
  new Uint8Array(40).fill(9),
  Uint8Array.of(4),
];
const FILE = fileOf(PIECES);
/** Where the pieces begin, and where the last one ends. */
const EDGES = [...PIECES.keys(), PIECES.length]
  .map((count) => fileOf(PIECES.slice(0, count)).length);

Deno.test("pieceHead() has the length and the checksum", () => {
  const piece = new TextEncoder().encode("123456789");
  assertEquals(pieceHead(piece).toHex(), "00000009" + "e3069283");
  assertEquals(pieceHead(new Uint8Array(0)).toHex(), "0000000000000000");
});

Deno.test("readPieces() reads what was written, and tells the last", () => {
  const { pieces, lasts, damage } = readAll(sourceOf(FILE));
  assertEquals(damage, undefined);
  assertEquals(pieces, PIECES);
  assertEquals(lasts, [false, false, false, true]);
});

Deno.test("readPieces() reads a piece at a time", () => {
  let most = 0;
  let seen = 0;
  const source = sourceOf(FILE);
  const damage = readPieces({
    size: source.size,
    read: (range) => {
      most = Math.max(most, range.offset + range.length);
      return source.read(range);
    },
  }, {
    offset: START,
    visit: () => {
      seen++;
      assertEquals(most, EDGES[seen], "nothing is read ahead");
    },
  });
  assertEquals([seen, damage], [PIECES.length, undefined]);
});

Deno.test("each file that is cut off is damage, or ends with a piece", () => {
  for (let length = START; length < FILE.length; length++) {
    const read = readAll(sourceOf(FILE.slice(0, length)));
    const whole = EDGES.filter((edge) => edge <= length).length - 1;
    assertEquals(read.pieces, PIECES.slice(0, whole), `${length}`);
    const onEdge = EDGES.indexOf(length) > 0;
    assertEquals(read.damage === undefined, onEdge, `${length}`);
    if (onEdge) assertEquals(read.lasts.at(-1), true);
    else assertEquals(read.damage?.offset, EDGES[whole]);
  }
});

Deno.test("each file with a wrong byte is damage, and the pieces before it are right", () => {
  for (let at = START; at < FILE.length; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const bytes = FILE.slice();
      bytes[at]! ^= bits;
      const { pieces, damage } = readAll(sourceOf(bytes));
      const whole = EDGES.filter((edge) => edge <= at).length - 1;
      assertEquals(pieces, PIECES.slice(0, whole), `${at}`);
      assertEquals(damage?.offset, EDGES[whole], `${at}`);
    }
  }
});

Deno.test("lengths that no piece has are refused before anything is read", () => {
  const limit = 64 << 20;
  const why = (length: number, size: number): string | undefined => {
    const head = new Uint8Array(8);
    new DataView(head.buffer).setUint32(0, length);
    return readPieces({
      size,
      read: (range) => {
        assertEquals(range, { offset: 0, length: 8 });
        return head;
      },
    }, { offset: 0, visit: () => assert(false, "there is no piece") })?.why;
  };
  for (const length of [limit + 1, 2 ** 31, 2 ** 32 - 1]) {
    const wanted = `a piece has ${length} bytes, the limit is ${limit}`;
    assertEquals(why(length, 2 ** 40), wanted);
  }
  assertEquals(
    why(limit, limit),
    `a piece has ${limit} bytes, the file has ${limit - 8}`,
  );
  assertEquals(why(1, 8), "a piece has 1 bytes, the file has 0");
});

Deno.test("a piece of 64 MiB is read", () => {
  const piece = new Uint8Array(64 << 20);
  const source: ByteSource = {
    size: piece.length + 8,
    read: ({ length }) => length === 8 ? pieceHead(piece) : piece,
  };
  assertEquals(crc32c(piece) === 0, false);
  const { pieces, damage } = readAll(source, 0);
  assertEquals([pieces.length, damage], [1, undefined]);
});

Deno.test("a file that ends before its size is damage", () => {
  const size = FILE.length;
  for (let length = START; length < size; length++) {
    const source = { ...sourceOf(FILE.slice(0, length)), size };
    const { pieces, damage } = readAll(source);
    const whole = EDGES.filter((edge) => edge <= length).length - 1;
    assertEquals(pieces, PIECES.slice(0, whole));
    assertEquals(damage?.offset, EDGES[whole]);
    assertMatch(damage?.why ?? "", /^the file ends within /);
  }
});

Deno.test("a file without pieces is damage", () => {
  const source = sourceOf(FILE.slice(0, START));
  const damage = { offset: START, why: "the file has no pieces" };
  assertEquals(readAll(source).damage, damage);
  const short = readAll(source, START + 1).damage;
  assertEquals(short?.why, "the file has no pieces");
});

Deno.test("what the visitor refuses is damage of the piece", () => {
  const refuse = (error: Error): Damage | undefined =>
    readPieces(sourceOf(FILE), {
      offset: START,
      visit: (piece) => {
        if (piece.length === 40) throw error;
      },
    });
  assertEquals(refuse(new ProtocolError("The image lacks its end")), {
    offset: EDGES[2]!,
    why: "the image lacks its end",
  });
  assertThrows(() => refuse(new TypeError("A bug")), TypeError, "A bug");
});

/** A snapshot of a small store. */
function snapshot(): Uint8Array {
  const store = new Store({ historyRevs: 4 });
  applyAll(store, set("/a", "one"), set("/d/b", "two"), del("/a"));
  applyAll(store, set("/d/c", "three"), set("/d/b", "four"));
  const head = new TextEncoder().encode("slot 7");
  const writer = new ImageWriter(store, { head, pieceBytes: 40 });
  const parts = [encodeHeader({
    kind: "snapshot",
    number: 7,
    node: "LKVNVWZVOEM5N4WO",
    lineage: "QRSTUVWXYZ234567",
    parent: "",
    cluster: "local",
    founder: false,
    salt: new Uint8Array(8),
    firstBatch: 1,
    contacts: [],
  })];
  for (let piece = writer.next(); piece; piece = writer.next()) {
    parts.push(pieceHead(piece.bytes), piece.bytes);
  }
  assert(parts.length > 2 * 4, "there are some pieces");
  return concatBytes(parts);
}

/** What the snapshot holds, or its damage. */
function load(bytes: Uint8Array): { rev: number; head: string } | Damage {
  const read = readHeader(bytes);
  if ("why" in read) return read;
  const image = new ImageReader();
  const damage = readPieces(sourceOf(bytes), {
    offset: read.length,
    visit: (piece, last) => image.add(piece, last),
  });
  if (damage !== undefined) return damage;
  const store = new Store({ historyRevs: 4 });
  store.adopt(image.finish());
  return { rev: store.rev, head: new TextDecoder().decode(image.head) };
}

Deno.test("each snapshot that is cut off or has a wrong byte is damage", () => {
  const whole = snapshot();
  assertEquals(load(whole), { rev: 5, head: "slot 7" });
  for (let at = 0; at < whole.length; at++) {
    assert("why" in load(whole.slice(0, at)), `cut to ${at} bytes`);
    for (const bits of [0x01, 0x80, 0xff]) {
      const bytes = whole.slice();
      bytes[at]! ^= bits;
      assert("why" in load(bytes), `byte ${at} changed by ${bits}`);
    }
  }
  for (const length of [1, 7, 8, 9, 300]) {
    const longer = concatBytes([whole, new Uint8Array(length)]);
    assert("why" in load(longer), `${length} zeros follow`);
  }
});
