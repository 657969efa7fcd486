/**
 * The store again, written as simply as can be: a full copy of the tree per
 * rev. What the tests compare the real one with. Nothing here is shared with
 * it but types.
 *
 * @module
 */
import type { Mutation, Outcome } from "../../store/mod.ts";

/** A file of the model. */
export interface ModelFile {
  readonly rev: number;
  readonly body: Uint8Array;
}

/** An event of the model; its index in the list is its rev less one. */
export interface ModelEvent {
  readonly rev: number;
  readonly path: string;
  readonly kind: "set" | "del" | "nop";
  readonly body: Uint8Array;
}

type Snapshot = ReadonlyMap<string, ModelFile>;

const NAME = /^[A-Za-z0-9.\-_:@~+,=]+$/;
const EMPTY = new Uint8Array(0);

/** A naive store: `snapshots[r]` is the tree at rev r. */
export class Model {
  readonly snapshots: Snapshot[] = [new Map()];
  readonly events: ModelEvent[] = [];
  readonly historyRevs: number;

  constructor(historyRevs: number) {
    this.historyRevs = historyRevs;
  }

  get rev(): number {
    return this.snapshots.length - 1;
  }

  get firstRev(): number {
    return Math.max(1, this.rev - this.historyRevs + 1);
  }

  get now(): Snapshot {
    return this.snapshots[this.rev]!;
  }

  apply(mutation: Mutation): Outcome {
    if (mutation.type === "nop") {
      return this.#record({ path: "/", kind: "nop", body: EMPTY });
    }
    const { path, rev } = mutation;
    if (!isGoodPath(path)) return { code: "BAD_PATH" };
    if (mutation.type === "set" && this.#isUnderFile(path)) {
      return { code: "NOTDIR" };
    }
    const directory = isDirectory(this.now, path);
    const fileRev = directory ? -2 : this.now.get(path)?.rev ?? 0;
    if (rev !== -1 && rev < fileRev) return { code: "REV_MISMATCH" };
    if (directory) return { code: "ISDIR" };
    return mutation.type === "set"
      ? this.#record({ path, kind: "set", body: mutation.body.slice() })
      : this.#record({ path, kind: "del", body: EMPTY });
  }

  /** The first event at or after `from` whose path matches. */
  firstEvent(glob: string, from: number): ModelEvent | undefined {
    return this.events.find((event) =>
      event.rev >= from && matchesSlowly(glob, event.path)
    );
  }

  /** The files that match, in tree order. */
  matching(glob: string, rev: number): string[] {
    return [...this.snapshots[rev]!.keys()]
      .filter((path) => matchesSlowly(glob, path))
      .sort(treeOrder);
  }

  /** The names of a directory's entries, sorted; none where there is none. */
  entries(path: string, rev: number): string[] {
    if (!isDirectory(this.snapshots[rev]!, path)) return [];
    const below = path === "/" ? "/" : `${path}/`;
    const names = [...this.snapshots[rev]!.keys()]
      .filter((file) => file.startsWith(below))
      .map((file) => file.slice(below.length).split("/")[0]!);
    return [...new Set(names)].sort(byteOrder);
  }

  /** The directories that exist now, without the root. */
  directories(): string[] {
    const found = new Set<string>();
    for (const file of this.now.keys()) {
      const names = file.split("/");
      for (let i = 2; i < names.length; i++) {
        found.add(names.slice(0, i).join("/"));
      }
    }
    return [...found];
  }

  #isUnderFile(path: string): boolean {
    return [...this.now.keys()].some((file) => path.startsWith(`${file}/`));
  }

  #record(event: Omit<ModelEvent, "rev">): number {
    const rev = this.rev + 1;
    const tree = new Map(this.now);
    if (event.kind === "set") tree.set(event.path, { rev, body: event.body });
    if (event.kind === "del") tree.delete(event.path);
    this.snapshots.push(tree);
    this.events.push({ rev, ...event });
    return rev;
  }
}

/** Whether the path is a directory of that tree. */
export function isDirectory(tree: Snapshot, path: string): boolean {
  if (path === "/") return true;
  if (path === "") return false;
  return [...tree.keys()].some((file) => file.startsWith(`${path}/`));
}

function isGoodPath(path: string): boolean {
  if (path === "/") return true;
  if (path.length > 1024 || !path.startsWith("/")) return false;
  return path.slice(1).split("/").every((name) =>
    NAME.test(name) && name !== "." && name !== ".."
  );
}

function byteOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Depth first, the entries of each directory by the bytes of their names. */
function treeOrder(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = byteOrder(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Whether a glob matches a path, by recursion over the two. */
export function matchesSlowly(glob: string, path: string): boolean {
  const known = new Map<number, boolean>();
  const at = (g: number, p: number): boolean => {
    const key = g * (path.length + 1) + p;
    const found = known.get(key) ?? step(g, p);
    known.set(key, found);
    return found;
  };
  const step = (g: number, p: number): boolean => {
    const character = path[p];
    if (g === glob.length) return character === undefined;
    const across = glob[g] === "*" && glob[g + 1] === "*";
    if (across) {
      return at(g + 2, p) || (character !== undefined && at(g, p + 1));
    }
    if (glob[g] === "*") {
      return at(g + 1, p) ||
        (character !== undefined && character !== "/" && at(g, p + 1));
    }
    if (character === undefined) return false;
    const fits = glob[g] === "?" ? character !== "/" : glob[g] === character;
    return fits && at(g + 1, p + 1);
  };
  return at(0, 0);
}

/** A seeded generator of numbers from 0 up to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
