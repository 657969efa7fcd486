/**
 * `doozer del`: deletes a file, if it has not changed since a rev.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { nameRev, printDone } from "./write_file.ts";
import { readRevArg } from "./rev_words.ts";

/** `doozer del`. */
export const delCommand: Command = {
  name: "del",
  summary: "delete a file",
  args: [{ name: "path" }, { name: "rev" }],
  flags: CLIENT_FLAGS,
  about: "Deletes the file at <path>, if <rev> is not below the file's rev. " +
    "With <rev> -1 it is deleted in any case. To delete a file that is not " +
    "there succeeds. A directory goes with its last file.\n\n" +
    "Prints nothing. If the file is newer, nothing changes and the exit " +
    "status is 1.",
  examples: [
    { line: "doozer del /app/port -1", does: "deletes a file" },
    {
      line: "doozer del /app/port 7",
      does: "deletes it only if nobody wrote it since rev 7",
    },
  ],
  synonyms: ["rm", "delete", "remove", "unlink"],
  deed: "delete",
  run: deleteFile,
};

async function deleteFile(call: Call): Promise<ExitStatus> {
  const [path = "", text] = call.args;
  const rev = readRevArg(text);
  await ask(call, async (client, limit) => {
    try {
      await client.del(path, { rev, timeoutMs: limit.nextMs() });
    } catch (error) {
      throw await nameRev(error, client, { path, verb: "delete", limit });
    }
    const fields = { path, deleted: true };
    await printDone(call, { text: "", fields, done: "The file is deleted" });
  });
  return EXIT.done;
}
