/**
 * `doozer ls`: lists a directory.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { STATE_FLAGS } from "./common_flags.ts";
import { entryFields, isDirectory } from "./entry.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { readStateFlags } from "./rev_words.ts";

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
  const prefix = path.endsWith("/") ? path : `${path}/`;
  await ask(call, async (client, limit) => {
    const options = limit.forEach(at);
    for await (const { name, rev, len } of client.entries(path, options)) {
      const stat = { path: prefix + name, rev, len };
      const mark = isDirectory(stat) ? "/" : "";
      await call.output.print(`${name}${mark}\n`, entryFields(stat));
      limit.check();
    }
  });
  return EXIT.done;
}
