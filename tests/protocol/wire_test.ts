/**
 * Protobuf by hand, against golden vectors, against a second implementation
 * that calculates with bigints, and against bytes that end too early.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  BYTES,
  decodeText,
  encodeText,
  GROUP_START,
  ProtocolError,
  VARINT,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { encodeVarint } from "./raw_client.ts";
import { bytesOf, vectorKinds, vectorsOf } from "./vectors.ts";

type Read = (reader: WireReader) => unknown;

/** A reader of one value; around its bytes lie others, which are not its. */
function readerOf(bytes: Uint8Array): WireReader {
  const guarded = concatBytes([
    Uint8Array.of(0x81, 0x82),
    bytes,
    Uint8Array.of(0x01, 0x02, 0x03),
  ]);
  const reader = new WireReader();
  reader.reset(guarded, { start: 2, end: 2 + bytes.length });
  return reader;
}

const READS: Readonly<Record<string, Read>> = {
  int64: (reader) => reader.int64(),
  int32: (reader) => reader.int32(),
  text: (reader) => reader.text(),
  tag: (reader) => {
    const tag = reader.tag();
    return [Math.floor(tag / 8), tag % 8];
  },
  skip: (reader) => {
    reader.skip(reader.tag());
    return null;
  },
};

for (const [kind, read] of Object.entries(READS)) {
  Deno.test(`WireReader reads each golden ${kind}`, () => {
    for (const vector of vectorsOf(kind)) {
      const reader = readerOf(bytesOf(vector));
      if (vector.arrow === "!!") {
        assertThrows(
          () => read(reader),
          ProtocolError,
          vector.meaning,
          vector.label,
        );
        continue;
      }
      assertEquals(read(reader), JSON.parse(vector.meaning), vector.label);
      assert(reader.done, `${vector.label}: bytes are left`);
    }
  });

  Deno.test(`WireReader refuses each golden ${kind} that is cut off`, () => {
    for (const vector of vectorsOf(kind)) {
      if (vector.arrow === "!!") continue;
      const bytes = bytesOf(vector);
      for (let length = 0; length < bytes.length; length++) {
        const reader = readerOf(bytes.subarray(0, length));
        const what = `${vector.label}, cut to ${length} bytes`;
        assertThrows(() => read(reader), ProtocolError, "", what);
      }
    }
  });
}

Deno.test("every kind of vectors.txt is read by some test", () => {
  const kinds = [...Object.keys(READS), "request", "response", "batch"];
  assertEquals(vectorKinds(), new Set(kinds));
});

Deno.test("WireReader reads one value after the other, all of it theirs", () => {
  const vectors = vectorsOf("int64").filter(({ arrow }) => arrow !== "!!");
  const reader = readerOf(concatBytes(vectors.map(bytesOf)));
  for (const { meaning, label } of vectors) {
    // A value leaves nothing behind for the next one.
    assertEquals(reader.int64(), JSON.parse(meaning), label);
  }
  assert(reader.done);
});

Deno.test("WireWriter writes each golden number, text and tag", () => {
  for (const kind of ["int64", "int32", "text", "tag"]) {
    for (const vector of vectorsOf(kind)) {
      if (vector.arrow !== "<=>") continue;
      const value = JSON.parse(vector.meaning);
      const writer = new WireWriter(0);
      if (kind === "text") writer.text(1, value);
      else if (kind === "tag") writeEmpty(writer, value);
      else writer.integer(1, value);
      const written = writer.written().toHex();
      const hex = vector.hex;
      const wanted = kind === "tag" ? `${hex}00` : `${key(kind)}${hex}`;
      assertEquals(written, wanted, vector.label);
    }
  }
});

function key(kind: string): string {
  return kind === "text" ? "0a" : "08";
}

function writeEmpty(writer: WireWriter, [field, type]: number[]): void {
  if (type === VARINT) writer.integer(field!, 0);
  else writer.bytes(field!, { bytes: encodeText(""), start: 0, length: 0 });
}

const { MAX_SAFE_INTEGER } = Number;

/** A 64-bit number, most often one near a power of two. */
const int64s = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.tuple(
    fc.integer({ min: 0, max: 63 }),
    fc.integer({ min: -600, max: 600 }),
    fc.boolean(),
  ).map(([power, near, negative]) =>
    BigInt.asIntN(64, (negative ? -1n : 1n) * (1n << BigInt(power))) +
    BigInt(near)
  ).map((value) => BigInt.asIntN(64, value)),
);

Deno.test("WireReader reads numbers as bigints would", () => {
  fc.assert(
    fc.property(int64s, (value) => {
      const bytes = encodeVarint(value);
      const limit = BigInt(MAX_SAFE_INTEGER);
      const near = value > limit ? limit : value < -limit ? -limit : value;
      assertEquals(readerOf(bytes).int64(), Number(near));
      assertEquals(readerOf(bytes).int32(), Number(BigInt.asIntN(32, value)));
      const unsigned = BigInt.asUintN(64, value);
      // Not exact above 2^53, but never off by more than a double is.
      assertEquals(readerOf(bytes).unsigned(), Number(unsigned));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("WireWriter writes numbers as bigints would", () => {
  const numbers = fc.maxSafeInteger();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), numbers, (f, n) => {
      const writer = new WireWriter(0);
      writer.integer(f, n);
      assertEquals(writer.written().toHex(), encodeNumber(f, n).toHex());
    }),
    { numRuns: 5000 },
  );
});

Deno.test("WireWriter writes bytes and text of any length", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.nat(600).map((length) => "x".repeat(length)),
    fc.nat(600).map((length) => "x".repeat(length) + "é"),
  );
  fc.assert(fc.property(texts, fc.uint8Array(), (text, bytes) => {
    const writer = new WireWriter(1);
    writer.text(4, text);
    writer.bytes(5, { bytes, start: 0, length: bytes.length });
    const wanted = concatBytes([encodeBytes(4, text), encodeBytes(5, bytes)]);
    assertEquals(writer.written().toHex(), wanted.toHex());
  }));
});

Deno.test("WireWriter writes a part of what it is given", () => {
  const writer = new WireWriter();
  writer.bytes(5, { bytes: encodeText("abcdef"), start: 2, length: 3 });
  assertEquals(writer.written().toHex(), encodeBytes(5, "cde").toHex());
});

Deno.test("WireWriter writes fields that were written elsewhere", () => {
  const other = new WireWriter();
  other.integer(1, 7);
  other.text(2, "x".repeat(5000));
  const wanted = other.written().slice(2);
  const writer = new WireWriter(0);
  writer.integer(9, 1);
  const { length } = wanted;
  writer.fields({ bytes: other.written(), start: 2, length });
  assertEquals(writer.written().slice(2), wanted);
});

Deno.test("WireWriter puts the length in front of each frame", () => {
  const writer = new WireWriter(0);
  for (const length of [0, 1, 255, 256, 65_535, 65_536, 70_000]) {
    const from = writer.length;
    const start = writer.beginFrame();
    const bytes = new Uint8Array(length).fill(7);
    if (length > 0) writer.bytes(1, { bytes, start: 0, length });
    writer.endFrame(start);
    const written = writer.written();
    const header = new DataView(written.buffer, written.byteOffset + from, 4);
    assertEquals(header.getUint32(0), writer.length - from - 4);
  }
});

Deno.test("WireWriter gives back the memory of what was large", () => {
  const writer = new WireWriter(16);
  const write = (length: number): void => {
    const bytes = new Uint8Array(length);
    writer.bytes(1, { bytes, start: 0, length });
  };
  write(1000);
  const kept = writer.written().buffer.byteLength;
  writer.clear();
  write(1);
  assertEquals(writer.written().buffer.byteLength, kept);
  write(1 << 20);
  assert(writer.written().buffer.byteLength > 1 << 20);
  writer.clear();
  assertEquals(writer.length, 0);
  assertEquals(writer.written().buffer.byteLength, 16);
});

Deno.test("WireReader takes groups up to a depth and no deeper", () => {
  const nested = (depth: number): Uint8Array =>
    concatBytes([
      new Uint8Array(depth).fill(8 + GROUP_START),
      new Uint8Array(depth).fill(8 + 4),
    ]);
  const skip = (depth: number): void => {
    const reader = readerOf(nested(depth));
    reader.skip(reader.tag());
    assert(reader.done);
  };
  for (const depth of [1, 2, 31, 32]) skip(depth);
  for (const depth of [33, 1000, 500_000]) {
    assertThrows(() => skip(depth), ProtocolError, "Groups nest too deep");
  }
});

Deno.test("WireReader.textLike() reads what it is, not what was guessed", () => {
  const rows: [text: string, guess: string][] = [
    ["", ""],
    ["ABC", "ABC"],
    ["ABC", "ABD"],
    ["ABC", ""],
    ["ABC", "ABCD"],
    ["é", "Ã©"],
    ["é", "é"],
    ["é", "xx"],
  ];
  for (const [text, guess] of rows) {
    const field = encodeBytes(1, text);
    const reader = readerOf(field);
    assertEquals(reader.tag(), 8 + BYTES);
    assertEquals(reader.textLike(guess), text, `${text} like ${guess}`);
    assert(reader.done);
  }
});

Deno.test("WireReader.skipBytes() tells where the bytes lie", () => {
  const bytes = encodeBytes(5, "value");
  const reader = readerOf(bytes);
  reader.tag();
  reader.skipBytes();
  const { start, length } = reader;
  const found = reader.bytes.subarray(start, start + length);
  assertEquals(new TextDecoder().decode(found), "value");
});

Deno.test("decodeText() reads a part, and encodeText() writes UTF-8", () => {
  const bytes = encodeText("a世b");
  assertEquals(bytes.toHex(), "61e4b89662");
  assertEquals(decodeText(bytes, 1, 4), "世");
  assertEquals(decodeText(bytes, 2, 2), "");
});

Deno.test("ProtocolError says at which byte", () => {
  const reader = readerOf(Uint8Array.of(0x08, 0x80));
  reader.tag();
  const error = assertThrows(() => reader.int32(), ProtocolError);
  assertEquals(error.message, "The message ends in a number, at byte 4");
  assertEquals(error.name, "ProtocolError");
});
