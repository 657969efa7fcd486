/**
 * Values: when two are the same, and what can be one.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isBatch, NO_COMMANDS, sameValue } from "../../consensus/mod.ts";
import { NOP } from "../store/changes.ts";
import { batchOf, mutate, register } from "./state.ts";
import { readValue } from "./words.ts";

Deno.test("sameValue() compares bytes", () => {
  const table: [string, string, boolean][] = [
    ["no-op", "no-op", true],
    ["x", "x", true],
    ["xyz", "xyz", true],
    ["x", "y", false],
    ["xyz", "xyy", false],
    ["xyz", "ayz", false],
    ["xyz", "xy", false],
    ["no-op", "x", false],
  ];
  for (const [a, b, same] of table) {
    assertEquals(sameValue(readValue(a), readValue(b)), same, `${a}, ${b}`);
    assertEquals(sameValue(readValue(b), readValue(a)), same, `${b}, ${a}`);
  }
  const value = readValue("x");
  assertEquals(sameValue(value, value), true);
});

Deno.test("NO_COMMANDS is empty", () => {
  assertEquals(NO_COMMANDS.length, 0);
});

Deno.test("isBatch() takes what can be applied, and nothing else", () => {
  const good = batchOf(register("B"), mutate([1, 1], NOP));
  assertEquals([isBatch(NO_COMMANDS), isBatch(good)], [true, true]);
  const unknown = batchOf(register("B"));
  unknown[unknown.indexOf(3, 4)] = 99;
  const bad: [name: string, bytes: Uint8Array][] = [
    ["noise", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    ["cut", good.slice(0, good.length - 1)],
    ["with a tail", Uint8Array.of(...good, 0)],
    ["of an unknown kind", unknown],
  ];
  for (const [name, bytes] of bad) assertEquals(isBatch(bytes), false, name);
});
