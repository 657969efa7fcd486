/**
 * A terminal that a test looks into.
 *
 * @module
 */

import { type Io, PipeClosed } from "../../cli/io.ts";
import { runCommandLine } from "../../cli/mod.ts";

/** What stands in for the machine. */
export interface FakeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly inputIsTerminal?: boolean;
  readonly outputIsTerminal?: boolean;
  readonly errorIsTerminal?: boolean;
  /** The reader of standard output goes away at once. */
  readonly outputClosed?: boolean;
}

/** Streams that remember what was written. */
export class FakeIo implements Io {
  readonly #options: FakeOptions;
  readonly #decoder = new TextDecoder();
  stdout = "";
  /** The same as bytes. */
  readonly written: Uint8Array[] = [];
  stderr = "";

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#options.outputClosed) return Promise.reject(new PipeClosed());
    this.stdout += this.#decoder.decode(bytes);
    this.written.push(bytes.slice());
    return Promise.resolve();
  }

  say(text: string): void {
    this.stderr += text;
  }

  writeError(bytes: Uint8Array): Promise<number> {
    this.stderr += this.#decoder.decode(bytes);
    return Promise.resolve(bytes.length);
  }

  get input(): ReadableStream<Uint8Array> {
    const { stdin = "" } = this.#options;
    const bytes = typeof stdin === "string"
      ? new TextEncoder().encode(stdin)
      : stdin;
    return ReadableStream.from([bytes]);
  }

  get inputIsTerminal(): boolean {
    return this.#options.inputIsTerminal ?? false;
  }

  get outputIsTerminal(): boolean {
    return this.#options.outputIsTerminal ?? false;
  }

  get errorIsTerminal(): boolean {
    return this.#options.errorIsTerminal ?? false;
  }

  env(name: string): string | undefined {
    return this.#options.env?.[name];
  }
}

/** Runs a command line and returns all that came of it. */
export async function runFake(
  args: readonly string[],
  options: FakeOptions = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  const io = new FakeIo(options);
  const status = await runCommandLine(args, io);
  return { status, stdout: io.stdout, stderr: io.stderr };
}
