/**
 * What a node asks the kernel for, in order, as `strace` tells it: files
 * written and synced, bytes sent.
 *
 * @module
 */

import { until } from "./cluster_nodes.ts";

const CALLS = "write,sendto,fsync,fdatasync,rename";
const OPTIONS = ["-f", "-yy", "-x", "-s", "1000000", "-e", `trace=${CALLS}`];

/** A call of the kernel. */
export interface Call {
  readonly name: string;
  /** The file, or the socket as `TCP:[HERE->THERE]`; of a rename the new. */
  readonly on: string;
  /** What is written or sent. */
  readonly bytes: Uint8Array;
  /** Where in the order of all calls and returns it was begun, and ended. */
  readonly began: number;
  readonly ended: number;
}

/** Why nothing can be traced here, to be put into a test's name; else "". */
export const NO_STRACE = await whyNot();

async function whyNot(): Promise<string> {
  try {
    const args = ["-D", "-o", "/dev/null", "true"];
    const { success } = await new Deno.Command("strace", { args }).output();
    return success ? "" : "; it needs the right to trace a process";
  } catch {
    return "; there is no strace here";
  }
}

/** What a command line begins with whose program is traced to a file. */
export function traced(file: string): string[] {
  // The tracer is the child: signals and the exit status are the node's.
  return ["strace", "-D", "-q", "-o", file, ...OPTIONS];
}

/** Traces a running process to a file, until it is disposed of. */
export class Tracer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #told: Promise<void>;

  private constructor(child: Deno.ChildProcess, told: Promise<void>) {
    this.#child = child;
    this.#told = told;
  }

  /** Resolves when all threads are traced. */
  static async attach(pid: number, file: string): Promise<Tracer> {
    const args = ["-p", String(pid), "-o", file, ...OPTIONS];
    const child = new Deno.Command("strace", {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let text = "";
    const told = (async () => {
      for await (const chunk of child.stderr) {
        text += new TextDecoder().decode(chunk);
      }
    })();
    await until("the process is traced", () => {
      return Promise.resolve(/attached/.test(text));
    });
    return new Tracer(child, told);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGINT"); // It lets go of the process, and ends.
    await this.#child.status;
    await this.#told;
  }
}

/** Waits until the trace of a process that has ended is complete. */
export async function untilTraced(file: string, pid: number): Promise<void> {
  const end = new RegExp(`^${pid} +\\+\\+\\+ `, "m");
  await until("the trace is complete", async () => {
    return end.test(await Deno.readTextFile(file));
  });
}

/** The calls of a trace that came to their end, in the order of their ends. */
export async function readTrace(file: string): Promise<Call[]> {
  const lines = (await Deno.readTextFile(file)).split("\n");
  const begun = new Map<string, { text: string; at: number }>();
  const calls: Call[] = [];
  lines.forEach((line, at) => {
    const [, thread = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const first = /^(.*?) *<unfinished \.\.\.>$/.exec(text)?.[1];
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (first !== undefined) return void begun.set(thread, { text: first, at });
    const { text: start = "", at: began = at } = rest === undefined
      ? {}
      : begun.get(thread) ?? {};
    const call = readCall(`${start}${rest ?? text}`);
    if (call !== undefined) calls.push({ ...call, began, ended: at });
  });
  return calls;
}

function readCall(
  text: string,
): Pick<Call, "name" | "on" | "bytes"> | undefined {
  const [, name, args = ""] = /^(\w+)\((.*)\) += \d+/.exec(text) ?? [];
  if (name === undefined) return undefined;
  const strings = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)];
  const quoted = strings.map(([, content = ""]) => content);
  if (name === "rename") {
    return { name, on: plain(quoted[1]!), bytes: new Uint8Array(0) };
  }
  const on = /^\d+<((?:[^>]|->)*)>/.exec(args)?.[1] ?? "";
  return { name, on, bytes: unescape(quoted[0] ?? "") };
}

function plain(text: string): string {
  return new TextDecoder().decode(unescape(text));
}

/** What strace means by an escaped string. */
function unescape(text: string): Uint8Array {
  const bytes: number[] = [];
  const codes: Record<string, number> = { n: 10, r: 13, t: 9, v: 11, f: 12 };
  for (const [part] of text.matchAll(/\\x..|\\[0-7]{1,3}|\\.|[^\\]/gs)) {
    const code = part[1] ?? "";
    if (part.length === 1) bytes.push(part.charCodeAt(0));
    else if (code === "x") bytes.push(parseInt(part.slice(2), 16));
    else if (/[0-7]/.test(code)) bytes.push(parseInt(part.slice(1), 8));
    else bytes.push(codes[code] ?? code.charCodeAt(0));
  }
  return new Uint8Array(bytes);
}

/** The first of these calls that was begun after another had ended. */
export function firstAfter(
  calls: readonly Call[],
  after: Call,
  { name, on }: { name: string; on: string },
): Call {
  return the(
    calls.find((call) =>
      call.began > after.ended && call.name === name && call.on === on
    ),
    `${name} of ${on} after ${after.name}`,
  );
}

/** What was looked for; it must have been found. */
export function the<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`There is no ${what}`);
  return found;
}
