/**
 * Compares an answer with what a fact expects: the same fields, no others, in
 * ascending order, and the same bytes as the original's where they are known.
 *
 * @module
 */

import { type RawAnswer, splitFields } from "../raw_client.ts";
import {
  type ExpectedAnswer,
  type ExpectedText,
  type Num,
  resolveNum,
  resolveText,
  type Text,
  type Variables,
} from "./fact.ts";

const REV_FIELD = 3;

/**
 * What is wrong with an answer; "" when nothing is. Variables that the answer
 * names first are set from it.
 */
export function findMismatch(
  answer: RawAnswer,
  { expected, variables }: {
    expected: ExpectedAnswer | "ALLOWED";
    variables: Variables;
  },
): string {
  const order = findDisorder(answer);
  if (order !== "") return order;
  if (expected === "ALLOWED") {
    const code = answer.response.err_code;
    return code === undefined ? "" : `Expected no error, got ${code}`;
  }
  const names = new Set([
    ...Object.keys(answer.response),
    ...Object.keys(expected),
  ]) as Set<keyof ExpectedAnswer>;
  for (const name of names) {
    const want = expected[name];
    const got = answer.response[name];
    if (want === undefined || got === undefined) {
      return `Field ${name}: expected ${show(want)}, got ${show(got)}`;
    }
    if (!isSame(got, { want, variables })) {
      return `Field ${name}: expected ${show(want)}, got ${show(got)}`;
    }
  }
  return "";
}

/** What differs from the recorded bytes; revs may differ unless literal. */
export function findWireMismatch(
  answer: RawAnswer,
  { wire, sameRev }: { wire: string; sameRev: boolean },
): string {
  const comparable = (bytes: Uint8Array): string =>
    splitFields(bytes).map(({ number, bytes }) =>
      number === REV_FIELD && !sameRev ? "rev" : bytes.toHex()
    ).join(" ");
  const want = comparable(Uint8Array.fromHex(wire));
  const got = comparable(answer.bytes);
  return want === got ? "" : `Bytes: expected ${want}, got ${got}`;
}

function findDisorder(answer: RawAnswer): string {
  const numbers = answer.fields.map((field) => field.number);
  const ascending = numbers.every((number, index) =>
    index === 0 || number > (numbers[index - 1] ?? 0)
  );
  return ascending ? "" : `Fields out of order: ${numbers.join(" ")}`;
}

function isSame(
  got: number | string | Uint8Array,
  { want, variables }: { want: Num | ExpectedText; variables: Variables },
): boolean {
  if (got instanceof Uint8Array) return isSameValue(got, { want, variables });
  if (typeof got === "string") return got === want;
  if (want === "<int>") return true;
  if (typeof want === "string" && /^\$\w+$/.test(want)) {
    if (!variables.has(want)) variables.set(want, got);
  }
  return got === resolveNum(want as Num, variables);
}

function isSameValue(
  got: Uint8Array,
  { want, variables }: { want: Num | ExpectedText; variables: Variables },
): boolean {
  if (typeof want === "object" && "match" in want) {
    return new RegExp(want.match).test(new TextDecoder().decode(got));
  }
  if (typeof want === "object" && "oneOf" in want) {
    return want.oneOf.includes(new TextDecoder().decode(got));
  }
  return got.toHex() === resolveText(want as Text, variables).toHex();
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) {
    return JSON.stringify(new TextDecoder().decode(value));
  }
  return value === undefined ? "no such field" : JSON.stringify(value);
}
