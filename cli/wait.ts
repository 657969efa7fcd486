/**
 * `doozer wait`: waits for one change.
 *
 * @module
 */

import type { Client } from "../protocol/net/mod.ts";
import { askForLong } from "./ask.ts";
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
    "When its server is lost it goes on at another one, and says so on " +
    "standard error.\n\n" +
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

/** The rev to begin with: without one given, the one after the current. */
export async function firstRev(
  client: Client,
  { from, limit }: { from: { readonly rev?: number }; limit: TimeLimit },
): Promise<number> {
  if (from.rev !== undefined) return from.rev;
  // Waiting needs no quorum, so neither does finding where to begin.
  const options = { read: "local", timeoutMs: limit.nextMs() } as const;
  return await client.rev(options) + 1;
}

async function waitForChange(call: Call): Promise<ExitStatus> {
  const [glob = ""] = call.args;
  const from = readRevFlag(call.flags);
  await askForLong(call, async (client, { limit, notices }) => {
    const rev = await firstRev(client, { from, limit });
    notices.waitsFrom = rev;
    const options = { rev, timeoutMs: limit.waitMs() };
    const event = await client.wait(glob, options);
    await call.output.print(renderRecord(event), recordFields(event));
  });
  return EXIT.done;
}
