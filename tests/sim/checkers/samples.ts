/**
 * What the tests of the checkers share.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import type { Rev } from "../../../store/mod.ts";
import { Violation } from "../violation.ts";
import type { Applied, Applier } from "./canon.ts";

/** What signs of life of a node without a disk say besides. */
export const NO_DISK = {
  claim: { incarnation: 1, start: 0, position: 0 },
  began: 0,
  full: false,
} as const;

/** A node that keeps all history. */
export const NODE: Applier = { name: "A", firstRev: 1 };

/** An event; what is not said is as in most. */
export function event(rev: Rev, rest: Partial<Applied> = {}): Applied {
  return {
    rev,
    path: "/k",
    kind: "set",
    previousRev: 0,
    hash: 0,
    op: 0,
    text: "",
    time: 7,
    origin: "A",
    ...rest,
  };
}

/** The check must fail, and say so under this rule. */
export function violates(rule: string, act: () => void): void {
  assertEquals(assertThrows(act, Violation).rule, rule);
}
