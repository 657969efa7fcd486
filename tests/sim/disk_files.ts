/**
 * The files of one machine, as the processes on it see them, and what of them
 * would be left if it lost its power now.
 *
 * A file is its bytes on the disk, and what was done to it since it was last
 * synced. Names are apart from files: that a file has a name, another one or
 * none any more is a change of the directory, durable only when that is synced.
 *
 * @module
 */
import type { DiskOp } from "../../consensus/disk.ts";
import { parseName } from "../../protocol/mod.ts";
import { DiskImage } from "./disk_image.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { Random } from "./random.ts";
import { fail } from "./violation.ts";

/** What becomes, in a loss of power, of what was not synced. */
export interface CrashHabits {
  /** For the bytes of one file, how likely each is beside the others. */
  readonly bytes: Readonly<Record<CrashForm, number>>;
  /** Probability that a sector is missing, where some are. */
  readonly missing: number;
  /** Probability that there is garbage in its place, else zeros. */
  readonly garbage: number;
  /** Probability that zeros follow. */
  readonly extended: number;
  /** Probability that a truncate has happened. */
  readonly truncated: number;
  /** Probability that a change of the directory has happened. */
  readonly entry: number;
}

/** What may become of appended bytes: "cut" is anywhere, "holes" by sector. */
export const CRASH_FORMS = ["lost", "kept", "cut", "holes"] as const;

/** One of them. */
export type CrashForm = typeof CRASH_FORMS[number];

/** Everything happens. */
export const CRASH_HABITS: CrashHabits = {
  bytes: { lost: 3, kept: 2, cut: 3, holes: 3 },
  missing: 0.4,
  garbage: 0.3,
  extended: 0.15,
  truncated: 0.5,
  entry: 0.5,
};

/** What is written at once, or not at all. */
const SECTOR = 512;
const EXTENDED_MAX = 4096;

/** What was done to a file since its last sync. */
type Change =
  | {
    readonly type: "write";
    readonly offset: number;
    readonly bytes: Uint8Array;
  }
  | { readonly type: "truncate"; readonly length: number };

/** A file, whatever its name. */
interface File {
  readonly view: GrowingBytes;
  durable: GrowingBytes;
  changes: Change[];
}

/** What was done to the directory since its last sync. */
type EntryChange =
  | { readonly type: "link"; readonly name: string; readonly file: File }
  | { readonly type: "rename"; readonly to: string; readonly file: File }
  | { readonly type: "remove"; readonly name: string };

/** All files of a directory. */
export class DiskFiles {
  readonly #view: Map<string, File> = new Map();
  #durable: Map<string, File>;
  #changes: EntryChange[] = [];

  constructor(image: DiskImage) {
    for (const [name, bytes] of image.files) {
      const file = newFile();
      file.view.write(0, bytes);
      file.durable.write(0, bytes);
      this.#view.set(name, file);
    }
    this.#durable = new Map(this.#view);
  }

  /** The names that there are. */
  list(): string[] {
    return [...this.#view.keys()];
  }

  /** How long the file is. */
  size(name: string): number {
    return this.#find(name).view.length;
  }

  /** Bytes of the file, copied. */
  read(name: string, range: { offset: number; length: number }): Uint8Array {
    return this.#find(name).view.read(range);
  }

  /** Carries an operation out. */
  perform(op: DiskOp): void {
    switch (op.type) {
      case "create":
        return this.#create(op.file);
      case "append":
        return this.#append(op.file, op.bytes.slice());
      case "truncate":
        return this.#truncate(op.file, op.length);
      case "sync":
        return sync(this.#find(op.file));
      case "rename":
        return this.#rename(op.file, op.to);
      case "remove":
        if (!this.#view.delete(op.file)) return;
        this.#changes.push({ type: "remove", name: op.file });
        return;
      case "syncDirectory":
        for (const change of this.#changes) rename(this.#durable, change);
        this.#changes = [];
    }
  }

  /**
   * A sync fails: what it was to write is on the disk or not, and nobody will
   * write it again, though it can still be read.
   */
  breakSync(
    op: DiskOp,
    { random, habits }: { random: Random; habits: CrashHabits },
  ): void {
    if (op.type === "sync") {
      const file = this.#find(op.file);
      file.durable = surviving(file, { random, habits });
      file.changes = [];
    } else if (op.type === "syncDirectory") {
      this.#durable = this.#survivingNames(random, habits);
      this.#changes = [];
    }
  }

  /**
   * Whether something can be read that is not on the disk, and will not be: a
   * sync of it has failed, and the next one finds nothing to do.
   */
  get doubtful(): boolean {
    const names = new Map(this.#durable);
    for (const change of this.#changes) rename(names, change);
    for (const [name, file] of this.#view) {
      if (parseName(name)?.part !== false) continue;
      if (names.get(name) !== file || isDoubtful(file)) return true;
    }
    return false;
  }

  /** What is left if the power fails now. */
  crash(random: Random, habits: CrashHabits = CRASH_HABITS): DiskImage {
    const image = new DiskImage();
    for (const [name, file] of this.#survivingNames(random, habits)) {
      image.files.set(name, surviving(file, { random, habits }).all());
    }
    return image;
  }

  /** What is on the disk whatever happens. */
  durable(): DiskImage {
    return new DiskImage(
      [...this.#durable].map(([name, { durable }]) => [name, durable.all()]),
    );
  }

  #find(name: string): File {
    const file = this.#view.get(name);
    return file ?? fail("disk", `there is no file "${name}"`);
  }

  /** As O_TRUNC does: a file of that name keeps its place, and its past. */
  #create(name: string): void {
    if (this.#view.has(name)) return this.#truncate(name, 0);
    const file = newFile();
    this.#view.set(name, file);
    this.#changes.push({ type: "link", name, file });
  }

  #append(name: string, bytes: Uint8Array): void {
    const { view, changes } = this.#find(name);
    changes.push({ type: "write", offset: view.length, bytes });
    view.write(view.length, bytes);
  }

  #truncate(name: string, length: number): void {
    const { view, changes } = this.#find(name);
    if (length > view.length) {
      fail("disk", `"${name}" has ${view.length} bytes, cut at ${length}`);
    }
    changes.push({ type: "truncate", length });
    view.truncate(length);
  }

  #rename(name: string, to: string): void {
    const file = this.#find(name);
    this.#view.delete(name);
    this.#view.set(to, file);
    this.#changes.push({ type: "rename", to, file });
  }

  /** Some of the changes have happened, whichever. */
  #survivingNames(random: Random, habits: CrashHabits): Map<string, File> {
    const names = new Map(this.#durable);
    for (const change of this.#changes) {
      if (random.chance(habits.entry)) rename(names, change);
    }
    return names;
  }
}

function newFile(): File {
  return {
    view: new GrowingBytes(),
    durable: new GrowingBytes(),
    changes: [],
  };
}

function isDoubtful({ view, durable, changes }: File): boolean {
  const bytes = durable.copy();
  for (const change of changes) apply(bytes, change);
  return !bytes.equals(view);
}

function sync(file: File): void {
  for (const change of file.changes) apply(file.durable, change);
  file.changes = [];
}

function rename(names: Map<string, File>, change: EntryChange): void {
  if (change.type === "remove") names.delete(change.name);
  else if (change.type === "link") names.set(change.name, change.file);
  else {
    // It has one name or the other.
    for (const [name, file] of names) {
      if (file === change.file) names.delete(name);
    }
    names.set(change.to, change.file);
  }
}

function apply(bytes: GrowingBytes, change: Change): void {
  if (change.type === "write") bytes.write(change.offset, change.bytes);
  else bytes.truncate(change.length);
}

/** What of a file is on the disk, with chance deciding on the rest. */
function surviving(
  { durable, changes }: File,
  { random, habits }: { random: Random; habits: CrashHabits },
): GrowingBytes {
  const bytes = durable.copy();
  if (changes.length === 0) return bytes;
  const form = drawForm(random, habits);
  let synced = durable.length;
  for (const change of changes) {
    if (change.type === "truncate") {
      synced = Math.min(synced, change.length);
      const happened = form === "kept" || random.chance(habits.truncated);
      if (happened) apply(bytes, change);
    } else if (form === "holes") writeSome(bytes, { change, random, habits });
    else if (form !== "lost") apply(bytes, change);
  }
  if (form === "kept") return bytes;
  if (form === "cut" && bytes.length > synced) {
    bytes.truncate(random.between(synced, bytes.length));
  }
  if (random.chance(habits.extended)) {
    const zeros = new Uint8Array(random.between(1, EXTENDED_MAX));
    bytes.write(bytes.length, zeros);
  }
  return bytes;
}

/** Sectors are on the disk or not, each for itself. */
function writeSome(
  into: GrowingBytes,
  { change: { offset, bytes }, random, habits }: {
    change: Change & { type: "write" };
    random: Random;
    habits: CrashHabits;
  },
): void {
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + SECTOR - (offset + at) % SECTOR);
    const piece = bytes.subarray(at, end);
    if (!random.chance(habits.missing)) into.write(offset + at, piece);
    else if (random.chance(habits.garbage)) {
      into.write(offset + at, piece.map(() => random.below(256)));
    }
    at = end;
  }
}

function drawForm(random: Random, { bytes }: CrashHabits): CrashForm {
  const sum = CRASH_FORMS.reduce((sum, form) => sum + bytes[form], 0);
  let draw = random.float() * sum;
  for (const form of CRASH_FORMS) {
    if (draw < bytes[form]) return form;
    draw -= bytes[form];
  }
  return "kept";
}
