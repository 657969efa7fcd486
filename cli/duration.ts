/**
 * Durations as the original wrote them (Go's form): `300ms`, `1.5s`, `1m30s`.
 *
 * @module
 */

import { UsageError } from "./usage_error.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3, // U+00B5, the micro sign
  "μs": 1e-3, // U+03BC, the Greek letter
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The longest time a timer takes: 2^31 - 1 ms, more would fire at once. */
export const DURATION_MS_MAX = 2 ** 31 - 1;

const FORM = "a number with a unit, as in 500ms, 5s or 1m30s " +
  "(units: ns us ms s m h)";

/**
 * Milliseconds, rounded up to a whole one, so that a short time never turns
 * into 0, which means "no limit".
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  let total = 0;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const [whole, number, unit] = part.exec(text) ?? [];
    if (whole === undefined) throw badDuration(text);
    total += Number(number) * (UNIT_MS[unit ?? ""] ?? NaN);
    at += whole.length;
  }
  if (text === "") throw badDuration(text);
  const ms = Math.ceil(total);
  if (ms <= DURATION_MS_MAX) return ms;
  throw new UsageError(
    `Cannot use the duration "${text}": it is ${ms} ms, ` +
      `the longest is ${DURATION_MS_MAX} ms`,
    "Use 0 for no limit",
  );
}

function badDuration(text: string): UsageError {
  const unitless = /^\d+$/.test(text);
  return new UsageError(
    `Cannot read the duration "${text}"${unitless ? ": it has no unit" : ""}`,
    unitless ? `Perhaps ${text}s: ${FORM}` : `A duration is ${FORM}`,
  );
}
