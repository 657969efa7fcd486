/**
 * What must hold for every command.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../cli/table.ts";
import { TOPICS } from "../../cli/topics.ts";
import { runFake } from "./fake_io.ts";

Deno.test("the table holds the original's commands and ours", () => {
  const names = COMMANDS.map((row) => row.name);
  const original =
    "add del find get help nop rev self set stat touch wait watch";
  for (const name of original.split(" ")) assert(names.includes(name), name);
  for (const name of ["serve", "ls", "version"]) assert(names.includes(name));
  assertEquals(new Set(names).size, names.length, "A name stands twice");
});

Deno.test("a word is a flag with a value everywhere or nowhere", () => {
  const takes = new Map<string, boolean>();
  for (const { name, flags } of COMMANDS) {
    const words = flags.flatMap((flag) => [flag.long, flag.short ?? flag.long]);
    assertEquals(words.length, flags.length * 2, name);
    for (const flag of flags) {
      for (const word of new Set([flag.long, flag.short ?? flag.long])) {
        const value = flag.takes !== undefined;
        assertEquals(takes.get(word) ?? value, value, `${name} -${word}`);
        takes.set(word, value);
      }
    }
  }
});

Deno.test("every command that asks a server has a time limit", () => {
  const asking = COMMANDS.filter(({ flags }) =>
    flags.some(({ long }) => long === "lineage")
  );
  assertEquals(asking.length >= 17, true, `${asking.length}`);
  for (const { name, flags } of asking) {
    const words = flags.map(({ long, short }) => `${long} ${short}`);
    assert(words.includes("timeout t"), name);
    // The one that names its node by an argument has no other addresses.
    assertEquals(words.includes("uri a"), name !== "recover", name);
  }
});

Deno.test("no flag of a command stands for two things", () => {
  for (const { name, flags } of COMMANDS) {
    const words = flags.flatMap((flag) =>
      flag.short === undefined ? [flag.long] : [flag.long, flag.short]
    );
    assertEquals(new Set(words).size, words.length, `${name}: ${words}`);
  }
});

Deno.test("no synonym is a command, or stands for two", () => {
  const names = COMMANDS.map((row) => row.name);
  const synonyms = COMMANDS.flatMap((row) => row.synonyms ?? []);
  for (const word of synonyms) assert(!names.includes(word), word);
  assertEquals(new Set(synonyms).size, synonyms.length);
});

Deno.test("every command has help with examples", async (t) => {
  for (const { name, args, flags, examples, summary } of COMMANDS) {
    await t.step(`doozer help ${name}`, async () => {
      assert(examples.length > 0);
      for (const { line } of examples) assert(line.includes(`doozer`), line);
      assert(!summary.endsWith("."), summary);
      const help = await runFake(["help", name]);
      assertEquals(help.status, 0);
      assertEquals(help.stderr, "");
      assert(help.stdout.startsWith(`Use: doozer ${name} [flags]`));
      for (const arg of args) assert(help.stdout.includes(`<${arg.name}>`));
      for (const flag of flags) assert(help.stdout.includes(`--${flag.long}`));
      for (const { line } of examples) {
        assert(help.stdout.includes(`$ ${line}`));
      }
      // The same behind the command, before it, and whatever else is wrong.
      assertEquals(await runFake([name, "-h"]), help);
      assertEquals(await runFake(["--help", name, "a", "b", "c"]), help);
    });
  }
});

Deno.test("help keeps to 80 columns, but for examples", async () => {
  const pages = [[], ...[...COMMANDS, ...TOPICS].map((row) => [row.name])];
  for (const page of pages) {
    const { stdout } = await runFake(["help", ...page]);
    for (const line of stdout.split("\n")) {
      assert(line.length <= 80 || line.startsWith("  $ "), `${page}: ${line}`);
      assertEquals(line, line.trimEnd(), `${page}: ends in blanks: "${line}"`);
    }
  }
});

Deno.test("help -o json prints an object per line", async (t) => {
  for (const page of [[], ...[...COMMANDS, ...TOPICS].map((r) => [r.name])]) {
    await t.step(`doozer help -o json ${page}`, async () => {
      const run = await runFake(["help", "-o", "json", ...page]);
      assertEquals(run.status, 0);
      const lines = run.stdout.trimEnd().split("\n");
      assert(lines.length > 0);
      for (const line of lines) assertEquals(typeof JSON.parse(line), "object");
    });
  }
});
