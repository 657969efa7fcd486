/**
 * Lists: the files that match a glob, the entries of a directory.
 *
 * The original's verbs hand out one entry per request, by its place in the
 * list, so a list is made once and kept for the requests that follow. A list
 * is good for every rev between which nothing below its directory came into
 * being or went; that span's first rev is part of its key.
 *
 * @module
 */
import type { Glob } from "./glob.ts";
import type { NodeNumber, Rev } from "./history.ts";
import { LIMITS } from "./limits.ts";
import { nameOf, type Path } from "./path.ts";
import { NO_NODE } from "./tree.ts";
import type { Versions } from "./versions.ts";

/**
 * How many lists are kept, and how many entries in all of them. Every client
 * may walk a list of its own: were there fewer lists than walks under way,
 * each request would make its list again.
 */
const LISTS_MAX = LIMITS.connections;
const ENTRIES_MAX = LIMITS.listBytes / 4;

/** Makes lists, and keeps the latest. */
export class Listings {
  readonly #versions: Versions;
  readonly #lists: Map<string, Int32Array> = new Map();
  #entries = 0;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  /** The files that match at the rev, in tree order. */
  matching(glob: Glob, rev: Rev): Int32Array {
    const node = this.#versions.tree.find(glob.directory);
    if (node === undefined) return EMPTY;
    const key = `${this.#spanStart(node, rev)} ${glob.text}`;
    return this.#kept(key) ??
      this.#keep(key, this.#matchingBelow(node, { glob, rev }));
  }

  /** The entries of the directory at the rev, by name. */
  entries(directory: NodeNumber, rev: Rev): Int32Array {
    const path = this.#versions.tree.pathOf(directory);
    const key = `${this.#spanStart(directory, rev)} ${path}/`;
    return this.#kept(key) ??
      this.#keep(key, Int32Array.from(this.#sorted(directory, rev)));
  }

  /** The first rev of a span that ends at or after `rev` with equal lists. */
  #spanStart(node: NodeNumber, rev: Rev): Rev {
    const shaped = this.#versions.tree.directoryOf(node)?.shapeRev;
    return shaped !== undefined && shaped <= rev ? shaped : rev;
  }

  #matchingBelow(
    start: NodeNumber,
    what: { glob: Glob; rev: Rev },
  ): Int32Array {
    const { glob, rev } = what;
    const { tree } = this.#versions;
    if (glob.literal) {
      const node = tree.find(glob.text);
      const found = node !== undefined && this.#versions.wasFile(node, rev);
      return found ? Int32Array.of(node) : EMPTY;
    }
    const matches: NodeNumber[] = [];
    const visit = [...this.#sorted(start, rev)].reverse();
    for (let node = visit.pop(); node !== undefined; node = visit.pop()) {
      const path = tree.pathOf(node);
      if (this.#versions.wasFile(node, rev)) {
        this.#versions.work += glob.costOf(path);
        if (glob.matches(path)) matches.push(node);
      } else if (reaches(glob, path)) {
        const below = this.#sorted(node, rev);
        for (let i = below.length - 1; i >= 0; i--) visit.push(below[i]!);
      }
    }
    return Int32Array.from(matches);
  }

  /** The entries that existed at the rev, in the order of their names. */
  #sorted(node: NodeNumber, rev: Rev): NodeNumber[] {
    const { tree } = this.#versions;
    const directory = tree.directoryOf(node);
    if (directory === undefined) return [];
    const named: { node: NodeNumber; path: Path }[] = [];
    for (
      let entry = directory.first;
      entry !== NO_NODE;
      entry = tree.entryAfter(entry)
    ) {
      this.#versions.work++;
      if (!this.#versions.existed(entry, rev)) continue;
      named.push({ node: entry, path: tree.pathOf(entry) });
    }
    // Siblings share all but their names, and ASCII sorts as bytes do.
    named.sort((a, b) => a.path < b.path ? -1 : 1);
    return named.map((entry) => entry.node);
  }

  /** A list that is used stays longest. */
  #kept(key: string): Int32Array | undefined {
    const list = this.#lists.get(key);
    if (list === undefined) return undefined;
    this.#lists.delete(key);
    this.#lists.set(key, list);
    return list;
  }

  #keep(key: string, list: Int32Array): Int32Array {
    this.#lists.set(key, list);
    this.#entries += list.length;
    for (const [oldest, dropped] of this.#lists) {
      const tooMany = this.#lists.size > LISTS_MAX ||
        this.#entries > ENTRIES_MAX;
      // The newest stays, or a list above the bound would be made each time.
      if (!tooMany || oldest === key) break;
      this.#lists.delete(oldest);
      this.#entries -= dropped.length;
    }
    return list;
  }
}

const EMPTY = new Int32Array(0);

/** Whether a match may lie below the directory. */
function reaches(glob: Glob, directory: Path): boolean {
  const { prefix, slashes } = glob;
  const onTheWay = directory.length < prefix.length
    ? prefix.startsWith(`${directory}/`)
    : directory.startsWith(prefix);
  if (!onTheWay) return false;
  return slashes === undefined || slashesIn(directory) < slashes;
}

function slashesIn(path: Path): number {
  let count = 0;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    count++;
  }
  return count;
}

/** The name under which a directory lists the node. */
export function entryName(versions: Versions, node: NodeNumber): string {
  return nameOf(versions.tree.pathOf(node));
}
