/**
 * Structured logs on standard error, through LogTape: a line per record, as
 * readable text or as JSON. Quiet by default: warnings and errors.
 *
 * Secrets never get into a line: fields that are named like one are hidden,
 * and so is `sk=` of a URI in any text.
 *
 * @module
 */

import { configureSync, getLogger, type LogRecord } from "@logtape/logtape";
import type { Log } from "../protocol/net/mod.ts";
import { hideSecrets } from "./failure.ts";
import { UsageError } from "./usage_error.ts";

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** How much to log. */
export type LogLevel = typeof LEVELS[number];

/** How a line looks. */
export type LogFormat = "text" | "json";

/** How to log. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes each line, with its line end. */
  readonly write: (line: string) => void;
}

/** Sets the process's logging up. */
export function startLog({ level, format, write }: LogOptions): Log {
  const render = format === "json" ? renderJson : renderText;
  const sink = (record: LogRecord): void => write(render(record));
  configureSync({
    reset: true,
    sinks: { lines: sink },
    loggers: [
      { category: "doozer", lowestLevel: level, sinks: ["lines"] },
      // LogTape's own remarks; at "info" it greets everyone.
      {
        category: ["logtape", "meta"],
        lowestLevel: "error",
        sinks: ["lines"],
      },
    ],
  });
  return getLogger("doozer");
}

/** Reads `-log-level`. */
export function readLogLevel(text: string | undefined): LogLevel {
  const name = text === undefined || text === "warn" ? "warning" : text;
  const level = LEVELS.find((level) => level === name);
  if (level) return level;
  throw new UsageError(
    `Cannot log at the level "${text}"`,
    `The levels are ${LEVELS.join(", ")}`,
  );
}

/** Reads `-log-format`. */
export function readLogFormat(text: string): LogFormat {
  if (text === "text" || text === "json") return text;
  throw new UsageError(
    `Cannot log in the format "${text}"`,
    "The formats are text and json",
  );
}

/** The line that says how many lines are missing. */
export function renderDropped(lines: number, format: LogFormat): string {
  const message = "Dropped log lines: nobody read them in time";
  const record: LogRecord = {
    category: ["doozer"],
    level: "warning",
    message: [message],
    rawMessage: message,
    timestamp: Date.now(),
    properties: { lines },
  };
  return format === "json" ? renderJson(record) : renderText(record);
}

function renderJson(record: LogRecord): string {
  return hideSecrets(JSON.stringify({
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    message: messageOf(record),
    ...fieldsOf(record),
  })) + "\n";
}

function renderText(record: LogRecord): string {
  const time = new Date(record.timestamp).toISOString();
  const template = String(record.rawMessage);
  const fields = Object.entries(fieldsOf(record)).filter(([name]) =>
    !template.includes(`{${name}}`) // The message says it already.
  ).map(([name, value]) =>
    ` ${name}=${
      typeof value === "string" ? quote(value) : JSON.stringify(value)
    }`
  );
  const level = record.level.toUpperCase();
  return hideSecrets(
    `${time} ${level} ${plain(messageOf(record) + fields.join(""))}\n`,
  );
}

// What a client sent may stand in a line: no line breaks, no escapes.
function plain(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029]/gu,
    (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

function quote(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) && !/["=]/.test(text)
    ? text
    : JSON.stringify(text);
}

function messageOf({ message }: LogRecord): string {
  return message.map((part) => typeof part === "string" ? part : String(part))
    .join("");
}

function fieldsOf({ properties }: LogRecord): Record<string, unknown> {
  const entries = Object.entries(properties).map(([name, value]) => {
    if (/secret|password|^sk$|^key$/i.test(name)) return [name, "..."];
    if (value instanceof Error) return [name, value.message];
    if (typeof value === "bigint") return [name, String(value)];
    return [name, value];
  });
  return Object.fromEntries(entries);
}
