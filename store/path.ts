/**
 * The one grammar of paths, used by every entrance.
 *
 * A path is `/`, or one or more components of a slash and a name. A name holds
 * letters, digits, `.` and `-` as in the original, and `_ : @ ~ + , =` beyond
 * it; the names `.` and `..` are refused, because every tool that meets them
 * elsewhere gives them a meaning. All characters are ASCII, so the order of
 * strings is the order of bytes, and characters count as bytes.
 *
 * @module
 */
import { LIMITS } from "./limits.ts";

/** The text of a path that was found good by {@linkcode isPath}. */
export type Path = string;

/** What a name may hold, as the inside of a character class. */
export const NAME_CHARACTERS = "A-Za-z0-9.\\-_:@~+,=";

const GRAMMAR = new RegExp(`^(?:/[${NAME_CHARACTERS}]+)+$`);
const DOTS = /\/\.{1,2}(?:\/|$)/;

/** The root directory, which always exists. */
export const ROOT: Path = "/";

/** Whether the text is a path: the root or a file's or directory's. */
export function isPath(text: string): boolean {
  if (text === ROOT) return true;
  return text.length <= LIMITS.pathBytes && GRAMMAR.test(text) &&
    !DOTS.test(text);
}

/** The directory that holds the path; the root's is the root itself. */
export function parentOf(path: Path): Path {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? ROOT : path.slice(0, slash);
}

/** The last component of the path, without its slash. */
export function nameOf(path: Path): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
