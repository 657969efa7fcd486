/**
 * The head of an image, both ways.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeImageHead,
  encodeImageHead,
  type ImageHead,
  ProtocolError,
} from "../../protocol/mod.ts";
import { ERROR_CODES, type ErrorCode } from "../../store/mod.ts";
import { concatBytes, encodeBytes, encodeNumber } from "./raw_client.ts";

const HEAD: ImageHead = {
  applied: 70,
  leadership: { round: 3, node: "B" },
  cluster: "local",
  sets: [
    { from: 71, cals: ["A", "B"] },
    { from: 99, cals: ["A", "B", "C"] },
  ],
  seats: [["/ctl/cal/0", "A"], ["/ctl/cal/1", ""]],
  sessions: [
    { id: 7, owner: "A", incarnation: 1, start: 0, last: 0 },
    { id: 12, owner: "B", incarnation: 3, start: 2 ** 32 - 1, last: 9 },
  ],
  clients: {
    opened: 40,
    sessions: [
      { id: 8, name: "", used: 90, acknowledged: 0, outcomes: [] },
      {
        id: 3,
        name: "loader",
        used: 99,
        acknowledged: 5,
        outcomes: [
          { checksum: 2 ** 32 - 1, outcome: 17 },
          { checksum: 0, outcome: { code: "REV_MISMATCH" } },
          { checksum: 6, outcome: { code: "SEAT", detail: "" } },
          { checksum: 7, outcome: { code: "LIMIT", detail: "too much" } },
        ],
      },
    ],
  },
};

/** Field by field: number, and what it holds. */
function fields(...list: readonly (readonly [number, number | string])[]) {
  return concatBytes(
    list.map(([field, value]) =>
      typeof value === "number"
        ? encodeNumber(field, value)
        : encodeBytes(field, value)
    ),
  );
}

const GOLDEN = fields(
  [1, 70],
  [2, 3],
  [3, "B"],
  [4, "local"],
  [5, 71],
  [6, "A"],
  [6, "B"],
  [5, 99],
  [6, "A"],
  [6, "B"],
  [6, "C"],
  [7, "/ctl/cal/0"],
  [8, "A"],
  [7, "/ctl/cal/1"],
  [8, ""],
  [9, 7],
  [10, "A"],
  [11, 0],
  [12, 1],
  [13, 0],
  [9, 12],
  [10, "B"],
  [11, 9],
  [12, 3],
  [13, 2 ** 32 - 1],
  [14, 40],
  [15, 8],
  [16, ""],
  [17, 90],
  [18, 0],
  [15, 3],
  [16, "loader"],
  [17, 99],
  [18, 5],
  [19, 2 ** 32 - 1],
  [20, 17],
  [19, 0],
  [21, "REV_MISMATCH"],
  [19, 6],
  [21, "SEAT"],
  [22, ""],
  [19, 7],
  [21, "LIMIT"],
  [22, "too much"],
);

Deno.test("a head's bytes are these, and mean this", () => {
  assertEquals(encodeImageHead(HEAD), GOLDEN);
  assertEquals(decodeImageHead(GOLDEN), HEAD);
});

const texts = fc.string({ unit: "binary", maxLength: 20 });
const codes = fc.constantFrom(...Object.keys(ERROR_CODES) as ErrorCode[]);
const clients: fc.Arbitrary<ImageHead["clients"]> = fc.record({
  opened: fc.maxSafeNat(),
  sessions: fc.array(fc.record({
    id: fc.maxSafeNat(),
    name: texts,
    used: fc.maxSafeNat(),
    acknowledged: fc.maxSafeNat(),
    outcomes: fc.array(fc.record({
      checksum: fc.nat({ max: 2 ** 32 - 1 }),
      outcome: fc.oneof(
        fc.maxSafeNat(),
        fc.record({ code: codes }),
        fc.record({ code: codes, detail: texts }),
      ),
    })),
  })),
});
const heads: fc.Arbitrary<ImageHead> = fc.record({
  applied: fc.maxSafeNat(),
  leadership: fc.record({ round: fc.maxSafeNat(), node: texts }),
  cluster: texts,
  sets: fc.array(
    fc.record({
      from: fc.maxSafeNat(),
      cals: fc.array(texts, { minLength: 1 }),
    }),
    { minLength: 1 },
  ),
  seats: fc.array(fc.tuple(texts, texts)),
  sessions: fc.array(
    fc.record({
      id: fc.maxSafeNat(),
      owner: texts,
      incarnation: fc.maxSafeNat(),
      start: fc.nat({ max: 2 ** 32 - 1 }),
      last: fc.maxSafeNat(),
    }),
  ),
  clients,
});

Deno.test("decodeImageHead() reads what encodeImageHead() writes", () => {
  fc.assert(fc.property(heads, (head) => {
    assertEquals(decodeImageHead(encodeImageHead(head)), head);
  }));
});

Deno.test("decodeImageHead() passes over what a later version adds", () => {
  const later = fields([23, 5], [200, "later"]);
  assertEquals(decodeImageHead(concatBytes([later, GOLDEN, later])), HEAD);
});

Deno.test("decodeImageHead() refuses what is no head", () => {
  const table: [name: string, bytes: Uint8Array, part: string][] = [
    ["nothing", new Uint8Array(0), "names no cals"],
    ["no set", fields([1, 70], [4, "local"]), "names no cals"],
    ["a set of nobody", fields([5, 71], [5, 72], [6, "A"]), "names no cals"],
    ["a cal before any set", fields([6, "A"]), "before its start"],
    ["a holder before any seat", fields([8, "A"]), "before its start"],
    ["an owner before any session", fields([10, "A"]), "before its start"],
    ["a number before any session", fields([11, 1]), "before its start"],
    ["an incarnation before any", fields([12, 1]), "before its start"],
    ["a start before any", fields([13, 1]), "before its start"],
    ["a name before any client", fields([16, "a"]), "before its start"],
    ["a use before any client", fields([17, 1]), "before its start"],
    ["an acknowledgement before", fields([18, 1]), "before its start"],
    ["an outcome before any client", fields([19, 1]), "before its start"],
    ["a rev before any", fields([15, 1], [20, 1]), "before its start"],
    ["a code before any", fields([15, 1], [21, "SEAT"]), "before its start"],
    ["a detail before", fields([15, 1], [22, "no"]), "before its start"],
    [
      "a detail of a rev",
      fields([15, 1], [19, 1], [22, "no"]),
      "detail before its code",
    ],
    [
      "a code of later",
      fields([15, 1], [19, 1], [21, "toString"]),
      'unknown code "toString"',
    ],
    ["bytes that are cut", GOLDEN.slice(0, -3), ""],
  ];
  for (const [name, bytes, part] of table) {
    assertThrows(() => decodeImageHead(bytes), ProtocolError, part, name);
  }
});

Deno.test("decodeImageHead() of any cut, or of noise, is a head or a refusal", () => {
  const read = (bytes: Uint8Array) => {
    try {
      decodeImageHead(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };
  for (let length = 0; length < GOLDEN.length; length++) {
    read(GOLDEN.slice(0, length));
  }
  fc.assert(fc.property(fc.uint8Array(), read), { numRuns: 500 });
});
