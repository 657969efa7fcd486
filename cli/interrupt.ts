/**
 * Ctrl-C, for commands that have something to tidy up.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import { EXIT } from "./exit_status.ts";

/** Tells of the first signal to stop. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** Fails once the signal has come. */
  check(): void;
}

/** Catches the first stop signal; the second ends the process at once. */
export function catchInterrupt(): Interrupt {
  const stopping = new AbortController();
  // Windows knows no SIGTERM.
  const names: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  const stop = (): void => {
    if (stopping.signal.aborted) Deno.exit(EXIT.failed);
    stopping.abort();
  };
  for (const name of names) Deno.addSignalListener(name, stop);
  const { signal } = stopping;
  return {
    signal,
    check(): void {
      if (signal.aborted) throw new DoozerError("OTHER", "It was interrupted");
    },
    [Symbol.dispose](): void {
      for (const name of names) Deno.removeSignalListener(name, stop);
    },
  };
}
