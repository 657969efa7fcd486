/**
 * The machine as the commands see it: standard streams and environment. An
 * interface, so that tests can stand in for a terminal.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";

/** Standard streams and environment. */
export interface Io {
  /** Writes all bytes to standard output. */
  write(bytes: Uint8Array): Promise<void>;
  /** Writes to standard error, where all talk goes. */
  say(text: string): void;
  /** Writes some bytes to standard error; nothing else waits for that. */
  writeError(bytes: Uint8Array): Promise<number>;
  /** Standard input. */
  readonly input: ReadableStream<Uint8Array>;
  /** Whether a person types the input. */
  readonly inputIsTerminal: boolean;
  /** Whether standard output is a screen, which bytes would spoil. */
  readonly outputIsTerminal: boolean;
  /** Whether a person reads the talk, as it comes. */
  readonly errorIsTerminal: boolean;
  /** A variable of the environment; an empty one counts as not set. */
  env(name: string): string | undefined;
}

/** The reader of standard output has gone: `doozer find / | head -1`. */
export class PipeClosed extends Error {}

/** The streams and the environment of this process. */
export function processIo(): Io {
  return {
    write: writeStdout,
    say: writeStderr,
    writeError: (bytes) => Deno.stderr.write(bytes),
    get input() {
      return Deno.stdin.readable;
    },
    get inputIsTerminal() {
      return Deno.stdin.isTerminal();
    },
    get outputIsTerminal() {
      return Deno.stdout.isTerminal();
    },
    get errorIsTerminal() {
      return Deno.stderr.isTerminal();
    },
    env: (name) => Deno.env.get(name) || undefined,
  };
}

async function writeStdout(bytes: Uint8Array): Promise<void> {
  let rest = bytes;
  try {
    // A pipe takes what it has room for.
    while (rest.length > 0) {
      rest = rest.subarray(await Deno.stdout.write(rest));
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new PipeClosed();
    throw cannot("write standard output", error);
  }
}

/** The machine refused; that is no fault of ours. */
export function cannot(deed: string, cause: unknown): DoozerError {
  // Where another process has made our pipe non-blocking, Deno does not tell
  // how much was written: to go on could write bytes twice.
  const why = cause instanceof Deno.errors.WouldBlock
    ? 'it is non-blocking and full (send it through "| cat")'
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new DoozerError("OTHER", `Cannot ${deed}: ${why}`, { cause });
}

const encoder = new TextEncoder();

function writeStderr(text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nobody listens to our talk; that must not stop the work.
  }
}
