/**
 * Values: when two are the same.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { NO_COMMANDS, sameValue } from "../../consensus/mod.ts";
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
