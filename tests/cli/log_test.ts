/**
 * Log lines: their forms, their levels, and what never stands in one.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type LogFormat,
  type LogLevel,
  renderDropped,
  startLog,
} from "../../cli/log.ts";
import type { Log } from "../../protocol/net/mod.ts";

function logTo(
  lines: string[],
  options: { level: LogLevel; format: LogFormat },
): Log {
  return startLog({ ...options, write: (line) => void lines.push(line) });
}

function sayAll(log: Log): void {
  log.debug("one");
  log.info("two");
  log.warn("three");
  log.error("four");
}

Deno.test("a log is as loud as its level", () => {
  const rows: readonly [LogLevel, number][] = [
    ["debug", 4],
    ["info", 3],
    ["warning", 2],
    ["error", 1],
  ];
  for (const [level, count] of rows) {
    const lines: string[] = [];
    sayAll(logTo(lines, { level, format: "text" }));
    assertEquals(lines.length, count, level);
  }
});

Deno.test("a JSON log line is one object", () => {
  const lines: string[] = [];
  const log = logTo(lines, { level: "debug", format: "json" });
  log.warn("A client left", { peer: "1.2.3.4:5", error: new Error("reset") });
  const { time, ...rest } = JSON.parse(lines[0] ?? "");
  assert(!Number.isNaN(Date.parse(time)), time);
  assertEquals(rest, {
    level: "warning",
    message: "A client left",
    peer: "1.2.3.4:5",
    error: "reset",
  });
  assertEquals(lines[0]?.indexOf("\n"), lines[0]!.length - 1);
});

Deno.test("a text log line is one line, whatever a client sent", () => {
  const lines: string[] = [];
  const log = logTo(lines, { level: "debug", format: "text" });
  log.warn("Refused", { path: "/a\n\x1b[31m", count: 3, peer: "1.2.3.4:5" });
  const line = lines[0] ?? "";
  const want =
    'WARNING Refused path="/a\\n\\u001b[31m" count=3 peer=1.2.3.4:5\n';
  assertEquals(line.slice(line.indexOf(" ") + 1), want);
});

Deno.test("a field that the message names is not said twice", () => {
  const lines: string[] = [];
  const log = logTo(lines, { level: "debug", format: "text" });
  log.warn("Refused {client}", { client: "a\nb", limit: 1 });
  const want = " WARNING Refused a\\u000ab limit=1\n";
  assertEquals(lines[0]?.slice(-want.length), want);
});

Deno.test("dropped lines are told in the form of the others", () => {
  const { lines, level } = JSON.parse(renderDropped(3, "json"));
  assertEquals([lines, level], [3, "warning"]);
  assert(/ WARNING Dropped .* lines=3\n$/.test(renderDropped(3, "text")));
});

Deno.test("no secret stands in a log line", () => {
  for (const format of ["text", "json"] as const) {
    const lines: string[] = [];
    const log = logTo(lines, { level: "debug", format });
    log.error("Failed at doozer:?ca=x&sk=hush", {
      secret: "hush",
      rwSecret: "hush",
      sk: "hush",
      uri: "doozer:?sk=hush&ca=x",
      error: new Error("no: doozer:?ca=x&sk=hush"),
    });
    assert(!lines.join("").includes("hush"), lines.join(""));
  }
});
