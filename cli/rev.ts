/**
 * `doozer rev`: prints the current rev.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";

/** `doozer rev`. */
export const revCommand: Command = {
  name: "rev",
  summary: "show the current rev",
  args: [],
  flags: CLIENT_FLAGS,
  about: "Prints the current rev of the store. Every change makes a new one.",
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
  await ask(call, async (client, limit) => {
    const rev = await client.rev({ timeoutMs: limit.nextMs() });
    await call.output.print(`${rev}\n`, { rev });
  });
  return EXIT.done;
}
