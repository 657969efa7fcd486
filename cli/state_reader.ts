/**
 * Reads the pieces of an image as they come, and tells what they make: so a
 * backup that is said to be done is one that can be restored.
 *
 * @module
 */

import { decodeImageHead, type ImageHead } from "../protocol/mod.ts";
import { ImageReader, ProtocolError } from "../protocol/mod.ts";
import { type ImportedStore, Sessions } from "../store/mod.ts";
import { DoozerError, wrongTable } from "../store/mod.ts";

/** A whole state. */
export interface State {
  readonly head: ImageHead;
  /** Adopt it once. */
  readonly store: ImportedStore;
}

/** Takes the pieces of one image. */
export class StateReader {
  readonly #reader = new ImageReader();
  /** What is read, to begin a complaint with: "the backup". */
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  /** Takes the next piece; fails where it does not fit. */
  add(bytes: Uint8Array, last: boolean): void {
    this.#guard(() => this.#reader.add(bytes, last));
  }

  /** The whole, after the last piece. */
  finish(): State {
    return this.#guard(() => {
      const head = decodeImageHead(this.#reader.head);
      const wrong = new Sessions().load(head.sessions) ??
        wrongTable(head.clients);
      if (wrong !== undefined) throw new ProtocolError(wrong);
      return { head, store: this.#reader.finish() };
    });
  }

  #guard<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const detail = `Cannot use ${this.#what}: ${error.message}`;
      throw new DoozerError("OTHER", detail, { cause: error });
    }
  }
}
