/**
 * The command line: brings the machine (terminal, environment, signals) to
 * the store. See README.md for a tour.
 *
 * @module
 */

import { DoozerError, isPath, LIMITS } from "../store/mod.ts";
import type { Call, Command } from "./command.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { explain, renderFailure, type Subject } from "./failure.ts";
import { type CommandLine, readCommandLine } from "./command_line.ts";
import { helpCommand } from "./help.ts";
import { renderOverview, usageLine } from "./help_text.ts";
import { type Io, PipeClosed, processIo } from "./io.ts";
import { Output, wantsJson } from "./output.ts";
import { COMMANDS } from "./table.ts";
import { TOPICS } from "./topics.ts";
import { UsageError } from "./usage_error.ts";
import { versionCommand } from "./version.ts";

/** Runs a command line in this process and says how it ended. */
export function main(args: readonly string[]): Promise<number> {
  return runCommandLine(args, processIo());
}

/** Runs a command line on the streams given. */
export async function runCommandLine(
  args: readonly string[],
  io: Io,
): Promise<ExitStatus> {
  let json = asksForJson(args);
  let subject: Subject = { deed: "do this" };
  try {
    const line = readCommandLine(args, COMMANDS);
    json = wantsJson(line.flags);
    const deed = line.command?.deed ?? line.word ?? "help";
    subject = { deed, path: line.args[0] };
    const call = makeCall(line, { io, json });
    const status = await call.command.run(call);
    await call.output.flush();
    return status;
  } catch (error) {
    // Whoever read our output has seen enough.
    if (error instanceof PipeClosed) return EXIT.done;
    const failure = explain(error, subject);
    io.say(renderFailure(failure, { json }));
    return failure.exit;
  }
}

function makeCall(
  line: CommandLine,
  { io, json }: { io: Io; json: boolean },
): Call {
  const base = {
    flags: line.flags,
    io,
    output: new Output(io, { json }),
    commands: COMMANDS,
  };
  const { command, args, flags } = line;
  if (flags.on("version")) return { ...base, command: versionCommand, args };
  if (flags.on("help")) {
    const topic = line.word === undefined ? [] : [line.word];
    return { ...base, command: helpCommand, args: topic };
  }
  if (!command) {
    const overview = json ? undefined : renderOverview(COMMANDS, TOPICS);
    throw new UsageError("Missing command", overview);
  }
  checkArgs(command, args);
  return { ...base, command, args };
}

function checkArgs(command: Command, args: readonly string[]): void {
  const least = command.args.filter((arg) => !arg.optional).length;
  if (args.length < least || args.length > command.args.length) {
    throw new UsageError(
      `Wrong number of arguments for "${command.name}": ${args.length}`,
      usageLine(command) + `See "doozer help ${command.name}"`,
    );
  }
  for (const [i, arg] of args.entries()) {
    if (command.args[i]?.name === "path") checkPath(arg);
  }
}

// The server would call a path that cannot be a missing file.
function checkPath(path: string): void {
  const { pathBytes } = LIMITS;
  if (path.length > pathBytes) {
    throw new DoozerError(
      "LIMIT",
      `Cannot use a path of ${path.length} bytes: the limit is ${pathBytes}`,
    );
  }
  if (!isPath(path)) throw new DoozerError("BAD_PATH", "");
}

// For errors in the command line itself, found before its flags are known.
function asksForJson(args: readonly string[]): boolean {
  return args.some((arg, i) =>
    /^--?(o|output)=json$/.test(arg) ||
    (/^--?(o|output)$/.test(arg) && args[i + 1] === "json")
  );
}
