/**
 * The tree and its history, kept in step: what a mutation does to both, to
 * what is counted, and to the hash of all that was applied.
 *
 * Nothing here is a setting of one node, nor depends on how much history is
 * kept. The store adds who waits and when history is forgotten; an image of
 * another node's store is built up here, too, before the store adopts it.
 *
 * @module
 */
import type { BodyView, Stamp } from "./event.ts";
import { mixRevision } from "./hash.ts";
import { DEL, History, type Kind, NOP, type Rev, SET } from "./history.ts";
import { type NodeNumber, ROW_BYTES } from "./history.ts";
import { LIMITS } from "./limits.ts";
import { DIRECTORY, MISSING, type Mutation, revAllows } from "./mutation.ts";
import type { DelMutation, Outcome, Refusal, SetMutation } from "./mutation.ts";
import { isPath, type Path } from "./path.ts";
import { type BodyRef, NO_BODY, Slabs } from "./slabs.ts";
import { DIRECTORY_BYTES, NODE_BYTES, ROOT_NODE, Tree } from "./tree.ts";
import { Versions } from "./versions.ts";

const TURN_BYTES = 8;

/** What a row is made of, beside its stamp. */
interface Made {
  readonly node: NodeNumber;
  readonly kind: Kind;
  readonly ref: BodyRef;
  readonly length: number;
  /** What it keeps that the tree no longer does, in bytes. */
  readonly cost: number;
}

const NOP_MADE: Made = {
  node: ROOT_NODE,
  kind: NOP,
  ref: NO_BODY,
  length: 0,
  cost: 0,
};

/** A file that history begins with. */
export interface BaseFile {
  readonly path: Path;
  /** The rev that wrote it, which is no longer retained. */
  readonly rev: Rev;
  readonly body: BodyView;
}

/** All that the store holds but those who wait. */
export class Ledger {
  readonly tree: Tree = new Tree();
  readonly history: History;
  readonly versions: Versions;
  readonly #slabs = new Slabs();
  #liveBytes = 0;
  #files = 0;
  #hash: number;

  /** Begins empty, with the given rev as the next and a hash to go on from. */
  constructor(begin: { firstRev: Rev; hash: number }) {
    this.history = new History(begin.firstRev);
    this.#hash = begin.hash;
    const { tree, history } = this;
    this.versions = new Versions({ tree, history, slabs: this.#slabs });
  }

  /** How many files exist now. */
  get files(): number {
    return this.#files;
  }

  /** What the files and directories that exist now cost, in bytes. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Memory held for bodies, in bytes. */
  get bodyBytes(): number {
    return this.#slabs.heldBytes;
  }

  /** Of all mutations applied; 32 bits, signed. */
  get hash(): number {
    return this.#hash;
  }

  /** Goes on from this hash. */
  set hash(hash: number) {
    this.#hash = hash;
  }

  /** Does what the mutation asks, or refuses it. S1, S2. */
  change(mutation: Mutation, stamp: Stamp): Outcome {
    const outcome = this.#change(mutation, stamp);
    if (typeof outcome === "number") {
      this.#hash = mixRevision(this.#hash, outcome, mutation);
    }
    return outcome;
  }

  /** Adds a file that was there before history begins. */
  restore(file: BaseFile): Refusal | undefined {
    const { path, rev, body } = file;
    if (!isPath(path)) return { code: "BAD_PATH" };
    const known = this.tree.find(path);
    if (known !== undefined && this.tree.isDirectory(known)) {
      return { code: "ISDIR" };
    }
    if (this.#isUnderFile(path)) return { code: "NOTDIR" };
    const growth = body.length + this.#weigh(path);
    const refusal = this.#exceeds(body.length, growth);
    if (refusal !== undefined) return refusal;
    const node = this.tree.ensure(path);
    const { bytes, start, length } = body;
    const ref = this.#slabs.store(bytes.subarray(start, start + length));
    this.tree.setBase(node, rev, { ref, length });
    this.tree.setHead(node, rev);
    // Lists are kept by the rev of the last turn: it must be one of a rev.
    this.tree.turn(node, true, this.history.first - 1);
    this.#liveBytes += growth;
    this.#files++;
    return undefined;
  }

  /** Makes the oldest revision its node's base. S3. */
  forgetFirst(): void {
    const { history, tree } = this;
    const rev = history.first;
    const node = history.nodeOf(rev);
    const kind = history.kindOf(rev);
    if (kind !== NOP) {
      this.#slabs.free(tree.baseBodyOf(node));
      if (kind === DEL) tree.clearBase(node);
      else {
        const ref = history.bodyOf(rev);
        tree.setBase(node, rev, { ref, length: history.lengthOf(rev) });
      }
    }
    const shape = history.shapeOf(rev);
    history.dropFirst();
    if (shape) tree.dropTurns(node, rev);
    if (kind === DEL) tree.prune(node, history.first);
  }

  #change(mutation: Mutation, stamp: Stamp): Outcome {
    switch (mutation.type) {
      case "set":
        return this.#set(mutation, stamp);
      case "del":
        return this.#del(mutation, stamp);
      case "nop":
        return this.#record(NOP_MADE, stamp);
    }
  }

  #set(mutation: SetMutation, stamp: Stamp): Outcome {
    const { path, rev, body } = mutation;
    const node = this.tree.find(path);
    const isFile = node !== undefined && this.tree.isFile(node);
    if (!isFile && !isPath(path)) return { code: "BAD_PATH" };
    if (!isFile && this.#isUnderFile(path)) return { code: "NOTDIR" };
    const replaced = isFile ? this.versions.lengthNow(node) : 0;
    const growth = body.length - replaced + (isFile ? 0 : this.#weigh(path));
    const refusal = this.#refuses(node, rev) ??
      this.#exceeds(body.length, growth);
    if (refusal !== undefined) return refusal;
    const target = node ?? this.tree.ensure(path);
    this.#liveBytes += growth;
    const ref = this.#slabs.store(body);
    // S5: the row pays for the body that only history keeps from here on.
    const { length } = body;
    const made: Made = { node: target, kind: SET, ref, length, cost: replaced };
    return this.#record(made, stamp);
  }

  #del(mutation: DelMutation, stamp: Stamp): Outcome {
    const { path, rev } = mutation;
    if (!isPath(path)) return { code: "BAD_PATH" };
    const node = this.tree.find(path);
    const refusal = this.#refuses(node, rev);
    if (refusal !== undefined) return refusal;
    // S5: the node and the body stay as long as this row does: it pays.
    let cost = this.#weigh(path);
    const target = node ?? this.tree.ensure(path);
    if (this.tree.isFile(target)) {
      cost += this.versions.lengthNow(target);
      this.#liveBytes -= cost;
    }
    const made: Made = {
      node: target,
      kind: DEL,
      ref: NO_BODY,
      length: 0,
      cost,
    };
    return this.#record(made, stamp);
  }

  /** The checks that SET and DEL share, in the original's order. */
  #refuses(node: NodeNumber | undefined, rev: Rev): Refusal | undefined {
    const isDirectory = node !== undefined && this.tree.isDirectory(node);
    const fileRev = isDirectory
      ? DIRECTORY
      : node !== undefined && this.tree.isFile(node)
      ? this.tree.headOf(node)
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
      const above = this.tree.find(path.slice(0, slash));
      if (above !== undefined && this.tree.isDirectory(above)) break;
      bytes += DIRECTORY_BYTES;
      slash = path.lastIndexOf("/", slash - 1);
    }
    return bytes;
  }

  #isUnderFile(path: Path): boolean {
    for (let slash = path.lastIndexOf("/"); slash > 0;) {
      const above = this.tree.find(path.slice(0, slash));
      if (above !== undefined) {
        if (this.tree.isFile(above)) return true;
        // S4: no file lies above a directory.
        if (this.tree.isDirectory(above)) return false;
      }
      slash = path.lastIndexOf("/", slash - 1);
    }
    return false;
  }

  #record(made: Made, stamp: Stamp): Rev {
    const { node, kind } = made;
    const rev = this.history.last + 1;
    const shape = kind !== NOP && this.tree.isFile(node) !== (kind === SET);
    let cost = ROW_BYTES + made.cost;
    if (shape) {
      const turns = this.tree.turn(node, kind === SET, rev);
      cost += turns * TURN_BYTES;
      if (kind === DEL) {
        cost += turns * DIRECTORY_BYTES;
        this.#liveBytes -= turns * DIRECTORY_BYTES;
      }
      this.#files += kind === SET ? 1 : -1;
    }
    this.history.append({
      node,
      kind,
      body: made.ref,
      length: made.length,
      previous: this.tree.headOf(node),
      shape,
      cost,
      time: stamp.time,
      origin: stamp.origin,
    });
    this.tree.setHead(node, rev);
    return rev;
  }
}

function limit(is: string, most: number): Refusal {
  return { code: "LIMIT", detail: `${is}, the limit is ${most}` };
}
