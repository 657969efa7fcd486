/**
 * The disk, as a node needs it: the files of one directory, and operations on
 * them that are handed over as a list and carried out later, in order.
 *
 * What is appended, created, renamed or removed may be lost, in part, until
 * it is synced: a file's bytes by "sync", the directory's entries by
 * "syncDirectory".
 *
 * @module
 */

/** One operation. Names are those of files in the directory, without slash. */
export type DiskOp =
  /** Makes an empty file, in place of one of that name. */
  | { readonly type: "create"; readonly file: string }
  /** Adds bytes at the end. They must not change until this is done. */
  | {
    readonly type: "append";
    readonly file: string;
    readonly bytes: Uint8Array;
  }
  /** Cuts the file off. */
  | {
    readonly type: "truncate";
    readonly file: string;
    readonly length: number;
  }
  /** Makes the file's bytes durable, as fdatasync(2) does. */
  | { readonly type: "sync"; readonly file: string }
  /** Gives the file another name, in place of one that had it. */
  | { readonly type: "rename"; readonly file: string; readonly to: string }
  /** Removes the file, if it is there. */
  | { readonly type: "remove"; readonly file: string }
  /** Makes durable which files there are. */
  | { readonly type: "syncDirectory" };

/** Why an operation, and all after it in its list, was not carried out. */
export interface DiskFailure {
  /** Its place in the list. */
  readonly at: number;
  /**
   * "full": there is no space, and the file is as it was before the operation,
   * which can be tried again. "broken": nobody knows what is on the disk.
   */
  readonly kind: "full" | "broken";
  /** What happened, to what, as a sentence without period. */
  readonly detail: string;
}

/** Lists of one lane are carried out one after the other; lanes side by side. */
export type DiskLane = "log" | "snapshot";

/** Called when all of a list is done, or could not be. */
export type DiskDone = (failure?: DiskFailure) => void;

/** The files of one directory. */
export interface Disk {
  /** The names of all files, in no order. */
  list(): string[];
  /** How many bytes the file has. */
  size(file: string): number;
  /** Bytes of a file; fewer where it ends before. */
  read(
    file: string,
    range: { readonly offset: number; readonly length: number },
  ): Uint8Array;
  /**
   * Carries a list out, in order, up to the first that fails, then calls
   * `done`; never within this call.
   */
  perform(lane: DiskLane, list: {
    readonly ops: readonly DiskOp[];
    readonly done: DiskDone;
  }): void;
}
