/**
 * Room for patterns: each event below a directory is matched with all that are
 * followed there, so they are bounded; and each client has a part of the room
 * only, so that one alone cannot keep the others out.
 *
 * A pattern keeps its place as long as somebody who follows it is there, in
 * whatever state: who had room once is not refused later.
 *
 * @module
 */
import type { Glob } from "./glob.ts";
import { LIMITS } from "./limits.ts";
import type { Refusal } from "./mutation.ts";
import type { Path } from "./path.ts";

/** Distinct patterns. */
class Patterns {
  /** How often each was taken in, by its text. */
  readonly #uses: Map<string, number> = new Map();
  /** Of the texts, by the directory that they are followed in. */
  readonly #bytes: Map<Path, number> = new Map();

  /** The bytes in the glob's directory with this one. */
  bytesWith({ text, directory }: Glob): number {
    const bytes = this.#bytes.get(directory) ?? 0;
    return this.#uses.has(text) ? bytes : bytes + text.length;
  }

  add({ text, directory }: Glob): void {
    const uses = this.#uses.get(text) ?? 0;
    this.#uses.set(text, uses + 1);
    if (uses > 0) return;
    const bytes = this.#bytes.get(directory) ?? 0;
    this.#bytes.set(directory, bytes + text.length);
  }

  delete({ text, directory }: Glob): void {
    const uses = this.#uses.get(text)!;
    if (uses > 1) {
      this.#uses.set(text, uses - 1);
      return;
    }
    this.#uses.delete(text);
    const bytes = this.#bytes.get(directory)! - text.length;
    if (bytes > 0) this.#bytes.set(directory, bytes);
    else this.#bytes.delete(directory);
  }
}

/** The room that patterns take, of all and of each owner. */
export class PatternRoom {
  readonly #all = new Patterns();
  readonly #byOwner: WeakMap<object, Patterns> = new WeakMap();

  /**
   * Takes room for one who follows the glob. A path needs none, nor does a
   * pattern that the owner has already.
   *
   * @returns LIMIT, with both numbers, where there is none.
   */
  take(owner: object, glob: Glob): Refusal | undefined {
    if (glob.literal) return undefined;
    const known = this.#byOwner.get(owner);
    const own = known ?? new Patterns();
    const refusal = tooMany(own.bytesWith(glob), OWN) ??
      tooMany(this.#all.bytesWith(glob), ALL);
    if (refusal !== undefined) return refusal;
    if (known === undefined) this.#byOwner.set(owner, own);
    own.add(glob);
    this.#all.add(glob);
    return undefined;
  }

  /** Gives back what was taken for one who followed the glob. */
  give(owner: object, glob: Glob): void {
    if (glob.literal) return;
    this.#byOwner.get(owner)!.delete(glob);
    this.#all.delete(glob);
  }
}

const OWN = {
  whose: "of one client",
  limit: "waitGlobBytesEach",
} as const;
const ALL = { whose: "of all clients", limit: "waitGlobBytes" } as const;

function tooMany(
  bytes: number,
  { whose, limit }: typeof OWN | typeof ALL,
): Refusal | undefined {
  const most = LIMITS[limit];
  if (bytes <= most) return undefined;
  const detail = `The patterns ${whose} that wait on the directory would ` +
    `have ${bytes} bytes, the limit is ${most}`;
  return { code: "LIMIT", detail };
}
