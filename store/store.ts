/**
 * The store: one tree of small files, and its history.
 *
 * Applying a mutation reads the log and the state, nothing else: no clock, no
 * chance, no setting of one node. How much history is kept is such a setting,
 * and decides only what can still be read. What a mutation does is in
 * ledger.ts; here is what is around it: reading, waiting, forgetting, and the
 * images by which other nodes get a copy.
 *
 * The invariants (README.md): S1 one applied mutation, one rev; S2 a refused
 * mutation changes nothing; S3 every rev from `first` to `rev` is readable;
 * S4 a file's parent directories are no files; S5 what is held is counted.
 *
 * @module
 */
import { assert } from "./error.ts";
import { NO_STAMP, type Stamp, type StoreEvent } from "./event.ts";
import type { Glob } from "./glob.ts";
import type { Rev } from "./history.ts";
import { StoreImage } from "./image.ts";
import type { ImportedStore } from "./importer.ts";
import { Ledger } from "./ledger.ts";
import { LIMITS } from "./limits.ts";
import { entryName, Listings } from "./listing.ts";
import type { Mutation, Outcome } from "./mutation.ts";
import type { Path } from "./path.ts";
import { type FileState, MISSING_STATE, type State } from "./versions.ts";
import { Waits } from "./waits.ts";

/** How much history a store keeps. */
export interface StoreOptions {
  /** Revisions, at least 1. */
  readonly historyRevs?: number;
  /** Bytes, as far as one revision fits. */
  readonly historyBytes?: number;
  /** Bytes of history beyond that, kept for images that are being read. */
  readonly overdraftBytes?: number;
}

/**
 * So many rows are forgotten with each mutation where history has grown beyond
 * its bounds for an image: much more than are added, but no delay.
 */
const TRIM_ROWS = 64;
/** The same where an image begins or ends. */
const TRIM_ROWS_AT_ONCE = 2048;

/** The tree and its history. */
export class Store {
  /** Those who wait for events and revs. */
  readonly waits: Waits;
  readonly #historyRevs: number;
  readonly #historyBytes: number;
  readonly #overdraftBytes: number;
  readonly #images: Set<StoreImage> = new Set();
  #ledger = new Ledger({ firstRev: 1, hash: 0 });
  #listings: Listings;
  /** The bytes of history when forgetting was put off, while it is. */
  #overdueFrom: number | undefined;

  constructor(options: StoreOptions = {}) {
    this.#historyRevs = options.historyRevs ?? LIMITS.historyRevs;
    this.#historyBytes = options.historyBytes ?? LIMITS.historyBytes;
    this.#overdraftBytes = options.overdraftBytes ?? LIMITS.overdraftBytes;
    assert(this.#historyRevs >= 1, "at least one revision is kept");
    this.#listings = new Listings(this.#ledger.versions);
    this.waits = new Waits(this.#ledger.versions);
  }

  /** The current rev: how many mutations were applied. */
  get rev(): Rev {
    return this.#ledger.history.last;
  }

  /** The oldest rev that can be read. */
  get firstRev(): Rev {
    return this.#ledger.history.first;
  }

  /** Entries and events looked at so far: what reading costs, to share by. */
  get work(): number {
    return this.#ledger.versions.work;
  }

  /** How many files exist now. */
  get files(): number {
    return this.#ledger.files;
  }

  /** What all that exists now costs, in bytes; LIMITS.treeBytes bounds it. */
  get liveBytes(): number {
    return this.#ledger.liveBytes;
  }

  /** What is retained beyond that, in bytes: rows, and what they replaced. */
  get historyBytes(): number {
    return this.#ledger.history.bytes;
  }

  /** Memory held for bodies, in bytes: used slots and free ones. */
  get bodyBytes(): number {
    return this.#ledger.bodyBytes;
  }

  /** How many paths are known: those that exist and those retained. */
  get nodes(): number {
    return this.#ledger.tree.size;
  }

  /**
   * Of all mutations applied so far: 32 bits. Equal where the same was applied
   * in the same order, whatever history is kept. S9.
   */
  get hash(): number {
    return this.#ledger.hash >>> 0;
  }

  /** Whether history is beyond its bounds: {@linkcode trim} can help. */
  get overdue(): boolean {
    return this.#overdueFrom !== undefined;
  }

  /** Applies a mutation and tells those who wait. S1, S2. */
  apply(mutation: Mutation, stamp: Stamp = NO_STAMP): Outcome {
    const before = this.rev;
    const bytes = this.historyBytes;
    const outcome = this.#ledger.change(mutation, stamp);
    const made = typeof outcome === "number";
    assert(this.rev === before + (made ? 1 : 0), "S1: one mutation, one rev");
    if (made) {
      this.waits.announce(outcome);
      this.#trimAfter(bytes);
    }
    return outcome;
  }

  /** What the path is, or was at a readable rev. A path of any text is good. */
  get(path: Path, rev: Rev = this.rev): State {
    const node = this.#ledger.tree.find(path);
    return node === undefined
      ? MISSING_STATE
      : this.#ledger.versions.stateAt(node, rev);
  }

  /**
   * What the file of an event was before it; undefined where there was none.
   * Known for every retained rev, also for the first.
   */
  before(event: StoreEvent): FileState | undefined {
    return this.#ledger.versions.before(event.rev);
  }

  /** How many entries the directory has, or had at a readable rev. */
  countEntries(path: Path, rev: Rev = this.rev): number {
    const directory = this.#directoryAt(path);
    return directory === undefined
      ? 0
      : this.#ledger.versions.countEntries(directory, rev);
  }

  /** The name of the entry in that place, or undefined past the last. */
  entry(path: Path, place: { offset: number; rev: Rev }): string | undefined {
    const node = this.#ledger.tree.find(path);
    if (node === undefined) return undefined;
    const entry = this.#listings.entries(node, place.rev)[place.offset];
    return entry === undefined
      ? undefined
      : entryName(this.#ledger.versions, entry);
  }

  /** The match in that place in tree order, or undefined past the last. */
  match(
    glob: Glob,
    place: { offset: number; rev: Rev },
  ): (FileState & { readonly path: Path }) | undefined {
    const node = this.#listings.matching(glob, place.rev)[place.offset];
    if (node === undefined) return undefined;
    const state = this.#ledger.versions.stateAt(node, place.rev);
    assert(state.type === "file", "a list of matches names files only");
    return { ...state, path: this.#ledger.tree.pathOf(node) };
  }

  /**
   * Takes an image at the current rev. Close it: until then history is kept,
   * or rather until it has grown too far beyond its bounds.
   */
  openImage(): StoreImage {
    this.trim(TRIM_ROWS_AT_ONCE);
    const image = new StoreImage(this.#ledger, (closed) => {
      if (this.#images.delete(closed)) this.trim(TRIM_ROWS_AT_ONCE);
    });
    this.#images.add(image);
    return image;
  }

  /**
   * Goes on from the state of another store of the same history, which must
   * not be older. Those who wait are told of what came between, if it is
   * retained. S10.
   */
  adopt(imported: ImportedStore): void {
    assert(imported.rev >= this.rev, "S10: a store never goes back");
    const ledger = imported.take();
    this.#loseImages();
    // It only grows: others take the difference.
    ledger.versions.work = this.work;
    this.#ledger = ledger;
    this.#listings = new Listings(ledger.versions);
    this.#overdueFrom = this.#isBeyondBounds() ? this.historyBytes : undefined;
    this.waits.adopt(ledger.versions);
  }

  /**
   * Forgets what history need not keep, at most so many rows. Applying does
   * so by itself; this is for when nothing is applied.
   */
  trim(rows: number): void {
    let needed = Infinity;
    for (const image of this.#images) needed = Math.min(needed, image.needs);
    for (let left = rows; left > 0 && this.firstRev < needed; left--) {
      if (!this.#isBeyondBounds()) break;
      this.#ledger.forgetFirst();
    }
    if (!this.#isBeyondBounds()) this.#overdueFrom = undefined;
    else this.#overdueFrom ??= this.historyBytes;
  }

  /** Forgets what a mutation made too much. `before` are history's bytes. */
  #trimAfter(before: number): void {
    if (this.#images.size === 0 && this.#overdueFrom === undefined) {
      while (this.#isBeyondBounds()) this.#ledger.forgetFirst();
      return;
    }
    this.trim(TRIM_ROWS);
    if (this.#overdueFrom === undefined) return;
    const overdraft = this.historyBytes - this.#overdueFrom;
    if (overdraft > this.#overdraftBytes) this.#loseImages();
    if (this.#images.size > 0) return;
    // However large the mutations are, what is overdue gets less.
    while (this.overdue && this.historyBytes > before) this.trim(TRIM_ROWS);
  }

  #isBeyondBounds(): boolean {
    const { history } = this.#ledger;
    const revs = history.last - history.first + 1;
    return revs > 1 &&
      (revs > this.#historyRevs || history.bytes > this.#historyBytes);
  }

  #loseImages(): void {
    for (const image of this.#images) image.lose();
    this.#images.clear();
  }

  #directoryAt(path: Path) {
    const node = this.#ledger.tree.find(path);
    return node === undefined ? undefined : this.#ledger.tree.directoryOf(node);
  }
}
