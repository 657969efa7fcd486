/**
 * Records as bytes, both ways; and what is no record is refused.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Ballot,
  type Claim,
  decodeRecords,
  encodeRecord,
  type LogRecord,
  ProtocolError,
  WireWriter,
} from "../../protocol/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { frame, frameHeader, splitFields } from "./raw_client.ts";

const B = "BBBBBBBBBBBBBBBB";
const ballot: Ballot = { round: 3, node: B };
const claim: Claim = { incarnation: 3, start: 2 ** 32 - 1, position: 300 };
const hi = Uint8Array.of(0x68, 0x69);
const empty = new Uint8Array(0);

const BALLOT = "2003" + "2a10" + "42".repeat(16);
const CLAIM = "3803" + "40ffffffff0f" + "10ac02";

/** Fixed for good: files of these bytes exist. */
const GOLDEN: readonly (readonly [string, LogRecord])[] = [
  ["0801" + CLAIM, { type: "started", claim }],
  ["0802" + BALLOT + "1005", { type: "promised", ballot, position: 5 }],
  ["0802" + "2000" + "2a00" + "1000", {
    type: "promised",
    ballot: { round: 0, node: "" },
    position: 0,
  }],
  ["0803" + "1807" + BALLOT + "1006" + "32026869", {
    type: "accepted",
    accepted: { seqn: 7, ballot, value: hi },
    position: 6,
  }],
  ["0803" + "18ffffffffffffff0f" + BALLOT + "1000" + "3200", {
    type: "accepted",
    accepted: { seqn: Number.MAX_SAFE_INTEGER, ballot, value: empty },
    position: 0,
  }],
  ["0804" + "1807" + "32026869", { type: "learned", seqn: 7, value: hi }],
  ["0805" + "1807", { type: "decided", upTo: 7 }],
  ["0806" + "2a10" + "42".repeat(16) + CLAIM, {
    type: "peer",
    node: B,
    claim,
  }],
];

function encode(records: readonly LogRecord[]): Uint8Array {
  const writer = new WireWriter(0);
  for (const record of records) encodeRecord(writer, record);
  return writer.written();
}

function decode(payload: Uint8Array): LogRecord[] {
  const records: LogRecord[] = [];
  decodeRecords(payload, (record) => records.push(record));
  return records;
}

Deno.test("records are written and read as the golden ones", () => {
  for (const [hex, record] of GOLDEN) {
    const bytes = frame(Uint8Array.fromHex(hex));
    assertEquals(encode([record]).toHex(), bytes.toHex(), record.type);
    assertEquals(decode(bytes), [record], hex);
  }
  const types = new Set(GOLDEN.map(([, { type }]) => type));
  assertEquals(types.size, 6, "there is one of each type");
});

Deno.test("protocol/README.md has each type with its number and fields", () => {
  const url = new URL("../../protocol/README.md", import.meta.url);
  const text = Deno.readTextFileSync(url).split("\n### Records\n")[1]!;
  const block = text.split("message Record {")[1]!.split("}")[0]!;
  const names = new Map(
    [...block.matchAll(/ (\w+) = (\d+);/g)]
      .map(([, name, number]) => [Number(number), name]),
  );
  const shown = text.split("\n### ")[0]!.split("\n")
    .filter((line) => /^\| \w+ +\| +\d+ /.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map((
      [, type, number, fields = ""],
    ) => [type, Number(number), fields.replaceAll("`", "")]);
  const wanted = new Map(GOLDEN.map(([hex, { type }]) => {
    const bytes = Uint8Array.fromHex(hex);
    const [, ...others] = splitFields(bytes);
    const fields = others.map(({ number }) => names.get(number)).join(" ");
    return [type, [type, bytes[1]!, fields]];
  }));
  assertEquals(shown, [...wanted.values()]);
});

const numbers = fc.oneof(fc.nat(3), fc.maxSafeNat());
const nodes = fc.constantFrom(B, "AAAAAAAAAAAAAAAA", "C234567ABCDEFGHI");
const ballots: fc.Arbitrary<Ballot> = fc.oneof(
  fc.constant({ round: 0, node: "" }),
  fc.record({ round: fc.nat({ max: 2 ** 31 - 1 }), node: nodes }),
  fc.record({ round: fc.constant(2 ** 40), node: nodes }),
);
const claims: fc.Arbitrary<Claim> = fc.record({
  incarnation: numbers,
  start: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  position: numbers,
});
const values = fc.uint8Array({ maxLength: 200 });
const records: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({ type: fc.constant("started" as const), claim: claims }),
  fc.record({
    type: fc.constant("promised" as const),
    ballot: ballots,
    position: numbers,
  }),
  fc.record({
    type: fc.constant("accepted" as const),
    accepted: fc.record({ seqn: numbers, ballot: ballots, value: values }),
    position: numbers,
  }),
  fc.record({
    type: fc.constant("learned" as const),
    seqn: numbers,
    value: values,
  }),
  fc.record({ type: fc.constant("decided" as const), upTo: numbers }),
  fc.record({ type: fc.constant("peer" as const), node: nodes, claim: claims }),
);

Deno.test("decodeRecords() reads what encodeRecord() writes", () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 6 }), (records) => {
      assertEquals(decode(encode(records)), records);
    }),
    { numRuns: 400 },
  );
});

Deno.test("decodeRecords() refuses any bytes with an error of its own, or reads them", () => {
  const bodies = fc.array(fc.oneof(
    fc.tuple(fc.nat(9), fc.nat(400)).map(([field, value]) =>
      encodeNumber(field, value)
    ),
    fc.tuple(fc.nat(9), fc.constantFrom("", B, "x")).map(([field, value]) =>
      encodeBytes(field, value)
    ),
    fc.uint8Array({ maxLength: 4 }),
  ));
  fc.assert(
    fc.property(bodies, (parts) => {
      const bytes = frame(concatBytes(parts));
      let read: LogRecord[];
      try {
        read = decode(bytes);
      } catch (error) {
        if (error instanceof ProtocolError) return;
        throw error;
      }
      // What is read is what can be written.
      assertEquals(decode(encode(read)), read);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("each record that is cut off, or lacks a field, is refused", () => {
  for (const [hex, { type }] of GOLDEN) {
    const fields = splitFields(Uint8Array.fromHex(hex));
    for (const left of fields) {
      const parts = fields.filter((field) => field !== left)
        .map(({ bytes }) => bytes);
      const bytes = frame(concatBytes(parts));
      const message = left.number === 1 ? "has no type" : "lacks its";
      const error = assertThrows(() => decode(bytes), ProtocolError, message);
      assertEquals(error.message.includes("undefined"), false, error.message);
    }
    const whole = frame(Uint8Array.fromHex(hex));
    for (let length = 1; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      const message = length < 4
        ? "The batch ends in a length, at byte 0"
        : "The batch ends in a record, at byte 4";
      assertThrows(() => decode(cut), ProtocolError, message, type);
    }
  }
});

Deno.test("lengths that there are no bytes for are refused", () => {
  for (const length of [1, 2 ** 31 - 1, -1, -(2 ** 31)]) {
    const bytes = frameHeader(length);
    const message = "The batch ends in a record, at byte 4";
    assertThrows(() => decode(bytes), ProtocolError, message);
  }
  const long = frame(Uint8Array.of(0x08, 4, 0x18, 7, 0x32, 0xff, 0xff, 0x7f));
  assertThrows(() => decode(long), ProtocolError, "Cannot read 2097151 bytes");
});

Deno.test("a type that is not known is named, at any place", () => {
  const [hex] = GOLDEN[6]!;
  for (const type of [7, 8, 255, 2 ** 31, 2 ** 40]) {
    const unknown = frame(encodeNumber(1, type));
    for (
      const bytes of [
        unknown,
        concatBytes([frame(Uint8Array.fromHex(hex)), unknown]),
      ]
    ) {
      const message =
        `Cannot read a record of type ${type}: a later version wrote it`;
      assertThrows(() => decode(bytes), ProtocolError, message);
    }
  }
  assertThrows(() => decode(frame(empty)), ProtocolError, "has no type");
  const zero = frame(encodeNumber(1, 0));
  assertThrows(() => decode(zero), ProtocolError, "has no type");
});

Deno.test("fields of later versions are passed over", () => {
  const later = concatBytes([
    encodeNumber(9, 7),
    encodeBytes(30, "later"),
    encodeNumber(5, 7), // A number where this version has bytes.
    encodeBytes(3, "bytes where it has a number"),
  ]);
  for (const [hex, record] of GOLDEN) {
    const bytes = Uint8Array.fromHex(hex);
    assertEquals(decode(frame(concatBytes([bytes, later]))), [record]);
    assertEquals(decode(frame(concatBytes([later, bytes]))), [record]);
  }
});

Deno.test("numbers that are out of range are refused", () => {
  const above = 2n ** 53n;
  const node = encodeBytes(5, B);
  const bad: readonly [string, ...Uint8Array[]][] = [
    ["The seqn of a record", encodeNumber(1, 5), encodeNumber(3, above)],
    ["The seqn of a record", encodeNumber(1, 5), encodeNumber(3, -1)],
    ["The type of a record", encodeNumber(1, above)],
    [
      `The round ${2 ** 40 + 1} is above ${2 ** 40}`,
      ...[encodeNumber(1, 2), encodeNumber(4, 2 ** 40 + 1), node],
      encodeNumber(2, 1),
    ],
    [
      "The ballot of round 1 has no node",
      ...[encodeNumber(1, 2), encodeNumber(4, 1), encodeBytes(5, "")],
      encodeNumber(2, 1),
    ],
    [
      `The start ${2 ** 32} is above ${2 ** 32 - 1}`,
      ...[encodeNumber(1, 1), encodeNumber(7, 1), encodeNumber(8, 2 ** 32)],
      encodeNumber(2, 1),
    ],
    ["id of a node", encodeNumber(1, 2), encodeBytes(5, "A")],
    [
      "A node has no id",
      ...[encodeNumber(1, 6), encodeNumber(7, 1), encodeNumber(8, 1)],
      ...[encodeNumber(2, 1), encodeBytes(5, "")],
    ],
  ];
  for (const [message, ...fields] of bad) {
    const bytes = frame(concatBytes(fields));
    assertThrows(() => decode(bytes), ProtocolError, message);
  }
});

Deno.test("what could not be read again is not written", () => {
  const bad: readonly LogRecord[] = [
    { type: "decided", upTo: -1 },
    { type: "decided", upTo: 0.5 },
    { type: "decided", upTo: NaN },
    { type: "decided", upTo: 2 ** 53 },
    { type: "promised", ballot: { round: 2 ** 40 + 1, node: B }, position: 1 },
    { type: "started", claim: { ...claim, start: 2 ** 32 } },
  ];
  for (const record of bad) {
    assertThrows(() => encode([record]), AssertionError);
  }
});

Deno.test("fields of a record do not leak into the next", () => {
  const [accepted] = GOLDEN[3]!;
  const bytes = concatBytes([
    frame(Uint8Array.fromHex(accepted)),
    frame(encodeNumber(1, 5)),
  ]);
  const message = "A record of type 5 lacks its seqn";
  assertThrows(() => decode(bytes), ProtocolError, message);
});

Deno.test("decodeRecords() leaves a value in the batch's memory", () => {
  const bytes = concatBytes([hi, encode([GOLDEN[3]![1], GOLDEN[5]![1]])]);
  const [accepted, learned] = decode(bytes.subarray(2));
  if (accepted?.type !== "accepted" || learned?.type !== "learned") {
    throw new Error("no records");
  }
  for (const value of [accepted.accepted.value, learned.value]) {
    assertEquals(value, hi);
    assertEquals(value.buffer, bytes.buffer);
  }
});

Deno.test("encodeRecord() copies the value", () => {
  const value = Uint8Array.of(1, 2);
  const bytes = encode([{ type: "learned", seqn: 7, value }]);
  value.fill(9);
  const [learned] = decode(bytes);
  assertEquals(learned?.type === "learned" && [...learned.value], [1, 2]);
});
