/**
 * The queue of reads that keep their place.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { asksForMore, OrderedReads, unknownWay } from "../../protocol/reads.ts";
import { type ClientRequest, emptyRequest } from "../../protocol/mod.ts";
import { FakeBackend } from "./fake_backend.ts";

const NOT_NOW = { code: "UNAVAILABLE", detail: "No quorum" } as const;

function request(fields: Partial<ClientRequest>): ClientRequest {
  return { ...emptyRequest(), ...fields };
}

function newReads(): {
  backend: FakeBackend;
  reads: OrderedReads;
  ready: () => number;
} {
  let ready = 0;
  const reads = new OrderedReads(() => ready++);
  return { backend: new FakeBackend(), reads, ready: () => ready };
}

/** The tags of all that can be answered. */
function takeAll(reads: OrderedReads, settled = 0): (number | undefined)[] {
  const tags: (number | undefined)[] = [];
  for (;;) {
    const read = reads.next(settled);
    if (read === undefined) return tags;
    tags.push(read.request.tag);
  }
}

Deno.test("asksForMore() and unknownWay() read the fields", () => {
  const rows: [Partial<ClientRequest>, more: boolean, known: boolean][] = [
    [{}, false, true],
    [{ rev: 3 }, false, true],
    [{ read: 0 }, false, true],
    [{ read: 1 }, true, true],
    [{ minRev: 0 }, true, true],
    [{ read: 0, minRev: 9 }, true, true],
    [{ read: 2 }, true, false],
    [{ read: -1 }, true, false],
    [{ read: 2 ** 32 + 1 }, true, false],
  ];
  for (const [fields, more, known] of rows) {
    const label = JSON.stringify(fields);
    assertEquals(asksForMore(request(fields)), more, label);
    assertEquals(unknownWay(request(fields)) === undefined, known, label);
  }
});

Deno.test("OrderedReads asks once for all that came together", () => {
  const { backend, reads, ready } = newReads();
  assertEquals(reads.ask(backend), false);
  for (const tag of [1, 2, 3]) reads.add(request({ tag, read: 1 }), 0);
  assertEquals(reads.ask(backend), false);
  assertEquals(reads.ask(backend), false, "nothing came since");
  reads.add(request({ tag: 4, read: 1 }), 0);
  reads.ask(backend);
  assertEquals([backend.asked, reads.length], [2, 4]);
  assertEquals(takeAll(reads), []);
  backend.confirm(1);
  assertEquals(ready(), 1);
  assertEquals(takeAll(reads), [1, 2, 3]);
  backend.confirm();
  assertEquals(takeAll(reads), [4]);
  assertEquals([ready(), reads.length], [2, 0]);
});

Deno.test("OrderedReads keeps no value, which is the input's memory", () => {
  const { reads } = newReads();
  reads.add(request({ tag: 1, minRev: 1, value: new Uint8Array(9) }), 0);
  assertEquals(reads.next(0)?.request.value, undefined);
});

Deno.test("OrderedReads.ask() tells of what is confirmed at once", () => {
  const { backend, reads, ready } = newReads();
  backend.confirmsAtOnce = true;
  reads.add(request({ tag: 1, read: 1 }), 0);
  assertEquals(reads.ask(backend), true);
  assertEquals([takeAll(reads), ready()], [[1], 0]);
});

Deno.test("OrderedReads keeps the order, whatever is ready first", () => {
  const { backend, reads } = newReads();
  reads.add(request({ tag: 1, minRev: 1 }), 2);
  reads.add(request({ tag: 2, read: 1 }), 2);
  reads.add(request({ tag: 3, minRev: 1 }), 2);
  reads.add(request({ tag: 4, minRev: 1 }), 3);
  reads.ask(backend);
  assertEquals(takeAll(reads, 1), [], "a write before them is not settled");
  assertEquals(takeAll(reads, 2), [1]);
  backend.confirm();
  assertEquals(takeAll(reads, 2), [2, 3]);
  assertEquals(takeAll(reads, 3), [4]);
});

Deno.test("a round ends once: confirmed or refused, whichever is first", () => {
  const { backend, reads } = newReads();
  const rounds = [1, 2].map((tag) => {
    reads.add(request({ tag, read: 1 }), 0);
    reads.ask(backend);
    return tag;
  });
  assertEquals(rounds.length, 2);
  backend.refuse(NOT_NOW, 1);
  backend.confirm();
  const [first, second] = [reads.next(0), reads.next(0)];
  assertEquals(first?.round?.refusal, NOT_NOW);
  first?.round?.confirmed();
  assertEquals(first?.round?.refusal, NOT_NOW);
  second?.round?.refused(NOT_NOW);
  assertEquals(second?.round?.refusal, undefined);
});

Deno.test("OrderedReads forgets what was answered, and all on clear()", () => {
  const { backend, reads } = newReads();
  const total = 5000;
  for (let tag = 0; tag < total; tag++) {
    reads.add(request({ tag, minRev: 1 }), 0);
  }
  for (let tag = 0; tag < total - 1; tag++) {
    assertEquals(reads.next(0)?.request.tag, tag);
  }
  assertEquals(reads.length, 1);
  reads.add(request({ tag: -1, read: 1 }), 0);
  reads.clear();
  assertEquals([reads.length, reads.ask(backend)], [0, false]);
  assertEquals(backend.asked, 0);
});
