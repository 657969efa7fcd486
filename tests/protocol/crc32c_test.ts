/**
 * The checksum, against the standard's samples and against a plain one.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { crc32c } from "../../protocol/mod.ts";

/** A byte array of that length. */
function bytesOf(
  length: number,
  make: (index: number) => number,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => make(index));
}

/** One bit at a time, as the definition has it. */
function plain(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

Deno.test("crc32c() gives the sums of RFC 3720, appendix B.4", () => {
  // There the sums stand as they are sent, the lowest byte first.
  const samples: readonly [Uint8Array, number][] = [
    [bytesOf(32, () => 0), 0x8a9136aa],
    [bytesOf(32, () => 0xff), 0x62a8ab43],
    [bytesOf(32, (index) => index), 0x46dd794e],
    [bytesOf(32, (index) => 31 - index), 0x113fdb5c],
    [
      Uint8Array.fromHex(
        "01c00000000000000000000000000000140000000000040000000014" +
          "0000001828000000000000000200000000000000",
      ),
      0xd9963a56,
    ],
    [new TextEncoder().encode("123456789"), 0xe3069283],
    [new Uint8Array(0), 0],
  ];
  for (const [bytes, sum] of samples) {
    assertEquals(crc32c(bytes), sum, bytes.toHex());
  }
});

Deno.test("crc32c() sums up any run as the definition does", () => {
  const runs = fc.tuple(fc.uint8Array({ maxLength: 90 }), fc.nat(), fc.nat());
  fc.assert(fc.property(runs, ([bytes, from, to]) => {
    const start = from % (bytes.length + 1);
    const end = start + to % (bytes.length - start + 1);
    const sum = plain(bytes.subarray(start, end));
    assertEquals(crc32c(bytes, { start, end }), sum);
    assertEquals(crc32c(bytes, { start }), plain(bytes.subarray(start)));
    assertEquals(crc32c(bytes, { end }), plain(bytes.subarray(0, end)));
    const view = bytes.subarray(start, end);
    assertEquals(crc32c(view), sum, "in a view");
  }));
});

Deno.test("crc32c() goes on from the sum of what came before", () => {
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }),
    (before, after) => {
      const whole = Uint8Array.of(...before, ...after);
      const seed = crc32c(before);
      assertEquals(crc32c(after, { seed }), plain(whole));
      assertEquals(crc32c(whole, { start: before.length, seed }), plain(whole));
    },
  ));
});
