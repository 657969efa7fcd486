/**
 * A logger for tests.
 *
 * @module
 */
import type { Log } from "../../../protocol/net/mod.ts";

/** A logger that keeps its lines; it tells who asks when one comes. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  readonly #onEach: () => void;
  #onLine: (() => void) | undefined;

  constructor(onEach: () => void = () => {}) {
    this.#onEach = onEach;
  }

  debug(message: string, fields: Record<string, unknown> = {}): void {
    this.#keep("debug", message, fields);
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.#keep("info", message, fields);
  }

  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#keep("warn", message, fields);
  }

  error(message: string, fields: Record<string, unknown> = {}): void {
    this.#keep("error", message, fields);
  }

  /** Resolves to the first line that matches, when there is one. */
  async find(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#onLine = resolve);
    }
  }

  #keep(
    level: string,
    message: string,
    fields: Record<string, unknown>,
  ): void {
    const text = message.replace(/\{(\w+)\}/g, (_, name) => `${fields[name]}`);
    this.lines.push(`${level}: ${text}`);
    this.#onEach();
    this.#onLine?.();
  }
}
