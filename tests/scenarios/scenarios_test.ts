/**
 * Replays the dialogues of this folder. The name of a file is its scenario.
 *
 * After a change that is meant, look at what `git diff` says of
 *
 *     deno test -A tests/scenarios -- --rewrite
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { replay } from "./dialogue.ts";

const FOLDER = new URL("./", import.meta.url);
const REWRITE = Deno.args.includes("--rewrite");

function scenarios(): string[] {
  return [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".txt")).sort();
}

for (const name of scenarios()) {
  Deno.test(`scenario: ${name.replace(".txt", "").replaceAll("_", " ")}`, () => {
    const file = new URL(name, FOLDER);
    const expected = Deno.readTextFileSync(file);
    const happened = replay(expected);
    if (REWRITE && happened !== expected) {
      Deno.writeTextFileSync(file, happened);
    } else assertEquals(happened, expected, name);
  });
}

Deno.test("the scenarios are found", () => {
  assert(scenarios().includes("write.txt"));
});

const SHORT = `# A dialogue.

node A
A found /a=1
A run
---
A does something else

# Still the same node.
A get /a
---
`;

Deno.test("replay() puts what happened in place of what was expected", () => {
  const happened = replay(SHORT);
  assert(!happened.includes("something else"));
  const said = SHORT.split("\n").filter((line) => !line.startsWith("A does"));
  for (const line of said) assert(happened.includes(line), line);
  assert(happened.endsWith("\n---\nA has /a: rev 1 1\n"), happened);
  assertEquals(replay(happened), happened);
});

Deno.test("replay() says so where a node stops", () => {
  const happened = replay("node A\nA found /a=1 /a=2\nA run\n");
  assert(happened.includes("A stops: Broken invariant: a founding file"));
});

Deno.test("replay() refuses what it cannot read", () => {
  const bad = [
    "A run",
    "node A\nA dance",
    "node A\nA set /a",
    "node A\nA hears X hello 1.X",
  ];
  for (const text of bad) assertThrows(() => replay(text), SyntaxError);
});
