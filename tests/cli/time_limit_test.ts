/**
 * Time limits, with a clock of the test.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Flags } from "../../cli/flags.ts";
import { TimeLimit } from "../../cli/time_limit.ts";
import { DoozerError } from "../../store/mod.ts";

function limitOf(
  timeout: string | undefined,
  { requestMs, clock }: { requestMs: number; clock: { ms: number } },
): TimeLimit {
  const flags = new Flags(timeout === undefined ? {} : { timeout });
  return new TimeLimit(flags, { requestMs, now: () => clock.ms });
}

Deno.test("without -t each request has its usual time", () => {
  const clock = { ms: 0 };
  const usual = limitOf(undefined, { requestMs: 5000, clock });
  const patient = limitOf(undefined, { requestMs: 0, clock });
  clock.ms = 1e6;
  assertEquals([usual.nextMs(), patient.nextMs()], [5000, 0]);
  usual.check();
});

Deno.test("with -t the whole command has that time", () => {
  const clock = { ms: 100 };
  const limit = limitOf("1s", { requestMs: 5000, clock });
  assertEquals(limit.nextMs(), 1000);
  clock.ms = 1099.5;
  limit.check();
  assertEquals(limit.nextMs(), 1);
  clock.ms = 1100;
  // 0 would mean "for ever".
  assertEquals(limit.nextMs(), 1);
  const error = assertThrows(() => limit.check(), DoozerError);
  assertEquals(error.code, "TIMEOUT");
});

Deno.test("-t 0 is no limit", () => {
  const limit = limitOf("0", { requestMs: 5000, clock: { ms: 0 } });
  assertEquals(limit.nextMs(), 0);
  limit.check();
});
