/**
 * What `stat`, `ls` and `find` say about a file or directory.
 *
 * @module
 */

import type { StatView } from "../protocol/net/mod.ts";
import type { JsonFields } from "./output.ts";

/** The rev that a stat gives for a directory. */
const DIRECTORY = -2;

/** Whether the stat is a directory's. */
export function isDirectory(stat: StatView): boolean {
  return stat.rev === DIRECTORY;
}

/** A file or directory as JSON. */
export function entryFields({ path, rev, len }: StatView): JsonFields {
  if (rev === DIRECTORY) return { path, dir: true, entries: len };
  return { path, rev, len };
}
