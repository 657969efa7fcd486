/**
 * Errors carry their code first, because many tools show the message only.
 *
 * @module
 */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { assert, DoozerError, ERROR_CODES } from "../../store/mod.ts";
import { AssertionError } from "../../store/error.ts";

Deno.test("DoozerError has its code, its detail and both in the message", () => {
  const cause = new Error("below");
  const error = new DoozerError("LIMIT", "Too long", { cause });
  assertEquals(error.code, "LIMIT");
  assertEquals(error.detail, "Too long");
  assertEquals(error.message, "[LIMIT] Too long");
  assertEquals(error.name, "DoozerError");
  assertEquals(error.cause, cause);
  assertEquals(error instanceof Error, true);
});

Deno.test("ERROR_CODES says of each code what is wrong and what to do", () => {
  for (const [code, sentence] of Object.entries(ERROR_CODES)) {
    assertMatch(code, /^[A-Z]+(_[A-Z]+)*$/);
    assertMatch(sentence, /^[a-z].*: .*[a-z]$/, code);
  }
});

Deno.test("assert() passes what holds and throws what must hold", () => {
  for (const holds of [true, 1, "a", {}]) assert(holds, "never seen");
  for (const broken of [false, 0, "", null, undefined, NaN]) {
    const error: AssertionError = assertThrows(
      () => assert(broken, "the sky is above"),
      AssertionError,
    );
    assertEquals(error.message, "Broken invariant: the sky is above");
    assertEquals(error instanceof DoozerError, false);
  }
});
