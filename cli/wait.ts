/**
 * `doozer wait`: waits for one change.
 *
 * @module
 */

import type { Client } from "../protocol/net/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { READ_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { RECORD_HELP, recordFields, renderRecord } from "./record.ts";
import { readRevFlag } from "./rev_words.ts";
import type { TimeLimit } from "./time_limit.ts";

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

/**
 * The rev to begin with. The server is asked for its own in any case: a wait
 * has no time limit that would tell a silent node from a dead one.
 */
export async function firstRev(
  client: Client,
  { from, limit }: { from: { readonly rev?: number }; limit: TimeLimit },
): Promise<number> {
  const options = { read: "local", timeoutMs: limit.nextMs() } as const;
  const current = await client.rev(options);
  return from.rev ?? current + 1;
}

async function waitForChange(call: Call): Promise<ExitStatus> {
  const [glob = ""] = call.args;
  const from = readRevFlag(call.flags);
  await ask(call, async (client, limit) => {
    const rev = await firstRev(client, { from, limit });
    const options = { rev, timeoutMs: limit.waitMs() };
    const event = await client.wait(glob, options);
    await call.output.print(renderRecord(event), recordFields(event));
  });
  return EXIT.done;
}
