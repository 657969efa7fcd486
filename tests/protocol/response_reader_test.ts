/**
 * Reading responses: golden ones, what outlives the frame, and errors, with
 * and without a number of their own.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { errorOf, ProtocolError } from "../../protocol/mod.ts";
import { ERROR_CODES } from "../../store/mod.ts";
import { CODES, decode, encoded, meaningOf, NUMBERED } from "./responses.ts";
import { present, viewOf } from "./responses.ts";
import { bytesOf, vectorsOf } from "./vectors.ts";

Deno.test("decodeResponse() reads the golden responses", () => {
  for (const vector of vectorsOf("response")) {
    const { arrow, label, meaning } = vector;
    const bytes = bytesOf(vector);
    if (arrow === "!!") {
      assertThrows(() => decode(bytes), ProtocolError, meaning, label);
    } else assertEquals(present(decode(bytes)), meaningOf(vector), label);
  }
});

Deno.test("decodeResponse() copies the value: it outlives the frame", () => {
  const bytes = encoded((encoder) =>
    encoder.file(1, { rev: 1, body: viewOf(Uint8Array.of(1, 2, 3)) })
  );
  const { value } = decode(bytes);
  bytes.fill(0);
  assertEquals(value, Uint8Array.of(1, 2, 3));
});

Deno.test("errorOf() reads back each code that was sent", () => {
  for (const code of CODES) {
    const detail = code === "BAD_GLOB" ? "invalid glob pattern: /[" : "Why not";
    const error = errorOf(
      decode(encoded((encoder) => encoder.error(undefined, code, detail))),
    );
    assertEquals(error?.code, code);
    const told = code === "DENIED"
      ? "permission denied"
      : code in NUMBERED
      ? ERROR_CODES[code]
      : detail;
    assertEquals(error?.detail, told, code);
  }
});

Deno.test("errorOf() finds words for an error that brings none", () => {
  for (const code of CODES) {
    const bytes = encoded((encoder) => encoder.error(1, code));
    assert((errorOf(decode(bytes))?.detail ?? "").length > 0, code);
  }
});

Deno.test("errorOf() takes what it does not know for OTHER", () => {
  const rows: [errCode: number, errDetail: string, detail: string][] = [
    [55, "new", "new"],
    [0, "", ""],
    [127, "", ""],
    [127, "toString: x", "toString: x"],
    [127, "__proto__: x", "__proto__: x"],
    [127, "LIMITS: x", "LIMITS: x"],
    [127, "LIMIT", "LIMIT"],
    [127, ": x", ": x"],
  ];
  for (const [errCode, errDetail, detail] of rows) {
    const response = { ...decode(new Uint8Array(0)), errCode, errDetail };
    const error = errorOf(response);
    assertEquals([error?.code, error?.detail], ["OTHER", detail]);
  }
  assertEquals(errorOf(decode(new Uint8Array(0))), undefined);
});
