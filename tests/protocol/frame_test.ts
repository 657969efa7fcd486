/**
 * Frames come out as they went in, wherever the network cuts them, and a
 * length above the limit is refused before anything is stored for it.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FrameDecoder, ProtocolError } from "../../protocol/mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { concatBytes, frame, frameHeader } from "./raw_client.ts";

const KIB = 1 << 10;

/** All messages that are whole by now, as hex. */
function takeAll(decoder: FrameDecoder): string[] {
  const messages: string[] = [];
  while (decoder.next()) {
    const { bytes, start, end } = decoder;
    messages.push(bytes.subarray(start, end).toHex());
  }
  return messages;
}

/** What comes out when the bytes come in these chunks. */
function decode(chunks: readonly Uint8Array[], limit?: number): string[] {
  const options = limit === undefined ? {} : { bodyBytesMax: limit };
  const decoder = new FrameDecoder(options);
  return chunks.flatMap((chunk) => {
    decoder.push(chunk);
    return takeAll(decoder);
  });
}

const BODIES = [[], [1], [2, 3], [], [], [4, 5, 6, 7, 8], [0, 0, 0, 0], [9]]
  .map((bytes) => Uint8Array.from(bytes));
const WANTED = BODIES.map((body) => body.toHex());
const STREAM = concatBytes(BODIES.map(frame));

Deno.test("FrameDecoder finds the same frames at every split point", () => {
  assertEquals(decode([STREAM]), WANTED);
  for (let first = 0; first <= STREAM.length; first++) {
    const head = STREAM.subarray(0, first);
    assertEquals(decode([head, STREAM.subarray(first)]), WANTED);
    for (let second = first; second <= STREAM.length; second++) {
      const middle = STREAM.subarray(first, second);
      const found = decode([head, middle, STREAM.subarray(second)]);
      assertEquals(found, WANTED, `split at ${first} and ${second}`);
    }
  }
});

Deno.test("FrameDecoder takes a byte at a time", () => {
  const bytes = Array.from(STREAM, (byte) => Uint8Array.of(byte));
  assertEquals(decode(bytes), WANTED);
});

Deno.test("FrameDecoder finds frames of any length in chunks of any length", () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40_000 }), {
    maxLength: 6,
  });
  const cuts = fc.array(fc.nat(100_000), { maxLength: 8 });
  fc.assert(
    fc.property(bodies, cuts, (bodies, cuts) => {
      const stream = concatBytes(bodies.map(frame));
      const ends = [
        ...cuts.filter((cut) => cut < stream.length),
        stream.length,
      ];
      let at = 0;
      const chunks = ends.sort((a, b) => a - b).map((end) =>
        stream.subarray(at, at = end)
      );
      assertEquals(decode(chunks), bodies.map((body) => body.toHex()));
    }),
    { numRuns: 200 },
  );
});

Deno.test("FrameDecoder hands out a message before the next has come", () => {
  const decoder = new FrameDecoder();
  const found: number[] = [];
  for (const byte of STREAM) {
    decoder.push(Uint8Array.of(byte));
    found.push(takeAll(decoder).length);
  }
  let at = -1;
  const due = new Set(BODIES.map((body) => at += 4 + body.length));
  assertEquals(found, found.map((_, index) => due.has(index) ? 1 : 0));
});

Deno.test("FrameDecoder takes lengths up to the limit and no more", () => {
  const limit = 1000;
  for (const length of [0, 1, limit - 1, limit]) {
    const body = new Uint8Array(length).fill(7);
    assertEquals(decode([frame(body)], limit), [body.toHex()]);
  }
  const tooLong = [limit + 1, 2 ** 31 - 1, -(2 ** 31), -(2 ** 31) + 1, -1];
  for (const length of tooLong) {
    assertThrows(
      () => decode([frameHeader(length)], limit),
      ProtocolError,
      `The frame has ${length >>> 0} bytes, the limit is ${limit}`,
    );
  }
});

Deno.test("FrameDecoder's own limit is that of the protocol", () => {
  assertEquals(decode([frameHeader(LIMITS.frameBytes)]), []);
  assertThrows(() => decode([frameHeader(LIMITS.frameBytes + 1)]));
});

Deno.test("FrameDecoder hands out what came before a bad length", () => {
  const decoder = new FrameDecoder();
  const good = frame(Uint8Array.of(1));
  decoder.push(concatBytes([good, good, frameHeader(-1), good]));
  assert(decoder.next());
  assert(decoder.next());
  // And says the same however often it is asked.
  for (let i = 0; i < 3; i++) {
    assertThrows(() => decoder.next(), ProtocolError, "4294967295 bytes");
  }
});

Deno.test("FrameDecoder takes no memory for a length that is only claimed", () => {
  const decoder = new FrameDecoder();
  const before = decoder.bytes.length;
  decoder.push(frameHeader(LIMITS.frameBytes));
  assertEquals(decoder.next(), false);
  decoder.push(Uint8Array.of(1, 2, 3));
  assertEquals(decoder.next(), false);
  assertEquals(decoder.bytes.length, before);
  assertEquals(decoder.waiting, 7);
});

Deno.test("FrameDecoder holds at most about twice what it was given", () => {
  const decoder = new FrameDecoder();
  const chunk = new Uint8Array(8 * KIB);
  decoder.push(frameHeader(LIMITS.frameBytes));
  for (let pushed = 4; pushed < LIMITS.frameBytes - chunk.length;) {
    decoder.push(chunk);
    pushed += chunk.length;
    assertEquals(decoder.next(), false);
    const most = Math.max(16 * KIB, 2 * pushed);
    assert(decoder.bytes.length <= most, `${decoder.bytes.length} > ${most}`);
  }
});

Deno.test("FrameDecoder gives back the memory of a large frame", () => {
  const decoder = new FrameDecoder();
  const small = decoder.bytes.length;
  decoder.push(frame(new Uint8Array(LIMITS.frameBytes)));
  assertEquals(takeAll(decoder).length, 1);
  assert(decoder.bytes.length > LIMITS.frameBytes);
  decoder.space(8 * KIB);
  assertEquals(decoder.bytes.length, small);
});

Deno.test("FrameDecoder keeps its memory for the small ones", () => {
  const decoder = new FrameDecoder();
  const { buffer } = decoder.bytes;
  for (let i = 0; i < 1000; i++) {
    decoder.push(frame(new Uint8Array(100)));
    assertEquals(takeAll(decoder).length, 1);
  }
  assertEquals(decoder.bytes.buffer, buffer);
  assertEquals(decoder.frames, 1000);
  assertEquals(decoder.waiting, 0);
});

Deno.test("FrameDecoder moves up what waits rather than grow for ever", () => {
  const decoder = new FrameDecoder();
  const size = decoder.bytes.length;
  // There is always half a frame waiting, so it never starts over.
  const whole = frame(new Uint8Array(1000).fill(5));
  decoder.push(whole.subarray(0, 500));
  for (let i = 0; i < 1000; i++) {
    decoder.push(concatBytes([whole.subarray(500), whole.subarray(0, 500)]));
    assertEquals(takeAll(decoder), [whole.subarray(4).toHex()]);
  }
  assertEquals(decoder.bytes.length, size);
});

Deno.test("FrameDecoder.space() may be filled in part, or not at all", () => {
  const decoder = new FrameDecoder();
  let at = 0;
  const found: string[] = [];
  for (let step = 0; at < STREAM.length; step++) {
    const room = decoder.space(5);
    assert(room.length >= 5);
    const filled = Math.min(step % 4, STREAM.length - at);
    room.set(STREAM.subarray(at, at + filled));
    at += filled;
    decoder.filled(filled);
    found.push(...takeAll(decoder));
  }
  assertEquals(found, WANTED);
});
