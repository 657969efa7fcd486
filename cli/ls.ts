/**
 * `doozer ls`: lists a directory.
 *
 * @module
 */

import type { Client, StatView } from "../protocol/net/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { STATE_FLAGS } from "./common_flags.ts";
import { entryFields, isDirectory } from "./entry.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { pinRev, readStateFlags } from "./rev_words.ts";

/** Questions on their way at once: the answers come in one go. */
const BATCH = 100;

/** `doozer ls`. */
export const lsCommand: Command = {
  name: "ls",
  summary: "list a directory",
  args: [{ name: "path", optional: true }],
  flags: STATE_FLAGS,
  about: "Prints the names in the directory at <path> (the root, if it is " +
    'left out), sorted, one per line, directories with a "/" behind. All of ' +
    "it is as of one rev.",
  examples: [
    { line: "doozer ls", does: "lists the root" },
    { line: "doozer ls /ctl", does: "lists a directory" },
    {
      line: "doozer ls -o json /ctl/node",
      does: "prints an object per entry, with rev and length of files",
    },
  ],
  synonyms: ["list", "dir"],
  deed: "list",
  run: listDirectory,
};

async function listDirectory(call: Call): Promise<ExitStatus> {
  const [path = "/"] = call.args;
  const at = readStateFlags(call.flags);
  await ask(call, async (client, limit) => {
    // The kind of an entry is asked for after its name; one rev fits both.
    const rev = await pinRev(client, { at, timeoutMs: limit.nextMs() });
    const options = { rev, timeoutMs: limit.nextMs() };
    let names: string[] = [];
    const printNames = async (): Promise<void> => {
      for (const stat of await statAll(client, { path, names, options })) {
        const name = stat.path.slice(stat.path.lastIndexOf("/") + 1);
        const mark = isDirectory(stat) ? "/" : "";
        await call.output.print(`${name}${mark}\n`, entryFields(stat));
      }
      names = [];
    };
    for await (const name of client.getdir(path, options)) {
      if (names.push(name) === BATCH) await printNames();
      limit.check();
    }
    await printNames();
  });
  return EXIT.done;
}

function statAll(
  client: Client,
  { path, names, options }: {
    path: string;
    names: readonly string[];
    options: { rev: number; timeoutMs: number };
  },
): Promise<StatView[]> {
  const prefix = path.endsWith("/") ? path : `${path}/`;
  return Promise.all(names.map(async (name) => {
    const path = prefix + name;
    return { ...await client.stat(path, options), path };
  }));
}
