/**
 * Durations, good and bad.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { DURATION_MS_MAX, parseDuration } from "../../cli/duration.ts";
import { UsageError } from "../../cli/usage_error.ts";

Deno.test("parseDuration() reads Go's form", () => {
  const good: readonly [string, number][] = [
    ["0", 0],
    ["0s", 0],
    ["300ms", 300],
    ["5s", 5000],
    ["1.5s", 1500],
    [".5s", 500],
    ["1.s", 1000],
    ["1m30s", 90_000],
    ["2h45m", 9_900_000],
    ["1h1m1s1ms", 3_661_001],
    ["1ns", 1],
    ["1us", 1],
    ["1500us", 2],
    ["2000\u00b5s", 2],
    ["2000\u03bcs", 2],
    [`${DURATION_MS_MAX}ms`, DURATION_MS_MAX],
  ];
  for (const [text, ms] of good) assertEquals(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses what is no duration", () => {
  const bad = [
    "",
    "5",
    "s",
    "-5s",
    "5 s",
    "5sec",
    "1d",
    "5s3",
    "1.2.3s",
    "Inf",
  ];
  for (const text of bad) {
    const error = assertThrows(() => parseDuration(text), UsageError);
    assertEquals(error.message.includes(`"${text}"`), true, error.message);
  }
  const error = assertThrows(() => parseDuration("5"), UsageError);
  assertEquals(error.hint.startsWith("Perhaps 5s"), true, error.hint);
});

Deno.test("parseDuration() refuses what no timer can wait for", () => {
  const error = assertThrows(
    () => parseDuration(`${DURATION_MS_MAX + 1}ms`),
    UsageError,
  );
  assertEquals(error.message.includes(String(DURATION_MS_MAX)), true);
});
