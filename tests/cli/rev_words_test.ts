/**
 * Revs as words: what is below -1 is a slip, never "any" or "the current one".
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { Flags } from "../../cli/flags.ts";
import { readRevArg, readRevFlag } from "../../cli/rev_words.ts";
import { readStateFlags } from "../../cli/rev_words.ts";
import { UsageError } from "../../cli/usage_error.ts";
import { DoozerError } from "../../store/mod.ts";

Deno.test("readRevFlag(): -1 is the current rev", () => {
  assertEquals(readRevFlag(new Flags({})), {});
  assertEquals(readRevFlag(new Flags({ rev: "-1" })), {});
  assertEquals(readRevFlag(new Flags({ rev: "0" })), { rev: 0 });
  assertEquals(readRevFlag(new Flags({ rev: "42" })), { rev: 42 });
});

Deno.test("readRevArg() forces with a number above all", () => {
  assertEquals(readRevArg("-1"), -1);
  assertEquals(readRevArg("7"), 7);
  assertEquals(readRevArg("4611686018427387904"), Number.MAX_SAFE_INTEGER);
});

Deno.test("a rev below -1 is refused", () => {
  for (const rev of ["-2", "-10", "-9007199254740993", "-" + "9".repeat(400)]) {
    assertThrows(() => readRevFlag(new Flags({ rev })), UsageError, rev);
    assertThrows(() => readRevArg(rev), DoozerError, rev);
  }
});

Deno.test("readStateFlags() says at which rev, and how recent, to read", () => {
  const rows: [Record<string, unknown>, ReturnType<typeof readStateFlags>][] = [
    [{}, {}],
    [{ local: true }, { read: "local" }],
    [{ local: false }, {}],
    [{ rev: "7" }, { rev: 7 }],
    [{ rev: "-1", local: true }, { read: "local" }],
    [{ "at-least": "9" }, { minRev: 9 }],
    [{ "at-least": "9", rev: "3", local: true }, {
      rev: 3,
      read: "local",
      minRev: 9,
    }],
  ];
  for (const [flags, options] of rows) {
    assertEquals(readStateFlags(new Flags(flags)), options);
  }
  for (const text of ["-1", "x", "1.5", ""]) {
    const flags = new Flags({ "at-least": text });
    assertThrows(() => readStateFlags(flags), UsageError, "at least");
  }
});
