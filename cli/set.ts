/**
 * `doozer set`: writes a file, if it has not changed since a rev.
 *
 * @module
 */

import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import type { ExitStatus } from "./exit_status.ts";
import { writeFile } from "./write_file.ts";
import { readRevArg } from "./rev_words.ts";

/** `doozer set`. */
export const setCommand: Command = {
  name: "set",
  summary: "write a file",
  args: [{ name: "path" }, { name: "rev" }],
  flags: CLIENT_FLAGS,
  about: "Writes standard input to the file at <path>, if <rev> is not " +
    "below the file's rev: so that no change by others is overwritten " +
    "unseen. With <rev> -1 it is written in any case, with 0 only if there " +
    "is no such file.\n\n" +
    "Prints the new rev. If the file is newer, nothing changes and the exit " +
    "status is 1.",
  examples: [
    {
      line: "printf 80 | doozer set /app/port -1",
      does: "writes a file, whatever it was",
    },
    {
      line: "printf 81 | doozer set /app/port 7",
      does: "writes it only if nobody did since rev 7",
    },
  ],
  synonyms: ["put", "write"],
  run: setFile,
};

async function setFile(call: Call): Promise<ExitStatus> {
  const [path = "", rev] = call.args;
  return await writeFile(call, { path, rev: readRevArg(rev) });
}
