/**
 * Reads TypeScript just well enough to check its style: what is code and what
 * is comment or text, where functions begin and end, what is imported.
 *
 * Not a parser. It counts brackets over formatted code after blanking strings,
 * templates, regular expressions and comments; `deno fmt --check` and `deno
 * check` run before it, so the code is known to be well formed.
 *
 * @module
 */

/** A source with its parts told apart; offsets and lines are the source's. */
export interface Scan {
  /** The source with comments and the insides of texts blanked. */
  readonly code: string;
  /** The comments alone, everything else blanked. */
  readonly comments: string;
}

/** One function: where it starts, and how many lines it takes. */
export interface FunctionSpan {
  readonly line: number;
  readonly lines: number;
}

/** One import or re-export: the specifier and its line. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
}

type Kind = "code" | "comment" | "text";

const REGEX_AFTER =
  /(^|[(,=:[!&|?{};+\-*%~^<>]|\b(return|typeof|case|in|of|do|else|void|throw))\s*$/;

/** Tells code, comments and texts of a source apart. */
export function scan(source: string): Scan {
  const kinds = new Array<Kind>(source.length).fill("code");
  const mark = (from: number, to: number, kind: Kind): number => {
    for (let i = from; i < to; i++) kinds[i] = kind;
    return to;
  };
  // Depths of `{` at which a template's `${` was opened.
  const templates: number[] = [];
  let depth = 0;
  for (let at = 0; at < source.length;) {
    const two = source.slice(at, at + 2);
    const char = source[at] ?? "";
    if (two === "//") at = mark(at, endOf(source, "\n", at), "comment");
    else if (two === "/*") {
      at = mark(at, endOf(source, "*/", at + 2) + 2, "comment");
    } else if (char === '"' || char === "'") {
      at = mark(at + 1, textEnd(source, at + 1, char), "text") + 1;
    } else if (char === "/" && startsRegex(source, at)) {
      at = mark(at + 1, regexEnd(source, at + 1), "text") + 1;
    } else if (char === "`" || (char === "}" && templates.at(-1) === depth)) {
      if (char === "}") templates.pop();
      const end = templateEnd(source, at + 1);
      mark(at + 1, end, "text");
      if (source[end] === "$") templates.push(depth);
      at = end + (source[end] === "$" ? 2 : 1);
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      at++;
    }
  }
  return { code: keep("code"), comments: keep("comment") };

  function keep(kind: Kind): string {
    let kept = "";
    for (let i = 0; i < source.length; i++) {
      const char = source[i] ?? "";
      kept += kinds[i] === kind || char === "\n" ? char : " ";
    }
    return kept;
  }
}

function endOf(source: string, mark: string, from: number): number {
  const at = source.indexOf(mark, from);
  return at < 0 ? source.length : at;
}

function textEnd(source: string, from: number, quote: string): number {
  let at = from;
  while (at < source.length && source[at] !== quote) {
    at += source[at] === "\\" ? 2 : 1;
  }
  return at;
}

/** The backquote that ends a template's part, or the `$` of its `${`. */
function templateEnd(source: string, from: number): number {
  let at = from;
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "$" && source[at + 1] === "{") return at;
    at += source[at] === "\\" ? 2 : 1;
  }
  return at;
}

function startsRegex(source: string, at: number): boolean {
  const lineStart = source.lastIndexOf("\n", at) + 1;
  return REGEX_AFTER.test(source.slice(lineStart, at));
}

function regexEnd(source: string, from: number): number {
  let at = from;
  let inClass = false;
  while (at < source.length && source[at] !== "\n") {
    const char = source[at];
    if (char === "/" && !inClass) return at;
    if (char === "[") inClass = true;
    if (char === "]") inClass = false;
    at += char === "\\" ? 2 : 1;
  }
  return at;
}

/** The line, from 1, on which an offset lies. */
export function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (source[i] === "\n") line++;
  return line;
}

/** Every function with a body in braces, from its header to its last brace. */
export function functions(code: string): FunctionSpan[] {
  const found: FunctionSpan[] = [];
  const partner = matchBrackets(code);
  for (const [open, close] of partner) {
    if (code[open] !== "{") continue;
    const start = headerStart(code, open, partner);
    const header = code.slice(start, open).trim();
    if (!isFunctionHeader(header)) continue;
    const line = lineAt(code, start + code.slice(start).search(/\S/));
    found.push({ line, lines: lineAt(code, close) - line + 1 });
  }
  return found;
}

/** Each opening bracket's closing one, and each closing one's opening one. */
function matchBrackets(code: string): Map<number, number> {
  const partner = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? "";
    if ("([{".includes(char)) open.push(at);
    if (!")]}".includes(char)) continue;
    const from = open.pop();
    if (from === undefined) continue;
    partner.set(from, at);
    partner.set(at, from);
  }
  return partner;
}

/** Where the statement or member begins that a brace belongs to. */
function headerStart(
  code: string,
  brace: number,
  partner: ReadonlyMap<number, number>,
): number {
  let at = brace - 1;
  while (at >= 0) {
    const char = code[at] ?? "";
    if (";,([{".includes(char)) return at + 1;
    if (char === "}" && code[at + 1] === "\n") return at + 1;
    at = ")]}".includes(char) ? (partner.get(at) ?? at) - 1 : at - 1;
  }
  return 0;
}

const MODIFIERS =
  /^((export|default|async|static|override|private|protected|public|get|set)\s+)*/;
const CONTROL =
  /^(if|for|while|switch|catch|with|return|else|do|try|throw|await|new|case)\b/;

function isFunctionHeader(header: string): boolean {
  if (header.endsWith("=>")) return true;
  if (header.endsWith(":")) return false; // The brace opens a type.
  const bare = header.replace(MODIFIERS, "");
  if (/^function\b/.test(bare) || /=\s*(async )?function\b/.test(bare)) {
    return true;
  }
  if (CONTROL.test(bare)) return false;
  return /^\*?\s*(\[[^\]]*\]|#?[\w$]+)\s*(<[^(]*>)?\(/.test(bare);
}

const STATIC =
  /(?<![.\w#])(?:import\s*|(?:import|export)\b[^;"'(=]*?\bfrom\s*)(["'])/g;
const DYNAMIC = /(?<![.\w#])import\s*\(\s*(["'])/g;

/** What a source imports or re-exports, types included. */
export function imports(source: string, code: string): Import[] {
  const found: Import[] = [];
  for (const pattern of [STATIC, DYNAMIC]) {
    for (const match of code.matchAll(pattern)) {
      const from = match.index + match[0].length;
      const specifier = source.slice(from, textEnd(source, from, '"'));
      found.push({ specifier, line: lineAt(source, from) });
    }
  }
  return found;
}
