/**
 * What a node was at a rev: the tree and its history, joined for reading.
 *
 * Nothing here changes anything. The rev asked for must be readable, that is
 * from `history.first` to `history.last`; the store sees to that.
 *
 * @module
 */
import type { BodyView, StoreEvent } from "./event.ts";
import { DEL, type History, type NodeNumber, SET } from "./history.ts";
import type { Rev } from "./history.ts";
import { DIRECTORY, MISSING } from "./mutation.ts";
import type { Slabs } from "./slabs.ts";
import { type Directory, NO_NODE, type Tree } from "./tree.ts";

/** A file at some rev. The body lies in the store's memory. */
export interface FileState extends BodyView {
  readonly type: "file";
  /** The rev at which it was written. */
  readonly rev: Rev;
}

/** A directory at some rev. */
export interface DirectoryState {
  readonly type: "directory";
  /** Always {@linkcode DIRECTORY}, as reads report it. */
  readonly rev: Rev;
}

/** Nothing at some rev. */
export interface MissingState {
  readonly type: "missing";
  /** Always {@linkcode MISSING}, as reads report it. */
  readonly rev: Rev;
}

/** What a path was at some rev. */
export type State = FileState | DirectoryState | MissingState;

/** The state of every path that has none. */
export const MISSING_STATE: MissingState = { type: "missing", rev: MISSING };
const DIRECTORY_STATE: DirectoryState = { type: "directory", rev: DIRECTORY };
const KIND_WORDS = ["nop", "set", "del"] as const;
const NO_BODY_VIEW: BodyView = {
  bytes: new Uint8Array(0),
  start: 0,
  length: 0,
};

/** Reads nodes at revs. */
export class Versions {
  readonly tree: Tree;
  readonly history: History;
  /** Entries and events looked at so far, to share time by. */
  work = 0;
  readonly #slabs: Slabs;

  constructor(parts: { tree: Tree; history: History; slabs: Slabs }) {
    this.tree = parts.tree;
    this.history = parts.history;
    this.#slabs = parts.slabs;
  }

  /** What the node was at the rev. */
  stateAt(node: NodeNumber, rev: Rev): State {
    const { tree, history } = this;
    const at = history.atOrBefore(tree.headOf(node), rev);
    if (at >= history.first) {
      if (history.kindOf(at) === SET) {
        return this.#file(at, history.bodyOf(at), history.lengthOf(at));
      }
    } else {
      const base = this.baseOf(node);
      if (base !== undefined) return base;
    }
    return tree.wasDirectory(node, rev) ? DIRECTORY_STATE : MISSING_STATE;
  }

  /** The body of a node that was a file before history begins. */
  baseOf(node: NodeNumber): FileState | undefined {
    const { tree } = this;
    const rev = tree.baseRevOf(node);
    if (rev === 0) return undefined;
    return this.#file(rev, tree.baseBodyOf(node), tree.baseLengthOf(node));
  }

  /** How long the body of a node is that is a file now. */
  lengthNow(node: NodeNumber): number {
    const head = this.tree.headOf(node);
    return head >= this.history.first
      ? this.history.lengthOf(head)
      : this.tree.baseLengthOf(node);
  }

  /** Whether the node was a file at the rev. */
  wasFile(node: NodeNumber, rev: Rev): boolean {
    const { tree, history } = this;
    const at = history.atOrBefore(tree.headOf(node), rev);
    if (at >= history.first) return history.kindOf(at) === SET;
    return tree.baseRevOf(node) !== 0;
  }

  /** Whether the node was a file or a directory at the rev. */
  existed(node: NodeNumber, rev: Rev): boolean {
    return this.tree.wasDirectory(node, rev) || this.wasFile(node, rev);
  }

  /** How many entries the directory had at the rev. */
  countEntries(directory: Directory, rev: Rev): number {
    if (rev >= directory.shapeRev) return directory.live;
    let count = 0;
    const { tree } = this;
    for (
      let entry = directory.first;
      entry !== NO_NODE;
      entry = tree.entryAfter(entry)
    ) {
      this.work++;
      if (this.existed(entry, rev)) count++;
    }
    return count;
  }

  /** The event of a retained rev. */
  eventAt(rev: Rev): StoreEvent {
    const { history, tree } = this;
    const kind = history.kindOf(rev);
    const body = history.bodyOf(rev);
    return {
      rev,
      path: tree.pathOf(history.nodeOf(rev)),
      kind: KIND_WORDS[kind],
      previousRev: history.previousOf(rev),
      time: history.timeOf(rev),
      origin: history.originOf(rev),
      body: kind === DEL ? NO_BODY_VIEW : {
        bytes: this.#slabs.bytesOf(body),
        start: this.#slabs.startOf(body),
        length: history.lengthOf(rev),
      },
    };
  }

  /** The file that the node of a retained rev was before it, if it was one. */
  before(rev: Rev): FileState | undefined {
    const { history } = this;
    const previous = history.previousOf(rev);
    if (previous < history.first) return this.baseOf(history.nodeOf(rev));
    if (history.kindOf(previous) !== SET) return undefined;
    const body = history.bodyOf(previous);
    return this.#file(previous, body, history.lengthOf(previous));
  }

  #file(rev: Rev, body: number, length: number): FileState {
    return {
      type: "file",
      rev,
      bytes: this.#slabs.bytesOf(body),
      start: this.#slabs.startOf(body),
      length,
    };
  }
}
