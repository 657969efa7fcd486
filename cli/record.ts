/**
 * How `wait` and `watch` print a change.
 *
 * @module
 */

import type { ChangeEvent } from "../protocol/net/mod.ts";
import { joinBytes, type JsonFields, valueFields } from "./output.ts";

/** The form of a record, for the help of both. */
export const RECORD_HELP =
  "Rules for <glob>, which must be quoted from the shell:\n\n" +
  "  ?   one character of a name\n" +
  "  *   any characters of a name\n" +
  "  **  any characters, across names\n\n" +
  "Output is a record for each change:\n\n" +
  "  <path> <rev> <set|del> <len> LF <body> LF\n\n" +
  "Here <rev> is the rev of the change, <len> the number of bytes in the " +
  'body, and LF a line feed. A nop has the path "/" and an empty word for ' +
  "set or del.";

const encoder = new TextEncoder();

/** A change as a record of the original's form. */
export function renderRecord(event: ChangeEvent): Uint8Array {
  const { path, rev, kind, value } = event;
  const word = kind === "nop" ? "" : kind;
  const head = encoder.encode(`${path} ${rev} ${word} ${value.length}\n`);
  return joinBytes([head, value, encoder.encode("\n")]);
}

/** A change as JSON; only a set has a value. */
export function recordFields(event: ChangeEvent): JsonFields {
  const { path, rev, kind, value } = event;
  return { path, rev, kind, ...(kind === "set" ? valueFields(value) : {}) };
}
