/**
 * What the offline commands need of data directories, in one place: so tests
 * can stand in for disks.
 *
 * @module
 */

import type { Disk, DiskOp, Found, Machine } from "../consensus/mod.ts";
import type { NewDirectory } from "../consensus/mod.ts";
import { replay, writeDirectory } from "../consensus/mod.ts";
import type { Store } from "../store/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { openDataDirectory } from "./data_directory.ts";
import { DirectoryDisk, LOCK_NAME } from "./disk.ts";
import { readWhatIsThere } from "./memory.ts";
import { badDirectory, unusable } from "./file_failure.ts";
import { AdvisedError } from "./failure.ts";

/** A directory that is this process's own, until it is closed. */
export interface OwnDirectory {
  readonly disk: Disk;
  readonly path: string;
  close(): void;
}

/** A directory that is looked at, and not changed. */
export interface ReadDirectory extends Disposable {
  readonly disk: Disk;
  readonly path: string;
}

/** Reading and writing data directories. */
export interface DataTools {
  look(path: string): ReadDirectory;
  open(path: string): Promise<OwnDirectory>;
  read(directory: { disk: Disk; path: string }): Found | undefined;
  replay(
    found: Found,
    options: { store: Store; adoptAccepted: boolean },
  ): Machine;
  /** Writes a state down; until that is done, what was there counts. */
  write(disk: Disk, directory: NewDirectory): Promise<void>;
}

/** Those of this machine. */
export const DATA_TOOLS: DataTools = {
  look,
  open: openDataDirectory,
  read: readWhatIsThere,
  replay,
  write,
};

/** Opens a directory for reading; fails where a process is at work in it. */
function look(path: string): ReadDirectory {
  try {
    Deno.statSync(path);
    if (isLocked(`${path}/${LOCK_NAME}`)) {
      const because = "another process has it open";
      throw new AdvisedError("OTHER", unusable(path, because), {
        hint: "Stop that process first, or verify a copy of the directory",
      });
    }
  } catch (error) {
    throw badDirectory(path, error);
  }
  const disk = new DirectoryDisk(path);
  return { disk, path, [Symbol.dispose]: () => disk.close() };
}

/** Whether a process holds the lock; where that cannot be told, no. */
function isLocked(path: string): boolean {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  // It is freed with the file.
  const isFree = file.tryLockSync?.(false) ?? true;
  file.close();
  return !isFree;
}

async function write(disk: Disk, directory: NewDirectory): Promise<void> {
  for (const ops of writeDirectory(directory)) await perform(disk, ops);
}

function perform(disk: Disk, ops: readonly DiskOp[]): Promise<void> {
  return new Promise((resolve, reject) => {
    disk.perform("snapshot", {
      ops,
      done(failure): void {
        if (failure === undefined) resolve();
        else reject(new DoozerError("OTHER", failure.detail));
      },
    });
  });
}

/** Random bytes for the files of a new directory. */
export function newSalt(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(8));
}
