/**
 * Data directories that a node does not start with: each is refused in one
 * sentence, with what to do, and stays as it was.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { crc32c } from "../../protocol/mod.ts";
import { connectTo } from "./cluster_nodes.ts";
import { flipByte } from "./durable_harm.ts";
import { filesIn, Scratch, startDurable, statusOf } from "./durable_nodes.ts";
import { findObstacle, READ_ONLY } from "./namespace.ts";
import { text } from "./node_process.ts";
import { doozerCommand } from "./process.ts";

/** What a refusal must be. */
interface Refusal {
  /** In the sentence, and in the advice after it. */
  readonly why: string;
  /** What the sentence begins with, if not as usual. */
  readonly start?: string;
  readonly advice: readonly string[];
  readonly args?: readonly string[];
  readonly within?: readonly string[];
}

/** Starts a node, which must end with status 2 and these words. */
async function refuses(directory: string, refusal: Refusal): Promise<void> {
  const { why, advice, args = [], within = [] } = refusal;
  const [program, ...words] = [...within, ...doozerCommand(), "serve"];
  const { code, stderr } = await new Deno.Command(program!, {
    args: [...words, "-l", "127.0.0.1:0", "--data", directory, ...args],
    stdin: "null",
    signal: AbortSignal.timeout(30_000),
  }).output();
  const told = text(stderr).trimEnd();
  const lines = told.split("\n");
  assertEquals([code, lines.length], [2, 2], told);
  const [sentence = "", hint = ""] = lines;
  const { start = `Cannot use the data directory "${directory}": ` } = refusal;
  assert(sentence.startsWith(`doozer: ${start}`), told);
  assertStringIncludes(sentence, why);
  for (const word of advice) assertStringIncludes(hint, word);
}

Deno.test("a directory that another process has open", async () => {
  await using scratch = await Scratch.make();
  const directory = `${scratch.path}/data`;
  await using node = await startDurable(directory);
  await refuses(directory, {
    why: "another process has it open",
    advice: ["Stop that process", "--data", "fuser"],
  });
  // The first one has noticed nothing.
  using client = await connectTo(node.addr, 5_000);
  await client.set("/x", "y");
});

const cannotMount = await findObstacle(READ_ONLY);

Deno.test({
  name: `a directory of a read-only file system${cannotMount}`,
  ignore: cannotMount !== "" || Deno.uid() !== 0,
  fn: async () => {
    await using scratch = await Scratch.make();
    const shell = `set -e; ${READ_ONLY}; shift; exec "$@"`;
    await refuses(scratch.path, {
      why: "its file system is read-only",
      advice: ["Mount it for writing"],
      within: ["unshare", "-m", "sh", "-c", shell, "sh", scratch.path],
    });
  },
});

Deno.test("what is no directory, or has no place", async () => {
  await using scratch = await Scratch.make();
  const { path } = scratch;
  await Deno.writeTextFile(`${path}/file`, "");
  await Deno.mkdir(`${path}/full`);
  await Deno.writeTextFile(`${path}/full/notes.txt`, "mine");
  await refuses(`${path}/file`, {
    why: "it is not a directory",
    advice: ["Name a directory with --data"],
  });
  await refuses(`${path}/away/data`, {
    why: `there is no directory "${path}/away"`,
    advice: [`mkdir -p "${path}/away"`],
  });
  await refuses(`${path}/full`, {
    why: `files that are not doozer's, as "notes.txt"`,
    advice: [`--data "${path}/full/doozer"`],
  });
  assertEquals(filesIn(`${path}/full`).map(({ name }) => name), ["notes.txt"]);
});

/** A directory that a lone node wrote some batches to, and its log. */
async function wroteAlone(directory: string): Promise<string> {
  await using node = await startDurable(directory);
  using client = await connectTo(node.addr, 5_000);
  for (let n = 0; n < 50; n++) await client.set("/x", `value ${n}`);
  await node.stop("SIGKILL");
  return `${directory}/log-000000000001`;
}

Deno.test("a damaged log of a lone node", async () => {
  await using scratch = await Scratch.make();
  const directory = `${scratch.path}/data`;
  const log = await wroteAlone(directory);
  flipByte(directory, "log");
  const before = await Deno.readFile(log);
  const bytes = before.length;
  const refusal = {
    why: "log-000000000001 is damaged at byte ",
    advice: [
      `doozer restore FILE --data `,
      `doozer recover --data ${directory}`,
      "-a",
    ],
  };
  // It can be tried again: nothing was changed.
  await refuses(directory, refusal);
  await refuses(directory, refusal);
  assertEquals(await Deno.readFile(log), before);
  const offset = await offsetTold(directory);
  // A batch ends there that is before the flipped byte.
  assert(offset > bytes / 4 && offset <= bytes / 2, `${offset} of ${bytes}`);
});

async function offsetTold(directory: string): Promise<number> {
  const [program, ...words] = [...doozerCommand(), "serve", "-l"];
  const { stderr } = await new Deno.Command(program!, {
    args: [...words, "127.0.0.1:0", "--data", directory],
    stdin: "null",
  }).output();
  return Number(/damaged at byte (\d+)/.exec(text(stderr))?.[1]);
}

Deno.test("a format of a later version", async () => {
  await using scratch = await Scratch.make();
  const directory = `${scratch.path}/data`;
  const log = await wroteAlone(directory);
  const bytes = await Deno.readFile(log);
  const view = new DataView(bytes.buffer);
  const end = 16 + view.getUint32(8);
  // The fields begin with the kind, "log"; then field 2, a varint: 1.
  assertEquals([...bytes.subarray(21, 23)], [0x10, 1]);
  bytes[22] = 2;
  view.setUint32(12, crc32c(bytes.subarray(16, end)));
  await Deno.writeFile(log, bytes);
  await refuses(directory, {
    why: "version 2 of the format, this program reads 1",
    advice: ["program"],
  });
  // With nodes to copy from it is no other: nothing is damaged.
  await refuses(directory, {
    why: "version 2 of the format, this program reads 1",
    advice: ["program"],
    args: ["-a", "127.0.0.1:1"],
  });
  assertEquals(await Deno.readFile(log), bytes);
});

/** Starts the directory's node, and kills it when it has said who it is. */
async function idAlone(directory: string): Promise<string> {
  await using node = await startDurable(directory);
  const { id } = await statusOf(node);
  await node.stop("SIGKILL");
  return id;
}

Deno.test("the directory of one cluster, and -a to another", async () => {
  await using scratch = await Scratch.make();
  const directory = `${scratch.path}/data`;
  await wroteAlone(directory);
  const id = await idAlone(directory);
  await using other = await startDurable(`${scratch.path}/other`);
  const files = filesIn(directory);
  await refuses(directory, {
    start: `Cannot go on as node ${id} of the data directory: `,
    why: "the nodes share no history",
    advice: ["Leave -a out", "empty directory"],
    args: ["-a", other.addr],
  });
  // It has taken the directory for its own again, and so began a segment.
  const kept = filesIn(directory).map(({ name }) => name);
  for (const { name } of files) assert(kept.includes(name), name);
  await using node = await startDurable(directory);
  assertEquals((await statusOf(node)).id, id);
});
