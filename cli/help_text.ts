/**
 * Usage and help, made from the command table.
 *
 * @module
 */

import type { ArgSpec, Command, Example } from "./command.ts";
import { READ_FLAGS } from "./common_flags.ts";
import type { FlagSpec } from "./flags.ts";

const WIDTH = 80;

/** A page that is about no single command. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  render(): string;
  /** The same for `-o json`, a value per line. */
  rows(): readonly Readonly<Record<string, unknown>>[];
}

/** One line: how the command is called. */
export function usageLine(command: Command): string {
  const args = command.args.map(renderArg).join("");
  return `Use: doozer ${command.name} [flags]${args}\n`;
}

function renderArg({ name, optional }: ArgSpec): string {
  return optional ? ` [<${name}>]` : ` <${name}>`;
}

/** `doozer help NAME`. */
export function renderCommand(command: Command): string {
  return [
    usageLine(command),
    `${wrapParagraphs(command.about)}\n`,
    `Flags:\n${renderFlags(command.flags)}`,
    `Examples:\n${command.examples.map(renderExample).join("")}`,
  ].join("\n");
}

/** `doozer help`. */
export function renderOverview(
  commands: readonly Command[],
  topics: readonly Topic[],
): string {
  const rows = commands.map((command): [string, string] => [
    command.name + command.args.map(renderArg).join(""),
    command.summary,
  ]);
  const pages = topics.map(({ name, summary }): [string, string] => [
    `help ${name}`,
    summary,
  ]);
  return [
    "Use: doozer <command> [flags] [args]\n",
    wrapParagraphs(
      "Doozer is a consistent store for small amounts of extremely " +
        'important data. "doozer serve" is a node, every other command asks ' +
        "one. Flags may stand before or after the command, with one dash or " +
        "two.",
    ) + "\n",
    `Commands:\n${columns(rows)}`,
    `More help:\n${
      columns([["help <command>", "a command, with examples"], ...pages])
    }`,
    `Flags of commands that ask a node:\n${renderFlags(READ_FLAGS)}`,
  ].join("\n");
}

function renderExample({ line, does }: Example): string {
  return `  $ ${line}\n${wrap(does, "      ")}\n`;
}

function renderFlags(flags: readonly FlagSpec[]): string {
  return flags.map((flag) => {
    const words = flag.short
      ? `-${flag.short}, --${flag.long}`
      : `--${flag.long}`;
    const value = flag.takes ? ` ${flag.takes}` : "";
    return `  ${words}${value}\n${wrap(flag.help, "      ")}\n`;
  }).join("");
}

/** Two columns, the first as wide as it needs. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => {
    const lead = `  ${left.padEnd(width)}  `;
    const lines = wrap(right, " ".repeat(lead.length));
    return `${lead}${lines.trimStart()}\n`;
  }).join("");
}

/** Fills lines, but leaves indented ones (tables, records) as they stand. */
export function wrapParagraphs(text: string): string {
  return text.split("\n\n").map((paragraph) =>
    paragraph.startsWith(" ") ? paragraph : wrap(paragraph, "")
  ).join("\n\n");
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && indent.length + longer.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else line = longer;
  }
  return [...lines, indent + line].join("\n");
}
