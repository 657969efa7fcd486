/**
 * Finding the next retained event of a glob.
 *
 * On a plain path that is one search in its chain. With wildcards it goes row
 * by row, as far as the work goes that may be spent: a long history delays
 * nobody else.
 *
 * @module
 */
import type { StoreEvent } from "./event.ts";
import type { Glob } from "./glob.ts";
import type { Rev } from "./history.ts";
import type { Versions } from "./versions.ts";

/** Who looks for events, and from which rev on. */
export interface Seeking {
  readonly glob: Glob;
  /** The first rev that has not been looked at; seeking moves it on. */
  next: Rev;
}

/**
 * Seeks for many, and remembers what it found last: those who stand at the
 * same rev for the same glob come one after the other.
 */
export class Seeker {
  readonly #versions: Versions;
  /** What is remembered holds while this is the last rev. */
  #last: Rev = 0;
  #text = "";
  #from: Rev = 0;
  /** The first match of the text from there on, or the rev after the last. */
  #found: Rev = 0;
  #event: StoreEvent | undefined;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  /**
   * Moves on to the first match, from a retained rev, or to behind the last
   * rev, or stops before it where the versions' work reaches `until`.
   *
   * @returns whether `next` is the rev of a match.
   */
  seek(seeking: Seeking, until: number): boolean {
    const { last } = this.#versions.history;
    const { glob, next } = seeking;
    if (next > last) return false;
    this.#forgetOld(last);
    if (next === this.#from && glob.text === this.#text) {
      this.#versions.work++;
      seeking.next = this.#found;
      return this.#found <= last;
    }
    const found = glob.literal
      ? this.#onPath(seeking)
      : this.#byRow(seeking, until);
    if (!found && seeking.next <= last) return false;
    this.#text = glob.text;
    this.#from = next;
    this.#found = seeking.next;
    return found;
  }

  /** The event of a retained rev; the same object if asked again at once. */
  eventAt(rev: Rev): StoreEvent {
    this.#forgetOld(this.#versions.history.last);
    if (this.#event?.rev === rev) return this.#event;
    this.#event = this.#versions.eventAt(rev);
    return this.#event;
  }

  #forgetOld(last: Rev): void {
    if (this.#last === last) return;
    this.#last = last;
    this.#text = "";
    this.#event = undefined;
  }

  /** By the chain of the path: there is nothing to read. */
  #onPath(seeking: Seeking): boolean {
    const { history, tree } = this.#versions;
    this.#versions.work++;
    const node = tree.find(seeking.glob.text);
    const rev = node === undefined
      ? 0
      : history.atOrAfter(tree.headOf(node), seeking.next);
    seeking.next = rev === 0 ? history.last + 1 : rev;
    return rev !== 0;
  }

  #byRow(seeking: Seeking, until: number): boolean {
    const { history, tree } = this.#versions;
    const { glob } = seeking;
    for (; seeking.next <= history.last; seeking.next++) {
      if (this.#versions.work >= until) return false;
      const path = tree.pathOf(history.nodeOf(seeking.next));
      this.#versions.work += glob.costOf(path);
      if (glob.matches(path)) return true;
    }
    return false;
  }
}
