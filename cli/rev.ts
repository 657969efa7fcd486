/**
 * `doozer rev`: prints the current rev.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS, LOCAL_FLAG } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { readStateFlags } from "./rev_words.ts";

/** `doozer rev`. */
export const revCommand: Command = {
  name: "rev",
  summary: "show the current rev",
  args: [],
  flags: [LOCAL_FLAG, ...CLIENT_FLAGS],
  about: "Prints the current rev of the store. Every change makes a new one. " +
    "With --local, prints the rev of this server's copy, which may be behind.",
  examples: [
    {
      line: 'doozer wait -r $(($(doozer rev) + 1)) "/app/**"',
      does: "waits for the next change",
    },
  ],
  deed: "read the current rev",
  run: printRev,
};

async function printRev(call: Call): Promise<ExitStatus> {
  const at = readStateFlags(call.flags);
  await ask(call, async (client, limit) => {
    const rev = await client.rev({ ...at, timeoutMs: limit.nextMs() });
    await call.output.print(`${rev}\n`, { rev });
  });
  return EXIT.done;
}
