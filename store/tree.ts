/**
 * The nodes of the tree: every path that has a retained revision, and the
 * directories above it.
 *
 * A node is a number; what it is lies in columns. Its newest revision is its
 * head. The newest revision that history no longer retains, but that is still
 * in effect at the oldest readable rev, is its base. A node goes when it has
 * neither and holds nothing.
 *
 * A directory exists while it has entries. When it came and went is kept as
 * turns, one rev each, for as long as history reaches back to them.
 *
 * @module
 */
import { assert } from "./error.ts";
import type { NodeNumber, Rev } from "./history.ts";
import { parentOf, type Path, ROOT } from "./path.ts";
import { type BodyRef, NO_BODY } from "./slabs.ts";

/** The number of the root directory's node. */
export const ROOT_NODE: NodeNumber = 0;

/** What a node costs beside its path and body, in bytes; an upper estimate. */
export const NODE_BYTES = 200;

/** What a directory costs, its node and path included; an upper estimate. */
export const DIRECTORY_BYTES = 1000;

/** The number of no node: a list of entries ends with it. */
export const NO_NODE: NodeNumber = -1;

/** The part of a node that only directories have. */
export class Directory {
  /** The first of the nodes one level below, existing or only retained. */
  first: NodeNumber = NO_NODE;
  /** How many of the entries exist now. */
  live = 0;
  /** The last rev at which a file below came into being or went. */
  shapeRev: Rev = 0;
  /** The revs at which the directory came into being or went, ascending. */
  readonly turns: Turns = new Turns();
}

/** A queue of ascending revs. */
export class Turns {
  #revs: Rev[] = [];
  #from = 0;

  add(rev: Rev): void {
    this.#revs.push(rev);
  }

  /** Forgets the revs up to this one. */
  dropUpTo(rev: Rev): void {
    while (this.#from < this.#revs.length && this.#revs[this.#from]! <= rev) {
      this.#from++;
    }
    if (this.#from > 32 && this.#from * 2 > this.#revs.length) {
      this.#revs = this.#revs.slice(this.#from);
      this.#from = 0;
    }
  }

  /** How many of the revs are above this one. */
  countAfter(rev: Rev): number {
    let low = this.#from;
    let high = this.#revs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#revs[middle]! > rev) high = middle;
      else low = middle + 1;
    }
    return this.#revs.length - low;
  }
}

/** All nodes. Reads and writes no history: the store joins the two. */
export class Tree {
  readonly #byPath: Map<Path, NodeNumber> = new Map();
  readonly #paths: Path[] = [];
  readonly #directories: Map<NodeNumber, Directory> = new Map();
  readonly #unused: NodeNumber[] = [];
  #parents = new Int32Array(64);
  #nextEntries = new Int32Array(64);
  #previousEntries = new Int32Array(64);
  #heads = new Float64Array(64);
  #baseRevs = new Float64Array(64);
  #baseBodies = new Uint32Array(64);
  #baseLengths = new Uint32Array(64);
  #fileLive = new Uint8Array(64);

  constructor() {
    this.#add(ROOT, ROOT_NODE);
    this.#directories.set(ROOT_NODE, new Directory());
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#byPath.size;
  }

  /** The node of the path, if it has one. */
  find(path: Path): NodeNumber | undefined {
    return this.#byPath.get(path);
  }

  /** The node of the path; made, with the directories above, if need be. */
  ensure(path: Path): NodeNumber {
    const found = this.#byPath.get(path);
    if (found !== undefined) return found;
    const missing: Path[] = [];
    let above: NodeNumber | undefined;
    for (let at = path; above === undefined; at = parentOf(at)) {
      missing.push(at);
      above = this.#byPath.get(parentOf(at));
    }
    for (let at = missing.pop(); at !== undefined; at = missing.pop()) {
      const node = this.#add(at, above);
      this.#linkEntry(above, node);
      above = node;
    }
    return above;
  }

  /** Nodes that are added later have this number or one that was used. */
  get numbers(): number {
    return this.#paths.length;
  }

  pathOf(node: NodeNumber): Path {
    return this.#paths[node]!;
  }

  /** The directory that holds the node; the root's is the root. */
  parentOf(node: NodeNumber): NodeNumber {
    return this.#parents[node]!;
  }

  /** The entry after this one in its directory, or {@linkcode NO_NODE}. */
  entryAfter(node: NodeNumber): NodeNumber {
    return this.#nextEntries[node]!;
  }

  /** The newest rev of the node, retained or not; 0 where it never had one. */
  headOf(node: NodeNumber): Rev {
    return this.#heads[node]!;
  }

  setHead(node: NodeNumber, rev: Rev): void {
    this.#heads[node] = rev;
  }

  /** The base's rev, or 0 where the node was no file before history begins. */
  baseRevOf(node: NodeNumber): Rev {
    return this.#baseRevs[node]!;
  }

  baseBodyOf(node: NodeNumber): BodyRef {
    return this.#baseBodies[node]!;
  }

  baseLengthOf(node: NodeNumber): number {
    return this.#baseLengths[node]!;
  }

  setBase(node: NodeNumber, rev: Rev, body: { ref: BodyRef; length: number }) {
    this.#baseRevs[node] = rev;
    this.#baseBodies[node] = body.ref;
    this.#baseLengths[node] = body.length;
  }

  clearBase(node: NodeNumber): void {
    this.setBase(node, 0, { ref: NO_BODY, length: 0 });
  }

  /** Whether the node is a file now. */
  isFile(node: NodeNumber): boolean {
    return this.#fileLive[node] === 1;
  }

  /** Whether the node is a directory now; the root always is. */
  isDirectory(node: NodeNumber): boolean {
    if (node === ROOT_NODE) return true;
    const directory = this.#directories.get(node);
    return directory !== undefined && directory.live > 0;
  }

  /** The directory part of the node, if it has one, existing or not. */
  directoryOf(node: NodeNumber): Directory | undefined {
    return this.#directories.get(node);
  }

  /** Whether the directory existed at the rev. */
  wasDirectory(node: NodeNumber, rev: Rev): boolean {
    if (node === ROOT_NODE) return true;
    const directory = this.#directories.get(node);
    if (directory === undefined) return false;
    const turned = directory.turns.countAfter(rev) % 2 === 1;
    return (directory.live > 0) !== turned;
  }

  /**
   * Makes the node a file, or no longer one, and tells the directories above.
   *
   * @returns how many directories came into being or went.
   */
  turn(node: NodeNumber, live: boolean, rev: Rev): number {
    assert(this.isFile(node) !== live, "a turn changes whether a file exists");
    this.#fileLive[node] = live ? 1 : 0;
    let turns = 0;
    let passOn = true;
    for (let at = node; at !== ROOT_NODE;) {
      at = this.parentOf(at);
      assert(this.#fileLive[at] === 0, "S4: what lies above a file is no file");
      const directory = this.#directoryAt(at);
      directory.shapeRev = rev;
      if (!passOn) continue;
      directory.live += live ? 1 : -1;
      passOn = directory.live === (live ? 1 : 0);
      if (passOn && at !== ROOT_NODE) {
        directory.turns.add(rev);
        turns++;
      }
    }
    return turns;
  }

  /** Forgets the turns of the directories above the node up to the rev. */
  dropTurns(node: NodeNumber, rev: Rev): void {
    for (let at = node; at !== ROOT_NODE;) {
      at = this.parentOf(at);
      this.#directories.get(at)?.turns.dropUpTo(rev);
    }
  }

  /** Removes the node, and directories above it, where nothing needs them. */
  prune(node: NodeNumber, firstRev: Rev): void {
    for (let at = node; at !== ROOT_NODE;) {
      const needed = this.#baseRevs[at] !== 0 || this.#heads[at]! >= firstRev ||
        this.#directories.has(at);
      if (needed) return;
      const above = this.parentOf(at);
      this.#remove(at, above);
      at = above;
    }
  }

  #remove(node: NodeNumber, above: NodeNumber): void {
    const path = this.#paths[node]!;
    this.#byPath.delete(path);
    this.#paths[node] = "";
    this.#heads[node] = 0;
    this.#unused.push(node);
    const directory = this.#directoryAt(above);
    const previous = this.#previousEntries[node]!;
    const next = this.#nextEntries[node]!;
    if (next !== NO_NODE) this.#previousEntries[next] = previous;
    if (previous !== NO_NODE) this.#nextEntries[previous] = next;
    else directory.first = next;
    if (directory.first === NO_NODE && above !== ROOT_NODE) {
      this.#directories.delete(above);
    }
  }

  /** Entries are a doubly linked list: 8 bytes each, and none in the heap. */
  #linkEntry(above: NodeNumber, node: NodeNumber): void {
    const directory = this.#directoryAt(above);
    this.#previousEntries[node] = NO_NODE;
    this.#nextEntries[node] = directory.first;
    if (directory.first !== NO_NODE) {
      this.#previousEntries[directory.first] = node;
    }
    directory.first = node;
  }

  #add(path: Path, above: NodeNumber): NodeNumber {
    const node = this.#unused.pop() ?? this.#paths.length;
    if (node === this.#heads.length) this.#grow();
    this.#paths[node] = path;
    this.#parents[node] = above;
    this.#heads[node] = 0;
    this.#baseRevs[node] = 0;
    this.#fileLive[node] = 0;
    this.#byPath.set(path, node);
    return node;
  }

  #directoryAt(node: NodeNumber): Directory {
    const found = this.#directories.get(node);
    if (found !== undefined) return found;
    const added = new Directory();
    this.#directories.set(node, added);
    return added;
  }

  #grow(): void {
    const size = Math.ceil(this.#heads.length * 1.5);
    const larger = <T extends { set(from: T): void }>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#parents = larger(this.#parents, new Int32Array(size));
    this.#nextEntries = larger(this.#nextEntries, new Int32Array(size));
    this.#previousEntries = larger(
      this.#previousEntries,
      new Int32Array(size),
    );
    this.#heads = larger(this.#heads, new Float64Array(size));
    this.#baseRevs = larger(this.#baseRevs, new Float64Array(size));
    this.#baseBodies = larger(this.#baseBodies, new Uint32Array(size));
    this.#baseLengths = larger(this.#baseLengths, new Uint32Array(size));
    this.#fileLive = larger(this.#fileLive, new Uint8Array(size));
  }
}
