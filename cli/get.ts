/**
 * `doozer get`: prints a file's body.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { STATE_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { valueFields } from "./output.ts";
import { readStateFlags } from "./rev_words.ts";

/** `doozer get`. */
export const getCommand: Command = {
  name: "get",
  summary: "read a file",
  args: [{ name: "path" }],
  flags: STATE_FLAGS,
  about: "Prints the body of the file at <path>, byte for byte. " +
    "A missing file is an error with exit status 3.\n\n" +
    "What was acknowledged to anybody before is seen; that takes a quorum. " +
    "--local prints this server's copy, which may be behind; --at-least waits " +
    "until that copy has reached a rev, as one that was seen elsewhere.\n\n" +
    "With -r, prints the body as it was at that rev, as far back as the " +
    "server keeps its history.",
  examples: [
    { line: "doozer get /ctl/name", does: "prints the name of the cluster" },
    { line: "doozer get -r 5 /app/port", does: "prints an older body" },
    {
      line: "doozer get --local /app/port",
      does: "prints what this server has, with or without a quorum",
    },
    {
      line: "doozer get -o json /app/port",
      does: 'prints {"path":"/app/port","rev":7,"value":"80"}',
    },
  ],
  synonyms: ["cat", "read", "show"],
  run: getFile,
};

async function getFile(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  const at = readStateFlags(call.flags);
  await ask(call, async (client, limit) => {
    const file = await client.get(path, { ...at, timeoutMs: limit.nextMs() });
    if (file.rev === 0) throw new DoozerError("NOENT", "");
    const { rev, value } = file;
    await call.output.print(value, { path, rev, ...valueFields(value) });
  });
  return EXIT.done;
}
