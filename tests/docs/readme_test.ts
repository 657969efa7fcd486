/**
 * Every command and program in the documents runs, and prints what they show.
 *
 * A fenced block of language `sh` is run: the blocks of a file in their order,
 * in one bash, in an empty folder, with a node of its own (shell.ts). One of
 * language `ts` is a program: its types are checked, and it is run, unless the
 * mark `file` leaves that to the commands. So are the examples in the comments
 * of modules. Marks after `sh` say otherwise:
 *
 * - `background`: goes on running, as in a second terminal; the next command
 *   starts once it has printed as many lines as its `output` block shows;
 * - `top`: runs in the top folder of the repository;
 * - `norun="why"`: is not run, only read by `bash -n`; programs always run.
 *
 * An `output` block right after it is compared with what was printed, `...`
 * standing for anything. A block marked `file="NAME"` is written to that file.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Block, matchesOutput, readBlocks } from "./markdown.ts";
import { readExamples } from "./markdown.ts";
import { checkTypes, complaints, isRun, runBlocks } from "./shell.ts";

const TOP = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const RUN_LANGUAGES = ["sh", "ts"];
/** What a document may show that does nothing. */
const OTHER_LANGUAGES = [
  "output",
  "text",
  "json",
  "ini",
  "http",
  "proto",
];
const HERE = Deno.build.os === "windows" ? "; there is no bash here" : "";

for (const path of findFiles("", ".md")) {
  const blocks = readBlocks(Deno.readTextFileSync(`${TOP}/${path}`));
  if (blocks.some(isRun)) testRuns(`every command in ${path} runs`, blocks);
  Deno.test({
    name: `every block in ${path} is run, or says why not${HERE}`,
    ignore: HERE !== "",
    fn: () => checkMarks(path, blocks),
  });
}

for (const path of findFiles("", ".ts")) {
  // Tests hold Markdown in their strings, and are no documents.
  if (path.startsWith("tests/")) continue;
  const blocks = readExamples(Deno.readTextFileSync(`${TOP}/${path}`));
  if (blocks.some(isRun)) testRuns(`every example in ${path} runs`, blocks);
}

function testRuns(name: string, blocks: readonly Block[]): void {
  Deno.test({
    name: name + HERE,
    ignore: HERE !== "",
    fn: async () => assertEquals(await complaintsOf(blocks), []),
  });
}

function findFiles(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(`${TOP}/${folder}`)) {
    if (/^(\.git|node_modules|dist|tmp)$/.test(name)) continue;
    if (isDirectory) {
      found.push(...findFiles(`${folder}${name}/`, ending));
    } else if (name.endsWith(ending)) found.push(folder + name);
  }
  return found.sort();
}

async function complaintsOf(blocks: readonly Block[]): Promise<string[]> {
  const home = await Deno.makeTempDir({ prefix: "doozer-docs-" });
  try {
    const work = `${home}/work`;
    await Deno.mkdir(work);
    const mistakes = await checkTypes(blocks, { top: TOP, work });
    if (mistakes !== "") return [mistakes];
    return complaints(await runBlocks(blocks, { top: TOP, work, home }));
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

async function checkMarks(
  path: string,
  blocks: readonly Block[],
): Promise<void> {
  for (const block of blocks) {
    const at = `${path}:${block.line}`;
    assert(
      RUN_LANGUAGES.includes(block.language) ||
        OTHER_LANGUAGES.includes(block.language),
      `${at}: block of language "${block.language}" would not be run`,
    );
    if (block.marks.has("norun")) {
      assert(block.language === "sh", `${at}: every program runs`);
      assert(block.marks.get("norun"), `${at}: norun does not say why`);
    }
    if (block.language !== "sh" || isRun(block)) continue;
    const { success, stderr } = await new Deno.Command("bash", {
      args: ["-n", "-c", block.text],
    }).output();
    assert(success, `${at}: ${new TextDecoder().decode(stderr)}`);
  }
}

const FENCE = "```";

Deno.test("readBlocks() reads languages, marks and lines", () => {
  const markdown =
    `A.\n\n${FENCE}sh background norun="no network"\na\nb\n${FENCE}\n${FENCE}\n${FENCE}\n`;
  assertEquals(readBlocks(markdown), [
    {
      language: "sh",
      marks: new Map([["background", ""], ["norun", "no network"]]),
      text: "a\nb",
      line: 3,
    },
    { language: "", marks: new Map(), text: "", line: 7 },
  ]);
});

Deno.test("readExamples() reads the blocks of comments, as they are there", () => {
  const module =
    `/**\n * A.\n *\n * ${FENCE}ts\n * a {\n *   b;\n *\n * ${FENCE}\n */\n` +
    `const b = "${FENCE}sh";\n`;
  assertEquals(readExamples(module), [
    { language: "ts", marks: new Map(), text: "a {\n  b;\n", line: 4 },
  ]);
});

Deno.test("matchesOutput() compares line for line", () => {
  assert(matchesOutput("a\n b.\n", "a\n b.  \n"));
  assert(matchesOutput("a ... z\n...", "a b\nc z\nd"));
  assert(!matchesOutput("a", "a\nb"));
  assert(!matchesOutput("a.", "ab"));
  assert(!matchesOutput("", "a"));
});

Deno.test({
  name: `runBlocks() finds a command that fails or prints otherwise${HERE}`,
  ignore: HERE !== "",
  fn: async () => {
    const bad: readonly [string, RegExp][] = [
      [`${FENCE}sh\nexit 3\n${FENCE}\n`, /^line 1: ended with status 3/],
      [`${FENCE}sh\nfalse\ntrue\n${FENCE}\n`, /^line 1: ended with status 1/],
      [
        `${FENCE}sh\necho a\n${FENCE}\n${FENCE}output\nb\n${FENCE}\n`,
        /^line 1: printed something else/,
      ],
      [
        `${FENCE}sh\ntrue\n${FENCE}\n${FENCE}sh\ndoozer get /no/such\n${FENCE}`,
        /^line 4: ended with status 3/,
      ],
      [`${FENCE}ts\nthrow 1;\n${FENCE}\n`, /^line 1: ended with status 1/],
      [
        `${FENCE}ts\nconst n: number = "a";\nconsole.log(n);\n${FENCE}\n`,
        /TS2322[^]*checked_1\.ts:1/,
      ],
    ];
    for (const [markdown, complaint] of bad) {
      const found = await complaintsOf(readBlocks(markdown));
      assertEquals(found.length, 1, found.join("\n"));
      assert(complaint.test(found[0] ?? ""), found[0]);
    }
  },
});
