/**
 * Turns the commands and programs of a document into one bash script and runs
 * it, as a reader would: in order, in one shell, in an empty folder, with
 * `doozer`, `deno` and `npx` on the PATH.
 *
 * A document writes ports as a reader would; here the kernel chooses free ones.
 * So the `doozer` on the PATH is a shim that moves port 8046 to the port on which
 * the document's newest such node listens, and 8047 to 8099, which are for more
 * nodes, to one port each; programs are moved likewise when they are written,
 * and the outputs are moved back.
 *
 * @module
 */

import { doozerCommand } from "../system/process.ts";
import { type Block, matchesOutput } from "./markdown.ts";

/** What came of one block. */
export interface Ran {
  readonly block: Block;
  /** Standard output and error as they came; undefined: never reached. */
  readonly output?: string;
  /** The output block that follows in the document. */
  readonly shown?: string;
}

/** What came of a document: the script's status, and each block's output. */
export interface Result {
  readonly status: number;
  readonly ran: readonly Ran[];
  readonly log: string;
}

/** What bash says of processes that were killed, which a terminal shows. */
const OF_JOBS = /^\S+script: line \d+: +\d+ Killed .*\n/gm;

/**
 * Runs a document's blocks, after `checkTypes`; `work` and `home` are folders of
 * its own.
 */
export async function runBlocks(
  blocks: readonly Block[],
  { top, work, home }: { top: string; work: string; home: string },
): Promise<Result> {
  await writePrograms(home);
  const script = `${home}/script`;
  await Deno.writeTextFile(script, toScript(blocks, top));
  const env: Record<string, string> = {
    ...Deno.env.toObject(),
    PATH: `${home}/bin:${Deno.env.get("PATH") ?? ""}`,
    DOCS: home,
    NO_COLOR: "1",
  };
  for (const name of Object.keys(env)) {
    if (name.startsWith("DOOZER_")) delete env[name];
  }
  const { code, log } = await runScript(script, work, env);
  const ports = (readIfThere(`${home}/ports`) ?? "").trim().split("\n")
    .map((line) => line.split(" "));
  const ran = blocks.flatMap((block, index): Ran[] => {
    if (!isRun(block)) return [];
    const next = blocks[index + 1];
    const output = ports.reduce(
      (text, [shown, port]) => text?.replaceAll(`:${port}`, `:${shown}`),
      readIfThere(`${home}/${block.line}.out`)?.replace(OF_JOBS, ""),
    );
    return [{
      block,
      ...(output === undefined ? {} : { output }),
      ...(next?.language === "output" ? { shown: next.text } : {}),
    }];
  });
  return { status: code, ran, log };
}

/** What is wrong with the types of a document's programs, all at once; or "". */
export async function checkTypes(
  blocks: readonly Block[],
  { top, work }: { top: string; work: string },
): Promise<string> {
  await writeImports(top, work);
  const programs = blocks.filter(({ language }) => language === "ts");
  if (programs.length === 0) return "";
  const files = programs.map((block) => `checked_${block.line}.ts`);
  for (const [index, { text }] of programs.entries()) {
    await Deno.writeTextFile(`${work}/${files[index]}`, text);
  }
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...files],
    cwd: work,
    env: { NO_COLOR: "1" },
  }).output();
  for (const file of files) await Deno.remove(`${work}/${file}`);
  return success ? "" : new TextDecoder().decode(stderr);
}

/** Runs the script in a process group of its own, so that all of it ends. */
async function runScript(
  script: string,
  cwd: string,
  env: Record<string, string>,
): Promise<{ code: number; log: string }> {
  const bash = new Deno.Command("bash", {
    args: [script],
    cwd,
    env,
    clearEnv: true,
    detached: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const deadline = setTimeout(() => Deno.kill(-bash.pid, "SIGKILL"), 180_000);
  const { code, stderr } = await bash.output();
  clearTimeout(deadline);
  return { code, log: new TextDecoder().decode(stderr) };
}

/** Whether a block is to run: commands, or a program that none of them runs. */
export function isRun({ language, marks }: Block): boolean {
  if (marks.has("norun")) return false;
  return language === "sh" || language === "ts" && !marks.has("file");
}

/** What is wrong with a run; empty if all is as the document shows. */
export function complaints(result: Result): string[] {
  const found: string[] = [];
  for (const [index, { block, output, shown }] of result.ran.entries()) {
    const wrong = (what: string): number =>
      found.push(
        `line ${block.line}: ${what}\n${block.text}\n-- printed:\n${output}`,
      );
    if (output === undefined) continue;
    const last = result.ran[index + 1]?.output === undefined;
    if (last && result.status !== 0) {
      wrong(`ended with status ${result.status} ${result.log}`);
    } else if (shown !== undefined && !matchesOutput(shown, output)) {
      wrong(`printed something else than shown:\n${shown}\n-- by`);
    }
  }
  if (result.status !== 0 && found.length === 0) {
    found.push(`status ${result.status}: ${result.log}`);
  }
  return found;
}

/** Where a document starts no node, one is there. */
const SERVE: Block = {
  language: "sh",
  marks: new Map(),
  text: "doozer serve",
  line: 0,
};

function toScript(blocks: readonly Block[], top: string): string {
  const parts = [PRELUDE];
  const runs = blocks.filter(isRun);
  if (!runs.some((run) => run.marks.has("background") && serves(run.text))) {
    parts.push(background(SERVE, 1));
  }
  for (const [index, block] of blocks.entries()) {
    const file = block.marks.get("file") ?? programOf(block);
    if (file !== undefined) parts.push(written(file, block.text));
    if (!isRun(block)) continue;
    const next = blocks[index + 1];
    const lines = next?.language === "output"
      ? next.text.split("\n").length
      : 1;
    if (block.marks.has("background")) parts.push(background(block, lines));
    else {parts.push(
        foreground(block, block.marks.has("top") ? top : undefined),
      );}
  }
  return parts.join("\n") + "\n";
}

/** The file of a program that has no name of its own. */
function programOf(block: Block): string | undefined {
  if (block.language !== "ts" || !isRun(block)) return undefined;
  return `line_${block.line}.ts`;
}

/** What to type. */
function commandsOf(block: Block): string {
  const program = programOf(block);
  if (program === undefined) return block.text;
  return `deno run --quiet --allow-net --allow-env ${program}`;
}

/** Writes a file, with the ports of this run. */
function written(file: string, text: string): string {
  return `cat >"$DOCS/text" <<'END OF FILE'\n${text}\nEND OF FILE
move "$(cat "$DOCS/text")" >${quote(file)}`;
}

function foreground(block: Block, folder: string | undefined): string {
  const [open, close] = folder === undefined
    ? ["{", "}"]
    : [`( cd ${quote(folder)}`, ")"];
  return `${open}
${commandsOf(block)}
${close} >"$DOCS/${block.line}.out" 2>&1 </dev/null`;
}

function serves(text: string): boolean {
  return /\bdoozer serve\b/.test(text);
}

/** A block that goes on running, as in a terminal of its own. */
function background(block: Block, lines: number): string {
  const { line } = block;
  const text = commandsOf(block);
  return `mkfifo "$DOCS/${line}.pipe"
{
${text}
} >"$DOCS/${line}.pipe" 2>&1 </dev/null &
follow ${line} ${lines} ${serves(text) ? "serve" : "client"}`;
}

const PRELUDE = `set -euo pipefail
source "$DOCS/ports.sh"
end() {
  trap '' TERM
  kill -TERM 0
  kill -CONT 0 # What a document has stopped cannot end else.
  wait
}
trap end EXIT
pipe=9
# follow LINE N KIND: waits until the block at LINE has printed N lines, or, if
# it serves, its address: there the document's commands go from now on.
follow() {
  local text count=0 port=
  pipe=$((pipe + 1)) # By hand, for the bash of macOS is old.
  eval "exec $pipe<\\"\\$DOCS/$1.pipe\\""
  while (( count < $2 )) || [[ $3 == serve && -z $port ]]; do
    IFS= read -r -t 30 -u "$pipe" text
    printf '%s\\n' "$text" >>"$DOCS/$1.out"
    if [[ $3 == serve && -z $port && $text =~ 127\\.0\\.0\\.1:([0-9]+) ]]; then
      port=\${BASH_REMATCH[1]}
      printf '8046 %s\\n' "$port" >>"$DOCS/ports"
      export DOOZER_URI="doozer:?ca=127.0.0.1:$port"
    fi
    count=$((count + 1))
  done
  cat <&"$pipe" >>"$DOCS/$1.rest" &
}`;

/** Finds out, and decides, which port stands for which. */
const PORTS =
  `# moved PORT: the port that stands for a document's, of the kernel's choice.
moved() {
  if [[ $1 != 8046 ]] && ! is_moved "$1"; then
    local code='const l = Deno.listen({ port: 0, hostname: "127.0.0.1" });
      console.log(l.addr.port); l.close();'
    until mkdir "$DOCS/lock" 2>/dev/null; do sleep 0.01; done
    is_moved "$1" || printf '%s %s\\n' "$1" "$(deno eval "$code")" >>"$DOCS/ports"
    rmdir "$DOCS/lock"
  fi
  if ! is_moved "$1"; then echo 0; return; fi # Nobody is there yet.
  sed -n "s/^$1 //p" "$DOCS/ports" | tail -n 1
}
is_moved() {
  grep -s "^$1 " "$DOCS/ports" >/dev/null
}
move() {
  local text=$1 rest=$1
  while [[ $rest =~ :(80(4[6-9]|[5-9][0-9]))($|[^0-9])(.*) ]]; do
    rest=\${BASH_REMATCH[4]}
    text=\${text//:\${BASH_REMATCH[1]}/:$(moved "\${BASH_REMATCH[1]}")}
  done
  printf %s "$text"
}
`;

async function writePrograms(home: string): Promise<void> {
  await Deno.writeTextFile(`${home}/ports.sh`, PORTS);
  const deno = quote(Deno.execPath());
  const programs: Record<string, string> = {
    deno: `exec ${deno} "$@"`,
    // What npx would download is what runs these tests.
    npx: `[[ "$1 $2" == "-y deno@${Deno.version.deno}" ]] || {
  echo "npx $*: not the Deno of these tests, ${Deno.version.deno}" >&2
  exit 1
}
exec ${deno} "\${@:3}"`,
    doozer: `source "$DOCS/ports.sh"
args=() listen=
for arg in "$@"; do
  # Whoever listens at 8046 takes a port of its own.
  [[ $listen == -l && $arg == *:8046 ]] && arg=\${arg%8046}0
  listen=$arg
  args+=("$(move "$arg")")
done
if [[ " $* " == *" serve "* && " $* " != *" help "* && " $* " != *" -l "* ]]; then
  args+=(-l 127.0.0.1:0)
fi
export DOOZER_URI=\${DOOZER_URI:-doozer:?ca=127.0.0.1:8046}
DOOZER_URI=$(move "$DOOZER_URI")
exec ${doozerCommand().map(quote).join(" ")} "\${args[@]}"`,
  };
  await Deno.mkdir(`${home}/bin`);
  for (const [name, text] of Object.entries(programs)) {
    const path = `${home}/bin/${name}`;
    await Deno.writeTextFile(path, `#!/usr/bin/env bash\n${text}\n`, {
      mode: 0o755,
    });
  }
}

/** Lets a document's program import the package as it will be published. */
async function writeImports(top: string, work: string): Promise<void> {
  const { name, exports } = JSON.parse(
    await Deno.readTextFile(`${top}/deno.json`),
  );
  const client = new URL(exports["."], `file://${top}/`).href;
  const imports = { [name]: client, [`jsr:${name}`]: client };
  const config = { lock: false, imports };
  await Deno.writeTextFile(`${work}/deno.json`, JSON.stringify(config));
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
