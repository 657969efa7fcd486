/**
 * Parts: a large promise goes in several messages, and nothing of it is lost.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { splitPromise } from "../../consensus/mod.ts";
import type { Promised } from "../../protocol/mod.ts";
import { read, readBallot, readMessage } from "./words.ts";

/** A promise with values of those sizes, in slots from 1 on. */
function promiseOf(...sizes: readonly number[]): Promised {
  const ballot = readBallot("2.B");
  const accepted = sizes.map((size, i) => ({
    seqn: i + 1,
    ballot: readBallot("1.A"),
    value: new Uint8Array(size).fill(i),
  }));
  const total = sizes.length;
  const position = 9;
  return { type: "promise", ballot, from: 1, accepted, total, position };
}

function partsOf(promise: Promised): Promised[] {
  const parts: Promised[] = [];
  for (const part of splitPromise(promise)) {
    if (part.type !== "promise") throw new Error(part.type);
    parts.push(part);
  }
  return parts;
}

Deno.test("splitPromise() leaves alone what is small, or no promise", () => {
  const small = promiseOf(10, 20, 0);
  assertEquals(partsOf(small), [small]);
  assertEquals(partsOf(promiseOf()), [promiseOf()]);
  const accepted = readMessage("accepted 1.A 7");
  assertEquals(splitPromise(accepted), [accepted]);
});

Deno.test("splitPromise() cuts at 1 MiB of values; one value is never cut", () => {
  const table: [sizes: number[], slots: number[][]][] = [
    [[600_000, 600_000, 600_000], [[1], [2], [3]]],
    [[500_000, 500_000, 500_000], [[1, 2], [3]]],
    [[3_000_000, 1, 3_000_000], [[1], [2], [3]]],
    [[0, 0, 3_000_000], [[1, 2, 3]]],
  ];
  for (const [sizes, slots] of table) {
    const parts = partsOf(promiseOf(...sizes));
    const found = parts.map(({ accepted }) => accepted.map(({ seqn }) => seqn));
    assertEquals(found, slots, sizes.join(" "));
  }
});

Deno.test("each part says the ballot, and how many values there are in all", () => {
  const whole = promiseOf(700_000, 700_000, 700_000);
  const parts = partsOf(whole);
  assertEquals(parts.map(({ total }) => total), [3, 3, 3]);
  assert(parts.every(({ ballot }) => ballot === whole.ballot));
  assertEquals(parts.flatMap(({ accepted }) => accepted), [...whole.accepted]);
  assertEquals(read("promise", "1.A, accepted 1=x@1.A of 3").total, 3);
});
