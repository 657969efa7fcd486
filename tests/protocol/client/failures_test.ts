/**
 * What is told where there is no answer, and what is never sent.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  isChange,
  mayElsewhere,
  tooLate,
  unanswered,
  whyUnfit,
} from "../../../protocol/client/failures.ts";
import type { Ask } from "../../../protocol/client/line.ts";
import type { Verb } from "../../../protocol/mod.ts";
import { type ErrorCode, LIMITS } from "../../../store/mod.ts";

Deno.test("unanswered() says UNKNOWN only where something may have happened", () => {
  const cases: readonly [Verb, boolean, ErrorCode][] = [
    ["SET", true, "UNKNOWN"],
    ["SET", false, "UNAVAILABLE"],
    ["NOP", true, "UNKNOWN"],
    ["DEL", true, "UNKNOWN"],
    ["RECOVER", true, "UNKNOWN"],
    ["GET", true, "UNAVAILABLE"],
    ["WAIT", true, "TIMEOUT"],
    ["WATCH", false, "TIMEOUT"],
  ];
  for (const [verb, handedOut, code] of cases) {
    const error = unanswered(verb, { why: "it rains", handedOut });
    assertEquals([error.code, error.detail.includes("it rains")], [code, true]);
  }
});

Deno.test("whyUnfit() finds what no server would take", () => {
  const cases: readonly [Ask, string | undefined][] = [
    [{}, undefined],
    [{ rev: -1, minRev: undefined, offset: 3 }, undefined],
    [{ value: new Uint8Array(LIMITS.valueBytes) }, undefined],
    [
      { value: new Uint8Array(LIMITS.valueBytes + 1) },
      "The value has 1048577 bytes, the limit is 1048576",
    ],
    [
      { path: "/".repeat(LIMITS.pathBytes + 1) },
      "The path has 1025 bytes, the limit is 1024",
    ],
    [
      { rev: 1.5 },
      "Cannot use the rev 1.5: it must be a whole number up to " +
      "2^53-1",
    ],
    [
      { minRev: NaN },
      "Cannot use the rev NaN: it must be a whole number up " +
      "to 2^53-1",
    ],
    [
      { rev: Infinity },
      "Cannot use the rev Infinity: it must be a whole " +
      "number up to 2^53-1",
    ],
    // Every number: one that is none would not come to an end in the encoder.
    [
      { window: Infinity },
      "Cannot use the window Infinity: it must be a " +
      "whole number up to 2^53-1",
    ],
    [
      { limit: 0.5 },
      "Cannot use the field limit with 0.5: it must be a " +
      "whole number up to 2^53-1",
    ],
  ];
  for (const [ask, detail] of cases) {
    assertEquals(whyUnfit(ask)?.detail, detail);
  }
});

Deno.test("tooLate() says how long, and why if that is known", () => {
  assertEquals(tooLate(1500.4, undefined), "none came in 1500 ms");
  assertEquals(tooLate(20, "no way"), "none came in 20 ms (no way)");
});

Deno.test("another server may do what this one cannot, and nothing else", () => {
  const codes = ["UNAVAILABLE", "READONLY", "CLOSED"] as const;
  for (const code of codes) assertEquals(mayElsewhere(code), true);
  const others = ["UNKNOWN", "DENIED", "LINEAGE", "LIMIT", "TOO_LATE"] as const;
  for (const code of others) assertEquals(mayElsewhere(code), false);
  assertEquals([isChange("SET"), isChange("WAIT")], [true, false]);
});
