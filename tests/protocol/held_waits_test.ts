/**
 * The WAITs that a connection holds.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { HeldWaits } from "../../protocol/held_waits.ts";
import { compileGlob, LIMITS, type Waiter } from "../../store/mod.ts";
import { FakeBackend } from "./fake_backend.ts";

const GLOB = compileGlob("/a*");

function newWaits(): {
  backend: FakeBackend;
  waits: HeldWaits;
  ended: number[];
} {
  const ended: number[] = [];
  const waiter: Waiter = {
    waitEnded: (ticket) => ended.push(ticket),
    revReached: () => {
      throw new Error("No rev was asked for");
    },
  };
  const backend = new FakeBackend();
  const waits = new HeldWaits(backend.store.waits, waiter);
  return { backend, waits, ended };
}

Deno.test("HeldWaits answers at once what has happened", () => {
  const { backend, waits, ended } = newWaits();
  backend.write("/ab");
  const result = waits.start(7, { glob: GLOB, from: 1 });
  const rev = result !== undefined && "rev" in result ? result.rev : undefined;
  assertEquals(rev, 1);
  assertEquals([ended, backend.store.waits.count()], [[], 0]);
  // These are not held, so they do not count.
  for (let i = 0; i < LIMITS.waitsPerConnection; i++) {
    assertEquals(waits.start(7, { glob: GLOB, from: 1 }), result);
  }
});

Deno.test("HeldWaits gives back each wait once, with its tag", () => {
  const { backend, waits, ended } = newWaits();
  for (const tag of [7, undefined]) {
    assertEquals(waits.start(tag, { glob: GLOB, from: 1 }), undefined);
  }
  backend.write("/b");
  assertEquals(ended, []);
  backend.write("/a");
  assertEquals(ended.map((ticket) => waits.take(ticket)?.tag), [7, undefined]);
  assertEquals(waits.take(ended[0]!), undefined);
});

Deno.test("HeldWaits ends those with a tag, and no others", () => {
  const { backend, waits, ended } = newWaits();
  for (const tag of [7, 8, 7, undefined]) {
    waits.start(tag, { glob: GLOB, from: 1 });
  }
  assertEquals([waits.has(7), waits.has(9), waits.size], [true, false, 4]);
  assertEquals([waits.cancel(9), waits.cancel(7), waits.cancel(7)], [
    false,
    true,
    false,
  ]);
  assertEquals([waits.has(7), waits.size], [false, 2]);
  backend.write("/a");
  const tags = ended.map((ticket) => waits.take(ticket)?.tag);
  assertEquals(tags, [8, undefined]);
  assertEquals([waits.has(8), waits.cancel(8)], [false, false]);
});

Deno.test("HeldWaits gives all up on clear()", () => {
  const { backend, waits, ended } = newWaits();
  for (let tag = 0; tag < 3; tag++) waits.start(tag, { glob: GLOB, from: 1 });
  assertEquals(backend.store.waits.count(), 3);
  waits.clear();
  assertEquals([backend.store.waits.count(), waits.size], [0, 0]);
  assertEquals(waits.has(1), false);
  backend.write("/a");
  assertEquals(ended, []);
});
