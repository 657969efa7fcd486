/**
 * `doozer self`: prints the id of the node that answers.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";

/** `doozer self`. */
export const selfCommand: Command = {
  name: "self",
  summary: "identify a node",
  args: [],
  flags: CLIENT_FLAGS,
  about: "Prints the id of the node that answers, without a line end. Of " +
    "several addresses it is the first one that does.",
  examples: [
    {
      line: 'doozer get "/ctl/node/$(doozer self)/addr"',
      does: "prints the address under which the node is registered",
    },
  ],
  synonyms: ["id", "whoami"],
  deed: "learn the node's id",
  run: printSelf,
};

async function printSelf(call: Call): Promise<ExitStatus> {
  await ask(call, async (client, limit) => {
    const id = await client.self({ timeoutMs: limit.nextMs() });
    await call.output.print(id, { id });
  });
  return EXIT.done;
}
