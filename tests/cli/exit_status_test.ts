/**
 * The table of exit statuses, as the documents promise it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { EXIT, statusOf } from "../../cli/exit_status.ts";
import { ERROR_CODES, type ErrorCode } from "../../store/mod.ts";

const PROMISED: Partial<Record<ErrorCode, number>> = {
  REV_MISMATCH: 1,
  NOENT: 3,
  DENIED: 4,
  UNAVAILABLE: 5,
  CLOSED: 5,
  UNKNOWN: 6,
};

Deno.test("every error code has its exit status", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    assertEquals(statusOf(code), PROMISED[code] ?? 2, code);
  }
});

Deno.test("the statuses are the documented numbers", () => {
  assertEquals(Object.values(EXIT), [0, 1, 2, 3, 4, 5, 6, 127]);
});
