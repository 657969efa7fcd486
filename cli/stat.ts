/**
 * `doozer stat`: prints a file's rev and length.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { STATE_FLAGS } from "./common_flags.ts";
import { entryFields, isDirectory } from "./entry.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { readStateFlags } from "./rev_words.ts";

/** `doozer stat`. */
export const statCommand: Command = {
  name: "stat",
  summary: "print a file's rev and length",
  args: [{ name: "path" }],
  flags: STATE_FLAGS,
  about: "Prints, for a file or for a directory,\n\n" +
    "  <rev> <len>\n" +
    "  d <entries>\n\n" +
    "where <rev> is the rev of the file's last change and <len> the number " +
    "of bytes of its body. If there is neither, the exit status is 3.",
  examples: [
    { line: "doozer stat /app/port", does: 'prints "7 2"' },
    { line: "doozer stat /", does: "counts the entries of the root" },
  ],
  synonyms: ["info"],
  run: printStat,
};

async function printStat(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  const at = readStateFlags(call.flags);
  await ask(call, async (client, limit) => {
    const stat = await client.stat(path, { ...at, timeoutMs: limit.nextMs() });
    if (stat.rev === 0) throw new DoozerError("NOENT", "");
    const kind = isDirectory(stat) ? "d" : stat.rev;
    const fields = entryFields({ ...stat, path });
    await call.output.print(`${kind} ${stat.len}\n`, fields);
  });
  return EXIT.done;
}
