/**
 * `doozer watch`: prints changes as they come.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { READ_FLAGS } from "./common_flags.ts";
import type { ExitStatus } from "./exit_status.ts";
import { EXIT } from "./exit_status.ts";
import { RECORD_HELP, recordFields, renderRecord } from "./record.ts";
import { readRevFlag } from "./rev_words.ts";
import { firstRev } from "./wait.ts";

/** `doozer watch`. */
export const watchCommand: Command = {
  name: "watch",
  summary: "watch for changes",
  args: [{ name: "glob" }],
  flags: READ_FLAGS,
  about: "Prints every change to a file that matches <glob>, in order and " +
    "without a gap, until it is interrupted. With -r, begins with that rev, " +
    "as far back as the server keeps its history; without, with the first " +
    "change after the command has begun. With -t, ends after that time, with " +
    "exit status 2.\n\n" +
    RECORD_HELP,
  examples: [
    { line: 'doozer watch "/app/**"', does: "prints what changes" },
    {
      line: 'doozer watch -o json -r 1 "/**"',
      does: "prints all since rev 1, an object per line",
    },
  ],
  synonyms: ["tail", "follow"],
  run: watchChanges,
};

async function watchChanges(call: Call): Promise<ExitStatus> {
  const [glob = ""] = call.args;
  const from = readRevFlag(call.flags);
  await ask(call, async (client, limit) => {
    let rev = await firstRev(client, { from, limit });
    for (;;) {
      const options = { rev, timeoutMs: limit.waitMs() };
      const event = await client.wait(glob, options);
      await call.output.print(renderRecord(event), recordFields(event));
      // Whoever reads us wants it now.
      await call.output.flush();
      rev = event.rev + 1;
    }
  });
  return EXIT.done;
}
