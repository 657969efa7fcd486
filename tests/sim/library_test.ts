/**
 * The simulator's own part of the library's world: limits that are put back,
 * and lines that carry bytes in order.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Node } from "../../consensus/mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { Agenda, SECOND } from "./agenda.ts";
import { throughBytes } from "./bytes.ts";
import { withLimits } from "./library/limits.ts";
import { Stream } from "./library/stream.ts";
import type { Way } from "./network.ts";
import { Random } from "./random.ts";
import { simulate } from "./simulation.ts";

Deno.test("withLimits() puts the limits back, whatever happens", () => {
  const before = { ...LIMITS };
  const seen = withLimits({ sessionWindow: 3 }, () => LIMITS.sessionWindow);
  assertEquals(seen as number, 3);
  const end = () =>
    withLimits({ clientSessions: 2 }, () => {
      throw new Error("an end");
    });
  assertThrows(end, Error, "an end");
  assertEquals({ ...LIMITS }, before);
});

Deno.test("Stream carries bytes in order, also past a block", () => {
  const agenda = new Agenda();
  const way: Way = {
    state: "open",
    latency: [10, 5000],
    drop: 0,
    double: 0,
    reorder: 0,
    picks: undefined,
    held: [],
  };
  const stream = new Stream({ agenda, random: new Random(1), way });
  const got: number[] = [];
  let ends = 0;
  for (let at = 0; at < 90; at += 3) {
    stream.send(Uint8Array.of(at, at + 1, at + 2), (piece, last) => {
      got.push(...piece);
      if (last) ends++;
    });
    if (at === 30) agenda.runUntil(agenda.now + 3000);
    way.state = at < 60 ? "holds" : "open";
  }
  for (const arrive of way.held.splice(0)) arrive();
  agenda.runUntil(SECOND);
  assertEquals(got, Array.from({ length: 90 }, (_, at) => at));
  assertEquals(ends, 30);
  stream.hushed = true;
  stream.send(Uint8Array.of(1), () => assert(false, "it is silent"));
  agenda.runUntil(2 * SECOND);
});

for (const seed of [1, 2, 3, 4, 5]) {
  const name = `deno task sim --seed ${seed} --library yes`;
  Deno.test(`simulate() has clients of the library: ${name}`, () => {
    const { violation, counts } = simulate({
      seed,
      make: (options) => new Node(options),
      codec: throughBytes,
      library: true,
    });
    assertEquals(violation?.message, undefined);
    assert(counts["library writes"] > 0, "they have written");
    assert(counts["library lines"] > 0, "they were served");
  });
}
