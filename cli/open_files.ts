/**
 * The files of a directory that are being written. Each is opened once and
 * kept open: opening it for each write would cost as much as the write, and
 * an error that the system met while writing back is told only to those that
 * had the file open then.
 *
 * @module
 */

import { isFull, systemText } from "./file_failure.ts";

/** Nobody but the user that runs doozer may read what it holds. */
const FILE_MODE = 0o600;

interface OpenFile {
  readonly file: Deno.FsFile;
  /** What it is cut back to where an append does not fit. */
  length: number;
  /** What was appended since the last sync, in bytes. */
  unsynced: number;
}

/** A sync of so few bytes is done at once, on a disk that is quick. */
const QUICK_BYTES = 2 << 10;
/** A sync at once that takes longer shows that the disk is not. */
const QUICK_MS = 2;
/** Then nothing is done at once for so long. */
const SLOW_MS = 10_000;

/** The files being written in one directory. Errors are the system's. */
export class OpenFiles {
  readonly #directory: string;
  readonly #files = new Map<string, OpenFile>();
  /** Till when the disk counts as slow. */
  #slowUntil = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes an empty file, in place of one of that name. */
  create(name: string): Promise<void> | undefined {
    this.#close(name);
    const path = this.#pathOf(name);
    const open = this.#openPath(name, { create: true, mode: FILE_MODE });
    // The umask may have taken rights away, a file of that name have others.
    Deno.chmodSync(path, FILE_MODE);
    return open.length === 0 ? undefined : this.truncate(name, 0);
  }

  /**
   * Adds bytes at the end, all or, where there is no space, none. It blocks,
   * which for what the system only copies is 40 µs less than to wait for it.
   */
  append(name: string, bytes: Uint8Array): void {
    const open = this.#open(name);
    try {
      let rest = bytes;
      // A file system that fills up takes a part first.
      while (rest.length > 0) {
        rest = rest.subarray(some(open.file.writeSync(rest)));
      }
    } catch (error) {
      throw cutBack(open, error);
    }
    open.length += bytes.length;
    open.unsynced += bytes.length;
  }

  /**
   * The same without blocking: the system makes who writes much more than
   * the disk takes wait for it.
   */
  async appendMuch(name: string, bytes: Uint8Array): Promise<void> {
    const open = this.#open(name);
    try {
      let rest = bytes;
      while (rest.length > 0) {
        rest = rest.subarray(some(await open.file.write(rest)));
      }
    } catch (error) {
      throw cutBack(open, error);
    }
    open.length += bytes.length;
    open.unsynced += bytes.length;
  }

  /** Cuts the file off. */
  async truncate(name: string, length: number): Promise<void> {
    const open = this.#open(name);
    // Not blocking: to give back many blocks takes long.
    await open.file.truncate(length);
    open.length = length;
  }

  /**
   * Makes the file's bytes durable. Where that is a matter of a moment it
   * blocks: to have another thread do it takes longer than to wait.
   */
  async sync(name: string): Promise<void> {
    const open = this.#open(name);
    const { unsynced } = open;
    open.unsynced = 0;
    if (unsynced > QUICK_BYTES || performance.now() < this.#slowUntil) {
      return await open.file.syncData();
    }
    await null; // What the same turn has to send goes first.
    const start = performance.now();
    open.file.syncDataSync();
    const now = performance.now();
    if (now - start > QUICK_MS) this.#slowUntil = now + SLOW_MS;
  }

  /** Gives the file another name; it stays open under that one. */
  rename(name: string, to: string): void {
    this.#close(to);
    Deno.renameSync(this.#pathOf(name), this.#pathOf(to));
    const open = this.#files.get(name);
    if (open === undefined) return;
    this.#files.delete(name);
    this.#files.set(to, open);
  }

  /** Removes the file, if it is there. */
  async remove(name: string): Promise<void> {
    // Before: who closes the last one of a removed file gives back its
    // blocks, which for 200 MB took 50 ms.
    this.#close(name);
    try {
      await Deno.remove(this.#pathOf(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Makes durable which files there are. */
  async syncDirectory(): Promise<void> {
    using directory = Deno.openSync(this.#directory);
    await directory.sync();
  }

  /** Closes all; they are opened again when they are needed. */
  close(): void {
    for (const { file } of this.#files.values()) file.close();
    this.#files.clear();
  }

  #pathOf(name: string): string {
    return `${this.#directory}/${name}`;
  }

  #open(name: string): OpenFile {
    return this.#files.get(name) ?? this.#openPath(name);
  }

  #openPath(name: string, options: Deno.OpenOptions = {}): OpenFile {
    const path = this.#pathOf(name);
    const file = Deno.openSync(path, { append: true, ...options });
    const open = { file, length: 0, unsynced: 0 };
    this.#files.set(name, open);
    open.length = file.seekSync(0, Deno.SeekMode.End);
    return open;
  }

  #close(name: string): void {
    this.#files.get(name)?.file.close();
    this.#files.delete(name);
  }
}

/** Takes off what an append that did not fit has left; the error to throw. */
function cutBack({ file, length }: OpenFile, error: unknown): unknown {
  if (!isFull(error)) return error;
  try {
    file.truncateSync(length);
    return error;
  } catch (second) {
    // Without the first one's code: the file is not as it was.
    const why = systemText(second);
    return new Error(`${systemText(error)}, then, to cut it back: ${why}`);
  }
}

/** A system that took nothing and gave no error would be asked for ever. */
function some(count: number): number {
  if (count === 0) throw new Error("The system wrote none of the bytes");
  return count;
}
