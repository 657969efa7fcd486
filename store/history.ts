/**
 * The retained revisions: one row each, in columns.
 *
 * Rev `r` is row `r`. A row names the node that changed, what happened, the
 * body that it left, and the previous row of the same node, so that a node's
 * rows form a chain from its newest back. Columns of plain numbers in chunks
 * cost some 39 bytes a revision and give the garbage collector nothing to do
 * (perf measurements: copied trees cost 1,000 bytes and more, copied maps
 * 33,000; tests/bench/history_bench.ts measures this one).
 *
 * @module
 */
import { assert } from "./error.ts";
import type { BodyRef } from "./slabs.ts";
import { StampColumns } from "./stamps.ts";

/** A version of the tree. Counts applied mutations, from 1. At most 2^53-1. */
export type Rev = number;

/** The number of a node of the tree: a path with retained revisions. */
export type NodeNumber = number;

/** What a revision did: nothing, wrote a file, removed a file. */
export const NOP = 0;
export const SET = 1;
export const DEL = 2;
/** One of {@linkcode NOP}, {@linkcode SET}, {@linkcode DEL}. */
export type Kind = typeof NOP | typeof SET | typeof DEL;

/** One revision, as it is recorded. */
export interface Revision {
  readonly node: NodeNumber;
  readonly kind: Kind;
  readonly body: BodyRef;
  readonly length: number;
  /** The newest earlier rev of the same node, or 0. */
  readonly previous: Rev;
  /** Whether a file came into being or went. */
  readonly shape: boolean;
  /** What keeping this revision costs, in bytes. */
  readonly cost: number;
  /** When it was asked for, in ms since 1970. */
  readonly time: number;
  /** Who asked for it. */
  readonly origin: string;
}

const CHUNK_BITS = 12;
const CHUNK_ROWS = 1 << CHUNK_BITS;
const SHAPE_BIT = 4;
const JUMP_MAX = 2 ** 32 - 1;

/** What one row costs by itself, in bytes. */
export const ROW_BYTES = 1 + 4 + 8 + 4 + 4 + 4 + 4 + 4 + 4 + 2;

class Chunk {
  readonly kind = new Uint8Array(CHUNK_ROWS);
  readonly node = new Int32Array(CHUNK_ROWS);
  readonly previous = new Float64Array(CHUNK_ROWS);
  /** How many revs the jump goes back; 0 where it goes to the previous. */
  readonly jump = new Uint32Array(CHUNK_ROWS);
  readonly depth = new Uint32Array(CHUNK_ROWS);
  readonly body = new Uint32Array(CHUNK_ROWS);
  readonly length = new Uint32Array(CHUNK_ROWS);
  readonly cost = new Uint32Array(CHUNK_ROWS);
  readonly stamps: StampColumns = new StampColumns(CHUNK_ROWS);
}

/** The rows from {@linkcode first} to {@linkcode last}. */
export class History {
  readonly #chunks: Chunk[] = [];
  /** A dropped chunk, to be used again: garbage of this size is slow to go. */
  #spare: Chunk | undefined;
  /** The rev of the first row of the first chunk. */
  #origin: Rev;
  #first: Rev;
  #last: Rev;
  #bytes = 0;

  /** Empty; the first row that is added gets the rev `first`. */
  constructor(first: Rev = 1) {
    this.#origin = first;
    this.#first = first;
    this.#last = first - 1;
  }

  /** The oldest retained rev; above {@linkcode last} where there is none. */
  get first(): Rev {
    return this.#first;
  }

  /** The newest rev, 0 before the first. */
  get last(): Rev {
    return this.#last;
  }

  /** What the retained revisions cost together, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the row is retained. */
  has(rev: Rev): boolean {
    return rev >= this.#first && rev <= this.#last;
  }

  /** Adds the row of the next rev. */
  append(revision: Revision): Rev {
    const rev = this.#last + 1;
    const index = rev - this.#origin;
    if (index >> CHUNK_BITS === this.#chunks.length) {
      this.#chunks.at(-1)?.stamps.seal();
      this.#chunks.push(this.#spare ?? new Chunk());
      this.#spare = undefined;
    }
    const chunk = this.#chunks[index >> CHUNK_BITS]!;
    const row = index & (CHUNK_ROWS - 1);
    chunk.kind[row] = revision.kind | (revision.shape ? SHAPE_BIT : 0);
    chunk.node[row] = revision.node;
    chunk.previous[row] = revision.previous;
    chunk.body[row] = revision.body;
    chunk.length[row] = revision.length;
    chunk.cost[row] = revision.cost;
    chunk.jump[row] = this.#jumpFor(chunk, rev);
    chunk.stamps.write(row, revision.time, revision.origin);
    this.#bytes += revision.cost;
    this.#last = rev;
    return rev;
  }

  /** Forgets the oldest row. Read what is needed of it before. */
  dropFirst(): void {
    assert(this.#first <= this.#last, "a row is dropped only where one is");
    this.#bytes -= this.#chunk(this.#first).cost[this.#row(this.#first)]!;
    this.#first++;
    if (this.#first - this.#origin === CHUNK_ROWS) {
      this.#spare = this.#chunks.shift();
      this.#spare?.stamps.clear();
      this.#origin += CHUNK_ROWS;
    }
  }

  kindOf(rev: Rev): Kind {
    return (this.#chunk(rev).kind[this.#row(rev)]! & 3) as Kind;
  }

  shapeOf(rev: Rev): boolean {
    return (this.#chunk(rev).kind[this.#row(rev)]! & SHAPE_BIT) !== 0;
  }

  nodeOf(rev: Rev): NodeNumber {
    return this.#chunk(rev).node[this.#row(rev)]!;
  }

  previousOf(rev: Rev): Rev {
    return this.#chunk(rev).previous[this.#row(rev)]!;
  }

  bodyOf(rev: Rev): BodyRef {
    return this.#chunk(rev).body[this.#row(rev)]!;
  }

  lengthOf(rev: Rev): number {
    return this.#chunk(rev).length[this.#row(rev)]!;
  }

  /** When the revision was asked for, in ms since 1970. */
  timeOf(rev: Rev): number {
    return this.#chunk(rev).stamps.timeOf(this.#row(rev));
  }

  /** Who asked for the revision. */
  originOf(rev: Rev): string {
    return this.#chunk(rev).stamps.originOf(this.#row(rev));
  }

  /**
   * The newest rev of a chain at or below `rev`, or one that is no longer
   * retained where no retained one is. `head` is the newest of the chain.
   */
  atOrBefore(head: Rev, rev: Rev): Rev {
    let at = head;
    while (at > rev && at >= this.#first) {
      const chunk = this.#chunk(at);
      const row = this.#row(at);
      const back = chunk.jump[row]!;
      const jump = at - back;
      at = back !== 0 && jump >= rev ? jump : chunk.previous[row]!;
    }
    return at;
  }

  /** The oldest retained rev of a chain at or above `rev`, or 0. */
  atOrAfter(head: Rev, rev: Rev): Rev {
    if (head < rev || head < this.#first) return 0;
    let at = head;
    while (true) {
      const chunk = this.#chunk(at);
      const row = this.#row(at);
      const previous = chunk.previous[row]!;
      if (previous < rev || previous < this.#first) return at;
      const back = chunk.jump[row]!;
      const jump = at - back;
      const near = back !== 0 && jump >= rev && jump >= this.#first;
      at = near ? jump : previous;
    }
  }

  /**
   * Finds for a row a second, longer way back, so that a chain of n rows is
   * searched in O(log n) steps. (E. Myers, "An applicative random-access
   * stack", 1983: a jump is as long as the two before it where those are of
   * equal length.) Notes the row's depth in its chain, which decides that.
   */
  #jumpFor(chunk: Chunk, rev: Rev): number {
    const row = this.#row(rev);
    const previous = chunk.previous[row]!;
    chunk.depth[row] = 0;
    if (previous < this.#first) return 0;
    const depth = this.#depthOf(previous);
    chunk.depth[row] = depth + 1;
    const near = this.#jumpOf(previous);
    if (near < this.#first) return 0;
    const far = this.#jumpOf(near);
    if (far < this.#first) return 0;
    const nearDepth = this.#depthOf(near);
    const equal = depth - nearDepth === nearDepth - this.#depthOf(far);
    return equal && rev - far <= JUMP_MAX ? rev - far : 0;
  }

  /** Where the row's longest way back leads. */
  #jumpOf(rev: Rev): Rev {
    const chunk = this.#chunk(rev);
    const row = this.#row(rev);
    const back = chunk.jump[row]!;
    return back === 0 ? chunk.previous[row]! : rev - back;
  }

  #depthOf(rev: Rev): number {
    return this.#chunk(rev).depth[this.#row(rev)]!;
  }

  #chunk(rev: Rev): Chunk {
    assert(this.has(rev) || rev === this.#last + 1, "the row is retained");
    return this.#chunks[(rev - this.#origin) >> CHUNK_BITS]!;
  }

  #row(rev: Rev): number {
    return (rev - this.#origin) & (CHUNK_ROWS - 1);
  }
}
