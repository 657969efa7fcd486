/**
 * The table of clients' sessions as a value.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  checksumOf,
  type ClientSession,
  type ClientTable,
  LIMITS,
  type Mutation,
  type Outcome,
  wrongTable,
} from "../../store/mod.ts";
import { del, set } from "./changes.ts";

/** A session with so many outcomes. */
function row(
  id: number,
  { used = id, name = "", acknowledged = 0, outcomes = 0 } = {},
): ClientSession {
  const one = { checksum: 1, outcome: 5 };
  const about = { id, name, used, acknowledged };
  return { ...about, outcomes: Array(outcomes).fill(one) };
}

function tableOf(...sessions: ClientSession[]): ClientTable {
  return { opened: 20_000, sessions };
}

function withOutcome(outcome: Outcome, checksum = 0): ClientTable {
  return tableOf({ ...row(1), outcomes: [{ checksum, outcome }] });
}

Deno.test("wrongTable() finds nothing wrong with what can be", () => {
  const good: ClientTable[] = [
    { opened: 0, sessions: [] },
    tableOf(row(20_000), row(7, { used: 20_001, name: "a".repeat(64) })),
    tableOf(row(1, { acknowledged: 9, outcomes: LIMITS.sessionWindow })),
    withOutcome({ code: "SEAT", detail: "no" }, 2 ** 32 - 1),
    tableOf(
      ...Array.from({ length: LIMITS.clientSessions }, (_, n) => row(n + 1)),
    ),
  ];
  for (const table of good) assertEquals(wrongTable(table), undefined);
});

Deno.test("wrongTable() tells what cannot be", () => {
  const code = "NOT_YET" as "SEAT";
  const bad: [table: ClientTable, part: string][] = [
    [{ opened: -1, sessions: [] }, "cannot be -1"],
    [{ opened: 0.5, sessions: [] }, "cannot be 0.5"],
    [{ opened: 2 ** 53, sessions: [] }, "cannot be"],
    [tableOf(row(20_001)), "20000 were opened"],
    [tableOf(row(0, { used: 1 })), "Session 0"],
    [tableOf(row(0.5, { used: 1 })), "Session 0.5"],
    [tableOf(row(1, { used: 0 })), "number 0"],
    [tableOf(row(1), row(2, { used: 1 })), "number 1"],
    [tableOf(row(2), row(1)), "number 1"],
    [tableOf(row(1), row(1, { used: 2 })), "one id"],
    [tableOf(row(1, { name: "\u20ac".repeat(22) })), "66 bytes"],
    [tableOf(row(1, { acknowledged: -1 })), "-1 commands"],
    [
      tableOf(row(1, { acknowledged: 2 ** 53 - 1, outcomes: 1 })),
      "acknowledged",
    ],
    [tableOf(row(1, { outcomes: 257 })), "the limit is 256"],
    [withOutcome(-1), "an outcome"],
    [withOutcome(1.5), "an outcome"],
    [withOutcome({ code }), "an outcome"],
    [withOutcome(1, 2 ** 32), "an outcome"],
    [withOutcome(1, -1), "an outcome"],
    [
      tableOf(
        ...Array.from(
          { length: LIMITS.clientSessions + 1 },
          (_, n) => row(n + 1),
        ),
      ),
      "10001 clients' sessions, the limit is 10000",
    ],
    [
      tableOf(
        ...Array.from(
          { length: 400 },
          (_, n) => row(n + 1, { outcomes: LIMITS.sessionWindow }),
        ),
      ),
      `the limit is ${LIMITS.sessionBytes}`,
    ],
  ];
  for (const [table, part] of bad) {
    const wrong = wrongTable(table);
    assert(wrong?.includes(part), `"${wrong}" lacks "${part}"`);
  }
});

Deno.test("checksumOf() differs where what is asked for does", () => {
  const lists: (readonly Mutation[])[] = [
    [{ type: "nop" }],
    [{ type: "nop" }, { type: "nop" }],
    [set("/a", "x", 0)],
    [set("/a", "x", -1)],
    [set("/a", "x", 2 ** 40)],
    [set("/a", "y", 0)],
    [set("/b", "x", 0)],
    [set("/a", "", 0)],
    [del("/a", 0)],
    [set("/a", "x", 0), del("/a", 0)],
    [del("/a", 0), set("/a", "x", 0)],
  ];
  const sums = lists.map(checksumOf);
  assertEquals(new Set(sums).size, lists.length);
  assertEquals(lists.map(checksumOf), sums);
  for (const sum of sums) assert(sum === sum! >>> 0);
  assertEquals(checksumOf([]), undefined);
  assertNotEquals(checksumOf([{ type: "nop" }]), undefined);
});
