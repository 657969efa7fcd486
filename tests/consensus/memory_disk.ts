/**
 * A disk in memory that does what a test says, when it says so.
 *
 * Operations are queued and carried out one by one. What is synced is kept
 * apart from what is not, so that a crash can leave the one without the other.
 *
 * @module
 */
import type { Disk, DiskDone, DiskLane, DiskOp } from "../../consensus/mod.ts";

/** What a crash leaves of what was not synced. */
export type Kept =
  /** Nothing. */
  | "durable"
  /** All. */
  | "written"
  /** All names, and half of what was appended. */
  | "half";

/** What goes wrong with an operation. */
export type Fails = (op: DiskOp) => "full" | "broken" | undefined;

/** Whether an operation is carried out now, or later. */
export type MayGoOn = (op: DiskOp, lane: DiskLane) => boolean;

interface Inode {
  bytes: Uint8Array;
  durable: Uint8Array;
}

interface List {
  readonly lane: DiskLane;
  readonly ops: readonly DiskOp[];
  readonly done: DiskDone;
  next: number;
}

const EMPTY = new Uint8Array(0);

/** The files of one directory. */
export class MemoryDisk implements Disk {
  readonly #names: Map<string, Inode> = new Map();
  #durableNames: Map<string, Inode> = new Map();
  #lists: List[] = [];
  /** The lane that had its turn last. */
  #last: DiskLane = "snapshot";
  /** All that was carried out, as {@linkcode showOp} shows it. */
  readonly performed: string[] = [];
  fails: Fails = () => undefined;
  /** Called when a list comes. */
  onWork: () => void = () => {};
  /** Whether it stands still: for those who ask before they go on. */
  held = false;
  /** Whether an operation may be carried out now. */
  mayGoOn: MayGoOn = () => true;

  /** A disk with these files, all of them durable. */
  static of(files: ReadonlyMap<string, Uint8Array>): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [name, bytes] of files) disk.put(name, bytes);
    return disk;
  }

  /** Another disk with the same files, all of them durable. */
  copy(): MemoryDisk {
    return MemoryDisk.of(this.files());
  }

  /** Puts a durable file there. */
  put(name: string, bytes: Uint8Array): void {
    const inode = { bytes, durable: bytes };
    this.#names.set(name, inode);
    this.#durableNames.set(name, inode);
  }

  /** What is there now. */
  files(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, { bytes }]) => [name, bytes]));
  }

  /** Whether there is something to do. */
  get busy(): boolean {
    return this.#lists.length > 0;
  }

  /** What is to be done next, of each list that came; the lane's in order. */
  get waiting(): string[] {
    return this.#lists.flatMap(({ ops, next }) => ops.slice(next).map(showOp));
  }

  list(): string[] {
    return [...this.#names.keys()];
  }

  size(file: string): number {
    return this.#inode(file).bytes.length;
  }

  read(
    file: string,
    { offset, length }: { offset: number; length: number },
  ): Uint8Array {
    return this.#inode(file).bytes.slice(offset, offset + length);
  }

  perform(
    lane: DiskLane,
    { ops, done }: { ops: readonly DiskOp[]; done: DiskDone },
  ): void {
    this.#lists.push({ lane, ops, done, next: 0 });
    this.onWork();
  }

  /** Carries one operation out, of each lane in turn; tells whether it did. */
  step(lane?: DiskLane): boolean {
    const other = this.#last === "log" ? "snapshot" : "log";
    const first = (wanted: DiskLane) => {
      const list = this.#lists.find((list) => list.lane === wanted);
      const op = list?.ops[list.next];
      return op === undefined || this.mayGoOn(op, wanted) ? list : undefined;
    };
    const list = lane === undefined
      ? first(other) ?? first(this.#last)
      : first(lane);
    if (list === undefined) return false;
    this.#last = list.lane;
    const op = list.ops[list.next];
    const kind = op === undefined ? undefined : this.fails(op);
    if (op !== undefined && kind !== undefined) {
      this.#drop(list);
      list.done({ at: list.next, kind, detail: `Cannot ${op.type}: ${kind}` });
      return true;
    }
    if (op !== undefined) {
      this.#carryOut(op);
      this.performed.push(showOp(op));
      list.next++;
    }
    if (list.next >= list.ops.length) {
      this.#drop(list);
      list.done();
    }
    return true;
  }

  /** Carries out all there is, and what comes of it. */
  runAll(): void {
    while (this.step());
  }

  /** What is there after a crash. This disk does no more. */
  crash(kept: Kept = "durable"): MemoryDisk {
    this.held = true;
    this.#lists = [];
    const disk = new MemoryDisk();
    const names = kept === "durable" ? this.#durableNames : this.#names;
    for (const [name, { bytes, durable }] of names) {
      const half = Math.ceil((durable.length + bytes.length) / 2);
      if (kept === "durable") disk.put(name, durable);
      else disk.put(name, kept === "half" ? bytes.slice(0, half) : bytes);
    }
    return disk;
  }

  #drop(list: List): void {
    this.#lists.splice(this.#lists.indexOf(list), 1);
  }

  #inode(file: string): Inode {
    const inode = this.#names.get(file);
    if (inode === undefined) throw new Error(`There is no file "${file}"`);
    return inode;
  }

  #carryOut(op: DiskOp): void {
    switch (op.type) {
      case "create":
        this.#names.set(op.file, { bytes: EMPTY, durable: EMPTY });
        return;
      case "append": {
        const inode = this.#inode(op.file);
        const bytes = new Uint8Array(inode.bytes.length + op.bytes.length);
        bytes.set(inode.bytes);
        bytes.set(op.bytes, inode.bytes.length);
        inode.bytes = bytes;
        return;
      }
      case "truncate": {
        const inode = this.#inode(op.file);
        inode.bytes = inode.bytes.slice(0, op.length);
        return;
      }
      case "sync": {
        const inode = this.#inode(op.file);
        inode.durable = inode.bytes;
        return;
      }
      case "rename":
        this.#names.set(op.to, this.#inode(op.file));
        this.#names.delete(op.file);
        return;
      case "remove":
        this.#names.delete(op.file);
        return;
      case "syncDirectory":
        this.#durableNames = new Map(this.#names);
    }
  }
}

/** An operation as `append log-1`, names without their zeros. */
export function showOp(op: DiskOp): string {
  const short = (name: string) => name.replace(/-0+/, "-");
  if (op.type === "syncDirectory") return "sync .";
  const to = op.type === "rename" ? ` ${short(op.to)}` : "";
  return `${op.type} ${short(op.file)}${to}`;
}
