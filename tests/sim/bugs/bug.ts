/**
 * What a planted bug is.
 *
 * @module
 */

/** A change of a source file, as text. */
export interface Patch {
  /** From the top folder of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A mistake that somebody could make. */
export interface Bug {
  /** To call it by. */
  readonly name: string;
  /** What the code does wrong. */
  readonly what: string;
  /** What it breaks: an invariant of consensus/README.md, or its sentence. */
  readonly rule: string;
  /** Why it is hard to find, where it was not found yet. */
  readonly missed?: string;
  readonly patches: readonly Patch[];
}
