/**
 * What a request says of its session. What becomes of it is in verbs_test.ts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  sessionNameOf,
  sessionNumberOf,
} from "../../protocol/asked_session.ts";
import { emptyRequest } from "../../protocol/mod.ts";
import { LIMITS } from "../../store/mod.ts";

Deno.test("sessionNumberOf() reads the fields, none acknowledged by default", () => {
  const request = { ...emptyRequest(), session: 5, number: 9 };
  const by = { session: 5, number: 9, acknowledged: 0 };
  assertEquals(sessionNumberOf(request), by);
  const acknowledged = 2 ** 40;
  const other = { ...by, acknowledged };
  assertEquals(sessionNumberOf({ ...request, acknowledged }), other);
});

Deno.test("sessionNumberOf() names what cannot be", () => {
  const request = { ...emptyRequest(), session: 5, number: 9 };
  assertEquals(sessionNumberOf({ ...request, session: 0 }), {
    code: "SESSION",
    detail: "There is no session 0: they count from 1",
  });
  for (const wrong of [{ number: 0 }, { number: -1 }, { acknowledged: -1 }]) {
    const { number, acknowledged } = { ...request, ...wrong };
    assertEquals(sessionNumberOf({ ...request, ...wrong }), {
      code: "NUMBER",
      detail: `Command ${number} of session 5, acknowledged up to ` +
        `${acknowledged ?? 0}: commands count from 1`,
    });
  }
});

Deno.test("sessionNameOf() takes short text, byte for byte", () => {
  const encoder = new TextEncoder();
  for (const name of ["", "a", "\u{feff}é", "x".repeat(64)]) {
    assertEquals(sessionNameOf(encoder.encode(name)), { name });
  }
  assertEquals(sessionNameOf(undefined), { name: "" });
  const bad = Uint8Array.of(0x61, 0xc3);
  const detail = "The session's name is not UTF-8";
  assertEquals(sessionNameOf(bad), { code: "OTHER", detail });
  const length = LIMITS.sessionNameBytes + 1;
  assertEquals(sessionNameOf(new Uint8Array(length)), {
    code: "LIMIT",
    detail: "The session's name has 65 bytes, the limit is 64",
  });
});
