/**
 * What a command is. One such value per verb makes up the table (table.ts),
 * and the table drives all else: which words and flags exist, usage, help,
 * did-you-mean.
 *
 * @module
 */

import type { ExitStatus } from "./exit_status.ts";
import type { Flags, FlagSpec } from "./flags.ts";
import type { Io } from "./io.ts";
import type { Output } from "./output.ts";

/** A word after the command's name. */
export interface ArgSpec {
  /** What it is called, and what a shell could complete it with. */
  readonly name: "path" | "glob" | "rev" | "topic" | "addr" | "file";
  readonly optional?: boolean;
}

/** A line to try, and what it does. */
export interface Example {
  readonly line: string;
  readonly does: string;
}

/** A row of the command table. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly args: readonly ArgSpec[];
  readonly flags: readonly FlagSpec[];
  /** The paragraphs of `doozer help NAME`. */
  readonly about: string;
  readonly examples: readonly Example[];
  /** What it does, for "Cannot ..."; its name if left out. */
  readonly deed?: string;
  /** Words of other tools that mean this one, for did-you-mean. */
  readonly synonyms?: readonly string[];
  run(call: Call): Promise<ExitStatus>;
}

/** One run of a command. */
export interface Call {
  readonly command: Command;
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly io: Io;
  readonly output: Output;
  /** The whole table, for commands that speak about commands. */
  readonly commands: readonly Command[];
}
