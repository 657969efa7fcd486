/**
 * The store: one tree of small files, and its history.
 *
 * Applying a mutation reads the log and the state, nothing else: no clock, no
 * chance, no setting of one node. How much history is kept is such a setting,
 * and decides only what can still be read.
 *
 * The invariants (README.md): S1 one applied mutation, one rev; S2 a refused
 * mutation changes nothing; S3 every rev from `first` to `rev` is readable;
 * S4 a file's parent directories are no files; S5 what is held is counted.
 *
 * @module
 */
import { assert } from "./error.ts";
import type { Glob } from "./glob.ts";
import { DEL, History, type Kind, NOP, type Rev, SET } from "./history.ts";
import { type NodeNumber, ROW_BYTES } from "./history.ts";
import { LIMITS } from "./limits.ts";
import { entryName, Listings } from "./listing.ts";
import { DIRECTORY, MISSING, type Mutation, revAllows } from "./mutation.ts";
import type { DelMutation, Outcome, Refusal, SetMutation } from "./mutation.ts";
import { isPath, type Path } from "./path.ts";
import { type BodyRef, NO_BODY, Slabs } from "./slabs.ts";
import { DIRECTORY_BYTES, NODE_BYTES, ROOT_NODE, Tree } from "./tree.ts";
import { type FileState, MISSING_STATE, type State } from "./versions.ts";
import { Versions } from "./versions.ts";
import { Waits } from "./wait.ts";

/** How much history a store keeps. */
export interface StoreOptions {
  /** Revisions, at least 1. */
  readonly historyRevs?: number;
  /** Bytes, as far as one revision fits. */
  readonly historyBytes?: number;
}

const TURN_BYTES = 8;

/** The tree and its history. */
export class Store {
  /** Those who wait for events and revs. */
  readonly waits: Waits;
  readonly #historyRevs: number;
  readonly #historyBytes: number;
  readonly #slabs = new Slabs();
  readonly #tree = new Tree();
  readonly #history = new History();
  readonly #versions: Versions;
  readonly #listings: Listings;
  /** What the files and directories that exist now cost. */
  #liveBytes = 0;
  #files = 0;

  constructor(options: StoreOptions = {}) {
    this.#historyRevs = options.historyRevs ?? LIMITS.historyRevs;
    this.#historyBytes = options.historyBytes ?? LIMITS.historyBytes;
    assert(this.#historyRevs >= 1, "at least one revision is kept");
    this.#versions = new Versions({
      tree: this.#tree,
      history: this.#history,
      slabs: this.#slabs,
    });
    this.#listings = new Listings(this.#versions);
    this.waits = new Waits(this.#versions);
  }

  /** The current rev: how many mutations were applied. */
  get rev(): Rev {
    return this.#history.last;
  }

  /** The oldest rev that can be read. */
  get firstRev(): Rev {
    return this.#history.first;
  }

  /** Entries and events looked at so far: what reading costs, to share by. */
  get work(): number {
    return this.#versions.work;
  }

  /** How many files exist now. */
  get files(): number {
    return this.#files;
  }

  /** What all that exists now costs, in bytes; LIMITS.treeBytes bounds it. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** What is retained beyond that, in bytes: rows, and what they replaced. */
  get historyBytes(): number {
    return this.#history.bytes;
  }

  /** Memory held for bodies, in bytes: used slots and free ones. */
  get bodyBytes(): number {
    return this.#slabs.heldBytes;
  }

  /** How many paths are known: those that exist and those retained. */
  get nodes(): number {
    return this.#tree.size;
  }

  /** Applies a mutation and tells those who wait. S1, S2. */
  apply(mutation: Mutation): Outcome {
    const before = this.rev;
    const outcome = this.#change(mutation);
    const made = typeof outcome === "number";
    assert(this.rev === before + (made ? 1 : 0), "S1: one mutation, one rev");
    if (made) {
      this.waits.announce(outcome);
      this.#trim();
    }
    return outcome;
  }

  /** What the path is, or was at a readable rev. A path of any text is good. */
  get(path: Path, rev: Rev = this.rev): State {
    const node = this.#tree.find(path);
    return node === undefined
      ? MISSING_STATE
      : this.#versions.stateAt(node, rev);
  }

  /** How many entries the directory has, or had at a readable rev. */
  countEntries(path: Path, rev: Rev = this.rev): number {
    const directory = this.#directoryAt(path);
    return directory === undefined
      ? 0
      : this.#versions.countEntries(directory, rev);
  }

  /** The name of the entry in that place, or undefined past the last. */
  entry(path: Path, place: { offset: number; rev: Rev }): string | undefined {
    const node = this.#tree.find(path);
    if (node === undefined) return undefined;
    const entry = this.#listings.entries(node, place.rev)[place.offset];
    return entry === undefined ? undefined : entryName(this.#versions, entry);
  }

  /** The match in that place in tree order, or undefined past the last. */
  match(
    glob: Glob,
    place: { offset: number; rev: Rev },
  ): (FileState & { readonly path: Path }) | undefined {
    const node = this.#listings.matching(glob, place.rev)[place.offset];
    if (node === undefined) return undefined;
    const state = this.#versions.stateAt(node, place.rev);
    assert(state.type === "file", "a list of matches names files only");
    return { ...state, path: this.#tree.pathOf(node) };
  }

  #change(mutation: Mutation): Outcome {
    switch (mutation.type) {
      case "set":
        return this.#set(mutation);
      case "del":
        return this.#del(mutation);
      case "nop":
        return this.#record(ROOT_NODE, NOP);
    }
  }

  #set(mutation: SetMutation): Outcome {
    const { path, rev, body } = mutation;
    const node = this.#tree.find(path);
    const isFile = node !== undefined && this.#tree.isFile(node);
    if (!isFile && !isPath(path)) return { code: "BAD_PATH" };
    if (!isFile && this.#isUnderFile(path)) return { code: "NOTDIR" };
    const replaced = isFile ? this.#versions.lengthNow(node) : 0;
    const growth = body.length - replaced + (isFile ? 0 : this.#weigh(path));
    const refusal = this.#refuses(node, rev) ??
      this.#exceeds(body.length, growth);
    if (refusal !== undefined) return refusal;
    const target = node ?? this.#tree.ensure(path);
    this.#liveBytes += growth;
    const ref = this.#slabs.store(body);
    // S5: the row pays for the body that only history keeps from here on.
    return this.#record(target, SET, {
      ref,
      length: body.length,
      cost: replaced,
    });
  }

  #del(mutation: DelMutation): Outcome {
    const { path, rev } = mutation;
    if (!isPath(path)) return { code: "BAD_PATH" };
    const node = this.#tree.find(path);
    const refusal = this.#refuses(node, rev);
    if (refusal !== undefined) return refusal;
    // S5: the node and the body stay as long as this row does: it pays.
    let cost = this.#weigh(path);
    const target = node ?? this.#tree.ensure(path);
    if (this.#tree.isFile(target)) {
      cost += this.#versions.lengthNow(target);
      this.#liveBytes -= cost;
    }
    return this.#record(target, DEL, { ref: NO_BODY, length: 0, cost });
  }

  /** The checks that SET and DEL share, in the original's order. */
  #refuses(node: NodeNumber | undefined, rev: Rev): Refusal | undefined {
    const isDirectory = node !== undefined && this.#tree.isDirectory(node);
    const fileRev = isDirectory
      ? DIRECTORY
      : node !== undefined && this.#tree.isFile(node)
      ? this.#tree.headOf(node)
      : MISSING;
    if (!revAllows(rev, fileRev)) return { code: "REV_MISMATCH" };
    return isDirectory ? { code: "ISDIR" } : undefined;
  }

  #exceeds(length: number, growth: number): Refusal | undefined {
    if (length > LIMITS.valueBytes) {
      return limit(`The value has ${length} bytes`, LIMITS.valueBytes);
    }
    const grown = this.#liveBytes + growth;
    if (grown <= LIMITS.treeBytes) return undefined;
    return limit(`The tree would have ${grown} bytes`, LIMITS.treeBytes);
  }

  /** What a file costs beside its body: itself, and missing directories. */
  #weigh(path: Path): number {
    let bytes = NODE_BYTES + path.length;
    for (let slash = path.lastIndexOf("/"); slash > 0;) {
      const above = this.#tree.find(path.slice(0, slash));
      if (above !== undefined && this.#tree.isDirectory(above)) break;
      bytes += DIRECTORY_BYTES;
      slash = path.lastIndexOf("/", slash - 1);
    }
    return bytes;
  }

  #isUnderFile(path: Path): boolean {
    for (let slash = path.lastIndexOf("/"); slash > 0;) {
      const above = this.#tree.find(path.slice(0, slash));
      if (above !== undefined) {
        if (this.#tree.isFile(above)) return true;
        // S4: no file lies above a directory.
        if (this.#tree.isDirectory(above)) return false;
      }
      slash = path.lastIndexOf("/", slash - 1);
    }
    return false;
  }

  #record(
    node: NodeNumber,
    kind: Kind,
    made: { ref: BodyRef; length: number; cost: number } = NOTHING_MADE,
  ): Rev {
    const rev = this.rev + 1;
    const shape = kind !== NOP && this.#tree.isFile(node) !== (kind === SET);
    let cost = ROW_BYTES + made.cost;
    if (shape) {
      const turns = this.#tree.turn(node, kind === SET, rev);
      cost += turns * TURN_BYTES;
      if (kind === DEL) {
        cost += turns * DIRECTORY_BYTES;
        this.#liveBytes -= turns * DIRECTORY_BYTES;
      }
      this.#files += kind === SET ? 1 : -1;
    }
    this.#history.append({
      node,
      kind,
      body: made.ref,
      length: made.length,
      previous: this.#tree.headOf(node),
      shape,
      cost,
    });
    this.#tree.setHead(node, rev);
    return rev;
  }

  #trim(): void {
    const history = this.#history;
    while (history.first < history.last) {
      const revs = history.last - history.first + 1;
      const within = revs <= this.#historyRevs &&
        history.bytes <= this.#historyBytes;
      if (within) return;
      this.#forgetFirst();
    }
  }

  /** Makes the oldest revision its node's base. S3. */
  #forgetFirst(): void {
    const history = this.#history;
    const rev = history.first;
    const node = history.nodeOf(rev);
    const kind = history.kindOf(rev);
    if (kind !== NOP) {
      this.#slabs.free(this.#tree.baseBodyOf(node));
      if (kind === DEL) this.#tree.clearBase(node);
      else {
        const ref = history.bodyOf(rev);
        this.#tree.setBase(node, rev, { ref, length: history.lengthOf(rev) });
      }
    }
    const shape = history.shapeOf(rev);
    history.dropFirst();
    if (shape) this.#tree.dropTurns(node, rev);
    if (kind === DEL) this.#tree.prune(node, history.first);
  }

  #directoryAt(path: Path) {
    const node = this.#tree.find(path);
    return node === undefined ? undefined : this.#tree.directoryOf(node);
  }
}

const NOTHING_MADE = { ref: NO_BODY, length: 0, cost: 0 };

function limit(is: string, most: number): Refusal {
  return { code: "LIMIT", detail: `${is}, the limit is ${most}` };
}
