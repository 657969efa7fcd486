/**
 * The fenced blocks of a Markdown file, or of a module's comments, with what the
 * tests must know of each.
 *
 * @module
 */

/** A fenced block. */
export interface Block {
  /** The first word after the fence: `sh`, `output`, `ts`, ... */
  readonly language: string;
  /** The other words: `background`, `norun="why"` (without the quotes). */
  readonly marks: ReadonlyMap<string, string>;
  readonly text: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
}

/** The fenced blocks in their order. */
export function readBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = /^\s*(```+)(.*)$/.exec(lines[at] ?? "");
    if (fence === null) continue;
    const close = lines.findIndex((line, index) =>
      index > at && line.trim() === fence[1]
    );
    if (close < 0) throw new Error(`Line ${at + 1}: fence is never closed`);
    const [language, marks] = readInfo(fence[2] ?? "");
    const text = lines.slice(at + 1, close).join("\n");
    blocks.push({ language, marks, text, line: at + 1 });
    at = close;
  }
  return blocks;
}

/** The fenced blocks in the comments of a module. */
export function readExamples(module: string): Block[] {
  // What is no comment is left out; the lines stay where they are.
  const comments = module.split("\n").map((line) =>
    /^\s*\* ?(.*)$/.exec(line)?.[1] ?? ""
  );
  return readBlocks(comments.join("\n"));
}

function readInfo(info: string): [string, Map<string, string>] {
  const words = info.trim().match(/[^\s"=]+(="[^"]*")?/g) ?? [];
  const marks = words.slice(1).map((word): [string, string] => {
    const [name, value] = word.split("=", 2);
    return [name ?? "", (value ?? "").replaceAll('"', "")];
  });
  return [words[0] ?? "", new Map(marks)];
}

/**
 * Whether an output is as a document shows it: line for line, `...` standing
 * for anything, trailing blanks ignored.
 */
export function matchesOutput(shown: string, actual: string): boolean {
  const pattern = tidyLines(shown)
    .split("...")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[^]*?");
  return new RegExp(`^${pattern}$`).test(tidyLines(actual));
}

function tidyLines(text: string): string {
  return text.split("\n").map((line) => line.trimEnd()).join("\n").trimEnd();
}
