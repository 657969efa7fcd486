/**
 * What the client's logic tells where there is no answer, and what answers
 * mean for the next attempt.
 *
 * @module
 */
import { DoozerError, type ErrorCode, LIMITS } from "../../store/mod.ts";
import type { Verb } from "../request.ts";
import type { Ask } from "./line.ts";

/** Verbs that change something. */
const CHANGES: ReadonlySet<Verb> = new Set(["SET", "DEL", "NOP", "RECOVER"]);

/** Whether the verb changes something. */
export function isChange(verb: Verb): boolean {
  return CHANGES.has(verb);
}

/** Whether another server may do what this one would not. */
export function mayElsewhere(code: ErrorCode): boolean {
  return code === "UNAVAILABLE" || code === "READONLY" || code === "CLOSED";
}

/** No answer came; `handedOut` tells whether a server may have acted. */
export function unanswered(
  verb: Verb,
  { why, handedOut }: { why: string; handedOut: boolean },
): DoozerError {
  const sentence = `The answer to ${verb} did not come: ${why}`;
  if (isChange(verb) && handedOut) {
    return new DoozerError("UNKNOWN", `${sentence}; it may have taken effect`);
  }
  const code = verb === "WAIT" || verb === "WATCH" ? "TIMEOUT" : "UNAVAILABLE";
  return new DoozerError(code, sentence);
}

/** Why nothing came in the time that was given, as far as it is known. */
export function tooLate(timeoutMs: number, why: string | undefined): string {
  const late = `none came in ${Math.round(timeoutMs)} ms`;
  return why === undefined ? late : `${late} (${why})`;
}

/** Why a server would refuse the request, or the encoder never end. */
export function whyUnfit(ask: Ask): DoozerError | undefined {
  const { path = "", value } = ask;
  // A program without types may bring anything.
  if (typeof path !== "string") return unusable("path", path, "a text");
  if (value !== undefined && !(value instanceof Uint8Array)) {
    return unusable("value", value, "a text or a Uint8Array");
  }
  const length = value?.length ?? 0;
  if (length > LIMITS.valueBytes) {
    return tooLong(`The value has ${length} bytes`, LIMITS.valueBytes);
  }
  if (path.length > LIMITS.pathBytes) {
    return tooLong(`The path has ${path.length} bytes`, LIMITS.pathBytes);
  }
  for (const [field, number] of Object.entries(ask)) {
    if (TEXTS.has(field) || number === undefined) continue;
    if (Number.isSafeInteger(number)) continue;
    const name = NAMES.get(field) ?? `field ${field} with`;
    return new DoozerError(
      "OTHER",
      `Cannot use the ${name} ${number}: it must be a whole number up to 2^53-1`,
    );
  }
  return undefined;
}

/** Fields that are no numbers. */
const TEXTS: ReadonlySet<string> = new Set(["path", "value", "lineage"]);

/** What a program calls fields that it gives. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["rev", "rev"],
  ["minRev", "rev"],
  ["window", "window"],
  ["progress", "time between marks"],
]);

function unusable(name: string, is: unknown, must: string): DoozerError {
  const what = Object.prototype.toString.call(is).slice(8, -1);
  const detail = `Cannot use a ${what} as the ${name}: it must be ${must}`;
  return new DoozerError("OTHER", detail);
}

function tooLong(is: string, most: number): DoozerError {
  return new DoozerError("LIMIT", `${is}, the limit is ${most}`);
}
