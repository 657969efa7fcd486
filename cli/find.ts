/**
 * `doozer find`: prints the tree below a path.
 *
 * @module
 */

import type { FileView } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { STATE_FLAGS } from "./common_flags.ts";
import { entryFields, isDirectory } from "./entry.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { pinRev, readStateFlags } from "./rev_words.ts";

/** `doozer find`. */
export const findCommand: Command = {
  name: "find",
  summary: "print the tree below a path",
  args: [{ name: "path" }],
  flags: STATE_FLAGS,
  about: "Prints <path> and every file and directory below it, one per line, " +
    "each directory before its entries, names sorted. All of it is as of one " +
    "rev. If there is nothing at <path>, the exit status is 3.",
  examples: [
    { line: "doozer find /", does: "prints every path of the store" },
    {
      line: "doozer find -o json /app",
      does: "prints an object per entry, with rev and length of files",
    },
  ],
  synonyms: ["walk", "tree"],
  run: findFiles,
};

async function findFiles(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  const at = readStateFlags(call.flags);
  await ask(call, async (client, limit) => {
    const rev = await pinRev(client, { at, timeoutMs: limit.nextMs() });
    const options = limit.forEach({ rev });
    const top = await client.stat(path, options);
    if (top.rev === 0) throw new DoozerError("NOENT", "");
    if (!isDirectory(top)) return await printFile(call, { ...top, path });
    const glob = path === "/" ? "/**" : `${path}/**`;
    await printDirectory(call, path);
    let last = path;
    for await (const file of client.walk(glob, options)) {
      for (const dir of directoriesBetween(last, file.path)) {
        await printDirectory(call, dir);
      }
      await printFile(call, withLength(file));
      last = file.path;
      limit.check();
    }
  });
  return EXIT.done;
}

function withLength(
  { path, rev, value }: FileView,
): { path: string; rev: number; len: number } {
  return { path, rev, len: value.length };
}

async function printFile(
  call: Call,
  file: { path: string; rev: number; len: number },
): Promise<void> {
  await call.output.print(`${file.path}\n`, entryFields(file));
}

async function printDirectory(call: Call, path: string): Promise<void> {
  await call.output.print(`${path}\n`, { path, dir: true });
}

/**
 * The directories on the way to `path` that are not on the way to `last`,
 * from the top: walking in tree order, these are entered just now.
 */
export function directoriesBetween(last: string, path: string): string[] {
  const entered: string[] = [];
  const known = `${last}/`;
  for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
    const dir = path.slice(0, at);
    if (!known.startsWith(`${dir}/`)) entered.push(dir);
  }
  return entered;
}
