/**
 * Whom an event concerns, found without asking everybody: by the event's path
 * where a glob is one, else by the deepest directory that holds every match.
 * Those who have the same pattern are matched once together.
 *
 * @module
 */
import type { Glob } from "./glob.ts";
import { LIMITS } from "./limits.ts";
import type { Refusal } from "./mutation.ts";
import { parentOf, type Path, ROOT } from "./path.ts";

/** Those who follow the same pattern. */
interface Pattern<F> {
  readonly glob: Glob;
  readonly followers: Set<F>;
}

/** Each event below a directory is matched with all patterns that are there. */
interface DirectoryPatterns<F> {
  readonly byText: Map<string, Pattern<F>>;
  /** Of the patterns' texts. */
  bytes: number;
}

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
    for (const { byText } of this.#byDirectory.values()) {
      for (const { followers } of byText.values()) sets.push(followers);
    }
    return sets.flatMap((set) => [...set]);
  }

  /** Adds one that is not in it. Refused where a directory has too many. */
  add(one: F): Refusal | undefined {
    const { glob } = one;
    const followers = glob.literal
      ? this.#ofPath(glob.text)
      : this.#ofPattern(glob);
    if ("code" in followers) return followers;
    followers.add(one);
    this.#size++;
    return undefined;
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
    const { followers } = here.byText.get(glob.text)!;
    followers.delete(one);
    if (followers.size > 0) return;
    here.byText.delete(glob.text);
    here.bytes -= glob.text.length;
    if (here.byText.size === 0) this.#byDirectory.delete(glob.directory);
  }

  /**
   * All that an event on the path concerns, in sets that are disjoint and not
   * empty. The list is good until the next call.
   */
  matching(path: Path): readonly ReadonlySet<F>[] {
    const found = this.#found;
    found.length = 0;
    const exact = this.#byPath.get(path);
    if (exact !== undefined) found.push(exact);
    if (this.#byDirectory.size === 0) return found;
    for (let at = path;;) {
      at = parentOf(at);
      const here = this.#byDirectory.get(at);
      if (here !== undefined) {
        for (const { glob, followers } of here.byText.values()) {
          if (glob.matches(path)) found.push(followers);
        }
      }
      if (at === ROOT) return found;
    }
  }

  #ofPath(path: Path): Set<F> {
    const known = this.#byPath.get(path);
    if (known !== undefined) return known;
    const added: Set<F> = new Set();
    this.#byPath.set(path, added);
    return added;
  }

  #ofPattern(glob: Glob): Set<F> | Refusal {
    const here = this.#byDirectory.get(glob.directory) ??
      { byText: new Map(), bytes: 0 };
    const known = here.byText.get(glob.text);
    if (known !== undefined) return known.followers;
    const bytes = here.bytes + glob.text.length;
    if (bytes > LIMITS.waitGlobBytes) return tooManyGlobs(bytes);
    const followers: Set<F> = new Set();
    here.byText.set(glob.text, { glob, followers });
    here.bytes = bytes;
    this.#byDirectory.set(glob.directory, here);
    return followers;
  }
}

function tooManyGlobs(bytes: number): Refusal {
  const detail =
    `The patterns that wait on the directory would have ${bytes} ` +
    `bytes, the limit is ${LIMITS.waitGlobBytes}`;
  return { code: "LIMIT", detail };
}
