/**
 * Runs a script of this folder where file systems are mounted for it alone,
 * or where it has no more rights than the owner of its files.
 *
 * @module
 */

import { assert } from "@std/assert";

/** Mounts an empty file system of 1 MiB, with room for 12 files, at $1. */
export const SMALL_DISK =
  'mount -t tmpfs -o size=1m,nr_inodes=12,mode=700 tmpfs "$1"';
/** Makes the directory $1 one of a read-only file system. */
export const READ_ONLY = 'mount --bind "$1" "$1" && ' +
  'mount -o remount,bind,ro "$1"';

/** Who is root may mount, all others may as root of their own namespace. */
const MOUNTING = Deno.uid() === 0 ? ["-m"] : ["-m", "--map-root-user"];
/** Root of no namespace: the owner, without root's power over modes. */
const POWERLESS = ["-U"];

/** A script, and its place. */
export interface Confined {
  /** The name of a file beside this one. */
  readonly script: string;
  /** The directory that the script is given. */
  readonly path: string;
  /** A shell command, of which `$1` is the path; absent: no rights. */
  readonly mount?: string;
}

/** Runs the script, and returns the values that it printed as JSON lines. */
export async function runConfined(confined: Confined): Promise<unknown[]> {
  const url = new URL(confined.script, import.meta.url);
  const args = [
    ...around(confined),
    Deno.execPath(),
    "run",
    "-A",
    url.pathname,
  ];
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: [...args, confined.path],
    stdin: "null",
  }).output();
  const [told, said] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  assert(success, `${told}${said}`);
  return (told ?? "").trim().split("\n").map((line) => JSON.parse(line));
}

/** Why this cannot be had here, to be put into a test's name; else empty. */
export async function findObstacle(mount?: string): Promise<string> {
  if (Deno.build.os !== "linux") return "; needs Linux";
  const path = await Deno.makeTempDir({ prefix: "doozer-mount-" });
  try {
    const args = [...around({ script: "", path, mount }), "true"];
    const { success } = await new Deno.Command("unshare", { args }).output();
    return success ? "" : "; needs the right to make namespaces";
  } catch {
    return '; needs the command "unshare"';
  } finally {
    await Deno.remove(path);
  }
}

/** The arguments of `unshare` before the command. */
function around(
  { path, mount }: { script: string; path: string; mount?: string | undefined },
): string[] {
  if (mount === undefined) return POWERLESS;
  const enter = `set -e\n${mount}\nshift\nexec "$@"`;
  return [...MOUNTING, "sh", "-c", enter, "sh", path];
}
