/**
 * How `wait` and `watch` print a change, and what else a watch tells.
 *
 * @module
 */

import type { ChangeEvent, WatchEvent } from "../protocol/net/mod.ts";
import type { Mark, WatchItem } from "../protocol/net/mod.ts";
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

/** What a watch prints beyond that. */
export const MORE_RECORD_HELP =
  " With --no-value, <len> is 0 and the body empty.\n\n" +
  "With --previous and --stamps the first line goes on, and the old body " +
  "follows the new one:\n\n" +
  "  ... <len> was <rev> <len> at <time> by <origin> LF <body> LF <body> LF\n\n" +
  'Where there was no file before, "-" stands for its <len>, and no body ' +
  "follows. <origin> is in quotes, as in JSON: the id of a node, or what the " +
  "client calls itself, which proves nothing; this program says USER@HOST.\n\n" +
  "A snapshot is a record for its beginning, one for each file, in tree " +
  "order, and one for its end:\n\n" +
  "  / <rev> snapshot 0 LF LF\n" +
  "  <path> <rev> file <len> LF <body> LF\n" +
  "  / <rev> current 0 LF LF\n\n" +
  "What there was before and is not among the files is there no more. Should " +
  "another snapshot begin before the end, the files since the first are void.";

/** What is printed of a watch. */
export type PrintedItem = Exclude<WatchItem, Mark>;

/** What was asked for. */
export interface ItemForm {
  /** The body of before, too. */
  readonly previous: boolean;
  /** Bodies. */
  readonly values: boolean;
}

const PLAIN: ItemForm = { previous: false, values: true };
const LF = Uint8Array.of(10);
const NOTHING = new Uint8Array(0);

const encoder = new TextEncoder();

/** A change as a record of the original's form. */
export function renderRecord(event: ChangeEvent): Uint8Array {
  return renderItem({ ...event, previousRev: 0 }, PLAIN);
}

/** A change as JSON; only a set has a value. */
export function recordFields(event: ChangeEvent): JsonFields {
  return itemFields({ ...event, previousRev: 0 }, PLAIN);
}

/** What a watch tells as a record. */
export function renderItem(item: PrintedItem, form: ItemForm): Uint8Array {
  const { kind, rev } = item;
  switch (kind) {
    case "snapshot":
    case "current":
      return encoder.encode(`/ ${rev} ${kind} 0\n\n`);
    case "file":
    case "set":
    case "del":
    case "nop": {
      const { path } = item;
      const value = form.values ? item.value : NOTHING;
      const word = kind === "nop" ? "" : kind;
      const more = kind === "file" ? "" : renderMore(item, form);
      const head = `${path} ${rev} ${word} ${value.length}${more}\n`;
      const old = kind === "file" || !form.previous ? undefined : item.previous;
      const rest = old === undefined ? [] : [old, LF];
      return joinBytes([encoder.encode(head), value, LF, ...rest]);
    }
  }
}

function renderMore(event: WatchEvent, { previous }: ItemForm): string {
  const { previousRev, previous: old, time, origin } = event;
  const was = previous ? ` was ${previousRev} ${old?.length ?? "-"}` : "";
  const at = time === undefined ? "" : ` at ${renderTime(time)}`;
  // Whoever wrote it chose it: it must not look like the next record.
  const by = origin === undefined ? "" : ` by ${JSON.stringify(origin)}`;
  return was + at + by;
}

/** What a watch tells as JSON. */
export function itemFields(item: PrintedItem, form: ItemForm): JsonFields {
  const { kind, rev } = item;
  switch (kind) {
    case "snapshot":
      return {
        rev,
        kind,
        ...item.from === undefined ? {} : { from: item.from },
      };
    case "current":
      return { rev, kind };
    case "file": {
      const { path, value } = item;
      return { path, rev, kind, ...form.values ? valueFields(value) : {} };
    }
    case "set":
    case "del":
    case "nop": {
      const { path, value } = item;
      const hasValue = kind === "set" && form.values;
      const body = hasValue ? valueFields(value) : {};
      return { path, rev, kind, ...body, ...moreFields(item, form) };
    }
  }
}

function moreFields(event: WatchEvent, { previous }: ItemForm): JsonFields {
  const { previousRev, previous: old, time, origin } = event;
  return {
    ...previous ? { previousRev } : {},
    ...!previous || old === undefined ? {} : previousFields(old),
    ...time === undefined ? {} : { time: renderTime(time) },
    ...origin === undefined ? {} : { origin },
  };
}

function previousFields(old: Uint8Array): JsonFields {
  const { value, value_base64 } = valueFields(old);
  return value_base64 === undefined
    ? { previous: value }
    : { previous_base64: value_base64 };
}

/** A time that no calendar has is shown as the number that it is. */
function renderTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms}` : date.toISOString();
}
