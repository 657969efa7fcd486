/**
 * The disk of a node: the files of its data directory, by system calls.
 *
 * @module
 */

import { statfsSync } from "node:fs";
import type {
  Disk,
  DiskDone,
  DiskFailure,
  DiskLane,
  DiskOp,
} from "../consensus/mod.ts";
import { badDirectory, badFile, isFull, systemText } from "./file_failure.ts";
import { OpenFiles } from "./open_files.ts";

/** The file in a data directory that its process has locked. */
export const LOCK_NAME = "lock";

interface DiskList {
  readonly ops: readonly DiskOp[];
  readonly done: DiskDone;
}

/** The lists of a lane that have not been begun. */
interface Lane {
  readonly lists: DiskList[];
  readonly append: (name: string, bytes: Uint8Array) => Promise<void> | void;
  isBusy: boolean;
  /** Settles when nothing is under way. */
  work: Promise<void>;
}

/**
 * The files of one directory. A list that failed for want of space does not
 * hold up those after it; after any other failure all lists fail, because
 * nobody knows what is on the disk: a sync that failed may succeed when it is
 * repeated, and the bytes still be lost.
 */
export class DirectoryDisk implements Disk {
  readonly #path: string;
  readonly #files: OpenFiles;
  readonly #lanes: Readonly<Record<DiskLane, Lane>>;
  #reading: { name: string; file: Deno.FsFile } | undefined;
  /** What went wrong for good. */
  #broken: string | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
    const files = this.#files = new OpenFiles(path);
    this.#lanes = {
      log: {
        lists: [],
        append: (name, bytes) => files.append(name, bytes),
        isBusy: false,
        work: Promise.resolve(),
      },
      snapshot: {
        lists: [],
        append: (name, bytes) => files.appendMuch(name, bytes),
        isBusy: false,
        work: Promise.resolve(),
      },
    };
  }

  list(): string[] {
    try {
      const entries = Array.from(Deno.readDirSync(this.#path));
      const files = entries.filter((entry) => entry.isFile);
      return files.map(({ name }) => name).filter((name) =>
        name !== LOCK_NAME && !isNeutral(name)
      );
    } catch (error) {
      throw badDirectory(this.#path, error);
    }
  }

  size(file: string): number {
    const path = `${this.#path}/${file}`;
    try {
      return Deno.statSync(path).size;
    } catch (error) {
      throw badFile(path, error);
    }
  }

  read(
    name: string,
    { offset, length }: { readonly offset: number; readonly length: number },
  ): Uint8Array {
    try {
      const file = this.#openToRead(name);
      const end = file.seekSync(0, Deno.SeekMode.End);
      // What is asked for may be a damaged length.
      const bytes = new Uint8Array(Math.max(0, Math.min(length, end - offset)));
      file.seekSync(offset, Deno.SeekMode.Start);
      let filled = 0;
      while (filled < bytes.length) {
        const count = file.readSync(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      return bytes.subarray(0, filled);
    } catch (error) {
      throw badFile(`${this.#path}/${name}`, error);
    }
  }

  perform(lane: DiskLane, list: DiskList): void {
    if (this.#isClosed) return;
    const chosen = this.#lanes[lane];
    chosen.lists.push(list);
    if (!chosen.isBusy) chosen.work = this.#work(chosen);
  }

  /**
   * How many bytes there is space for; for messages only. Undefined where
   * the system does not say.
   */
  freeBytes(): number | undefined {
    try {
      const { bavail, bsize } = statfsSync(this.#path);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  }

  /** Closes all files; those that are needed again are opened again. */
  closeFiles(): void {
    this.#stopReading();
    this.#files.close();
  }

  /**
   * Ends it: what is under way comes to its end, nothing else is begun, and
   * nobody is told any more. Settles when that is done.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closeIfIdle();
    const { log, snapshot } = this.#lanes;
    await Promise.all([log.work, snapshot.work]);
  }

  /** Carries out the lists of a lane, till there are no more. */
  async #work(lane: Lane): Promise<void> {
    lane.isBusy = true;
    while (!this.#isClosed) {
      const list = lane.lists.shift();
      if (list === undefined) break;
      const failure = await this.#carryOut(lane, list.ops);
      if (!this.#isClosed) list.done(failure);
    }
    lane.isBusy = false;
    if (this.#isClosed) this.#closeIfIdle();
  }

  async #carryOut(
    lane: Lane,
    ops: readonly DiskOp[],
  ): Promise<DiskFailure | undefined> {
    let at = 0;
    for (const op of ops) {
      if (this.#isClosed) return undefined;
      if (this.#broken !== undefined) {
        return { at, kind: "broken", detail: this.#broken };
      }
      try {
        const pending = this.#begin(lane, op);
        if (pending !== undefined) await pending;
      } catch (error) {
        return this.#failed(op, { at, error });
      }
      at++;
    }
    return undefined;
  }

  /** Carries an operation out, or begins to. */
  #begin(lane: Lane, op: DiskOp): Promise<void> | void {
    switch (op.type) {
      case "append":
        return lane.append(op.file, op.bytes);
      case "sync":
        return this.#files.sync(op.file);
      case "create":
        this.#stopReading();
        return this.#files.create(op.file);
      case "truncate":
        return this.#files.truncate(op.file, op.length);
      case "rename":
        this.#stopReading();
        return this.#files.rename(op.file, op.to);
      case "remove":
        this.#stopReading();
        return this.#files.remove(op.file);
      case "syncDirectory":
        return this.#files.syncDirectory();
    }
  }

  #failed(
    op: DiskOp,
    { at, error }: { readonly at: number; readonly error: unknown },
  ): DiskFailure {
    const detail = `Cannot ${this.#describe(op)}: ${systemText(error)}`;
    // Where there was no space for what had been written before, it is lost.
    const isSync = op.type === "sync" || op.type === "syncDirectory";
    if (isFull(error) && !isSync) return { at, kind: "full", detail };
    this.#broken ??= detail;
    return { at, kind: "broken", detail };
  }

  #describe(op: DiskOp): string {
    if (op.type === "syncDirectory") return `sync "${this.#path}"`;
    const path = `"${this.#path}/${op.file}"`;
    if (op.type === "rename") return `rename ${path} to "${op.to}"`;
    return op.type === "append" ? `append to ${path}` : `${op.type} ${path}`;
  }

  /** Who reads a file reads all of it, in pieces: it is opened once. */
  #openToRead(name: string): Deno.FsFile {
    if (this.#reading?.name === name) return this.#reading.file;
    this.#stopReading();
    const file = Deno.openSync(`${this.#path}/${name}`);
    this.#reading = { name, file };
    return file;
  }

  #stopReading(): void {
    this.#reading?.file.close();
    this.#reading = undefined;
  }

  #closeIfIdle(): void {
    const { log, snapshot } = this.#lanes;
    if (!log.isBusy && !snapshot.isBusy) this.closeFiles();
  }
}

/** What is in many directories, and is nobody's. */
export function isNeutral(name: string): boolean {
  return name.startsWith(".") || name === "lost+found";
}
