/**
 * Time limits, with a clock of the test.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Flags } from "../../cli/flags.ts";
import { REQUEST_MS, TimeLimit } from "../../cli/time_limit.ts";
import { DoozerError } from "../../store/mod.ts";

function limitOf(
  timeout: string | undefined,
  clock: { readonly ms: number },
): TimeLimit {
  const flags = new Flags(timeout === undefined ? {} : { timeout });
  return new TimeLimit(flags, () => clock.ms);
}

Deno.test("without -t each request has its usual time, a wait none", () => {
  const clock = { ms: 0 };
  const limit = limitOf(undefined, clock);
  clock.ms = 1e6;
  assertEquals([limit.nextMs(), limit.waitMs()], [REQUEST_MS, 0]);
  limit.check();
});

Deno.test("with -t the whole command has that time", () => {
  const clock = { ms: 100 };
  const limit = limitOf("1s", clock);
  assertEquals([limit.nextMs(), limit.waitMs()], [1000, 1000]);
  clock.ms = 1099.5;
  limit.check();
  assertEquals(limit.nextMs(), 1);
  clock.ms = 1100;
  // 0 would mean "for ever".
  assertEquals(limit.nextMs(), 1);
  const error = assertThrows(() => limit.check(), DoozerError);
  assertEquals(error.code, "TIMEOUT");
});

Deno.test("each request of a list has the time that is left", () => {
  const clock = { ms: 0 };
  const options = limitOf("1s", clock).forEach({ rev: 3 });
  assertEquals([options.rev, options.timeoutMs], [3, 1000]);
  clock.ms = 400;
  assertEquals(options.timeoutMs, 600);
  assertEquals(limitOf(undefined, clock).forEach({}).timeoutMs, REQUEST_MS);
});

Deno.test("-t 0 is no limit", () => {
  const limit = limitOf("0", { ms: 0 });
  assertEquals([limit.nextMs(), limit.waitMs()], [0, 0]);
  limit.check();
});
