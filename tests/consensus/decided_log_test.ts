/**
 * The decided log: what is kept for those who come later, and for how long.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { DecidedLog } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { AssertionError, LIMITS } from "../../store/mod.ts";
import { peerFrame } from "../protocol/peer_messages.ts";
import { readValue, showValue } from "./words.ts";

/** A log that keeps slots from 1 on. */
function logOf(...values: readonly string[]): DecidedLog {
  const log = new DecidedLog();
  log.keep(true);
  values.forEach((value, i) => log.add(i + 1, readValue(value)));
  return log;
}

/** The slots from `from` to `to` as the log has them. */
function show(log: DecidedLog, { from, to }: { from: number; to: number }) {
  const shown: string[] = [];
  for (let seqn = from; seqn <= to; seqn++) {
    const value = log.valueOf(seqn);
    shown.push(value === undefined ? "?" : showValue(value));
  }
  return shown.join(" ");
}

Deno.test("kept slots are found by their number, others are not", () => {
  const log = logOf("a", "no-op", "c");
  assertEquals(show(log, { from: 0, to: 4 }), "? a no-op c ?");
  assertEquals([log.first, log.last], [1, 3]);
});

Deno.test("a lone node keeps nothing, and lets go of each value at once", () => {
  const log = new DecidedLog();
  const value = readValue("a");
  const released = log.add(1, value);
  assert(released.length === 1 && released[0] === value);
  assertEquals([log.first, log.last, show(log, { from: 1, to: 1 })], [
    2,
    1,
    "?",
  ]);
});

Deno.test("who keeps no more lets go of all, and may begin again", () => {
  const log = logOf("a", "b");
  assertEquals(log.keep(false).map(showAll), ["a", "b"]);
  assertEquals(log.keep(true), []);
  assertEquals(log.add(3, readValue("c")), []);
  assertEquals(show(log, { from: 1, to: 3 }), "? ? c");
});

Deno.test("the log is bounded in bytes: the oldest go first, the last always fits", () => {
  const log = new DecidedLog();
  log.keep(true);
  const bytes = LIMITS.decidedLogBytes / 4;
  const released: number[] = [];
  for (let seqn = 1; seqn <= 10; seqn++) {
    const value = new Uint8Array(bytes - 64).fill(seqn);
    released.push(...log.add(seqn, value).map((each) => each[0]!));
  }
  assertEquals(released, [1, 2, 3, 4, 5, 6]);
  assertEquals([log.first, log.last], [7, 10]);
  assertEquals([7, 8, 9, 10].map((seqn) => log.valueOf(seqn)![0]), [
    7,
    8,
    9,
    10,
  ]);
  assertEquals(log.valueOf(6), undefined);
});

Deno.test("empty slots cost something, too", () => {
  const log = new DecidedLog();
  log.keep(true);
  const most = LIMITS.decidedLogBytes / 64;
  for (let seqn = 1; seqn <= most + 1_000; seqn++) {
    log.add(seqn, new Uint8Array(0));
  }
  assertEquals([log.first, log.last], [1_001, most + 1_000]);
});

Deno.test("C13: decided slots are kept in order, without a gap", () => {
  for (const seqn of [1, 2, 4]) {
    const log = logOf("a", "b");
    assertThrows(() => log.add(seqn, readValue("x")), AssertionError, "C13");
  }
});

Deno.test("skipTo() begins anew after a state that was taken over", () => {
  const log = logOf("a", "b");
  log.skipTo(7);
  assertEquals([log.first, log.last], [8, 7]);
  log.add(8, readValue("h"));
  assertEquals(show(log, { from: 6, to: 9 }), "? ? h ?");
});

function showAll(value: Uint8Array): string {
  return showValue(value);
}

Deno.test("valuesFrom() is what fits into one message, and a larger slot alone", () => {
  const log = new DecidedLog();
  log.keep(true);
  const message = 1 << 20;
  const sizes = [message - 1, 1, 1, 3 << 20, message, 0];
  sizes.forEach((size, at) => log.add(at + 1, new Uint8Array(size)));
  const lengthsFrom = (from: number) =>
    log.valuesFrom(from).map(({ length }) => length);
  assertEquals(lengthsFrom(1), [message - 1, 1]);
  assertEquals(lengthsFrom(3), [1]);
  assertEquals(lengthsFrom(4), [3 << 20]);
  assertEquals(lengthsFrom(5), [message, 0]);
  assertEquals([lengthsFrom(7), lengthsFrom(0)], [[], []]);
});

Deno.test("... and bounded in slots, however small they are", () => {
  const log = new DecidedLog();
  log.keep(true);
  for (let seqn = 1; seqn <= 5_000; seqn++) log.add(seqn, new Uint8Array(0));
  assertEquals(log.valuesFrom(1).length, 4_096);
  assertEquals(log.valuesFrom(4_097).length, 904);
});

Deno.test("no answer to who lags behind exceeds a frame between nodes", () => {
  const log = new DecidedLog();
  log.keep(true);
  // The largest slots: joined commands, then a batch that a large one closed.
  const sizes = [1 << 20, (2 << 20) + 4_096, 1, (1 << 20) - 1];
  sizes.forEach((size, at) => log.add(at + 1, new Uint8Array(size)));
  for (let from = 1; from <= sizes.length; from++) {
    const values = log.valuesFrom(from);
    const message: PeerMessage = {
      ...{ type: "learned", from, first: 1, decided: sizes.length },
      values,
    };
    assert(peerFrame(message).length <= LIMITS.peerFrameBytes, `${from}`);
    assert(values.length > 0);
  }
});
