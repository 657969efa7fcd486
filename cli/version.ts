/**
 * `doozer version`, and the one place where the version is read.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };
import type { Call, Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";

/** The version of this program. */
export const VERSION: string = config.version;

/** `doozer version`. */
export const versionCommand: Command = {
  name: "version",
  summary: "show the version",
  args: [],
  flags: COMMON_FLAGS,
  about: "Prints the version of this program. The same as doozer -v.",
  examples: [{ line: "doozer version", does: `prints "doozer ${VERSION}"` }],
  run: printVersion,
};

async function printVersion(call: Call): Promise<ExitStatus> {
  await call.output.print(`doozer ${VERSION}\n`, { version: VERSION });
  return EXIT.done;
}
