/**
 * Bodies come back as they went in, and memory follows what is held.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionError } from "../../store/error.ts";
import { LIMITS } from "../../store/mod.ts";
import { copyBytes, NO_BODY, Slabs } from "../../store/slabs.ts";
import { randomOf } from "./model.ts";

const PAGE_BYTES = 256 << 10;
const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

function bodyOf(length: number, salt: number): Uint8Array {
  const body = new Uint8Array(length);
  for (let i = 0; i < length; i++) body[i] = (i * 31 + salt) & 0xff;
  return body;
}

function read(slabs: Slabs, ref: number, length: number): Uint8Array {
  const start = slabs.startOf(ref);
  return slabs.bytesOf(ref).slice(start, start + length);
}

Deno.test("Slabs keep bodies of every length around each slot size", () => {
  const slabs = new Slabs();
  const held: { ref: number; body: Uint8Array }[] = [];
  const lengths = new Set<number>([LIMITS.valueBytes, LIMITS.valueBytes - 1]);
  for (let length = 0; length <= 300; length++) lengths.add(length);
  for (let size = 256; size <= 64 << 10; size += size >> 3) {
    for (const more of [-1, 0, 1]) lengths.add(size + more);
  }
  for (const length of lengths) {
    const body = bodyOf(length, length);
    held.push({ ref: slabs.store(body), body });
  }
  for (const { ref, body } of held) {
    assertEquals(read(slabs, ref, body.length), body, `${body.length} bytes`);
  }
  const refs = held.map(({ ref }) => ref).filter((ref) => ref !== NO_BODY);
  assertEquals(new Set(refs).size, lengths.size - 1);
});

Deno.test("Slabs give an empty body no memory", () => {
  const slabs = new Slabs();
  assertEquals(slabs.store(new Uint8Array(0)), NO_BODY);
  assertEquals(slabs.heldBytes, 0);
  assertEquals(slabs.bytesOf(NO_BODY).length, 0);
  assertEquals(slabs.startOf(NO_BODY), 0);
  slabs.free(NO_BODY);
});

Deno.test("Slabs copy: a later change of the source changes nothing", () => {
  const slabs = new Slabs();
  const source = Uint8Array.of(1, 2, 3);
  const ref = slabs.store(source);
  source.fill(9);
  assertEquals(read(slabs, ref, 3), Uint8Array.of(1, 2, 3));
});

Deno.test("Slabs waste at most an eighth of a body, or 15 bytes", () => {
  for (let length = 1; length <= 32 << 10; length += 7) {
    const slabs = new Slabs();
    const first = slabs.store(new Uint8Array(length));
    const second = slabs.store(new Uint8Array(length));
    const slot = slabs.startOf(second) - slabs.startOf(first);
    assert(slot >= length, `a slot of ${slot} bytes for ${length}`);
    const waste = Math.max(15, length / 8);
    assert(slot - length <= waste, `a slot of ${slot} bytes for ${length}`);
  }
});

Deno.test("Slabs give each body above 32 KiB memory of its own", () => {
  const slabs = new Slabs();
  const ref = slabs.store(new Uint8Array(40_000));
  assertEquals(slabs.heldBytes, 40_000);
  slabs.free(ref);
  assertEquals(slabs.heldBytes, 0);
  assertThrows(() => slabs.bytesOf(ref), AssertionError);
});

Deno.test("Slabs use freed slots again before they take memory", () => {
  const slabs = new Slabs();
  const body = new Uint8Array(100);
  const perPage = Math.floor(PAGE_BYTES / 112);
  const refs = Array.from({ length: 3 * perPage }, () => slabs.store(body));
  const held = slabs.heldBytes;
  assertEquals(held, 3 * perPage * 112);
  for (let round = 0; round < 3; round++) {
    for (let i = round; i < refs.length; i += 3) slabs.free(refs[i]!);
    for (let i = round; i < refs.length; i += 3) refs[i] = slabs.store(body);
    assertEquals(slabs.heldBytes, held);
  }
  assertEquals(new Set(refs).size, refs.length);
});

Deno.test(`Slabs hold what a random load stores (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const slabs = new Slabs();
  const held: { ref: number; body: Uint8Array }[] = [];
  for (let i = 0; i < 20_000; i++) {
    if (held.length > 0 && random() < 0.48) {
      const at = Math.floor(random() * held.length);
      const { ref, body } = held[at]!;
      assertEquals(read(slabs, ref, body.length), body);
      slabs.free(ref);
      held[at] = held.at(-1)!;
      held.pop();
    } else {
      const length = Math.floor(2 ** (random() * 12));
      const body = bodyOf(length, i);
      held.push({ ref: slabs.store(body), body });
    }
  }
  for (const { ref, body } of held) {
    assertEquals(read(slabs, ref, body.length), body);
  }
  for (const { ref } of held) slabs.free(ref);
  // One page per class may stay, so that a lone file does not churn.
  assert(slabs.heldBytes <= 73 * PAGE_BYTES, `${slabs.heldBytes} held`);
});

Deno.test("Slabs keep one page of a size at most when all is freed", () => {
  for (const length of [1, 16, 17, 128, 5000, 32 << 10]) {
    const slabs = new Slabs();
    const body = new Uint8Array(length);
    const refs: number[] = [];
    while (slabs.heldBytes < 20 * PAGE_BYTES) refs.push(slabs.store(body));
    for (const ref of refs) slabs.free(ref);
    assert(slabs.heldBytes <= PAGE_BYTES, `${length}: ${slabs.heldBytes}`);
  }
});

Deno.test("copyBytes() copies a run of any length to any place", () => {
  const source = bodyOf(200, 1);
  for (const length of [0, 1, 47, 48, 49, 50, 200]) {
    for (const from of length === 200 ? [0] : [0, 3]) {
      const to = new Uint8Array(300).fill(255);
      copyBytes(source, { from, length, to }, 5);
      const expected = new Uint8Array(300).fill(255);
      for (let i = 0; i < length; i++) expected[5 + i] = source[from + i]!;
      assertEquals(to, expected, `${length} bytes from ${from}`);
    }
  }
});
