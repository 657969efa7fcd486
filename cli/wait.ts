/**
 * `doozer wait`: waits for one change.
 *
 * @module
 */

import { ask, readRevFlag } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { READ_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { RECORD_HELP, recordFields, renderRecord } from "./record.ts";

/** `doozer wait`. */
export const waitCommand: Command = {
  name: "wait",
  summary: "wait for a change",
  args: [{ name: "glob" }],
  flags: READ_FLAGS,
  about: "Prints the next change to a file that matches <glob>. With -r, " +
    "prints the first change on or after that rev; without, the first one " +
    "after the command has begun. With -t, gives up after that time, with " +
    "exit status 2.\n\n" +
    RECORD_HELP,
  examples: [
    { line: "doozer wait /app/port", does: "waits for the next change" },
    {
      line: 'doozer wait -r 8 -t 1m30s "/app/*"',
      does: "waits for a change on or after rev 8, at most 90 seconds",
    },
  ],
  deed: "wait for",
  run: waitForChange,
};

async function waitForChange(call: Call): Promise<ExitStatus> {
  const [glob = ""] = call.args;
  const from = readRevFlag(call.flags);
  await ask(call, async (client, limit) => {
    const options = { ...from, timeoutMs: limit.nextMs() };
    const event = await client.wait(glob, options);
    await call.output.print(renderRecord(event), recordFields(event));
  });
  return EXIT.done;
}
