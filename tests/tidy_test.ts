/**
 * The style as a test: import direction, purity, sizes, mirrors, module
 * comments. Each rule is also shown a sample that breaks it, because a check
 * that finds nothing may as well have looked at nothing.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { check, FILE_LINES, type Source } from "./tidy/rules.ts";
import { functions, scan } from "./tidy/scan.ts";

const TOP = new URL("..", import.meta.url);
const SKIPPED = new Set(["node_modules", "dist", "tmp"]);

async function readSources(folder = ""): Promise<Source[]> {
  const found: Source[] = [];
  for await (const entry of Deno.readDir(new URL(`./${folder}`, TOP))) {
    if (entry.name.startsWith(".") || SKIPPED.has(entry.name)) continue;
    const path = folder + entry.name;
    if (entry.isDirectory) found.push(...await readSources(`${path}/`));
    else if (path.endsWith(".ts")) {
      found.push({ path, text: await Deno.readTextFile(new URL(path, TOP)) });
    }
  }
  return found;
}

Deno.test("the house is tidy", async () => {
  const sources = await readSources();
  for (const folder of ["store", "protocol", "consensus", "cli", "tests"]) {
    assert(
      sources.some((source) => source.path.startsWith(`${folder}/`)),
      `No source seen in ${folder}/: the check looked at nothing`,
    );
  }
  const complaints = check(sources);
  assertEquals(complaints, [], `\n${complaints.join("\n")}\n`);
});

const OPENING = "/** What it is. @module */\n";

/** Complaints about samples that are tidy but for what is under test. */
function complaintsOf(samples: Readonly<Record<string, string>>): string[] {
  const sources = Object.entries(samples).map(([path, text]) => ({
    path,
    text: OPENING + text,
  }));
  const core = Object.keys(samples).filter((path) =>
    !/^(cli|tests)/.test(path)
  );
  const mirrors = core.map((path) => ({
    path: `tests/${path.replace(/\.ts$/, "_test.ts")}`,
    text: OPENING,
  }));
  return check([...sources, ...mirrors]);
}

const long = (lines: number): string => "  run();\n".repeat(lines - 2);

Deno.test("check() finds what breaks a rule", async (t) => {
  const bad: readonly [string, string, string, string][] = [
    // rule, path, text, a part of the complaint
    ["clock", "store/a.ts", "f(Date.now());", '"Date" is not pure'],
    ["chance", "consensus/a.ts", "Math.random();", '"Math.random" is not'],
    ["machine", "protocol/a.ts", "Deno.cwd();", '"Deno" is not pure'],
    ["terminal", "store/a.ts", "console.log(1);", '"console" is not pure'],
    ["timer", "store/a.ts", "setTimeout(f, 1);", '"setTimeout" is not pure'],
    ["async", "store/a.ts", "export async function f() {}", '"async" is not'],
    ["promise", "store/a.ts", "let a: Promise<void>;", '"Promise" is not'],
    ["in ${}", "store/a.ts", "f(`a ${Date.now()} b`);", '"Date" is not pure'],
    ["npm in core", "store/a.ts", 'import "npm:x";', "from outside into a"],
    ["upwards", "store/a.ts", 'import "../cli/mod.ts";', "against the arrow"],
    [
      "net into protocol",
      "protocol/a.ts",
      'export * from "./net/mod.ts";',
      "against the arrow",
    ],
    [
      "net into consensus",
      "consensus/a.ts",
      'import { a } from "../protocol/net/mod.ts";',
      "against the arrow",
    ],
    [
      "past mod.ts",
      "cli/a.ts",
      'import type {\n  A,\n} from "../store/tree.ts";',
      "does not go through mod.ts",
    ],
    ["dynamic", "store/a.ts", 'import("../cli/mod.ts");', "against the arrow"],
    ["into tests", "cli/a.ts", 'import "../tests/a.ts";', "out of the house"],
    ["file", "cli/a.ts", "f();\n".repeat(FILE_LINES), "401 lines, above 400"],
    ["todo", "cli/a.ts", "// TODO mend this", '"TODO" without a name'],
    ["enum", "cli/a.ts", "export enum A {}", "use a table"],
    ["default", "cli/a.ts", "export default 1;", "export by name"],
    ["name", "cli/fooBar.ts", "", "file name is not snake_case"],
  ];
  for (const [rule, path, text, complaint] of bad) {
    await t.step(rule, () => {
      const found = complaintsOf({ [path]: text });
      assertEquals(found.length, 1, found.join("\n"));
      assert(found[0]?.includes(complaint), found[0]);
    });
  }
});

Deno.test("check() finds a cycle, a missing mirror, a missing opening", () => {
  const cycle = complaintsOf({
    "cli/a.ts": 'import { b } from "./b.ts";',
    "cli/b.ts": 'import type { A } from "./a.ts";',
  });
  assertEquals(cycle, [
    "cli/a.ts:1: imports go in a circle: cli/a.ts -> cli/b.ts -> cli/a.ts",
  ]);
  const value = `${OPENING}export const a = 1;\n`;
  assertEquals(check([{ path: "store/a.ts", text: value }]), [
    "store/a.ts:1: has no test tests/store/a_test.ts",
  ]);
  const types = `${OPENING}export interface A {}\nexport type B = A;\n`;
  assertEquals(check([{ path: "store/a.ts", text: types }]), []);
  assertEquals(check([{ path: "cli/a.ts", text: "/** No tag. */\n" }]), [
    "cli/a.ts:1: does not open with a module comment (@module)",
  ]);
});

Deno.test("check() accepts what only looks like a breach", () => {
  const text = `
import { assert } from "./error.ts";
// The Date of a Promise: setTimeout in a comment is no timer.
export const a = "Deno.cwd()" + /Date|'"/.source + \`fetch \${b} Promise\`;
// TODO(rarick): this one has a name.
export class Turn {
  process(): void {}
}
export const from = (date: number): boolean => date.async !== x.Date;
export type Word = "import" | "from" | "../cli/mod.ts";
`;
  assertEquals(complaintsOf({ "store/a.ts": text, "store/error.ts": "" }), []);
  const version = 'import config from "../deno.json" with { type: "json" };';
  assertEquals(complaintsOf({ "cli/a.ts": version }), []);
});

Deno.test("functions() measures every form of function", async (t) => {
  const headers = [
    "function f(a: number): { b: string } {",
    "export async function* f<T extends object>(\n  a: T,\n): Promise<T> {",
    "const f = (a: number): void => {",
    "const f = async (\n  { a }: { a: number },\n) => {",
    "const f = function () {",
    'Deno.test("a { name", { only: false }, async () => {',
  ];
  for (const header of headers) {
    await t.step(header.split("\n")[0] ?? "", () => {
      const closing = header.startsWith("Deno") ? "});" : "}";
      const text = `${header}\n${long(71)}${closing}\n`;
      const lines = 70 + header.split("\n").length;
      assertEquals(functions(scan(text).code), [{ line: 1, lines }]);
    });
  }
  const members = [
    "constructor(readonly a: number) {",
    "static async #f(): Promise<void> {",
    "get size(): number {",
    "*[Symbol.iterator](): Iterator<number> {",
    "override f<T>(a: T): a is { b: T } & T {",
  ];
  for (const member of members) {
    await t.step(member, () => {
      const text = `class A {\n  f() {\n  }\n  ${member}\n${long(71)}  }\n}\n`;
      assertEquals(functions(scan(text).code).at(-1), { line: 4, lines: 71 });
    });
  }
});

Deno.test("functions() passes over blocks that are no functions", () => {
  const text = `
class A extends B<{ c: number }> {
  readonly table = { a: 1 };
}
interface I {
  f(): void;
}
if (a(b)) {
} else if (c) {
} else {
}
for (const a of b()) {
}
try {
} catch (error) {
}
outer: for (;;) {
}
switch (a) {
  case f(1): {
  }
}
export const a: Record<string, number> = {
};
`;
  assertEquals(functions(scan(text).code), []);
});

Deno.test("check() complains of a function that is too long", () => {
  const text = `export function f(): void {\n${long(71)}}\n`;
  assertEquals(complaintsOf({ "cli/a.ts": text }), [
    "cli/a.ts:2: function of 71 lines, above 70",
  ]);
});
