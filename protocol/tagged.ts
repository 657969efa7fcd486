/**
 * What a client may take back by naming its tag.
 *
 * Finding it takes the same time however much there is. A client may give
 * several the same tag, or none; then they are found by that tag together, or
 * not at all.
 *
 * @module
 */

/** Things by the tags of their requests. */
export class Tagged<T extends { readonly tag: number | undefined }> {
  /** The only one with a tag, or all. */
  readonly #byTag: Map<number, T | Set<T>> = new Map();

  /** Whether there is one with that tag. */
  has(tag: number): boolean {
    return this.#byTag.has(tag);
  }

  /** Adds one that is not among them. */
  add(one: T): void {
    const { tag } = one;
    if (tag === undefined) return;
    const known = this.#byTag.get(tag);
    if (known === undefined) this.#byTag.set(tag, one);
    else if (known instanceof Set) known.add(one);
    else this.#byTag.set(tag, new Set([known, one]));
  }

  /** Removes one, if it is among them. */
  delete(one: T): void {
    const { tag } = one;
    if (tag === undefined) return;
    const known = this.#byTag.get(tag);
    if (known instanceof Set) {
      known.delete(one);
      if (known.size === 0) this.#byTag.delete(tag);
    } else if (known === one) this.#byTag.delete(tag);
  }

  /** Removes those with that tag, and returns them as they came. */
  take(tag: number): readonly T[] {
    const known = this.#byTag.get(tag);
    if (known === undefined) return [];
    this.#byTag.delete(tag);
    return known instanceof Set ? [...known] : [known];
  }

  /** Removes all. */
  clear(): void {
    this.#byTag.clear();
  }
}
