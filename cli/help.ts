/**
 * `doozer help`: explains commands and topics.
 *
 * @module
 */

import type { Call, Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { EXIT, type ExitStatus } from "./exit_status.ts";
import { renderCommand, renderOverview, usageLine } from "./help_text.ts";
import { didYouMean } from "./suggest.ts";
import { TOPICS } from "./topics.ts";
import { UsageError } from "./usage_error.ts";

/** `doozer help`. */
export const helpCommand: Command = {
  name: "help",
  summary: "explain a command or a topic",
  args: [{ name: "topic", optional: true }],
  flags: COMMON_FLAGS,
  about:
    "Explains a command, or one of the topics disk, environment, exit and " +
    "limits; without a word, lists all of them.",
  examples: [
    { line: "doozer help set", does: "explains the command set" },
    { line: "doozer help limits", does: "prints every limit" },
  ],
  synonyms: ["man", "usage"],
  run: printHelp,
};

async function printHelp(call: Call): Promise<ExitStatus> {
  const [name] = call.args;
  const { output, commands } = call;
  if (name === undefined) {
    if (!output.json) await output.print(renderOverview(commands, TOPICS), {});
    else for (const command of commands) await printCommand(call, command);
    return EXIT.done;
  }
  const command = commands.find((row) => row.name === name);
  const topic = TOPICS.find((topic) => topic.name === name);
  if (command) await printCommand(call, command);
  else if (topic && !output.json) await output.print(topic.render(), {});
  else if (topic) {
    for (const row of topic.rows()) {
      await output.print("", row);
    }
  } else throw unknownTopic(name, commands);
  return EXIT.done;
}

async function printCommand(call: Call, command: Command): Promise<void> {
  const { name, summary, about, flags, examples } = command;
  const usage = usageLine(command).trimEnd();
  await call.output.print(renderCommand(command), {
    name,
    summary,
    usage,
    about,
    flags,
    examples,
  });
}

function unknownTopic(name: string, commands: readonly Command[]): UsageError {
  const known = [...commands, ...TOPICS].map((row) => row.name);
  return new UsageError(
    `There is no help on "${name}"${didYouMean(name, known)}`,
  );
}
