/**
 * Batches in a segment: what was written is read; of what was cut short or
 * changed never more is read than was written, and it is told apart which.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type BatchesRead,
  BatchWriter,
  crc32c,
  decodeRecords,
  encodeHeader,
  encodeRecord,
  type LogRecord,
  readBatches,
  readHeader,
  WireWriter,
} from "../../protocol/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { concatBytes } from "./raw_client.ts";

const NODE = "LKVNVWZVOEM5N4WO";
const SALT = Uint8Array.fromHex("0123456789abcdef");
const HEADER = encodeHeader({
  kind: "log",
  number: 7,
  node: NODE,
  lineage: "QRSTUVWXYZ234567",
  parent: "",
  cluster: "local",
  founder: true,
  salt: SALT,
  firstBatch: 9,
  contacts: ["127.0.0.1:8047"],
});
const START = HEADER.length;
const ballot = { round: 2, node: NODE };

function acceptance(seqn: number, value: Uint8Array): LogRecord {
  const accepted = { seqn, ballot, value };
  return { type: "accepted", accepted, position: 300 + seqn };
}

function valueOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What a batch of these records is there. */
function batch(
  records: readonly LogRecord[],
  place: { number: number; offset: number; salt?: Uint8Array },
): Uint8Array {
  const writer = new BatchWriter();
  for (const record of records) writer.add(record);
  return writer.seal({ salt: SALT, ...place }).slice();
}

/** Batches from 9 on, one behind the other, behind the header. */
function segmentOf(batches: readonly (readonly LogRecord[])[]): Uint8Array {
  let file: Uint8Array = HEADER;
  for (const [index, records] of batches.entries()) {
    const place = { number: 9 + index, offset: file.length };
    file = concatBytes([file, batch(records, place)]);
  }
  return file;
}

const BATCHES: readonly (readonly LogRecord[])[] = [
  [
    {
      type: "started",
      claim: { incarnation: 3, start: 2 ** 32 - 1, position: 300 },
    },
    { type: "promised", ballot, position: 0 },
  ],
  [acceptance(1, valueOf("one")), { type: "decided", upTo: 1 }],
  [],
  [{ type: "learned", seqn: 2, value: valueOf("two") }],
];
const SEGMENT = segmentOf(BATCHES);
/** Where the batches begin, and where the last one ends. */
const EDGES = BATCHES.map((_, index) => segmentOf(BATCHES.slice(0, index)))
  .concat(SEGMENT).map(({ length }) => length);

function read(bytes: Uint8Array): BatchesRead {
  return readBatches(bytes, { start: START, number: 9, salt: SALT });
}

/** The records of each batch. */
function recordsOf({ batches }: BatchesRead): LogRecord[][] {
  return batches.map(({ payload }) => {
    const records: LogRecord[] = [];
    decodeRecords(payload, (record) => records.push(record));
    return records;
  });
}

/** Reads what is damaged; the batches before the damage must be right. */
function damageOf(bytes: Uint8Array, what: string): {
  batch: number;
  sealed: boolean;
  why: string;
} {
  const found = read(bytes);
  const good = found.batches.length;
  const { damage } = found;
  if (damage === undefined) throw new Error(`no damage: ${what}`);
  assert(found.end === damage.offset, what);
  assert(found.end === EDGES[good] || good >= BATCHES.length, what);
  const records = recordsOf(found);
  assertEquals(records, BATCHES.slice(0, records.length), what);
  return { batch: good, sealed: damage.sealed, why: damage.why };
}

/** A copy with another byte somewhere. */
function flipped(bytes: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= bits;
  return copy;
}

Deno.test("readBatches() reads what BatchWriter writes", () => {
  const found = read(SEGMENT);
  assertEquals(found.damage, undefined);
  assertEquals(found.end, SEGMENT.length);
  assertEquals(recordsOf(found), BATCHES);
  assertEquals(
    found.batches.map(({ number, offset }) => [number, offset]),
    BATCHES.map((_, index) => [9 + index, EDGES[index]]),
  );
  for (const { payload } of found.batches) {
    assertEquals(payload.buffer, SEGMENT.buffer, "no copies are made");
  }
  const view = concatBytes([Uint8Array.of(1, 2, 3), SEGMENT]).subarray(3);
  assertEquals(recordsOf(read(view)), BATCHES, "in a view");
});

Deno.test("protocol/README.md's segment is what is written", () => {
  const url = new URL("../../protocol/README.md", import.meta.url);
  const text = Deno.readTextFileSync(url)
    .split("\n### An example of a segment\n")[1]!;
  const hex = text.split("```text\n")[1]!.split("```")[0]!;
  const value = Uint8Array.fromHex("000000080807100128004003");
  const records = [BATCHES[0]![0]!, {
    ...acceptance(12, value),
    position: 301,
  } as LogRecord];
  assertEquals(hex.replaceAll(/\s/g, ""), segmentOf([records]).toHex());
});

Deno.test("a head is the one that protocol/README.md describes", () => {
  const offset = 2 ** 33 + 5;
  const bytes = batch(BATCHES[1]!, { number: 2 ** 40 + 3, offset });
  const writer = new WireWriter();
  for (const record of BATCHES[1]!) encodeRecord(writer, record);
  const payload = writer.written();
  const head = new Uint8Array(20);
  const view = new DataView(head.buffer);
  view.setUint32(0, payload.length);
  view.setUint32(4, crc32c(payload));
  view.setBigUint64(8, 2n ** 40n + 3n);
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(offset));
  const summed = concatBytes([SALT, place, head.subarray(0, 16)]);
  view.setUint32(16, crc32c(summed));
  assertEquals(bytes.toHex(), concatBytes([head, payload]).toHex());
});

Deno.test("each segment that is cut off is read up to a batch", () => {
  for (let length = 0; length < SEGMENT.length; length++) {
    const bytes = SEGMENT.subarray(0, length);
    const what = `cut to ${length} bytes`;
    if (length < START) {
      assert("why" in readHeader(bytes), what);
      continue;
    }
    const at = EDGES.indexOf(length);
    if (at > 0) {
      const found = read(bytes);
      assertEquals(found.damage, undefined, what);
      assertEquals(recordsOf(found), BATCHES.slice(0, at), what);
      continue;
    }
    const { batch, sealed, why } = damageOf(bytes, what);
    assert(EDGES[batch]! <= length && length < EDGES[batch + 1]!, what);
    // The first batch was whole when the file got its name.
    assertEquals(sealed, batch === 0, what);
    assertMatch(why, /^the file ends within|the file has \d+$/);
  }
});

Deno.test("each segment with a wrong byte is read up to it, and damaged where a batch follows", () => {
  for (let at = 0; at < SEGMENT.length; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const bytes = flipped(SEGMENT, at, bits);
      const what = `byte ${at} changed by ${bits}`;
      if (at < START) {
        assert("why" in readHeader(bytes), what);
        continue;
      }
      const { batch, sealed } = damageOf(bytes, what);
      assert(EDGES[batch]! <= at && at < EDGES[batch + 1]!, what);
      assertEquals(sealed, batch < BATCHES.length - 1, what);
    }
  }
});

Deno.test("whatever two damages there are, no other records are read", () => {
  const places = fc.record({
    at: fc.integer({ min: START, max: SEGMENT.length - 1 }),
    bits: fc.integer({ min: 1, max: 255 }),
    length: fc.integer({ min: START, max: SEGMENT.length }),
  });
  fc.assert(
    fc.property(places, ({ at, bits, length }) => {
      const bytes = flipped(SEGMENT, at, bits).subarray(0, length);
      const found = recordsOf(read(bytes));
      assertEquals(found, BATCHES.slice(0, found.length));
      const whole = EDGES.filter((edge) => edge <= length && edge <= at).length;
      assertEquals(found.length, whole - 1);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("a later head seals, though its payload is torn; half of one does not", () => {
  const value = valueOf("x".repeat(100));
  const batches = [...BATCHES, [acceptance(3, value)]];
  const file = flipped(segmentOf(batches), EDGES[3]! + 22, 1);
  const head = EDGES[4]!;
  for (const length of [head + 20, head + 21, file.length]) {
    const { batch, sealed } = damageOf(file.subarray(0, length), "sealed");
    assertEquals([batch, sealed], [3, true]);
  }
  for (const length of [head, head + 1, head + 19]) {
    const { batch, sealed } = damageOf(file.subarray(0, length), "not sealed");
    assertEquals([batch, sealed], [3, false]);
  }
});

Deno.test("zeros at the end are a torn end like any other", () => {
  for (const length of [1, 19, 20, 21, 40, 4096]) {
    const bytes = concatBytes([SEGMENT, new Uint8Array(length)]);
    const found = read(bytes);
    assertEquals(found.end, SEGMENT.length);
    assertEquals(found.damage?.sealed, false);
    assertEquals(recordsOf(found), BATCHES);
    // Where the last batch should be, and in the middle of it.
    for (const from of [EDGES[3]!, EDGES[3]! + 10, EDGES[3]! + 21]) {
      const { batch, sealed } = damageOf(bytes.slice().fill(0, from), "zeros");
      assertEquals([batch, sealed], [3, false]);
    }
  }
});

Deno.test("a segment without a batch is damaged: it had one", () => {
  assertEquals(read(HEADER), {
    batches: [],
    end: START,
    damage: {
      offset: START,
      why: "the file ends within the head of batch 9",
      sealed: true,
    },
  });
});

/** A segment whose last batch, 13, is torn and holds these bytes. */
function tornAround(make: (offset: number) => Uint8Array): Uint8Array {
  const within = (bytes: Uint8Array): Uint8Array => {
    const body = concatBytes([valueOf("before"), bytes, valueOf("after")]);
    return segmentOf([...BATCHES, [acceptance(3, body)]]);
  };
  const size = make(0).length;
  const bare = within(new Uint8Array(size).fill(0xee));
  const offset = bare.lastIndexOf(0xee) - size + 1;
  const file = within(make(offset));
  assertEquals(file.subarray(offset, offset + size), make(offset));
  return file.subarray(0, -1);
}

Deno.test("a body that looks like a later batch seals only in its own place", () => {
  const records = BATCHES[1]!;
  const seals = (make: (offset: number) => Uint8Array): boolean => {
    const { batch, sealed } = damageOf(tornAround(make), "a body");
    assertEquals(batch, 4);
    return sealed;
  };
  // Nobody can make this one who does not know the salt: it shows that the
  // others are refused for a reason.
  assert(seals((offset) => batch(records, { number: 14, offset })));
  assert(!seals(() => batch(records, { number: 14, offset: EDGES[4]! })));
  assert(!seals(() => SEGMENT.slice(EDGES[1], EDGES[2])), "an old one");
  assert(!seals(() => SEGMENT.slice(START)), "all of them");
  const salt = Uint8Array.fromHex("0123456789abcdee");
  assert(!seals((offset) => batch(records, { number: 14, offset, salt })));
  for (const number of [0, 12, 13, 20, 2 ** 32 + 14, 2 ** 53 - 1]) {
    const make = (offset: number) => batch(records, { number, offset });
    assert(!seals(make), `batch ${number} cannot be so near`);
  }
});

Deno.test("a later batch is found at every offset", () => {
  for (let gap = 20; gap < 90; gap++) {
    const torn = new Uint8Array(gap).fill(0xaa);
    const offset = SEGMENT.length + gap;
    const most = Math.floor(gap / 20);
    for (const number of [14, 13 + most]) {
      const later = batch([], { number, offset });
      const file = concatBytes([SEGMENT, torn, later]);
      assertEquals(damageOf(file, `${gap}`).sealed, true, `${gap}, ${number}`);
    }
    const tooHigh = batch([], { number: 14 + most, offset });
    const file = concatBytes([SEGMENT, torn, tooHigh]);
    assertEquals(damageOf(file, `${gap}`).sealed, false);
  }
});

Deno.test("another batch where one should be is damage, not a torn end", () => {
  for (const number of [0, 12, 14, 2 ** 53 - 1]) {
    const other = batch(BATCHES[1]!, { number, offset: SEGMENT.length });
    const found = damageOf(concatBytes([SEGMENT, other]), `${number}`);
    assertEquals(found, {
      batch: 4,
      sealed: true,
      why: `here is batch ${number}, batch 13 should be`,
    });
  }
});

Deno.test("lengths that there are no bytes for are damage", () => {
  for (const length of [1, 100, 2 ** 31, 2 ** 32 - 1]) {
    const head = new Uint8Array(20);
    const view = new DataView(head.buffer);
    view.setUint32(0, length);
    view.setUint32(12, 13);
    const place = new Uint8Array(8);
    new DataView(place.buffer).setUint32(4, SEGMENT.length);
    const summed = concatBytes([SALT, place, head.subarray(0, 16)]);
    view.setUint32(16, crc32c(summed));
    const found = damageOf(concatBytes([SEGMENT, head]), `${length}`);
    assertEquals(found, {
      batch: 4,
      sealed: false,
      why: `batch 13 has ${length} bytes, the file has 0`,
    });
  }
});

Deno.test("numbers of batches are exact up to 2^53-1", () => {
  for (const number of [0, 2 ** 32 - 1, 2 ** 32 + 5, 2 ** 53 - 1]) {
    const bytes = batch(BATCHES[1]!, { number, offset: 0 });
    const place = { start: 0, number, salt: SALT };
    const { batches, damage } = readBatches(bytes, place);
    assertEquals([batches[0]?.number, damage], [number, undefined]);
  }
  const bad = () => batch([], { number: 2 ** 53, offset: 0 });
  assertThrows(bad, AssertionError);
});

Deno.test("a BatchWriter writes one batch after the other", () => {
  const writer = new BatchWriter();
  let file: Uint8Array = HEADER;
  for (const [index, records] of BATCHES.entries()) {
    assertEquals(writer.length, 0);
    for (const record of records) writer.add(record);
    const place = { number: 9 + index, offset: file.length, salt: SALT };
    const bytes = writer.seal(place);
    assertEquals(writer.length, bytes.length - 20);
    file = concatBytes([file, bytes]);
    writer.clear();
  }
  assertEquals(file, SEGMENT);
});

Deno.test("a BatchWriter's batch can be sealed again for another place", () => {
  const writer = new BatchWriter();
  for (const record of BATCHES[1]!) writer.add(record);
  writer.seal({ number: 1, offset: 7, salt: new Uint8Array(8) });
  const place = { number: 10, offset: EDGES[1]!, salt: SALT };
  const bytes = writer.seal(place);
  assertEquals(bytes, SEGMENT.slice(EDGES[1], EDGES[2]));
});

Deno.test("a BatchWriter keeps up to 1 MiB of memory", () => {
  const writer = new BatchWriter();
  const memoryAfter = (bytes: number): ArrayBufferLike => {
    writer.add(acceptance(1, new Uint8Array(bytes)));
    writer.clear();
    return writer.seal({ number: 1, offset: 0, salt: SALT }).buffer;
  };
  const kept = memoryAfter(900_000);
  assert(kept.byteLength >= 900_000);
  assertEquals(memoryAfter(900_000), kept, "it is used again");
  assert(memoryAfter(1 << 20).byteLength < 1 << 20, "more is given back");
});
