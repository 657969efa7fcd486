/**
 * Builds up from an image what another store held.
 *
 * The image came from another machine, so everything is checked that would
 * break an invariant of ours. What is wrong is returned as a sentence: the
 * caller knows who sent it and what to do about that.
 *
 * @module
 */
import { assert } from "./error.ts";
import type { StoreEvent } from "./event.ts";
import type { ImageBase, ImageHeader } from "./image.ts";
import { Ledger } from "./ledger.ts";
import { LIMITS } from "./limits.ts";
import { CLOBBER, type Mutation } from "./mutation.ts";
import { isPath, ROOT } from "./path.ts";

/** A source gives up its image before its history takes more. */
const HISTORY_BYTES_MAX = LIMITS.historyBytes + 2 * LIMITS.overdraftBytes;

/** A state that a store can adopt, once. */
export class ImportedStore {
  readonly #ledger: Ledger;
  #taken = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** The rev at which the image was taken. */
  get rev(): number {
    return this.#ledger.history.last;
  }

  /** The store's hash there. */
  get hash(): number {
    return this.#ledger.hash >>> 0;
  }

  /** For the store that adopts it. */
  take(): Ledger {
    assert(!this.#taken, "what was imported is adopted once");
    this.#taken = true;
    return this.#ledger;
  }
}

/** Takes the entries of an image in order: bases, then revisions. */
export class StoreImporter {
  readonly #header: ImageHeader;
  readonly #ledger: Ledger;
  readonly #historyBytesMax: number;

  /** Use {@linkcode checkHeader} before. */
  constructor(header: ImageHeader, limits: { historyBytes?: number } = {}) {
    this.#header = header;
    this.#historyBytesMax = limits.historyBytes ?? HISTORY_BYTES_MAX;
    this.#ledger = new Ledger({ firstRev: header.first, hash: 0 });
  }

  /** Adds a base. Returns what is wrong with it, if anything. */
  base(base: ImageBase): string | undefined {
    const { path, rev, body } = base;
    const { tree, history } = this.#ledger;
    if (history.last >= history.first) return "A base follows a revision";
    if (rev < 1 || rev >= history.first) {
      return `The base of rev ${rev} does not lie below rev ${history.first}`;
    }
    const known = tree.find(path);
    if (known !== undefined && tree.headOf(known) !== 0) {
      return `There are two bases of "${path}"`;
    }
    if (body !== undefined) {
      const refusal = this.#ledger.restore({ path, rev, body });
      return refusal && `The base "${path}" is refused: ${refusal.code}`;
    }
    if (!isPath(path)) return `The base "${path}" is refused: BAD_PATH`;
    tree.setHead(tree.ensure(path), rev);
    return undefined;
  }

  /** Adds a revision. Returns what is wrong with it, if anything. */
  revision(event: StoreEvent): string | undefined {
    const { rev, path, kind } = event;
    const { last, bytes } = this.#ledger.history;
    if (rev !== last + 1 || rev > this.#header.last) {
      return `Rev ${rev} follows rev ${last}`;
    }
    if (bytes > this.#historyBytesMax) {
      return `The history has more than ${this.#historyBytesMax} bytes`;
    }
    if (!isPath(path) || (kind === "nop") !== (path === ROOT)) {
      return `The path of rev ${rev} is none for a ${kind}`;
    }
    if (!this.#links(event)) {
      return `Rev ${rev} follows another rev of "${path}" than it says`;
    }
    const outcome = this.#ledger.change(mutationOf(event), event);
    return typeof outcome === "number"
      ? undefined
      : `Rev ${rev} is refused: ${outcome.code}`;
  }

  /** The whole, or what is wrong with it. */
  finish(): ImportedStore | string {
    const { history, files, liveBytes } = this.#ledger;
    const { last, hash } = this.#header;
    if (history.last !== last) {
      return `The image ends at rev ${history.last}, not ${last}`;
    }
    if (files !== this.#header.files) {
      return `The image has ${files} files, not ${this.#header.files}`;
    }
    if (liveBytes !== this.#header.liveBytes) {
      return `The tree takes ${liveBytes} bytes, not ${this.#header.liveBytes}`;
    }
    this.#ledger.hash = hash | 0;
    return new ImportedStore(this.#ledger);
  }

  /** Whether the event names the one before it of the same path. */
  #links(event: StoreEvent): boolean {
    const { tree, history } = this.#ledger;
    const { path, previousRev } = event;
    const known = tree.find(path);
    const before = known === undefined ? 0 : tree.headOf(known);
    if (before !== 0) return before === previousRev;
    if (previousRev < 0 || previousRev >= history.first) return false;
    // A file that was gone before history begins is no base.
    if (previousRev > 0) tree.setHead(tree.ensure(path), previousRev);
    return true;
  }
}

/** What is wrong with the header, if anything. */
export function checkHeader(header: ImageHeader): string | undefined {
  const { first, last, files, liveBytes } = header;
  const whole = [first, last, files, liveBytes].every((number) =>
    Number.isSafeInteger(number) && number >= 0
  );
  // Where there is no revision at all, the first is the one to come.
  const inOrder = first >= 1 && (first <= last || (first === 1 && last === 0));
  if (whole && inOrder) return undefined;
  return `An image from rev ${first} to ${last} cannot be`;
}

/** What made the event. It did then, so it must do now. */
function mutationOf(event: StoreEvent): Mutation {
  const { kind, path, body } = event;
  if (kind === "nop") return { type: "nop" };
  if (kind === "del") return { type: "del", path, rev: CLOBBER };
  const { bytes, start, length } = body;
  const content = bytes.subarray(start, start + length);
  return { type: "set", path, rev: CLOBBER, body: content };
}
