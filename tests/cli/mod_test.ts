/**
 * Whole command lines that need no server: usage, help, version, and how
 * failures are told.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { EXIT, EXIT_MEANINGS } from "../../cli/exit_status.ts";
import { VERSION } from "../../cli/version.ts";
import { LIMITS } from "../../store/mod.ts";
import { type FakeOptions, runFake } from "./fake_io.ts";

Deno.test("no command: usage on standard error, 127", async () => {
  const run = await runFake([]);
  assertEquals([run.status, run.stdout], [127, ""]);
  assertStringIncludes(run.stderr, "doozer: Missing command\nUse: doozer");
  assertStringIncludes(run.stderr, "watch <glob>");
});

Deno.test("-h: help on standard output, 0", async () => {
  const run = await runFake(["-h"]);
  assertEquals([run.status, run.stderr], [0, ""]);
  assertStringIncludes(run.stdout, "Use: doozer <command>");
  assertEquals(await runFake(["--help"]), run);
  assertEquals(await runFake(["help"]), run);
});

Deno.test("-v and version print the version", async () => {
  const want = { status: 0, stdout: `doozer ${VERSION}\n`, stderr: "" };
  for (const args of [["-v"], ["--version"], ["version"], ["get", "-v"]]) {
    assertEquals(await runFake(args), want);
  }
  const json = await runFake(["version", "-o", "json"]);
  assertEquals(json.stdout, `{"version":"${VERSION}"}\n`);
});

Deno.test("help exit prints every status", async () => {
  const { stdout } = await runFake(["help", "exit"]);
  for (const status of Object.values(EXIT)) {
    assert(new RegExp(`^  ${status} `, "m").test(stdout), String(status));
  }
  for (const meaning of Object.values(EXIT_MEANINGS)) {
    assertStringIncludes(stdout, meaning);
  }
});

Deno.test("help limits prints every limit with its value", async () => {
  const { stdout } = await runFake(["help", "limits"]);
  for (const [name, value] of Object.entries(LIMITS)) {
    const unit = name.endsWith("Bytes") || /Bytes[A-Z]/.test(name)
      ? " bytes"
      : name.endsWith("Ms")
      ? " ms"
      : "";
    const line = new RegExp(`^  ${name} +${value}${unit} `, "m");
    assert(line.test(stdout), name);
  }
  const json = await runFake(["help", "limits", "-o", "json"]);
  const rows = json.stdout.trimEnd().split("\n").map((row) => JSON.parse(row));
  assertEquals(rows.length, Object.keys(LIMITS).length);
});

Deno.test("help environment names every variable", async () => {
  const { stdout } = await runFake(["help", "environment"]);
  const names = "URI BOOT_URI RWSECRET ROSECRET CACERT".split(" ");
  for (const name of names) assertStringIncludes(stdout, `DOOZER_${name} `);
});

interface Failing {
  readonly args: string;
  readonly status: number;
  readonly stderr: string;
  readonly options?: FakeOptions;
}

const FAILING: readonly Failing[] = [
  { args: "frob", status: 127, stderr: 'Unknown command "frob"' },
  { args: "help frob", status: 127, stderr: 'There is no help on "frob"' },
  { args: "help gte", status: 127, stderr: 'did you mean "get"?' },
  { args: "get", status: 127, stderr: "Use: doozer get [flags] <path>" },
  { args: "set /m 1 2", status: 127, stderr: "Wrong number of arguments" },
  { args: "ls / /", status: 127, stderr: 'for "ls": 2' },
  { args: "rev now", status: 127, stderr: 'for "rev": 1' },
  { args: "get -t 5 /m", status: 127, stderr: "it has no unit" },
  { args: "get -r x /m", status: 127, stderr: 'Cannot read "x" as a rev' },
  { args: "get -o yaml /m", status: 127, stderr: 'the form "yaml"' },
  { args: "set /m abc", status: 2, stderr: 'Cannot read "abc" as a rev' },
  { args: "set /m -2", status: 2, stderr: "a rev is -1 for any, 0 for a new" },
  { args: "del /m -2", status: 2, stderr: "Cannot use the rev -2: a rev is" },
  { args: "get -r -2 /m", status: 127, stderr: "-1 for the current one" },
  { args: "del /m 1.5", status: 2, stderr: 'Cannot read "1.5" as a rev' },
  { args: "get -a http://x /m", status: 2, stderr: '"http://x"' },
  { args: "get --cacert /nowhere /m", status: 2, stderr: '"/nowhere"' },
  { args: "get --cacert deno.json /m", status: 2, stderr: "not in PEM form" },
  {
    args: "add /m",
    status: 2,
    stderr: `[LIMIT] Cannot read the body: it is above ${LIMITS.valueBytes}`,
    options: { stdin: new Uint8Array(LIMITS.valueBytes + 1) },
  },
  { args: "get m", status: 2, stderr: '[BAD_PATH] Cannot get "m"' },
  { args: "ls /a/", status: 2, stderr: '[BAD_PATH] Cannot list "/a/"' },
  { args: "stat /a/../b", status: 2, stderr: "[BAD_PATH] Cannot stat" },
  {
    args: `get /${"x".repeat(LIMITS.pathBytes)}`,
    status: 2,
    stderr: `${LIMITS.pathBytes + 1} bytes: the limit is ${LIMITS.pathBytes}`,
  },
  { args: "serve -hist 0", status: 127, stderr: 'a history of "0" revs' },
];

Deno.test("failures say what is wrong, in text and in JSON", async (t) => {
  for (const { args, status, stderr, options } of FAILING) {
    await t.step(`doozer ${args}`, async () => {
      const text = await runFake(args.split(" "), options);
      assertEquals([text.status, text.stdout], [status, ""]);
      assert(text.stderr.startsWith("doozer: "), text.stderr);
      assertStringIncludes(text.stderr, stderr);
      if (args.includes("-o")) return;
      const words = [...args.split(" "), "-o", "json"];
      const json = await runFake(words, options);
      assertEquals([json.status, json.stdout], [status, ""]);
      assertEquals(json.stderr.trimEnd().split("\n").length, 1);
      const failure = JSON.parse(json.stderr);
      assertEquals(failure.exit, status);
      assert(/^[A-Z]/.test(failure.message), failure.message);
    });
  }
});

Deno.test("a reader that goes away is no failure", async () => {
  const run = await runFake(["help"], { outputClosed: true });
  assertEquals(run, { status: 0, stdout: "", stderr: "" });
});

Deno.test("a person is told that standard input is read", async () => {
  const options = { inputIsTerminal: true };
  const run = await runFake(["add", "-a", "doozer:?x=1", "/m"], options);
  assertStringIncludes(run.stderr, "Ctrl-D");
});
