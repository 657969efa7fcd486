/**
 * An image: all that a store can still tell, handed out piece by piece.
 *
 * It is taken at one rev, and what is written meanwhile is not in it. That
 * costs no copy: rows never change, and the files that history begins with
 * change only when history is forgotten, which is put off while an image needs
 * it. So an image can be lost, where its reader is too slow.
 *
 * First come the files as of before the first retained rev (bases), then the
 * revisions in order. Who replays them has the same tree at every rev.
 *
 * @module
 */
import { assert } from "./error.ts";
import type { BodyView, StoreEvent } from "./event.ts";
import type { NodeNumber, Rev } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import type { Path } from "./path.ts";

/** What an image is of. */
export interface ImageHeader {
  /** The oldest rev in it that can be read. */
  readonly first: Rev;
  /** The rev at which it was taken. */
  readonly last: Rev;
  /** The store's hash there. */
  readonly hash: number;
  /** How many files there were, and what the tree cost: to check a copy by. */
  readonly files: number;
  readonly liveBytes: number;
}

/** A path that changed before the first retained rev. */
export interface ImageBase {
  readonly path: Path;
  /** The rev of its last change before, which the next event names. */
  readonly rev: Rev;
  /** What it holds, or undefined where it is no file. */
  readonly body: BodyView | undefined;
}

/** Who takes what an image hands out. Bodies lie in the store's memory. */
export interface ImageVisitor {
  base(base: ImageBase): void;
  revision(event: StoreEvent): void;
}

/** What an entry costs beside its path and body, the reader's time included. */
const ENTRY_BYTES = 128;
/** Passing over a node that has no entry takes as long as so many bytes. */
const PASSED_BYTES = 8;

/** Made by `Store.openImage`. Close it, also when it is done or lost. */
export class StoreImage implements ImageHeader {
  readonly first: Rev;
  readonly last: Rev;
  readonly hash: number;
  readonly files: number;
  readonly liveBytes: number;
  readonly #ledger: Ledger;
  readonly #onClose: (image: StoreImage) => void;
  /** Nodes from here on did not exist when the image was taken. */
  readonly #nodes: NodeNumber;
  #node: NodeNumber = 0;
  #rev: Rev;
  #lost = false;

  constructor(ledger: Ledger, onClose: (image: StoreImage) => void) {
    this.#ledger = ledger;
    this.#onClose = onClose;
    this.first = ledger.history.first;
    this.last = ledger.history.last;
    this.hash = ledger.hash >>> 0;
    this.files = ledger.files;
    this.liveBytes = ledger.liveBytes;
    this.#nodes = ledger.tree.numbers;
    this.#rev = this.first;
  }

  /** Whether the store had to forget what was not handed out yet. */
  get lost(): boolean {
    return this.#lost;
  }

  /** History must not be forgotten from this rev on. */
  get needs(): Rev {
    return this.#rev;
  }

  /**
   * Hands out what comes next: entries that take so many bytes together, or
   * one that takes more. Tells whether there is more to come.
   */
  next(budgetBytes: number, visitor: ImageVisitor): "more" | "done" | "lost" {
    if (this.#lost) return "lost";
    let left = budgetBytes;
    while (this.#node < this.#nodes) {
      const bytes = this.#baseBytes(this.#node);
      // What is too large goes alone.
      if (bytes > left && left < budgetBytes) return "more";
      left -= bytes;
      this.#visitBase(this.#node, visitor);
      this.#node++;
    }
    while (this.#rev <= this.last) {
      const bytes = this.#revisionBytes(this.#rev);
      if (bytes > left && left < budgetBytes) return "more";
      left -= bytes;
      visitor.revision(this.#ledger.versions.eventAt(this.#rev));
      this.#rev++;
    }
    return "done";
  }

  /** Ends it: the store may forget again. Harmless where it has ended. */
  close(): void {
    this.lose();
    this.#onClose(this);
  }

  /** The store forgets what the image needs. */
  lose(): void {
    this.#lost = true;
  }

  #baseBytes(node: NodeNumber): number {
    const { tree } = this.#ledger;
    const length = tree.baseRevOf(node) === 0 ? 0 : tree.baseLengthOf(node);
    if (length === 0 && this.#baseRevOf(node) === 0) return PASSED_BYTES;
    return ENTRY_BYTES + tree.pathOf(node).length + length;
  }

  /** The last rev that history forgot of the node, or 0 where none counts. */
  #baseRevOf(node: NodeNumber): Rev {
    const { tree, history } = this.#ledger;
    const base = tree.baseRevOf(node);
    if (base !== 0) return base;
    // Where revisions are retained, the first of them names the one before.
    const at = history.atOrBefore(tree.headOf(node), this.last);
    return at < this.first ? at : 0;
  }

  #visitBase(node: NodeNumber, visitor: ImageVisitor): void {
    const { tree, versions } = this.#ledger;
    const rev = this.#baseRevOf(node);
    if (rev === 0) return;
    assert(rev < this.first, "S10: an image finds the bases as they were");
    const body = versions.baseOf(node);
    visitor.base({ path: tree.pathOf(node), rev, body });
  }

  #revisionBytes(rev: Rev): number {
    const { tree, history } = this.#ledger;
    const path = tree.pathOf(history.nodeOf(rev));
    return ENTRY_BYTES + path.length + history.lengthOf(rev);
  }
}
