/**
 * A node as a process that ends with its test, and commands that ask it.
 *
 * The program is the one that process.ts names: `DOOZER_CMD`, a compiled
 * binary for instance, or main.ts.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { doozerCommand } from "./process.ts";

// An empty variable counts as not set: the tests' own environment is not ours.
const BLANK_ENV: Readonly<Record<string, string>> = {
  DOOZER_URI: "",
  DOOZER_BOOT_URI: "",
  DOOZER_RWSECRET: "",
  DOOZER_ROSECRET: "",
  DOOZER_CACERT: "",
  DOOZER_PEERSECRET: "",
};

/** How to start a node. */
export interface NodeOptions {
  /** Flags of `serve`, after `-l 127.0.0.1:0`; a later one wins. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What the command line begins with: `ip netns exec NAME`. */
  readonly within?: readonly string[];
}

/** A running node; when it is disposed of it must end with status 0. */
export interface NodeProcess extends AsyncDisposable {
  readonly pid: number;
  /** The flags it was started with. */
  readonly args: readonly string[];
  /** HOST:PORT. */
  readonly addr: string;
  /** As the node says it. */
  readonly uri: string;
  /** Whether the process has ended. */
  readonly hasEnded: boolean;
  /** Whether it was told to end. */
  readonly signalled: boolean;
  /** All that it printed so far. */
  stderr(): string;
  /** Sends a signal, unless it has ended, and awaits the end. */
  stop(signal?: Deno.Signal): Promise<Deno.CommandStatus>;
}

/** Starts a node on a free port and waits until it serves. */
export async function startNodeProcess(
  { args = [], env = {}, within = [] }: NodeOptions = {},
): Promise<NodeProcess> {
  const words = ["serve", "-l", "127.0.0.1:0", ...args];
  const child = spawnWithin(within, { args: words, env });
  await child.stdin.close();
  const stdout = drain(child.stdout, () => {});
  let stderr = "";
  const { promise: serves, resolve } = Promise.withResolvers<string | null>();
  const decoder = new TextDecoder();
  const drained = drain(child.stderr, (chunk) => {
    stderr += decoder.decode(chunk, { stream: true });
    const uri = /serves (doozer:\S+?)[,\s]/.exec(stderr)?.[1];
    if (uri !== undefined) resolve(uri);
  }).then(() => resolve(null));
  const ended = Promise.all([child.status, stdout, drained]);
  const uri = await serves;
  if (uri === null) {
    const [{ code }] = await ended;
    throw new Error(`The node ended with status ${code}: ${stderr}`);
  }
  let signalled = false;
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const stop = async (
    signal: Deno.Signal = "SIGTERM",
  ): Promise<Deno.CommandStatus> => {
    signalled = true;
    kill(child, signal);
    return (await ended)[0];
  };
  return {
    pid: child.pid,
    args,
    get hasEnded(): boolean {
      return hasEnded;
    },
    get signalled(): boolean {
      return signalled;
    },
    addr: /ca=([^&]+)/.exec(uri)?.[1] ?? "",
    uri,
    stderr: () => stderr,
    stop,
    async [Symbol.asyncDispose](): Promise<void> {
      if (signalled) return void await ended;
      const { code } = await stop();
      assertEquals(code, 0, `The node ended with status ${code}: ${stderr}`);
    },
  };
}

/** How to run a command. */
export interface RunOptions {
  readonly args: readonly string[];
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** The exit status it must have; without it any will do. */
  readonly status?: number;
}

/** What a command left. */
export interface RunResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Runs a command to its end, with the node's URI in its environment. */
export async function runDoozer(
  uri: string,
  { args, stdin = "", env = {}, status }: RunOptions,
): Promise<RunResult> {
  const child = spawn(args, { DOOZER_URI: uri, ...env });
  const bytes = typeof stdin === "string"
    ? new TextEncoder().encode(stdin)
    : stdin;
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    feed(child.stdin, bytes),
  ]);
  if (status !== undefined) {
    assertEquals(code, status, `doozer ${args.join(" ")}: ${text(stderr)}`);
  }
  return { code, stdout, stderr };
}

/** What was printed, as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A watch as a process: its output, until it is disposed of. */
export interface Watch extends AsyncDisposable, AsyncIterable<Uint8Array> {}

/** Starts `doozer watch` with these arguments. */
export function startWatch(uri: string, args: readonly string[]): Watch {
  const child = spawn(["watch", ...args], { DOOZER_URI: uri });
  const talk = drain(child.stderr, () => {});
  const reader = child.stdout.getReader();
  return {
    async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        yield value;
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await reader.cancel();
      kill(child, "SIGTERM");
      await Promise.all([child.status, talk, child.stdin.close()]);
    },
  };
}

/** Starts the program. */
export function spawn(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  return spawnWithin([], { args, env });
}

/** Starts the program by another one. */
function spawnWithin(
  within: readonly string[],
  { args, env }: {
    args: readonly string[];
    env: Readonly<Record<string, string>>;
  },
): Deno.ChildProcess {
  const [program, ...first] = [...within, ...doozerCommand()];
  return new Deno.Command(program!, {
    args: [...first, ...args],
    env: { ...BLANK_ENV, ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError)) throw error;
  }
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  bytes: Uint8Array,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A command that reads no input may be gone before it is written.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of stream) take(chunk);
}
