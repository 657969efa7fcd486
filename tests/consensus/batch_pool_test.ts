/**
 * The batch pool: memory that is lent, and used again only when it is back.
 *
 * @module
 */
import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { BatchPool } from "../../consensus/mod.ts";

function seal(pool: BatchPool, text: string, reuse: boolean): Uint8Array {
  pool.open.text(1, text);
  return pool.seal({ reuse });
}

Deno.test("C8: a lent batch keeps its bytes while others are written", () => {
  const pool = new BatchPool();
  const first = seal(pool, "first", true);
  const copy = first.slice();
  for (let i = 0; i < 20; i++) {
    pool.giveBack(seal(pool, `other ${i}`, true));
  }
  assertEquals(first, copy);
});

Deno.test("C8: memory is used again only after it was given back", () => {
  const pool = new BatchPool();
  const first = seal(pool, "first", true);
  const second = seal(pool, "second", true);
  assertNotStrictEquals(first.buffer, second.buffer);
  pool.giveBack(first);
  // The writer that is open now was taken before; the next is the one given.
  seal(pool, "third", true);
  const fourth = seal(pool, "fourth", true);
  assert(fourth.buffer === first.buffer);
});

Deno.test("C8: giving back twice, or what is not of the pool, frees nothing", () => {
  const pool = new BatchPool();
  const first = seal(pool, "first", true);
  pool.giveBack(first);
  pool.giveBack(first);
  pool.giveBack(new Uint8Array(3));
  const batches = [1, 2, 3, 4].map((n) => seal(pool, `${n}`, true));
  const buffers = new Set(batches.map(({ buffer }) => buffer));
  assertEquals(buffers.size, batches.length);
});

Deno.test("a batch that others will hold is copied out, and has no spare room", () => {
  const pool = new BatchPool();
  const batch = seal(pool, "for the peers", false);
  const copy = batch.slice();
  assertEquals(batch.buffer.byteLength, batch.length);
  seal(pool, "something longer than that", false);
  pool.giveBack(batch);
  seal(pool, "and longer again than that", true);
  assertEquals(batch, copy);
});
