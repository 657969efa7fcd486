/**
 * The status as JSON, both ways.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { decodeStatus, encodeStatus } from "../../protocol/mod.ts";
import { DoozerError } from "../../store/mod.ts";
import { STATUS } from "./fake_backend.ts";

Deno.test("decodeStatus() reads what encodeStatus() writes", () => {
  assertEquals(decodeStatus(encodeStatus(STATUS)), STATUS);
  const alone = { ...STATUS, leader: null, seats: [], canLose: -1 };
  assertEquals(decodeStatus(encodeStatus(alone)), alone);
});

Deno.test("decodeStatus() keeps what a newer server says", () => {
  const newer = { ...STATUS, colour: "green" };
  assertEquals(decodeStatus(JSON.stringify(newer)), newer);
});

Deno.test("decodeStatus() refuses what is no status", () => {
  const { leader: _, ...leaderless } = STATUS;
  const rows: [text: string, why: string][] = [
    ["", "it is no JSON"],
    ["{", "it is no JSON"],
    ["7", "it is no object"],
    ["[]", "it is no object"],
    ["null", "it is no object"],
    ["{}", 'its field "id" is no string'],
    [JSON.stringify(leaderless), '"leader" is no string or null'],
    [JSON.stringify({ ...STATUS, ready: 1 }), '"ready" is no boolean'],
    [JSON.stringify({ ...STATUS, rev: "7" }), '"rev" is no number'],
    [JSON.stringify({ ...STATUS, members: {} }), '"members" is no array'],
  ];
  for (const [text, why] of rows) {
    const error = assertThrows(() => decodeStatus(text), DoozerError, why);
    assertEquals(error.code, "OTHER", text);
  }
});
