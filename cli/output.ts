/**
 * Standard output of the commands, as text or as one JSON object per line.
 *
 * @module
 */

import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
import { UsageError } from "./usage_error.ts";

/** The fields of one line of JSON. */
export type JsonFields = Readonly<Record<string, unknown>>;

const FLUSH_BYTES = 64 << 10;
const encoder = new TextEncoder();
// With a byte order mark kept: what comes out must be what went in.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Collects what a command prints and writes it in large pieces. */
export class Output {
  readonly #io: Io;
  readonly #json: boolean;
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** The write that is under way, if there is one. */
  #writing: Promise<void> | undefined;

  constructor(io: Io, options: { readonly json: boolean }) {
    this.#io = io;
    this.#json = options.json;
  }

  /** Whether the caller asked for JSON. */
  get json(): boolean {
    return this.#json;
  }

  /** Prints the text as it stands, or the fields as a line of JSON. */
  async print(
    text: string | Uint8Array,
    fields: JsonFields,
  ): Promise<void> {
    const chosen = this.#json ? JSON.stringify(fields) + "\n" : text;
    const bytes = typeof chosen === "string" ? encoder.encode(chosen) : chosen;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
    if (this.#length >= FLUSH_BYTES) await this.flush();
  }

  /** Writes what was printed so far. */
  async flush(): Promise<void> {
    // One after the other: a write may take what it is given in parts.
    while (this.#writing !== undefined) await this.#writing;
    const bytes = joinBytes(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    if (bytes.length === 0) return;
    this.#writing = this.#io.write(bytes);
    await this.#writing;
    // After a failure it stays, and fails whoever writes after it.
    this.#writing = undefined;
  }

  /**
   * Writes what was printed so far, and what is printed meanwhile in as few
   * writes as possible; nobody waits for that. `onFailure` is told of the first
   * failure, which {@linkcode Output.flush} throws, too.
   */
  flushSoon(onFailure: () => void): void {
    if (this.#writing !== undefined) return;
    this.flush().then(() => {
      if (this.#length > 0) this.flushSoon(onFailure);
    }, onFailure);
  }
}

/** The bytes of all pieces, one after the other. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** A body for JSON: as text where it is UTF-8, else in base64. */
export function valueFields(value: Uint8Array): JsonFields {
  try {
    return { value: decoder.decode(value) };
  } catch {
    return { value_base64: toBase64(value) };
  }
}

// Uint8Array.toBase64 came after the oldest Deno that must run this.
function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Reads `-o`; it must be known before anything can be printed. */
export function wantsJson(flags: Flags): boolean {
  const form = flags.text("output") ?? "text";
  if (form === "json" || form === "text") return form === "json";
  throw new UsageError(
    `Cannot print in the form "${form}": it is neither "text" nor "json"`,
  );
}
