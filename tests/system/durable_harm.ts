/**
 * What can happen to a data directory while its node is down.
 *
 * @module
 */

import { CONTACTS_FILE, readHeader } from "../../protocol/mod.ts";
import { filesIn } from "./durable_nodes.ts";

/** Flips bits of the byte in the middle of the newest file of a kind. */
export function flipByte(directory: string, kind: "log" | "snapshot"): string {
  const file = filesIn(directory).findLast(({ name }) =>
    name.startsWith(kind) && !name.endsWith(".part")
  );
  if (file === undefined) throw new Error(`There is no ${kind}`);
  const path = `${directory}/${file.name}`;
  const bytes = Deno.readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = bytes[at]! ^ 0x55;
  Deno.writeFileSync(path, bytes);
  return file.name;
}

/** The other nodes that a directory names, none before they are written. */
export function contactsIn(directory: string): readonly string[] {
  try {
    const bytes = Deno.readFileSync(`${directory}/${CONTACTS_FILE}`);
    const read = readHeader(bytes);
    return "header" in read ? read.header.contacts : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Removes all that is in it. */
export function emptyDirectory(directory: string): void {
  for (const { name } of Deno.readDirSync(directory)) {
    Deno.removeSync(`${directory}/${name}`, { recursive: true });
  }
}

/** Makes one directory, which need not be there, what another is. */
export function copyDirectory(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true, mode: 0o700 });
  emptyDirectory(to);
  for (const { name } of filesIn(from)) {
    Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Exchanges two. */
export function swapDirectories(a: string, b: string): void {
  Deno.renameSync(a, `${a}.swap`);
  Deno.renameSync(b, a);
  Deno.renameSync(`${a}.swap`, b);
}
