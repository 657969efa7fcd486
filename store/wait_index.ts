/**
 * Whom an event concerns, found without asking everybody: by the event's path
 * where a glob is one, else by the deepest directory that holds every match.
 * Those who have the same pattern are matched once together.
 *
 * @module
 */
import type { Glob } from "./glob.ts";
import type { NodeNumber } from "./history.ts";
import type { Path } from "./path.ts";
import { ROOT_NODE, type Tree } from "./tree.ts";

/** Those who follow the same pattern. */
interface Pattern<F> {
  readonly glob: Glob;
  readonly followers: Set<F>;
}

/**
 * Each event below a directory is matched with all patterns that are there, by
 * their texts. How many there may be is not decided here (pattern_room.ts).
 */
type DirectoryPatterns<F> = Map<string, Pattern<F>>;

/** Those who are told of events as they happen. */
export class WaitIndex<F extends { readonly glob: Glob }> {
  readonly #byPath: Map<Path, Set<F>> = new Map();
  readonly #byDirectory: Map<Path, DirectoryPatterns<F>> = new Map();
  readonly #found: Set<F>[] = [];
  #size = 0;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** How many paths and directories it knows: only those of who is in it. */
  get keys(): number {
    return this.#byPath.size + this.#byDirectory.size;
  }

  /** All that are in it. A copy. */
  all(): F[] {
    const sets = [...this.#byPath.values()];
    for (const here of this.#byDirectory.values()) {
      for (const { followers } of here.values()) sets.push(followers);
    }
    return sets.flatMap((set) => [...set]);
  }

  /** Adds one that is not in it. */
  add(one: F): void {
    const { glob } = one;
    const followers = glob.literal
      ? this.#ofPath(glob.text)
      : this.#ofPattern(glob);
    followers.add(one);
    this.#size++;
  }

  /** Removes one that is in it. */
  remove(one: F): void {
    const { glob } = one;
    this.#size--;
    if (glob.literal) {
      const followers = this.#byPath.get(glob.text)!;
      followers.delete(one);
      if (followers.size === 0) this.#byPath.delete(glob.text);
      return;
    }
    const here = this.#byDirectory.get(glob.directory)!;
    const { followers } = here.get(glob.text)!;
    followers.delete(one);
    if (followers.size > 0) return;
    here.delete(glob.text);
    if (here.size === 0) this.#byDirectory.delete(glob.directory);
  }

  /**
   * All that an event of the node concerns, in sets that are disjoint and not
   * empty. The list is good until the next call.
   */
  matching(tree: Tree, node: NodeNumber): readonly ReadonlySet<F>[] {
    const found = this.#found;
    found.length = 0;
    const path = tree.pathOf(node);
    const exact = this.#byPath.get(path);
    if (exact !== undefined) found.push(exact);
    if (this.#byDirectory.size === 0) return found;
    // By the tree's own texts, whose hashes are known: cutting new ones out of
    // the path costs each write more than looking them up.
    for (let at = node;;) {
      at = tree.parentOf(at);
      const here = this.#byDirectory.get(tree.pathOf(at));
      if (here !== undefined) {
        for (const { glob, followers } of here.values()) {
          if (glob.matches(path)) found.push(followers);
        }
      }
      if (at === ROOT_NODE) return found;
    }
  }

  #ofPath(path: Path): Set<F> {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const added: Set<F> = new Set();
    this.#byPath.set(path, added);
    return added;
  }

  #ofPattern(glob: Glob): Set<F> {
    const here: DirectoryPatterns<F> = this.#byDirectory.get(glob.directory) ??
      new Map();
    const known = here.get(glob.text);
    if (known !== undefined) return known.followers;
    const followers: Set<F> = new Set();
    here.set(glob.text, { glob, followers });
    this.#byDirectory.set(glob.directory, here);
    return followers;
  }
}
