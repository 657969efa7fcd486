/**
 * `doozer nop`: a change that changes nothing.
 *
 * @module
 */

import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { printDone } from "./write_file.ts";

/** `doozer nop`. */
export const nopCommand: Command = {
  name: "nop",
  summary: "pass through consensus and change nothing",
  args: [],
  flags: CLIENT_FLAGS,
  about: "Has a change ordered that changes no file; it takes one rev. " +
    "Shows that the cluster takes writes. Prints nothing.",
  examples: [
    { line: "doozer nop && echo writable", does: "checks that writes work" },
  ],
  synonyms: ["ping", "noop"],
  deed: "pass a nop",
  run: passNop,
};

async function passNop(call: Call): Promise<ExitStatus> {
  await ask(call, async (client, limit) => {
    await client.nop({ timeoutMs: limit.nextMs() });
    const done = "The nop is done";
    await printDone(call, { text: "", fields: { nop: true }, done });
  });
  return EXIT.done;
}
