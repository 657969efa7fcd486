/**
 * Reads of revs to come: bounded, told of once, and some given up in time.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { FutureReads } from "../../protocol/future_reads.ts";
import { emptyRequest } from "../../protocol/mod.ts";
import { LIMITS, type Waiter } from "../../store/mod.ts";
import { FakeBackend } from "./fake_backend.ts";

class Told implements Waiter {
  readonly tickets: number[] = [];

  waitEnded(): void {
    throw new Error("No wait was started");
  }

  revReached(ticket: number): void {
    this.tickets.push(ticket);
  }
}

function newReads(): {
  backend: FakeBackend;
  told: Told;
  reads: FutureReads;
  add: (tag: number, rev: number, hurried: boolean) => void;
  takeTold: () => (number | undefined)[];
} {
  const backend = new FakeBackend();
  const told = new Told();
  const reads = new FutureReads(backend.store.waits, told);
  const add = (tag: number, rev: number, hurried: boolean) => {
    const request = { ...emptyRequest(), tag, path: "/a" };
    assertEquals(reads.add(request, { rev, hurried }), undefined);
  };
  const takeTold = () =>
    told.tickets.splice(0).map((ticket) => reads.take(ticket)?.tag);
  return { backend, told, reads, add, takeTold };
}

Deno.test("FutureReads gives back copies when their rev has come", () => {
  const { backend, told, reads, takeTold } = newReads();
  const request = { ...emptyRequest(), tag: 1, value: new Uint8Array(9) };
  reads.add(request, { rev: 2, hurried: false });
  request.tag = 2;
  backend.write("/a");
  assertEquals(told.tickets, []);
  backend.write("/a");
  const [ticket = 0] = told.tickets;
  const read = reads.take(ticket);
  assertEquals([read?.tag, read?.value], [1, undefined]);
  assertEquals(reads.take(ticket), undefined, "once");
  assertEquals(takeTold(), [undefined]);
});

Deno.test("FutureReads gives up the hurried after their time alone", () => {
  const { backend, reads, add, takeTold } = newReads();
  const expire = (now: number) =>
    reads.expire({ now, afterMs: 5000 }).map(({ tag }) => tag);
  add(1, 3, true);
  add(2, 3, false);
  assertEquals(expire(100_000), [], "it counts from the first call");
  add(3, 3, true);
  add(4, 9, true);
  assertEquals(expire(105_000), []);
  add(5, 3, true);
  assertEquals(expire(105_001), [1, 3, 4]);
  assertEquals(backend.store.waits.count(), 2);
  for (let i = 0; i < 3; i++) backend.write("/a");
  assertEquals(takeTold(), [2, 5]);
  assertEquals(expire(200_000), []);
  assertEquals([backend.store.waits.count(), backend.store.waits.bytes], [
    0,
    0,
  ]);
});

Deno.test("FutureReads has a limit, and forgets all on clear()", () => {
  const { backend, told, reads, add } = newReads();
  const most = LIMITS.requestsInFlight;
  for (let tag = 0; tag < most; tag++) add(tag, 1 + tag % 3, tag % 2 === 0);
  const refusal = reads.add(emptyRequest(), { rev: 1, hurried: false });
  assertEquals(refusal, {
    code: "LIMIT",
    detail: `The connection has ${most} reads of revs to come, the limit is ` +
      `${most}`,
  });
  reads.clear();
  assertEquals([backend.store.waits.count(), backend.store.waits.bytes], [
    0,
    0,
  ]);
  backend.write("/a");
  assertEquals(told.tickets, []);
  add(1, 2, false);
});

Deno.test("FutureReads gives up those with a tag, and no others", () => {
  const { backend, reads, add, takeTold } = newReads();
  add(1, 1, false);
  add(2, 1, false);
  add(1, 2, true);
  assertEquals([reads.cancel(3), reads.cancel(1), reads.cancel(1)], [
    false,
    true,
    false,
  ]);
  assertEquals(backend.store.waits.count(), 1);
  for (let i = 0; i < 2; i++) backend.write("/a");
  assertEquals(takeTold(), [2]);
});

Deno.test("FutureReads finds by its tag what is still there, and no more", () => {
  const { backend, told, reads, add } = newReads();
  for (const rev of [1, 3]) add(1, rev, true);
  add(2, 9, true);
  add(4, 1, true);
  backend.write("/a");
  const tags = told.tickets.splice(0).map((ticket) => reads.take(ticket)?.tag);
  assertEquals([tags, reads.cancel(4)], [[1, 4], false]);
  assertEquals([reads.cancel(1), reads.cancel(1)], [true, false]);
  reads.expire({ now: 0, afterMs: 10 });
  assertEquals(reads.expire({ now: 11, afterMs: 10 }).length, 1);
  assertEquals([reads.cancel(2), backend.store.waits.count()], [false, 0]);
  add(3, 5, false);
  reads.clear();
  assertEquals([reads.cancel(3), backend.store.waits.count()], [false, 0]);
  for (let i = 0; i < 9; i++) backend.write("/a");
  assertEquals(told.tickets, []);
});
