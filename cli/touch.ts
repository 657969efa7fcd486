/**
 * `doozer touch`: gives a file a new rev.
 *
 * @module
 */

import type { Client } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call, Command } from "./command.ts";
import { CLIENT_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import type { TimeLimit } from "./time_limit.ts";
import { printDone } from "./write_file.ts";

/** Lost races in a row, before others are believed to write all the time. */
const TRIES = 100;

/** `doozer touch`. */
export const touchCommand: Command = {
  name: "touch",
  summary: "give a file a new rev",
  args: [{ name: "path" }],
  flags: CLIENT_FLAGS,
  about: "Writes the file at <path> with the body that it has, so that it " +
    "gets a new rev and whoever watches it is told. A missing file is made, " +
    "empty. A change by another in between is never lost. Prints nothing.",
  examples: [
    { line: "doozer touch /app/reload", does: "wakes those that watch it" },
  ],
  run: touchFile,
};

async function touchFile(call: Call): Promise<ExitStatus> {
  const [path = ""] = call.args;
  await ask(call, async (client, limit) => {
    const rev = await rewrite(client, { path, limit });
    const done = `The write is done, at rev ${rev}`;
    await printDone(call, { text: "", fields: { path, rev }, done });
  });
  return EXIT.done;
}

async function rewrite(
  client: Client,
  { path, limit }: { path: string; limit: TimeLimit },
): Promise<number> {
  for (let tries = 1;; tries++) {
    const file = await client.get(path, { timeoutMs: limit.nextMs() });
    const { rev, value } = file;
    try {
      return await client.set(path, value, { rev, timeoutMs: limit.nextMs() });
    } catch (error) {
      const lostRace = error instanceof DoozerError &&
        error.code === "REV_MISMATCH";
      if (!lostRace || tries === TRIES) throw error;
    }
    limit.check();
  }
}
