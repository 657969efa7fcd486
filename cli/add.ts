/**
 * `doozer add`: makes a file that must not exist yet.
 *
 * @module
 */

import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import type { ExitStatus } from "./exit_status.ts";
import { writeFile } from "./write_file.ts";

/** `doozer add`. */
export const addCommand: Command = {
  name: "add",
  summary: "write a file only if it isn't already there",
  args: [{ name: "path" }],
  flags: CLIENT_FLAGS,
  about: "Writes standard input to the file at <path>, only if there is no " +
    "such file. The same as\n\n" +
    "  doozer set <path> 0\n\n" +
    "Prints the new rev. If the file exists already, nothing changes and the " +
    "exit status is 1: of many that race for a file, exactly one wins.",
  examples: [
    {
      line: 'hostname | doozer add /app/master || echo "another is master"',
      does: "elects a master",
    },
    { line: "doozer add /app/flag </dev/null", does: "makes an empty file" },
  ],
  synonyms: ["create", "new"],
  run: addFile,
};

function addFile(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  return writeFile(call, { path, rev: 0 });
}
