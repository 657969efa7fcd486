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

found A
set A /a 1
---
A does something else

# Still the same node.
get A /a
---
`;

Deno.test("replay() puts what happened in place of what was expected", () => {
  const happened = replay(SHORT);
  assert(!happened.includes("something else"));
  const said = SHORT.split("\n").filter((line) => !line.startsWith("A does"));
  for (const line of said) assert(happened.includes(line), line);
  assert(happened.endsWith("\n---\nA has /a: rev 8 1\n"), happened);
  assertEquals(replay(happened), happened);
});

Deno.test("replay() says so where a node stops", () => {
  const happened = replay(
    "cluster A B C\n\nhears B A accept 1.A 136=x\n" +
      "hears B A accept 1.A 136=y\nstatus A\n",
  );
  assert(happened.includes("B stops: Broken invariant: C3"), happened);
});

Deno.test("replay() shows what is held, lost, doubled and delivered", () => {
  const happened = replay(`cluster A B C
hold A->B accept
lose A->C accept
set A /x 1

duplicate A->B accept
deliver A->B 1
drop A->B
free A->C
`);
  assert(happened.includes("A sends B accept 1.A 136=[A#3 set /x 1] (held)"));
  assert(happened.includes("A sends C accept 1.A 136=[A#3 set /x 1] (lost)"));
  assertEquals(happened.split("B sends A accepted 1.A 136").length, 2);
  assert(happened.includes("A answers set /x 1: rev 22"), happened);
});

Deno.test("replay() refuses what it cannot read", () => {
  const bad = [
    "dance A",
    "set A /a 1",
    "found a",
    "found A\nset A",
    "found A\nhears A X hello 1.X",
    "found A\nhears A X prepare X from 1",
    "found A\nhold A=>B",
    "found A\ntick often",
  ];
  for (const text of bad) {
    assertThrows(() => replay(text), SyntaxError, "", text);
  }
});
