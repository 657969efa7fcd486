/**
 * Much at once through one client of the library: writes, watches, and one
 * that takes nothing of what it is told.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../../store/mod.ts";
import { codeOf, connectTo, withTwoWays } from "./ways.ts";

Deno.test("5,000 writes at once take effect once each, in order", () =>
  withTwoWays(async ({ node, direct }) => {
    using client = await connectTo([node.addr]);
    const before = await direct.rev();
    const writes = Array.from(
      { length: 5_000 },
      (_, n) => client.set(`/many/${n % 10}`, String(n)),
    );
    const revs = await Promise.all(writes);
    assertEquals(revs, revs.map((_, n) => before + 1 + n));
    assertEquals(await direct.rev(), before + 5_000);
  }));

Deno.test("a client has 1,000 watches; one more is refused, the others go on", () =>
  withTwoWays(async ({ node, direct }) => {
    using client = await connectTo([node.addr]);
    const rev = await direct.rev() + 1;
    const watch = () => client.watch("/w", { rev, onTooLate: "fail" });
    const watches = Array.from({ length: LIMITS.waitsPerConnection }, watch);
    const firsts = watches.map((one) => one.next());
    // Behind all of them, on the same connection.
    await client.rev();
    const one = watch();
    assertEquals(await codeOf(one.next()), "LIMIT");
    assertEquals(await direct.set("/w", "1"), rev);
    for (const { value } of await Promise.all(firsts)) {
      assertEquals(value?.rev, rev);
    }
    // The place of one that has ended is free again.
    await watches[0]!.return();
    const again = watch();
    assertEquals((await again.next()).value?.rev, rev);
    const seconds = watches.slice(1).map((one) => one.next());
    await direct.set("/w", "2");
    for (const { value } of await Promise.all(seconds)) {
      assertEquals(value?.rev, rev + 1);
    }
    await Promise.all([again, ...watches].map((one) => one.return()));
  }));

Deno.test("who does not take what a watch tells holds its window, no more", () =>
  withTwoWays(async ({ first, direct }) => {
    using client = await connectTo([first.addr]);
    const windowBytes = 64 << 10;
    const body = new Uint8Array(8 << 10).fill(1);
    const rev = await direct.rev() + 1;
    const idle = client.watch("/big", { rev, windowBytes, onTooLate: "fail" });
    const other = client.watch("/big", { rev, values: false, marks: true });
    let held = 0;
    let largest = 0;
    first.onAnswer = ({ verb, response, bytes }) => {
      if (verb === "WATCH" && response.value !== undefined) {
        held += bytes;
        largest = Math.max(largest, bytes);
      }
      return "pass";
    };
    // It is asked for once, so that it begins.
    const firstItem = idle.next();
    const count = 500;
    const writes: Promise<number>[] = [];
    for (let n = 0; n < count; n++) writes.push(direct.set("/big", body));
    const revs = await Promise.all(writes);
    assertEquals((await firstItem).value?.rev, revs[0]);
    // Others of the same connection are told all, and answered.
    const told: number[] = [];
    for await (const { kind, rev } of other) {
      if (kind === "set") told.push(rev);
      if (told.length === count) break;
    }
    assertEquals(told, revs);
    assertEquals((await client.get("/big")).rev, revs.at(-1));
    // What was taken is one event; beyond the window may be the last of them.
    assert(held <= windowBytes + 2 * largest, `${held} bytes are held`);
    assert(held >= windowBytes, `Only ${held} bytes came`);
    // And goes on from history when it takes again.
    const later = [revs[0]!];
    while (later.length < count) {
      const { value } = await idle.next();
      later.push(value!.rev);
    }
    assertEquals(later, revs);
    await idle.return();
  }));
