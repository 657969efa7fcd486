/**
 * Reads the command line with the help of the command table.
 *
 * The original's flags are words behind one dash (`-timeout 5`), stand before
 * or after the command, and `-1` is a rev. `@std/cli/parse-args` reads single
 * dashes as bundles of letters, so all is first rewritten to `--word=value`,
 * which it reads without doubt.
 *
 * @module
 */

import type { Command } from "./command.ts";
import { COMMON_FLAGS } from "./common_flags.ts";
import { Flags, type FlagSpec } from "./flags.ts";
// @ts-types="./parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { didYouMean } from "./suggest.ts";
import { UsageError } from "./usage_error.ts";

/** A command line, understood as far as the table knows. */
export interface CommandLine {
  /** The first word that is no flag. */
  readonly word: string | undefined;
  /** The table's row for that word. */
  readonly command: Command | undefined;
  readonly args: readonly string[];
  readonly flags: Flags;
}

/** A flag as written: its word without dashes, and its value. */
interface Token {
  readonly word: string;
  readonly value: string | undefined;
}

/** Understands a command line, or throws a {@linkcode UsageError}. */
export function readCommandLine(
  args: readonly string[],
  commands: readonly Command[],
): CommandLine {
  const everyFlag = commands.flatMap((command) => command.flags);
  const { tokens, words } = splitArgs(args, everyFlag);
  const [word, ...rest] = words;
  const command = commands.find((command) => command.name === word);
  if (word !== undefined && !command) throw unknownCommand(word, commands);
  const known = command?.flags ?? COMMON_FLAGS;
  const rewritten = tokens.map((token) => rewrite(token, { known, word }));
  const parsed = parseArgs([...rewritten, "--", ...rest], {
    string: known.filter((flag) => flag.takes).map((flag) => flag.long),
    boolean: known.filter((flag) => !flag.takes).map((flag) => flag.long),
    collect: known.filter((flag) => flag.many).map((flag) => flag.long),
  });
  return { word, command, args: parsed._, flags: new Flags(parsed) };
}

// Which flags take a value must be known before the command is, for a flag
// may stand before it; so a word takes a value in all commands or in none
// (a test holds this).
function splitArgs(
  args: readonly string[],
  known: readonly FlagSpec[],
): { tokens: Token[]; words: string[] } {
  const tokens: Token[] = [];
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      return { tokens, words: [...words, ...args.slice(i + 1)] };
    }
    const [, word, value] = /^--?([^-=\d][^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (word === undefined) {
      words.push(arg);
      continue;
    }
    const flag = findFlag(word, known);
    if (!flag) throw unknownFlag(arg, known);
    const takesNext = flag.takes !== undefined && value === undefined;
    tokens.push({ word, value: takesNext ? args[++i] : value });
  }
  return { tokens, words };
}

function rewrite(
  { word, value }: Token,
  command: { known: readonly FlagSpec[]; word: string | undefined },
): string {
  const flag = findFlag(word, command.known);
  if (!flag) throw strayFlag(word, command.word);
  if (flag.takes !== undefined) {
    if (value === undefined) throw lacksValue(word, flag.takes);
    return `--${flag.long}=${value}`;
  }
  // Before a value parseArgs would take the "no-" of --no-value away.
  if (value === undefined || value === "true") return `--${flag.long}`;
  if (value === "false") return `--${flag.long}=false`;
  throw new UsageError(
    `Cannot set -${word} to "${value}": it is a switch and takes no value`,
  );
}

function findFlag(
  word: string,
  known: readonly FlagSpec[],
): FlagSpec | undefined {
  return known.find((flag) => flag.long === word || flag.short === word);
}

function unknownFlag(arg: string, known: readonly FlagSpec[]): UsageError {
  const word = arg.replace(/^-+/, "").replace(/=.*/s, "");
  const guess = didYouMean(word, known.map((flag) => flag.long));
  return new UsageError(`Unknown flag -${word}${guess.replace(/"/, '"-')}`);
}

function strayFlag(word: string, command: string | undefined): UsageError {
  if (command === undefined) {
    return new UsageError(`The flag -${word} needs a command`);
  }
  return new UsageError(
    `The command "${command}" has no flag -${word}`,
    `See "doozer help ${command}"`,
  );
}

function lacksValue(word: string, takes: string): UsageError {
  return new UsageError(`The flag -${word} lacks its value: -${word} ${takes}`);
}

function unknownCommand(
  word: string,
  commands: readonly Command[],
): UsageError {
  const namesake = commands.find((row) => row.synonyms?.includes(word));
  const guess = namesake
    ? `; did you mean "${namesake.name}"?`
    : didYouMean(word, commands.map((row) => row.name));
  return new UsageError(`Unknown command "${word}"${guess}`);
}
