/**
 * Arguments to flags and words.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { readCommandLine } from "../../cli/command_line.ts";
import { COMMANDS } from "../../cli/table.ts";
import { UsageError } from "../../cli/usage_error.ts";

interface Row {
  readonly args: string;
  readonly word?: string;
  readonly rest?: readonly string[];
  readonly text?: Readonly<Record<string, string>>;
  readonly on?: readonly string[];
}

const GOOD: readonly Row[] = [
  { args: "" },
  { args: "get /m", word: "get", rest: ["/m"] },
  // A flag stands before or after, with one dash or two, short or long.
  { args: "-a X get /m", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get -a X /m", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get /m -a X", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get --a X /m", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get -uri X /m", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get --uri=X /m", word: "get", rest: ["/m"], text: { uri: "X" } },
  { args: "get -a=b=c /m", word: "get", rest: ["/m"], text: { uri: "b=c" } },
  { args: "get -a= /m", word: "get", rest: ["/m"], text: { uri: "" } },
  // The last one wins.
  { args: "-a X get -a Y /m", word: "get", rest: ["/m"], text: { uri: "Y" } },
  // Words of more than one letter are no bundles.
  {
    args: "serve -timeout 5 -hist 10 -tlscert c",
    word: "serve",
    text: { timeout: "5", hist: "10", tlscert: "c" },
  },
  { args: "serve -w false", word: "serve", text: { web: "false" } },
  // A value may look like a flag.
  { args: "-r -1 get /m", word: "get", rest: ["/m"], text: { rev: "-1" } },
  { args: "get -a -t /m", word: "get", rest: ["/m"], text: { uri: "-t" } },
  // Numbers are arguments.
  { args: "set /x -1", word: "set", rest: ["/x", "-1"] },
  { args: "del -1 /x", word: "del", rest: ["-1", "/x"] },
  { args: "set /x 0x10", word: "set", rest: ["/x", "0x10"] },
  { args: "set /x 1e3 07", word: "set", rest: ["/x", "1e3", "07"] },
  // After -- nothing is a flag.
  { args: "get -- -a /m", word: "get", rest: ["-a", "/m"] },
  { args: "-- get -- /m", word: "get", rest: ["--", "/m"] },
  { args: "get -", word: "get", rest: ["-"] },
  // Switches, which never take the word behind them.
  { args: "-h", on: ["help"] },
  { args: "get -h true", word: "get", rest: ["true"], on: ["help"] },
  { args: "get --tls /m", word: "get", rest: ["/m"], on: ["tls"] },
  { args: "get --tls=false /m", word: "get", rest: ["/m"] },
  { args: "serve --insecure", word: "serve", on: ["insecure"] },
  {
    args: "watch --no-value /m",
    word: "watch",
    rest: ["/m"],
    on: ["no-value"],
  },
  { args: "watch --no-value=true", word: "watch", on: ["no-value"] },
  { args: "watch --no-value=false", word: "watch" },
];

Deno.test("readCommandLine() finds flags and words", async (t) => {
  for (const { args, word, rest = [], text = {}, on = [] } of GOOD) {
    await t.step(`doozer ${args}`, () => {
      const words = args.split(" ").filter((word) => word !== "");
      const line = readCommandLine(words, COMMANDS);
      assertEquals(line.word, word);
      assertEquals(line.command?.name, word);
      assertEquals(line.args, rest);
      const longs = COMMANDS.flatMap((row) => row.flags.map((f) => f.long));
      for (const long of longs) {
        assertEquals(line.flags.text(long), text[long], long);
        assertEquals(line.flags.on(long), on.includes(long), long);
      }
    });
  }
});

Deno.test("readCommandLine() keeps all values of a flag that allows it", () => {
  const { flags } = readCommandLine(
    ["-a", "X", "watch", "-kind", "set", "-a=Y", "--kind=del", "-r", "1", "/m"],
    COMMANDS,
  );
  assertEquals(flags.all("uri"), ["X", "Y"]);
  assertEquals(flags.all("kind"), ["set", "del"]);
  assertEquals(flags.all("rev"), ["1"]);
  assertEquals(flags.all("timeout"), []);
});

Deno.test("readCommandLine() says what is wrong", async (t) => {
  const bad: readonly [string, string][] = [
    ["frob", 'Unknown command "frob"'],
    ["gte /m", 'did you mean "get"?'],
    ["rm /m", 'did you mean "del"?'],
    ["-zzz get /m", "Unknown flag -zzz"],
    ["get --zzz=1 /m", "Unknown flag -zzz"],
    ["get -timeot 5s /m", 'did you mean "-timeout"?'],
    ["get -r5 /m", "Unknown flag -r5"],
    ["get -vh /m", "Unknown flag -vh"],
    ["get -hist 5 /m", '"get" has no flag -hist'],
    ["set -r 5 /m 1", '"set" has no flag -r'],
    ["-r 5", "The flag -r needs a command"],
    ["get /m -a", "The flag -a lacks its value: -a CLUSTER"],
    ["get --tls=maybe /m", "it is a switch"],
  ];
  for (const [args, message] of bad) {
    await t.step(`doozer ${args}`, () => {
      const error = assertThrows(
        () => readCommandLine(args.split(" "), COMMANDS),
        UsageError,
      );
      assertEquals(error.message.includes(message), true, error.message);
    });
  }
});
