/**
 * Why the history is what it is: the store beside two other ways to keep old
 * revisions, each in a process of its own so that none pays for another's
 * garbage.
 *
 * - chains: the store itself, a row per revision and a chain per file;
 * - copied maps: a Map per directory, copied by each change, as the original
 *   did it;
 * - hash trie: a persistent tree of 32-way nodes (Bagwell, "Ideal hash
 *   trees", 2001), of which each change copies one path.
 *
 * The last two have no waits, no limits and no deletes; they are as fast as
 * their structure allows. Alone: `deno run -A tests/bench/history_bench.ts`.
 *
 * @module
 */
import { Store } from "../../store/mod.ts";

/** What is measured of one structure. Values have 128 bytes. */
export interface HistoryRow {
  readonly structure: string;
  readonly files: number;
  readonly filesPerDirectory: number;
  /** Overwrites that are all retained. */
  readonly revs: number;
  readonly setsPerSecond: number;
  readonly getsNowPerSecond: number;
  readonly getsOldPerSecond: number;
  /** Heap and buffers, values included, with no history. */
  readonly bytesPerFile: number;
  /** What each retained revision adds, its value included. */
  readonly bytesPerRev: number;
}

interface Case {
  readonly structure: "chains" | "copied maps" | "hash trie";
  readonly files: number;
  readonly filesPerDirectory: number;
  readonly revs: number;
}

/** The slow structures get less to do; their cost per revision is the same. */
const CASES: readonly Case[] = [
  { structure: "chains", files: 1e5, filesPerDirectory: 100, revs: 360_000 },
  { structure: "chains", files: 8000, filesPerDirectory: 8000, revs: 360_000 },
  { structure: "hash trie", files: 1e5, filesPerDirectory: 100, revs: 100_000 },
  {
    structure: "copied maps",
    files: 1e5,
    filesPerDirectory: 100,
    revs: 20_000,
  },
  {
    structure: "copied maps",
    files: 8000,
    filesPerDirectory: 8000,
    revs: 2000,
  },
];

const VALUE_BYTES = 128;
const GETS = 500_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What all structures can do. */
interface Versioned {
  readonly last: number;
  readonly first: number;
  set(path: string, body: Uint8Array): void;
  /** The length of the body at the rev, or -1. */
  get(path: string, rev: number): number;
}

class Chains implements Versioned {
  readonly #store: Store;

  constructor(revs: number) {
    this.#store = new Store({ historyRevs: revs });
  }

  get last(): number {
    return this.#store.rev;
  }

  get first(): number {
    return this.#store.firstRev;
  }

  set(path: string, body: Uint8Array): void {
    this.#store.apply({ type: "set", path, rev: -1, body });
  }

  get(path: string, rev: number): number {
    const state = this.#store.get(path, rev);
    return state.type === "file" ? state.length : -1;
  }
}

/** A tree per rev, kept for the last so many revs. */
abstract class Roots<Root> implements Versioned {
  readonly #roots: Root[];
  readonly #kept: number;
  protected root: Root;
  last = 0;

  constructor(kept: number, empty: Root) {
    this.#kept = kept;
    this.root = empty;
    this.#roots = new Array(kept).fill(empty);
  }

  get first(): number {
    return Math.max(1, this.last - this.#kept + 1);
  }

  set(path: string, body: Uint8Array): void {
    this.root = this.changed(this.root, path, body.slice());
    this.last++;
    this.#roots[this.last % this.#kept] = this.root;
  }

  get(path: string, rev: number): number {
    const root = rev === this.last ? this.root : this.#roots[rev % this.#kept];
    return this.find(root as Root, path)?.length ?? -1;
  }

  protected abstract changed(root: Root, path: string, body: Uint8Array): Root;
  protected abstract find(root: Root, path: string): Uint8Array | undefined;
}

type Entry = Uint8Array | MapNode;
type MapNode = Map<string, Entry>;

class CopiedMaps extends Roots<MapNode> {
  constructor(kept: number) {
    super(kept, new Map());
  }

  protected changed(root: MapNode, path: string, body: Uint8Array): MapNode {
    return changeMaps(root, path.slice(1).split("/"), body);
  }

  protected find(root: MapNode, path: string): Uint8Array | undefined {
    let at: Entry | undefined = root;
    for (const name of path.slice(1).split("/")) {
      at = at instanceof Map ? at.get(name) : undefined;
    }
    return at instanceof Map ? undefined : at;
  }
}

function changeMaps(
  node: MapNode,
  names: string[],
  body: Uint8Array,
): MapNode {
  const [name, ...rest] = names as [string, ...string[]];
  const copy = new Map(node);
  const below = copy.get(name);
  const map = below instanceof Map ? below : new Map<string, Entry>();
  copy.set(name, rest.length === 0 ? body : changeMaps(map, rest, body));
  return copy;
}

interface Leaf {
  readonly path: string;
  readonly body: Uint8Array;
}
/** A node has a bit per child that it has, and those children in order. */
interface TrieNode {
  readonly bits: number;
  readonly children: readonly (TrieNode | Leaf)[];
}

class HashTrie extends Roots<TrieNode> {
  constructor(kept: number) {
    super(kept, { bits: 0, children: [] });
  }

  protected changed(root: TrieNode, path: string, body: Uint8Array): TrieNode {
    return changeTrie(root, { path, body }, 0);
  }

  protected find(root: TrieNode, path: string): Uint8Array | undefined {
    for (let at: TrieNode = root, level = 0;; level++) {
      const bit = bitOf(path, level);
      if ((at.bits & bit) === 0) return undefined;
      const child = at.children[indexOf(at.bits, bit)]!;
      if ("path" in child) return child.path === path ? child.body : undefined;
      at = child;
    }
  }
}

function changeTrie(node: TrieNode, leaf: Leaf, level: number): TrieNode {
  const bit = bitOf(leaf.path, level);
  const index = indexOf(node.bits, bit);
  const children = node.children.slice();
  if ((node.bits & bit) === 0) {
    children.splice(index, 0, leaf);
    return { bits: node.bits | bit, children };
  }
  const child = children[index]!;
  if (!("path" in child)) children[index] = changeTrie(child, leaf, level + 1);
  else if (child.path === leaf.path) children[index] = leaf;
  else {
    const other = { bits: bitOf(child.path, level + 1), children: [child] };
    children[index] = changeTrie(other, leaf, level + 1);
  }
  return { bits: node.bits, children };
}

/** Five bits of the path's hash; a new hash every six levels. */
function bitOf(path: string, level: number): number {
  let hash = 0x811c9dc5 ^ Math.floor(level / 6);
  for (let i = 0; i < path.length; i++) {
    hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
  }
  return 1 << ((hash >>> ((level % 6) * 5)) & 31);
}

function indexOf(bits: number, bit: number): number {
  let count = bits & (bit - 1);
  count -= (count >>> 1) & 0x55555555;
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function make(structure: Case["structure"], kept: number): Versioned {
  switch (structure) {
    case "chains":
      return new Chains(kept);
    case "copied maps":
      return new CopiedMaps(kept);
    case "hash trie":
      return new HashTrie(kept);
  }
}

/** Heap and buffers in use, after the garbage is collected. */
function usedBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Run with --v8-flags=--expose-gc");
  gc();
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function perSecond(count: number, run: (i: number) => void): number {
  const started = performance.now();
  for (let i = 0; i < count; i++) run(i);
  return Math.round(count / (performance.now() - started) * 1000);
}

/** Heap and buffers that one structure takes, with and without history. */
function measureBytes(one: Case, load: Load): { bare: number; full: number } {
  const { structure, revs } = one;
  const empty = usedBytes();
  const bare = make(structure, 1);
  fill(bare, load);
  const bareBytes = usedBytes() - empty;
  const tree = make(structure, revs);
  fill(tree, load);
  // The history of the creation slides out, so that overwrites alone remain.
  for (let i = 0; i < revs; i++) tree.set(load.pathAt(i), load.body);
  const full = usedBytes() - empty - bareBytes;
  if (bare.last + revs !== tree.last) throw new Error("Revs were lost");
  return { bare: bareBytes, full };
}

/** What the structures are given: equal paths, equal bodies. */
interface Load {
  readonly files: number;
  readonly body: Uint8Array;
  /** A new text each time, so that each tree holds, and pays for, its own. */
  pathOf(i: number): string;
  /** Far apart, so that no file is favoured by a cache. */
  pathAt(i: number): string;
}

function loadOf({ files, filesPerDirectory }: Case): Load {
  const directories = Math.ceil(files / filesPerDirectory);
  // Texts as requests bring them: decoded from bytes, not glued together.
  const pathOf = (i: number) =>
    decoder.decode(encoder.encode(`/app/d${i % directories}/file-${i}`));
  const paths = Array.from({ length: files }, (_, i) => pathOf(i));
  return {
    files,
    body: new Uint8Array(VALUE_BYTES).fill(120),
    pathOf,
    pathAt: (i) => paths[(i * 7919) % files]!,
  };
}

function fill(tree: Versioned, load: Load): void {
  for (let i = 0; i < load.files; i++) tree.set(load.pathOf(i), load.body);
}

function measureSpeed(
  one: Case,
  { body, pathAt }: Load,
): { sets: number; getsNow: number; getsOld: number } {
  const tree = make(one.structure, one.revs);
  const { files, revs } = one;
  for (let i = 0; i < files; i++) tree.set(pathAt(i), body);
  for (let i = 0; i < revs; i++) tree.set(pathAt(i), body);
  const count = Math.min(revs, 100_000);
  const sets = perSecond(count, (i) => tree.set(pathAt(i), body));
  let found = 0;
  const get = (path: string, rev: number) => {
    if (tree.get(path, rev) === VALUE_BYTES) found++;
  };
  const { first, last } = tree;
  const span = last - first + 1;
  const getsNow = perSecond(GETS, (i) => get(pathAt(i), last));
  const getsOld = perSecond(
    GETS,
    (i) => get(pathAt(i), first + (i * 104_729) % span),
  );
  if (found !== 2 * GETS) throw new Error(`Found only ${found} values`);
  return { sets, getsNow, getsOld };
}

/** Measures one structure. Runs in a process that does nothing else. */
function measure(one: Case): HistoryRow {
  const load = loadOf(one);
  // Twice: what the first run leaves behind is not the structure's.
  measureBytes(one, load);
  const { bare, full } = measureBytes(one, load);
  const { sets, getsNow, getsOld } = measureSpeed(one, load);
  return {
    ...one,
    setsPerSecond: sets,
    getsNowPerSecond: getsNow,
    getsOldPerSecond: getsOld,
    bytesPerFile: Math.round(bare / one.files),
    bytesPerRev: Math.round((full - bare) / one.revs),
  };
}

/** Measures all structures, one after another, and prints the table. */
export async function historyBench(): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = [];
  for (const one of CASES) {
    const command = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-lock",
        "--v8-flags=--expose-gc,--max-old-space-size=4096",
        import.meta.filename!,
        JSON.stringify(one),
      ],
      stderr: "inherit",
    });
    const { success, stdout } = await command.output();
    if (!success) throw new Error(`Measuring "${one.structure}" failed`);
    rows.push(JSON.parse(decoder.decode(stdout)));
  }
  console.log(formatHistoryRows(rows));
  return rows;
}

/** The rows as a table. */
export function formatHistoryRows(rows: readonly HistoryRow[]): string {
  const head = ["structure", "files", "in a dir", "revs", "set/s"];
  const table = [[...head, "get/s", "old get/s", "B/file", "B/rev"]];
  for (const row of rows) {
    table.push([
      row.structure,
      ...[row.files, row.filesPerDirectory, row.revs].map(thousands),
      ...[row.setsPerSecond, row.getsNowPerSecond].map(thousands),
      ...[row.getsOldPerSecond, row.bytesPerFile].map(thousands),
      thousands(row.bytesPerRev),
    ]);
  }
  return table.map(([name, ...cells]) =>
    name!.padEnd(12) + cells.map((cell) => cell.padStart(11)).join("")
  ).join("\n");
}

function thousands(number: number): string {
  return number.toLocaleString("en-US");
}

if (import.meta.main) {
  const [one] = Deno.args;
  if (one === undefined) await historyBench();
  else console.log(JSON.stringify(measure(JSON.parse(one))));
}
