/**
 * Open values: how many bytes a leader has under way, and whether it gets on.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { OpenValues } from "../../consensus/mod.ts";

function openOf(...sizes: readonly number[]): OpenValues {
  const open = new OpenValues();
  sizes.forEach((size, at) => open.add(at + 1, size));
  return open;
}

/** What is answered to so many questions in a row, as `...!`. */
function ask(open: OpenValues, applied: number, times: number): string {
  let answers = "";
  for (let i = 0; i < times; i++) answers += open.isStuck(applied) ? "!" : ".";
  return answers;
}

Deno.test("bytes are counted from the proposal until the slot is applied, once", () => {
  const open = openOf(10, 0, 30);
  assertEquals(open.bytes, 40);
  open.applied(3);
  assertEquals(open.bytes, 10);
  open.applied(3);
  open.applied(99);
  assertEquals(open.bytes, 10);
  open.applied(1);
  assertEquals(open.bytes, 0);
});

Deno.test("clear() forgets all: a leader's later values are its own", () => {
  const open = openOf(10, 20);
  assertEquals(ask(open, 0, 3), "...");
  open.clear();
  assertEquals(open.bytes, 0);
  open.applied(1);
  assertEquals(open.bytes, 0);
  open.add(1, 5);
  assertEquals(ask(open, 0, 4), "...!", "it is asked anew, too");
});

Deno.test("a standstill is told at every fourth question without progress", () => {
  assertEquals(ask(openOf(1), 0, 8), "...!...!");
});

Deno.test("... and progress, or that nothing is open, begins it anew", () => {
  const open = openOf(1, 1);
  assertEquals(ask(open, 0, 3), "...");
  open.applied(1);
  assertEquals(ask(open, 1, 4), "...!");
  open.applied(2);
  assertEquals(ask(open, 2, 8), "........");
  open.add(3, 1);
  assertEquals(ask(open, 2, 2), "..");
});
