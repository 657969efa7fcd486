/**
 * The rules of the house, as functions of the sources: each returns its
 * complaints as `file:line: what is wrong`, so that the rules themselves can
 * be tested on bad samples.
 *
 * @module
 */

import { functions, imports, lineAt, type Scan, scan } from "./scan.ts";

/** A file to check: its path from the top folder, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A function may take this many lines. */
export const FUNCTION_LINES = 70;
/** A file may take this many lines. */
export const FILE_LINES = 400;

/** The folders, and what each may import: only towards the data. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  main: ["cli", "consensus", "protocol", "protocol/net", "store"],
  cli: ["consensus", "protocol", "protocol/net", "store"],
  consensus: ["protocol", "store"],
  "protocol/net": ["protocol", "store"],
  protocol: ["store"],
  store: [],
};

const PURE = ["store", "protocol", "consensus"];

const IMPURE =
  /(?<![.\w#])(?:(?:Deno|Date|setTimeout|setInterval|setImmediate|queueMicrotask|async|await|Promise|fetch)\b|(?:performance|console|crypto|process|globalThis)(?=\s*[.[])|Math\s*\.\s*random\b)/g;

/** The part of the house a file belongs to; undefined outside of it. */
export function folderOf(path: string): string | undefined {
  if (path === "main.ts") return "main";
  if (path.startsWith("protocol/net/")) return "protocol/net";
  const top = path.split("/")[0] ?? "";
  return top in ARROWS && path.includes("/") ? top : undefined;
}

/** Every complaint about the sources. */
export function check(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map((source) => source.path));
  const complaints: string[] = [];
  for (const source of sources) {
    const parts = scan(source.text);
    complaints.push(
      ...checkSize(source, parts),
      ...checkWords(source, parts),
      ...checkOpening(source),
      ...checkPurity(source, parts),
      ...checkImports(source, parts),
      ...checkMirror(source, { parts, paths }),
    );
  }
  return [...complaints, ...checkCycles(sources)];
}

function checkSize(source: Source, parts: Scan): string[] {
  const complaints: string[] = [];
  const lines = source.text.trimEnd().split("\n").length;
  if (lines > FILE_LINES) {
    complaints.push(`${source.path}:1: ${lines} lines, above ${FILE_LINES}`);
  }
  for (const span of functions(parts.code)) {
    if (span.lines <= FUNCTION_LINES) continue;
    complaints.push(
      `${source.path}:${span.line}: function of ${span.lines} lines, above ${FUNCTION_LINES}`,
    );
  }
  return complaints;
}

function checkWords(source: Source, parts: Scan): string[] {
  const rules: readonly [string, RegExp, string][] = [
    [parts.comments, /\b(TODO|FIXME|XXX)\b(?!\([\w.-]+\))/g, "without a name"],
    [parts.code, /(?<![.\w#])enum\s+\w/g, "use a table `as const`"],
    [parts.code, /\bexport default\b/g, "export by name"],
  ];
  const complaints = rules.flatMap(([text, word, why]) =>
    matches(source, { text, word, why })
  );
  const file = source.path.split("/").at(-1) ?? "";
  if (!/^[a-z0-9_]+(\.d)?\.ts$/.test(file)) {
    complaints.push(`${source.path}:1: file name is not snake_case`);
  }
  return complaints;
}

function checkOpening(source: Source): string[] {
  const comment = /^\/\*\*[\s\S]*?\*\//.exec(source.text)?.[0] ?? "";
  return comment.includes("@module")
    ? []
    : [`${source.path}:1: does not open with a module comment (@module)`];
}

function checkPurity(source: Source, parts: Scan): string[] {
  if (!PURE.includes(folderOf(source.path) ?? "")) return [];
  return matches(source, {
    text: parts.code,
    word: IMPURE,
    why: "is not pure: hand it in from outside",
  });
}

function matches(
  source: Source,
  rule: { text: string; word: RegExp; why: string },
): string[] {
  return [...rule.text.matchAll(rule.word)].map((match) =>
    `${source.path}:${lineAt(rule.text, match.index)}: "${
      match[0]
    }" ${rule.why}`
  );
}

function checkImports(source: Source, parts: Scan): string[] {
  const from = folderOf(source.path);
  if (from === undefined) return [];
  return imports(source.text, parts.code).flatMap((found) => {
    const wrong = wrongImport(source.path, { from, to: found.specifier });
    return wrong === undefined ? [] : [
      `${source.path}:${found.line}: import of "${found.specifier}" ${wrong}`,
    ];
  });
}

function wrongImport(
  path: string,
  { from, to }: { from: string; to: string },
): string | undefined {
  if (!to.startsWith(".")) {
    return PURE.includes(from) ? "from outside into a pure folder" : undefined;
  }
  const target = resolve(path, to);
  if (target === "deno.json") return undefined; // The version stands there.
  const folder = folderOf(target);
  if (folder === from) return undefined;
  if (folder === undefined) return "leads out of the house";
  if (!(ARROWS[from] ?? []).includes(folder)) return "goes against the arrow";
  return target === `${folder}/mod.ts`
    ? undefined
    : "does not go through mod.ts";
}

/** The path, from the top folder, that a relative specifier names. */
export function resolve(path: string, specifier: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/**
 * Core files have a test of their own: store/tree.ts, store/tree_test.ts. Of
 * types alone there is nothing to be tested.
 */
function checkMirror(
  { path }: Source,
  { parts, paths }: { parts: Scan; paths: ReadonlySet<string> },
): string[] {
  if (!/^export (?!type\b|interface\b)/m.test(parts.code)) return [];
  if (!PURE.includes(folderOf(path) ?? "") || path.endsWith("/mod.ts")) {
    return [];
  }
  const mirror = `tests/${path.replace(/\.ts$/, "_test.ts")}`;
  return paths.has(mirror) ? [] : [`${path}:1: has no test ${mirror}`];
}

/** Complains once for each cycle of imports, naming its files. */
function checkCycles(sources: readonly Source[]): string[] {
  const graph = new Map(sources.map(({ path, text }) => [
    path,
    imports(text, scan(text).code)
      .filter((found) => found.specifier.startsWith("."))
      .map((found) => resolve(path, found.specifier)),
  ]));
  const complaints: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      const cycle = [...trail.slice(at), path].join(" -> ");
      complaints.push(`${path}:1: imports go in a circle: ${cycle}`);
    }
    if (at >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return complaints;
}
