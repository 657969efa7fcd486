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
import { AdvisedError } from "./failure.ts";
import { readBody } from "./input.ts";
import type { JsonFields } from "./output.ts";
import type { TimeLimit } from "./time_limit.ts";

/** Writes standard input to the file and prints its new rev. */
export async function writeFile(
  call: Call,
  { path, rev }: { path: string; rev: number },
): Promise<ExitStatus> {
  // Before connecting: a person may take long to type it.
  const body = await readBody(call.io);
  await ask(call, async (client, limit) => {
    const options = { rev, timeoutMs: limit.nextMs() };
    let newRev: number;
    try {
      newRev = await client.set(path, body, options);
    } catch (error) {
      throw await nameRev(error, client, {
        path,
        verb: call.command.name,
        limit,
      });
    }
    await printDone(call, {
      text: `${newRev}\n`,
      fields: { path, rev: newRev },
      done: `The write is done, at rev ${newRev}`,
    });
  });
  return EXIT.done;
}

/** Prints what came of a change; if that fails, says that it is done. */
export async function printDone(
  call: Call,
  { text, fields, done }: { text: string; fields: JsonFields; done: string },
): Promise<void> {
  try {
    await call.output.print(text, fields);
    await call.output.flush();
  } catch (error) {
    if (!(error instanceof DoozerError)) throw error;
    const { code, detail } = error;
    throw new AdvisedError(code, `${done}, but not printed: ${detail}`, {
      cause: error,
      hint: "Do not repeat it: it has taken effect",
    });
  }
}

/** Adds to a rev mismatch what stands in the way. */
export async function nameRev(
  error: unknown,
  client: Client,
  { path, verb, limit }: { path: string; verb: string; limit: TimeLimit },
): Promise<unknown> {
  if (!(error instanceof DoozerError)) return error;
  if (error.code !== "REV_MISMATCH") return error;
  const timeoutMs = Math.min(1000, limit.nextMs() || 1000);
  // The mismatch is what to report, not that nobody could say more.
  const now = await client.stat(path, { timeoutMs }).catch(() => undefined);
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
