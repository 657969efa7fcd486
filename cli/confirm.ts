/**
 * Asks the person at the terminal before something that cannot be undone.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage_error.ts";

/** A line longer than this is no answer. */
const ANSWER_BYTES_MAX = 1024;
/** So much of a node's id must be typed. */
export const PREFIX_LEAST = 4;

/** What is to be confirmed. */
export interface Question {
  /** What will happen. */
  readonly text: string;
  /** Whether what was typed confirms it. */
  readonly accepts: (answer: string) => boolean;
}

/** Asks; fails unless the answer confirms it. */
export async function confirm(
  io: Io,
  { text, accepts }: Question,
): Promise<void> {
  if (!io.inputIsTerminal) {
    throw new UsageError(
      "Cannot ask for confirmation: standard input is no terminal",
      "Give --yes to do it without",
    );
  }
  io.say(text);
  if (accepts((await readLine(io)).trim())) return;
  throw new DoozerError("OTHER", "It is not confirmed: nothing was done");
}

/** Whether the answer is "yes", or enough of the id. */
export function confirms(answer: string, id: string): boolean {
  return answer === "yes" ||
    answer.length >= PREFIX_LEAST && id.startsWith(answer.toUpperCase());
}

async function readLine(io: Io): Promise<string> {
  const decoder = new TextDecoder();
  let line = "";
  for await (const chunk of io.input) {
    line += decoder.decode(chunk, { stream: true });
    if (line.includes("\n") || line.length > ANSWER_BYTES_MAX) break;
  }
  return line.split("\n")[0] ?? "";
}
