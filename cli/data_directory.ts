/**
 * The data directory of a node: made where there is none, its own and closed
 * to others, and locked against a second process.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import { CONTACTS_FILE, parseName } from "../protocol/mod.ts";
import { DirectoryDisk, isNeutral, LOCK_NAME } from "./disk.ts";
import { AdvisedError } from "./failure.ts";
import { badDirectory, systemCode, unusable } from "./file_failure.ts";

/** A data directory that is this process's own, until it is closed. */
export interface DataDirectory {
  readonly disk: DirectoryDisk;
  /** From the root. */
  readonly path: string;
  /** Ends the disk, and lets others use the directory. */
  close(): void;
  /**
   * Moves all data files into a new directory in it, and returns that one's
   * path. Nothing may be under way on the disk.
   *
   * @throws {AdvisedError}
   */
  setAside(): string;
  /**
   * Removes all data files, which hold nothing. Nothing may be under way.
   *
   * @throws {AdvisedError}
   */
  discard(): void;
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const SET_ASIDE = /^set-aside-(\d+)$/;
/** The mode's bit that lets all make files, as in /tmp. */
const STICKY = 0o1000;
/** How long a lock that nobody has may take. */
const LOCK_MS = 250;
const LOCK_POLL_MS = 10;

/**
 * Opens the data directory of this process.
 *
 * @throws {AdvisedError} where it cannot be used.
 */
export async function openDataDirectory(path: string): Promise<DataDirectory> {
  const full = resolve(path);
  let lock: Deno.FsFile;
  try {
    ensureDirectory(full);
    refuseForeign(full);
    makePrivate(full);
    lock = await lockDirectory(full);
  } catch (error) {
    throw badDirectory(full, error);
  }
  const disk = new DirectoryDisk(full);
  return {
    disk,
    path: full,
    close() {
      disk.close();
      lock.close();
    },
    setAside() {
      disk.closeFiles();
      return setAside(full);
    },
    discard() {
      disk.closeFiles();
      discard(full);
    },
  };
}

function ensureDirectory(path: string): void {
  try {
    // Its entries are read later; what is no directory fails there.
    Deno.statSync(path);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const parent = dirname(path);
  try {
    Deno.mkdirSync(path, { mode: DIRECTORY_MODE });
    // The umask may have taken rights away.
    Deno.chmodSync(path, DIRECTORY_MODE);
    syncDirectory(parent);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // A mistyped path must not become a new, empty node.
    throw new AdvisedError(
      "OTHER",
      unusable(path, `there is no directory "${parent}" to make it in`),
      { hint: `Make that one first: mkdir -p "${parent}"`, cause: error },
    );
  }
}

/** What others have put their files into stays theirs, its mode too. */
function refuseForeign(path: string): void {
  let foreign: string | undefined;
  for (const { name } of Deno.readDirSync(path)) {
    const isOurs = parseName(name) !== undefined || SET_ASIDE.test(name) ||
      name === CONTACTS_FILE;
    if (isOurs) return;
    // A file "lock" many programs have: it tells nothing.
    if (name !== LOCK_NAME && !isNeutral(name)) foreign ??= name;
  }
  if (foreign === undefined) return;
  throw new AdvisedError(
    "OTHER",
    unusable(path, `it holds files that are not doozer's, as "${foreign}"`),
    {
      hint: `Name an empty directory, or a new one: --data "${path}/doozer"`,
    },
  );
}

/** Makes it, where it is this user's, this user's only. */
function makePrivate(path: string): void {
  const owner = Deno.statSync(path);
  // A file's owner is who this process is to the file system, whatever uid
  // it has, and to make one shows that it may.
  const made = Deno.makeTempFileSync({ dir: path, prefix: ".doozer-" });
  const { uid } = Deno.statSync(made);
  Deno.removeSync(made);
  const inIt = `name a new directory in it: --data "${path}/doozer"`;
  if (owner.uid !== uid) {
    throw new AdvisedError(
      "OTHER",
      unusable(
        path,
        `it belongs to another user: to uid ${owner.uid}, this is ${uid}`,
      ),
      { hint: `Run doozer as that user, or ${inIt}` },
    );
  }
  const mode = owner.mode ?? DIRECTORY_MODE;
  if ((mode & STICKY) !== 0) {
    throw new AdvisedError(
      "OTHER",
      unusable(path, "it is there for the files of all users"),
      { hint: `N${inIt.slice(1)}` },
    );
  }
  if ((mode & 0o777) !== DIRECTORY_MODE) Deno.chmodSync(path, DIRECTORY_MODE);
}

/** The file whose lock this process has, as long as it is open. */
async function lockDirectory(path: string): Promise<Deno.FsFile> {
  const file = Deno.openSync(`${path}/${LOCK_NAME}`, {
    read: true,
    write: true,
    create: true,
    mode: FILE_MODE,
  });
  let isOurs: boolean;
  try {
    Deno.chmodSync(`${path}/${LOCK_NAME}`, FILE_MODE);
    isOurs = await lockInTime(file);
  } catch (error) {
    file.close();
    throw error;
  }
  if (isOurs) return file;
  file.close();
  throw new AdvisedError(
    "OTHER",
    unusable(path, "another process has it open"),
    {
      hint: "Stop that process, or give this node a directory of its own " +
        `with --data; "fuser ${path}/${LOCK_NAME}" tells the process`,
    },
  );
}

/**
 * Whether the lock could be had. One that takes long is another process's; a
 * process that is just being started has for some milliseconds what the one
 * that starts it had open, and that one may have ended.
 */
async function lockInTime(file: Deno.FsFile): Promise<boolean> {
  // Deno has it since 2.7.
  if (file.tryLockSync === undefined) return await awaitLock(file);
  const until = performance.now() + LOCK_MS;
  while (!file.tryLockSync(true)) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  return true;
}

/** The same where a lock can only be waited for. */
async function awaitLock(file: Deno.FsFile): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), LOCK_MS);
  try {
    return await Promise.race([file.lock(true).then(() => true), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was set aside before stays: it may be the only copy there is. */
function setAside(path: string): string {
  try {
    const names = namesIn(path);
    const numbers = names.map((name) => SET_ASIDE.exec(name)?.[1] ?? "0");
    const target = `${path}/set-aside-${
      1 + Math.max(0, ...numbers.map(Number))
    }`;
    Deno.mkdirSync(target, { mode: DIRECTORY_MODE });
    Deno.chmodSync(target, DIRECTORY_MODE);
    // One that ends in between must not leave what passes for an older but
    // whole directory: so, durably one by one, first the log, oldest first,
    // without which a snapshot is nothing.
    for (const name of names.toSorted()) {
      if (parseName(name) === undefined) continue;
      Deno.renameSync(`${path}/${name}`, `${target}/${name}`);
      syncDirectory(target);
      syncDirectory(path);
    }
    return target;
  } catch (error) {
    throw badDirectory(path, error);
  }
}

function discard(path: string): void {
  try {
    // The newest first: what is left at any time is whole, if it is cut short.
    const isData = (name: string) => parseName(name) !== undefined;
    for (const name of namesIn(path).filter(isData).toSorted().toReversed()) {
      Deno.removeSync(`${path}/${name}`);
      syncDirectory(path);
    }
  } catch (error) {
    throw badDirectory(path, error);
  }
}

function namesIn(path: string): string[] {
  return Array.from(Deno.readDirSync(path), ({ name }) => name);
}

function syncDirectory(path: string): void {
  try {
    using directory = Deno.openSync(path);
    directory.syncSync();
  } catch (error) {
    // Who may make files in it, but not list them, can do no more.
    if (systemCode(error) !== "EACCES") throw error;
  }
}
