/**
 * The header of a data file, and the files' names.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  CONTACTS_FILE,
  crc32c,
  DATA_FILE_VERSION,
  type DataFileHeader,
  encodeHeader,
  logName,
  parseName,
  partOf,
  readHeader,
  snapshotName,
} from "../../protocol/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";
import { frameHeader, splitFields } from "./raw_client.ts";

const NODE = "LKVNVWZVOEM5N4WO";
const SAMPLE: DataFileHeader = {
  kind: "log",
  number: 7,
  node: NODE,
  lineage: "QRSTUVWXYZ234567",
  parent: "",
  cluster: "local",
  founder: true,
  salt: Uint8Array.fromHex("0123456789abcdef"),
  firstBatch: 300,
  contacts: ["127.0.0.1:8047", "[::1]:8046"],
};

/** Fixed for good: files with this header exist. */
const GOLDEN = "0a036c6f67" + "1001" + "1807" +
  "22104c4b564e56575a564f454d354e34574f" +
  "2a1051525354555657" + "58595a323334353637" + "3200" + "3a056c6f63616c" +
  "4001" + "4a080123456789abcdef" + "50ac02" +
  "5a0e3132372e302e302e313a38303437" + "5a0a5b3a3a315d3a38303436";

/** What comes before the fields, and the fields. */
function headed(fields: Uint8Array): Uint8Array {
  const magic = new TextEncoder().encode("DOOZER1\n");
  const length = frameHeader(fields.length);
  return concatBytes([magic, length, frameHeader(crc32c(fields)), fields]);
}

/** The damage of a header that is damaged. */
function damageOf(bytes: Uint8Array): { offset: number; why: string } {
  const read = readHeader(bytes);
  if ("header" in read) throw new Error(`read: ${bytes.toHex()}`);
  return { ...read };
}

function whyOf(fields: readonly Uint8Array[]): string {
  const damage = damageOf(headed(concatBytes(fields)));
  assertEquals(damage.offset, 16);
  return damage.why;
}

/** The fields of the sample, each as bytes, by number. */
function fieldsOf(header: DataFileHeader): Map<number, Uint8Array> {
  const fields = splitFields(encodeHeader(header).subarray(16));
  return new Map(fields.map(({ number, bytes }) => [number, bytes]));
}

Deno.test("a header is written and read as the golden one", () => {
  const bytes = headed(Uint8Array.fromHex(GOLDEN));
  assertEquals(encodeHeader(SAMPLE).toHex(), bytes.toHex());
  assertEquals(bytes.subarray(0, 12).toHex(), "444f4f5a4552310a00000061");
  assertEquals(readHeader(bytes), { header: SAMPLE, length: bytes.length });
});

Deno.test("readHeader() reads what encodeHeader() writes, and no more", () => {
  const texts = fc.string({ unit: "binary", maxLength: 20 });
  const headers: fc.Arbitrary<DataFileHeader> = fc.record({
    kind: fc.constantFrom("log" as const, "snapshot", "backup", "contacts"),
    number: fc.maxSafeNat(),
    node: fc.constantFrom(NODE, "A".repeat(16)),
    lineage: texts,
    parent: texts,
    cluster: texts,
    founder: fc.boolean(),
    salt: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    firstBatch: fc.maxSafeNat(),
    contacts: fc.array(texts, { maxLength: 5 }),
  });
  fc.assert(fc.property(headers, fc.uint8Array(), (header, after) => {
    const bytes = encodeHeader(header);
    const { length } = bytes;
    const file = concatBytes([Uint8Array.of(9), bytes, after]).subarray(1);
    const read = readHeader(file);
    // The file's memory may be used again.
    file.fill(0xff);
    assertEquals(read, { header, length });
  }));
});

Deno.test("contacts for which there is no room are left out", () => {
  const contacts = Array.from(
    { length: 100 },
    (_, index) => `${index}.`.padEnd(1024, "x"),
  );
  const bytes = encodeHeader({ ...SAMPLE, contacts });
  assert(bytes.length <= 65536 && bytes.length > 65536 - 1100);
  const read = readHeader(bytes);
  if (!("header" in read)) throw new Error(read.why);
  const { length } = read.header.contacts;
  assertEquals(read.header.contacts, contacts.slice(0, length));
  assertEquals(length, 63);
  const short = Array.from({ length: 65_536 }, () => "x");
  const full = encodeHeader({ ...SAMPLE, contacts: short });
  assert(full.length <= 65536 && "header" in readHeader(full));
});

Deno.test("each header that is cut off is damage", () => {
  const bytes = encodeHeader(SAMPLE);
  for (let length = 0; length < bytes.length; length++) {
    assertEquals(damageOf(bytes.subarray(0, length)), {
      offset: length,
      why: "the file ends within its header",
    });
  }
});

Deno.test("each header with a wrong byte is damage", () => {
  const file = concatBytes([encodeHeader(SAMPLE), new Uint8Array(300)]);
  for (let at = 0; at < file.length - 300; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const bytes = file.slice();
      bytes[at]! ^= bits;
      const { offset, why } = damageOf(bytes);
      if (at < 8) {
        assertEquals(why, "it does not begin as a file of doozer does");
        assertEquals(offset, 0);
      } else if (at >= 12) {
        assertEquals(why, "the checksum of the header does not fit");
        assertEquals(offset, 12);
      } else assert(offset >= 8, why);
    }
  }
});

Deno.test("lengths that no header has are refused, with both numbers", () => {
  for (const length of [65536 - 15, 2 ** 31 - 1, 2 ** 32 - 1]) {
    const bytes = concatBytes([encodeHeader(SAMPLE), new Uint8Array(70_000)]);
    new DataView(bytes.buffer).setUint32(8, length);
    assertEquals(damageOf(bytes), {
      offset: 8,
      why: `the header has ${length + 16} bytes, the limit is 65536`,
    });
  }
  // The largest that there can be is read.
  const most = [...fieldsOf(SAMPLE).values()];
  const rest = 65536 - 16 - concatBytes(most).length - 5;
  most.push(encodeBytes(20, new Uint8Array(rest)));
  const bytes = headed(concatBytes(most));
  assertEquals(bytes.length, 65536);
  assert("header" in readHeader(bytes));
});

Deno.test("what is no file of doozer's is told from one that is cut off", () => {
  for (const text of ["#!/bin/sh\necho", "d", "DOOZER2\n", "\0".repeat(64)]) {
    assertEquals(damageOf(new TextEncoder().encode(text)), {
      offset: 0,
      why: "it does not begin as a file of doozer does",
    });
  }
});

Deno.test("another version is named, whatever else there is", () => {
  assertEquals(DATA_FILE_VERSION, 1);
  for (const version of [0, 2, 300]) {
    const why = `the file has version ${version} of the format, this program ` +
      "reads 1";
    assertEquals(whyOf([encodeNumber(2, version)]), why);
    const fields = fieldsOf(SAMPLE).set(2, encodeNumber(2, version))
      .set(1, encodeBytes(1, "later"));
    assertEquals(whyOf([...fields.values()]), why);
  }
});

Deno.test("a header without one of its fields is damage that names it", () => {
  const names: string[] = [];
  for (const number of fieldsOf(SAMPLE).keys()) {
    if (number === 11) continue;
    const fields = fieldsOf(SAMPLE);
    fields.delete(number);
    const why = whyOf([...fields.values()]);
    names.push(why);
    // A value of another form is none.
    const other = number === 1 || (number >= 4 && number <= 7) || number === 9
      ? encodeNumber(number, 1)
      : encodeBytes(number, "x");
    assertEquals(whyOf([...fields.set(number, other).values()]), why);
  }
  const lacks = ["kind", "version", "number", "node", "lineage"];
  lacks.push("parent lineage", "cluster", "founder");
  assertEquals(names, [
    ...lacks.map((name) => `the header lacks its ${name}`),
    "the header has no salt of 8 bytes",
    "the header lacks its first batch",
  ]);
});

Deno.test("a header with a field that cannot be is damage", () => {
  const bad: readonly [number, Uint8Array, string][] = [
    [1, encodeBytes(1, "logs"), 'the file is of an unknown kind, "logs"'],
    [3, encodeNumber(3, 2n ** 53n), "the header's number is out of range"],
    [4, encodeBytes(4, "A"), "the header has no node's id"],
    [9, encodeBytes(9, "1234567"), "the header has no salt of 8 bytes"],
    [10, encodeNumber(10, -1), "the header's first batch is out of range"],
    [11, Uint8Array.of(0x5a, 9), "the header cannot be read"],
  ];
  for (const [number, field, why] of bad) {
    assertEquals(whyOf([...fieldsOf(SAMPLE).set(number, field).values()]), why);
  }
});

Deno.test("fields of later headers are passed over", () => {
  const fields = [...fieldsOf({ ...SAMPLE, contacts: [] }).values()];
  const later = [encodeBytes(12, "x"), encodeNumber(13, 2n ** 60n)];
  later.push(Uint8Array.of(14 * 8 + 5, 1, 2, 3, 4));
  const read = readHeader(headed(concatBytes([...later, ...fields])));
  if ("why" in read) throw new Error(read.why);
  assertEquals(read.header, { ...SAMPLE, contacts: [] });
});

Deno.test("encodeHeader() writes nothing that is not read again", () => {
  const bad: readonly Partial<DataFileHeader>[] = [
    { node: "A" },
    { salt: new Uint8Array(7) },
    { number: -1 },
    { firstBatch: 2 ** 53 },
    { cluster: "x".repeat(65_536) },
  ];
  for (const part of bad) {
    assertThrows(() => encodeHeader({ ...SAMPLE, ...part }), AssertionError);
  }
});

Deno.test("protocol/README.md has the fields of a header as they are", () => {
  const url = new URL("../../protocol/README.md", import.meta.url);
  const block = Deno.readTextFileSync(url).split("message Header {")[1]!
    .split("}")[0]!;
  const shown = [...block.matchAll(/ (\w+) = (\d+);/g)]
    .map(([, name, number]) => [name, Number(number)]);
  const names = Object.keys(SAMPLE);
  names.splice(1, 0, "version");
  const written = names.map((name) =>
    name === "firstBatch" ? "first_batch" : name.replace("contacts", "contact")
  );
  assertEquals(shown, written.map((name, index) => [name, index + 1]));
});

Deno.test("names have twelve digits, and are read back", () => {
  assertEquals(logName(7), "log-000000000007");
  assertEquals(snapshotName(999_999_999_999), "snapshot-999999999999");
  assertEquals(partOf(logName(1)), "log-000000000001.part");
  for (const number of [0, 1, 7, 123_456, 999_999_999_999]) {
    for (const part of [false, true]) {
      for (const kind of ["log", "snapshot"] as const) {
        const whole = kind === "log" ? logName(number) : snapshotName(number);
        const name = part ? partOf(whole) : whole;
        assertEquals(parseName(name), { kind, number, part }, name);
      }
    }
  }
  for (const number of [-1, 0.5, NaN, 1e12, 1e21]) {
    assertThrows(() => logName(number), AssertionError);
  }
});

Deno.test("parseName() knows no other names", () => {
  const bad = ["", "lock", "log", "log-", "log-7", "log-0000000000007"];
  bad.push("log-000000000007.part.part", "log-000000000007.tmp");
  bad.push("log-000000000007\n", "xlog-000000000007", "LOG-000000000007");
  bad.push(
    "backup-000000000007",
    "log-00000000000a",
    "log-00000000000٧",
    CONTACTS_FILE,
  );
  for (const name of bad) assertEquals(parseName(name), undefined, name);
});

Deno.test("damage is told in sentences that go behind a file's name", () => {
  assertMatch(damageOf(new Uint8Array(0)).why, /^[a-z].*[^.]$/);
});
