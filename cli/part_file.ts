/**
 * A file that appears whole or not at all: it is written under another name,
 * made durable, and renamed.
 *
 * @module
 */

import { DoozerError } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";
import { cannot } from "./io.ts";

/** A file that is being written. Close it in any case. */
export class PartFile implements Disposable {
  readonly path: string;
  readonly #part: string;
  #file: Deno.FsFile | undefined;

  private constructor(path: string, file: Deno.FsFile) {
    this.path = path;
    this.#part = partOf(path);
    this.#file = file;
  }

  /** Begins the file; with `force` in place of what is there. */
  static create(path: string, { force }: { force: boolean }): PartFile {
    checkPlace(path, force);
    if (force) removeQuietly(partOf(path));
    try {
      const options = { write: true, createNew: true, mode: 0o600 };
      return new PartFile(path, Deno.openSync(partOf(path), options));
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) {
        throw cannot(`write the file "${path}"`, error);
      }
      const detail = `Cannot write the file "${path}": "${partOf(path)}" is ` +
        "there, from a backup that is under way or was cut off";
      const hint = "If none is under way, remove it, or give --force";
      throw new AdvisedError("OTHER", detail, { hint, cause: error });
    }
  }

  /** Adds bytes at the end. */
  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    try {
      // A full disk takes a part first.
      while (rest.length > 0) {
        rest = rest.subarray(await this.#file!.write(rest));
      }
    } catch (error) {
      throw cannot(`write the file "${this.#part}"`, error);
    }
  }

  /** All is written: makes it durable, and gives it its name. */
  finish({ force }: { force: boolean }): void {
    try {
      this.#file!.syncSync();
      this.#file!.close();
      this.#file = undefined;
      checkPlace(this.path, force);
      Deno.renameSync(this.#part, this.path);
      syncDirectory(directoryOf(this.path));
    } catch (error) {
      removeQuietly(this.#part);
      if (error instanceof DoozerError) throw error;
      throw cannot(`write the file "${this.path}"`, error);
    }
  }

  /** Removes what is not finished. */
  [Symbol.dispose](): void {
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    removeQuietly(this.#part);
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

/** Fails where something is there that is not to be replaced. */
function checkPlace(path: string, force: boolean): void {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw cannot(`write the file "${path}"`, error);
  }
  // A rename would put a file in place of a device, a link or a pipe.
  if (!found.isFile) {
    const detail = `Cannot write the file "${path}": it is there, and is no ` +
      "regular file";
    const hint = `To write into it, use "-" and redirect: - >${path}`;
    throw new AdvisedError("OTHER", detail, { hint });
  }
  if (force) return;
  const detail = `Cannot write the file "${path}": it is there already`;
  const hint = "Choose another name, or give --force to replace it";
  throw new AdvisedError("OTHER", detail, { hint });
}

function directoryOf(path: string): string {
  const slash = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  if (slash < 0) return ".";
  return path.slice(0, Math.max(1, slash));
}

/** Without this a crash could take the name away again. */
function syncDirectory(path: string): void {
  // Windows cannot open a directory, and has no need to.
  if (Deno.build.os === "windows") return;
  using directory = Deno.openSync(path);
  directory.syncSync();
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It is gone, or cannot be removed: what went wrong before is told.
  }
}
