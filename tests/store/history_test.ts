/**
 * The rows, against plain lists; and that a chain is searched in few steps.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionError } from "../../store/error.ts";
import { DEL, History, type Kind, NOP, SET } from "../../store/history.ts";
import { randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

interface Row {
  readonly node: number;
  readonly kind: Kind;
  readonly body: number;
  readonly length: number;
  readonly previous: number;
  readonly shape: boolean;
  readonly cost: number;
  readonly time: number;
  readonly origin: string;
}

function rowOf(change: Partial<Row> = {}): Row {
  const plain = { node: 1, kind: SET, body: 0, length: 0 } as const;
  const stamp = { time: 1, origin: "o" };
  return { ...plain, previous: 0, shape: false, cost: 1, ...stamp, ...change };
}

Deno.test("History gives back each row as it was added", () => {
  const history = new History();
  const big = 2 ** 32 - 1;
  const rows = [
    rowOf({ node: 2 ** 31 - 1, body: big, length: 2 ** 20, shape: true }),
    rowOf({ kind: DEL, previous: 1, cost: 4_000_000_000 }),
    rowOf({ kind: NOP, node: 0 }),
    rowOf({ kind: DEL, previous: 2, shape: true }),
    rowOf({ time: 1_800_000_000_000, origin: "ABCDEFGHIJKLMNOP" }),
  ];
  rows.forEach((row, i) => assertEquals(history.append(row), i + 1));
  rows.forEach((row, i) => {
    const rev = i + 1;
    assertEquals(history.nodeOf(rev), row.node);
    assertEquals(history.kindOf(rev), row.kind);
    assertEquals(history.bodyOf(rev), row.body);
    assertEquals(history.lengthOf(rev), row.length);
    assertEquals(history.previousOf(rev), row.previous);
    assertEquals(history.shapeOf(rev), row.shape);
    assertEquals(history.timeOf(rev), row.time);
    assertEquals(history.originOf(rev), row.origin);
  });
  assertEquals([history.first, history.last], [1, 5]);
  assertEquals(history.bytes, 4_000_000_004);
});

Deno.test("History is empty before the first row and after the last", () => {
  const history = new History();
  assertEquals([history.first, history.last, history.bytes], [1, 0, 0]);
  assertEquals(history.has(0) || history.has(1), false);
  assertThrows(() => history.dropFirst(), AssertionError);
  history.append(rowOf());
  history.dropFirst();
  assertEquals([history.first, history.last, history.bytes], [2, 1, 0]);
  assertThrows(() => history.dropFirst(), AssertionError);
});

Deno.test("History begins with the rev that it is told", () => {
  const history = new History(7);
  assertEquals([history.first, history.last], [7, 6]);
  const previous = [0, 3, 8];
  for (const rev of previous) history.append(rowOf({ previous: rev }));
  assertEquals([history.first, history.last], [7, 9]);
  assertEquals(history.atOrBefore(9, 8), 8);
  assertEquals(history.atOrBefore(9, 7), 3);
  history.dropFirst();
  assertEquals(history.has(7), false);
  const late = new History(1_000_000);
  for (let i = 0; i < 9000; i++) late.append(rowOf({ length: i }));
  assertEquals([late.lengthOf(1_000_000), late.last], [0, 1_008_999]);
  assertEquals(late.lengthOf(late.last), 8999);
});

Deno.test("S3: History stops where a row is read that is not retained", () => {
  const history = new History();
  for (let i = 0; i < 3; i++) history.append(rowOf());
  history.dropFirst();
  for (const rev of [0, 1, 5]) {
    assertEquals(history.has(rev), false);
    assertThrows(() => history.nodeOf(rev), AssertionError);
  }
  assertEquals([history.has(2), history.has(3)], [true, true]);
});

Deno.test("History keeps its rows while it slides over many chunks", () => {
  const history = new History();
  const window = 5000;
  for (let rev = 1; rev <= 60_000; rev++) {
    const stamp = { time: rev * rev, origin: `o${rev % 13}` };
    const row = { node: rev % 777, length: rev, cost: rev % 9, ...stamp };
    history.append(rowOf(row));
    if (rev > window) history.dropFirst();
  }
  let bytes = 0;
  for (let rev = history.first; rev <= history.last; rev++) {
    assertEquals(history.nodeOf(rev), rev % 777);
    assertEquals(history.lengthOf(rev), rev);
    assertEquals(history.timeOf(rev), rev * rev);
    assertEquals(history.originOf(rev), `o${rev % 13}`);
    bytes += rev % 9;
  }
  assertEquals(history.last - history.first + 1, window);
  assertEquals(history.bytes, bytes);
});

/** Adds rows to a few chains at random, some hotter than others. */
function randomChains(random: () => number, history: History): number[][] {
  const chains: number[][] = [[], [], [], [], []];
  const window = 1 + Math.floor(random() * 3000);
  const rows = Math.floor(random() * 12_000);
  for (let i = 0; i < rows; i++) {
    const node = Math.floor(random() ** 3 * chains.length);
    const chain = chains[node]!;
    chain.push(history.append(rowOf({ node, previous: chain.at(-1) ?? 0 })));
    if (history.last - history.first >= window) history.dropFirst();
  }
  return chains;
}

Deno.test(`History finds what a plain search finds (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  for (let round = 0; round < 20; round++) {
    const history = new History();
    for (const chain of randomChains(random, history)) {
      const head = chain.at(-1) ?? 0;
      const kept = chain.filter((rev) => rev >= history.first);
      for (let i = 0; i < 200; i++) {
        const span = history.last - history.first + 7;
        const rev = history.first - 3 + Math.floor(random() * span);
        const found = history.atOrBefore(head, rev);
        const before = kept.findLast((kept) => kept <= rev);
        assertEquals(found < history.first ? undefined : found, before);
        const after = kept.find((kept) => kept >= rev) ?? 0;
        assertEquals(history.atOrAfter(head, rev), after);
      }
    }
  }
});

Deno.test("S8: History searches a hot chain in O(log n) steps", () => {
  const { history, reads } = countedHistory();
  const window = 10_000;
  // The chain must be short to search whatever part of it has gone.
  for (let rev = 1; rev <= 100_000; rev++) {
    history.append(rowOf({ previous: rev - 1 }));
    if (rev > window) history.dropFirst();
    if (rev % 997 === 0) {
      const most = mostReads(history, reads);
      assert(most <= 8 * Math.log2(window), `${most} reads at rev ${rev}`);
    }
  }
});

Deno.test("S8: History searches a chain in O(log n) steps between others", () => {
  const random = randomOf(SEED);
  const { history, reads } = countedHistory();
  let head = 0;
  for (let rev = 1; rev <= 60_000; rev++) {
    const hot = random() < 0.4;
    history.append(rowOf({ previous: hot ? head : 0 }));
    if (hot) head = rev;
    if (rev > 8_000) history.dropFirst();
    if (rev % 997 === 0) {
      const most = mostReads(history, reads, head);
      assert(most <= 8 * Math.log2(8_000), `${most} reads, SEED=${SEED}`);
    }
  }
});

/** The most reads that a search for any of some retained revs takes. */
function mostReads(
  history: History,
  reads: { count: number },
  head = history.last,
): number {
  let most = 0;
  const step = Math.ceil((history.last - history.first + 1) / 50);
  for (let rev = history.first; rev <= history.last; rev += step) {
    for (const search of ["atOrBefore", "atOrAfter"] as const) {
      const before = reads.count;
      history[search](head, rev);
      most = Math.max(most, reads.count - before);
    }
  }
  return most;
}

/** A history whose columns of numbers count how often they are read. */
function countedHistory(): { history: History; reads: { count: number } } {
  const reads = { count: 0 };
  const { Float64Array, Uint32Array } = globalThis;
  const counted = <T extends object>(column: T): T =>
    new Proxy(column, {
      get(target, key): unknown {
        reads.count++;
        return Reflect.get(target, key);
      },
    });
  // Chunks are made while rows are added: columns made then are counted.
  class Counted extends History {
    override append(row: Row): number {
      globalThis.Float64Array = new Proxy(Float64Array, {
        construct: (_, [size]) => counted(new Float64Array(size)),
      });
      globalThis.Uint32Array = new Proxy(Uint32Array, {
        construct: (_, [size]) => counted(new Uint32Array(size)),
      });
      try {
        return super.append(row);
      } finally {
        Object.assign(globalThis, { Float64Array, Uint32Array });
      }
    }
  }
  return { history: new Counted(), reads };
}
