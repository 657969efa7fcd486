/**
 * What `add` and `set` share: they write standard input to a file, if the
 * file has not changed since a rev.
 *
 * @module
 */

import type { Client } from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { ask } from "./ask.ts";
import type { Call } from "./command.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { readBody } from "./input.ts";

/** Writes standard input to the file and prints its new rev. */
export async function writeFile(
  call: Call,
  { path, rev }: { path: string; rev: number },
): Promise<ExitStatus> {
  // Before connecting: a person may take long to type it.
  const body = await readBody(call.io);
  await ask(call, async (client, limit) => {
    const options = { rev, timeoutMs: limit.nextMs() };
    try {
      const newRev = await client.set(path, body, options);
      await call.output.print(`${newRev}\n`, { path, rev: newRev });
    } catch (error) {
      throw await nameRev(error, client, { path, verb: call.command.name });
    }
  });
  return EXIT.done;
}

/** Adds to a rev mismatch what stands in the way. */
export async function nameRev(
  error: unknown,
  client: Client,
  { path, verb }: { path: string; verb: string },
): Promise<unknown> {
  if (!(error instanceof DoozerError)) return error;
  if (error.code !== "REV_MISMATCH") return error;
  const now = await client.stat(path, { timeoutMs: 1000 }).catch(() => undefined // The mismatch is what to report, not that nobody could say more.
  );
  const because = verb === "add"
    ? "it exists already"
    : "it has changed since the rev given";
  const rev = now && now.rev > 0 ? `, its rev is ${now.rev}` : "";
  return new DoozerError(
    error.code,
    `Cannot ${verb} "${path}": ${because}${rev}`,
    { cause: error },
  );
}
