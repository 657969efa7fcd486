/**
 * What a disk holds while nobody uses it: files, as they survived.
 *
 * @module
 */
import type { Disk } from "../../consensus/mod.ts";
import type { Random } from "./random.ts";
import { fail } from "./violation.ts";

/** A byte of a file. */
export interface Place {
  readonly file: string;
  readonly offset: number;
}

/** The files of a directory. Their bytes are not shared with anything. */
export class DiskImage {
  readonly files: Map<string, Uint8Array>;

  constructor(files: Iterable<readonly [string, Uint8Array]> = []) {
    this.files = new Map(files);
  }

  /** How many bytes there are in all files. */
  get size(): number {
    let size = 0;
    for (const { length } of this.files.values()) size += length;
    return size;
  }

  /** Another of its own, to be put back later. */
  copy(): DiskImage {
    return new DiskImage(
      [...this.files].map(([name, bytes]) => [name, bytes.slice()]),
    );
  }

  /** A disk of old is put back. */
  restore(image: DiskImage): void {
    this.files.clear();
    for (const [name, bytes] of image.copy().files) this.files.set(name, bytes);
  }

  /** The disk is gone: an empty one is in its place. */
  lose(): void {
    this.files.clear();
  }

  /** A byte changes; undefined where there is none. */
  flip(random: Random): Place | undefined {
    const { size } = this;
    if (size === 0) return undefined;
    let offset = random.below(size);
    for (const [file, bytes] of this.files) {
      if (offset < bytes.length) {
        bytes[offset] = bytes[offset]! ^ random.between(1, 255);
        return { file, offset };
      }
      offset -= bytes.length;
    }
    throw new Error("The size is not that of the files");
  }
}

/** An image to be read as a disk, by nobody who changes it. */
export class ReadOnlyDisk implements Disk {
  readonly #files: ReadonlyMap<string, Uint8Array>;

  constructor({ files }: DiskImage) {
    this.#files = files;
  }

  list(): string[] {
    return [...this.#files.keys()];
  }

  size(file: string): number {
    return this.#files.get(file)!.length;
  }

  read(
    file: string,
    { offset, length }: { offset: number; length: number },
  ): Uint8Array {
    return this.#files.get(file)!.slice(offset, offset + length);
  }

  perform(): void {
    fail("disk", "it is only to be looked at");
  }
}
