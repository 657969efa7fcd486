/**
 * Those who wait: for the first event that matches a glob, or for a rev.
 *
 * A wait that begins in the past reads the retained events first, a bounded
 * number per turn, so that a long history delays nobody else. Once it has
 * caught up it lies in an index, by path where its glob is one, else by the
 * deepest directory that holds every match: an event asks only those that
 * could match it, and waits on the same glob are matched once together.
 *
 * @module
 */
import type { StoreEvent } from "./event.ts";
import type { Glob } from "./glob.ts";
import type { Rev } from "./history.ts";
import { LIMITS } from "./limits.ts";
import type { Refusal } from "./mutation.ts";
import { parentOf, type Path, ROOT } from "./path.ts";
import type { Versions } from "./versions.ts";

/** Who is told. It must not call the store back; it takes note and returns. */
export interface Waiter {
  /** The wait has its event, or can never have it. */
  waitEnded(ticket: number, result: StoreEvent | Refusal): void;
  /** The rev that was waited for is here. */
  revReached(ticket: number, rev: Rev): void;
}

/** A wait that is under way. Hold it to cancel it. */
export class Wait {
  readonly glob: Glob;
  readonly waiter: Waiter;
  /** The waiter's own number for this wait. */
  readonly ticket: number;
  /** The first rev that has not been looked at for it. */
  next: Rev;
  /** Whether it is counted and indexed. */
  held = false;

  constructor(waiter: Waiter, wish: { glob: Glob; from: Rev; ticket: number }) {
    this.glob = wish.glob;
    this.waiter = waiter;
    this.ticket = wish.ticket;
    this.next = wish.from;
  }
}

/** A question about a rev to come. */
export interface AskedRev {
  readonly waiter: Waiter;
  readonly ticket: number;
  /** What the waiter keeps for it, in bytes. */
  readonly bytes: number;
}

/** How much a new wait reads at once, in units of an event looked at. */
const FIRST_LOOK = 256;
/** What a wait costs beside the text of its glob, in bytes; an estimate. */
const WAIT_BYTES = 400;
const TOO_LATE: Refusal = { code: "TOO_LATE" };

/** All waits of a store. */
export class Waits {
  #versions: Versions;
  readonly #byPath: Map<Path, Set<Wait>> = new Map();
  readonly #byDirectory: Map<Path, DirectoryWaits> = new Map();
  readonly #behind: Set<Wait> = new Set();
  readonly #forRev: Map<Rev, AskedRev[]> = new Map();
  /** Called when a wait falls behind that none was: it must be caught up. */
  onBehind: () => void = () => {};
  #bytes = 0;

  constructor(versions: Versions) {
    this.#versions = versions;
  }

  /** Whether some wait still has retained events to read. */
  get behind(): boolean {
    return this.#behind.size > 0;
  }

  /** How many wait, for events and for revs. Counts them: not for hot paths. */
  count(): number {
    let count = this.#behind.size;
    for (const waits of this.#byPath.values()) count += waits.size;
    for (const { globs } of this.#byDirectory.values()) {
      for (const waits of globs.values()) count += waits.size;
    }
    for (const asked of this.#forRev.values()) count += asked.length;
    return count;
  }

  /** What all waits and questions about revs cost, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Starts a wait; answers at once where the event is quickly found. */
  start(wait: Wait): StoreEvent | Refusal | undefined {
    const found = this.#look(wait, FIRST_LOOK);
    if (found !== undefined) return found;
    const refusal = this.#exceeds(costOf(wait));
    if (refusal !== undefined) return refusal;
    this.#bytes += costOf(wait);
    wait.held = true;
    if (wait.next > this.#versions.history.last) return this.#index(wait);
    this.#behind.add(wait);
    this.onBehind();
    return undefined;
  }

  /** Ends a wait without an answer. Harmless where it has ended. */
  cancel(wait: Wait): void {
    if (!wait.held) return;
    wait.held = false;
    this.#bytes -= costOf(wait);
    if (!this.#behind.delete(wait)) this.#unindex(wait);
  }

  /**
   * Goes on with a later state of the same store. A wait that had caught up
   * has seen all revs of the state before; what came since it reads now.
   */
  adopt(versions: Versions): void {
    const seen = this.#versions.history.last;
    const { history } = versions;
    this.#versions = versions;
    for (const wait of this.#indexed()) {
      wait.next = Math.max(wait.next, seen + 1);
      if (wait.next > history.last) continue;
      this.#unindex(wait);
      this.#behind.add(wait);
    }
    for (const wait of this.#behind) {
      if (wait.next >= history.first) continue;
      this.cancel(wait);
      wait.waiter.waitEnded(wait.ticket, TOO_LATE);
    }
    const reached = [...this.#forRev.keys()].filter((r) => r <= history.last);
    for (const rev of reached.sort((a, b) => a - b)) this.#tellReached(rev);
    if (this.behind) this.onBehind();
  }

  #indexed(): Wait[] {
    const sets = [...this.#byPath.values()];
    for (const { globs } of this.#byDirectory.values()) {
      sets.push(...globs.values());
    }
    return sets.flatMap((set) => [...set]);
  }

  #unindex(wait: Wait): void {
    const { glob } = wait;
    if (glob.literal) {
      removeFrom(this.#byPath, glob.text, wait);
      return;
    }
    const here = this.#byDirectory.get(glob.directory);
    if (here === undefined) return;
    removeFrom(here.globs, glob.text, wait);
    if (!here.globs.has(glob.text)) here.bytes -= glob.text.length;
    if (here.globs.size === 0) this.#byDirectory.delete(glob.directory);
  }

  /** Asks to be told when the store reaches the rev, which is to come. */
  whenRev(rev: Rev, asked: AskedRev): Refusal | undefined {
    const refusal = this.#exceeds(WAIT_BYTES + asked.bytes);
    if (refusal !== undefined) return refusal;
    this.#bytes += WAIT_BYTES + asked.bytes;
    const list = this.#forRev.get(rev);
    if (list === undefined) this.#forRev.set(rev, [asked]);
    else list.push(asked);
    return undefined;
  }

  /** Forgets all questions of a waiter about this rev. */
  forgetRev(rev: Rev, waiter: Waiter): void {
    const list = this.#forRev.get(rev);
    if (list === undefined) return;
    const others = list.filter((asked) => asked.waiter !== waiter);
    for (const asked of list) {
      if (asked.waiter === waiter) this.#bytes -= WAIT_BYTES + asked.bytes;
    }
    if (others.length > 0) this.#forRev.set(rev, others);
    else this.#forRev.delete(rev);
  }

  /** Tells of the event of a rev that was just applied. */
  announce(rev: Rev): void {
    if (this.#byPath.size > 0 || this.#byDirectory.size > 0) {
      this.#tell(this.#versions.eventAt(rev));
    }
    if (this.#forRev.size > 0) this.#tellReached(rev);
  }

  #tellReached(rev: Rev): void {
    const list = this.#forRev.get(rev);
    if (list === undefined) return;
    this.#forRev.delete(rev);
    for (const { waiter, ticket, bytes } of list) {
      this.#bytes -= WAIT_BYTES + bytes;
      waiter.revReached(ticket, rev);
    }
  }

  /** Lets waits that are behind read at most so much, one after the other. */
  catchUp(units: number): void {
    const until = this.#versions.work + units;
    for (const wait of this.#behind) {
      const left = until - this.#versions.work;
      if (left <= 0) return;
      const found = this.#look(wait, left);
      const caughtUp = wait.next > this.#versions.history.last;
      this.#behind.delete(wait);
      // Who is not done goes to the end: each gets its share.
      const result = found ?? (caughtUp ? this.#index(wait) : undefined);
      if (result !== undefined) {
        this.cancel(wait);
        wait.waiter.waitEnded(wait.ticket, result);
      } else if (!caughtUp) this.#behind.add(wait);
    }
  }

  #exceeds(more: number): Refusal | undefined {
    const bytes = this.#bytes + more;
    if (bytes <= LIMITS.waitBytesNode) return undefined;
    const detail = `All waits of the node would hold ${bytes} bytes, the ` +
      `limit is ${LIMITS.waitBytesNode}`;
    return { code: "LIMIT", detail };
  }

  /** Reads on, as far as the units go; each is an event looked at. */
  #look(wait: Wait, units: number): StoreEvent | Refusal | undefined {
    const { history, tree } = this.#versions;
    if (wait.next > history.last) return undefined;
    if (wait.next < history.first) return TOO_LATE;
    if (wait.glob.literal) return this.#find(wait);
    const until = this.#versions.work + units;
    for (; wait.next <= history.last; wait.next++) {
      if (this.#versions.work >= until) return undefined;
      const path = tree.pathOf(history.nodeOf(wait.next));
      this.#versions.work += wait.glob.costOf(path);
      if (wait.glob.matches(path)) return this.#versions.eventAt(wait.next);
    }
    return undefined;
  }

  /** The first event of a path, by its chain; there is nothing to read. */
  #find(wait: Wait): StoreEvent | undefined {
    const { history, tree } = this.#versions;
    const node = tree.find(wait.glob.text);
    const rev = node === undefined
      ? 0
      : history.atOrAfter(tree.headOf(node), wait.next);
    wait.next = history.last + 1;
    return rev === 0 ? undefined : this.#versions.eventAt(rev);
  }

  #index(wait: Wait): Refusal | undefined {
    const { glob } = wait;
    if (glob.literal) {
      addTo(this.#byPath, glob.text, wait);
      return undefined;
    }
    const here = this.#byDirectory.get(glob.directory) ??
      { globs: new Map(), bytes: 0 };
    const bytes = here.bytes +
      (here.globs.has(glob.text) ? 0 : glob.text.length);
    if (bytes > LIMITS.waitGlobBytes) {
      this.cancel(wait);
      return tooManyGlobs(bytes);
    }
    here.bytes = bytes;
    this.#byDirectory.set(glob.directory, here);
    addTo(here.globs, glob.text, wait);
    return undefined;
  }

  #tell(event: StoreEvent): void {
    const exact = this.#byPath.get(event.path);
    if (exact !== undefined) this.#end(exact, event);
    if (this.#byDirectory.size === 0) return;
    for (let at = event.path;;) {
      at = parentOf(at);
      const here = this.#byDirectory.get(at);
      if (here !== undefined) this.#tellGlobs(here.globs, event);
      if (at === ROOT) return;
    }
  }

  #tellGlobs(globs: Map<string, Set<Wait>>, event: StoreEvent): void {
    for (const waits of globs.values()) {
      for (const wait of waits) {
        // One match decides for all: they share the glob.
        if (wait.glob.matches(event.path)) this.#end(waits, event);
        break;
      }
    }
  }

  #end(waits: Set<Wait>, event: StoreEvent): void {
    for (const wait of waits) {
      if (event.rev < wait.next) continue;
      this.cancel(wait);
      wait.waiter.waitEnded(wait.ticket, event);
    }
  }
}

/** Each event below a directory is matched with all patterns that wait there. */
interface DirectoryWaits {
  readonly globs: Map<string, Set<Wait>>;
  /** Of the patterns' texts. */
  bytes: number;
}

function tooManyGlobs(bytes: number): Refusal {
  const detail =
    `The patterns that wait on the directory would have ${bytes} ` +
    `bytes, the limit is ${LIMITS.waitGlobBytes}`;
  return { code: "LIMIT", detail };
}

function costOf(wait: Wait): number {
  return WAIT_BYTES + wait.glob.text.length;
}

function addTo<K>(sets: Map<K, Set<Wait>>, key: K, wait: Wait): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([wait]));
  else set.add(wait);
}

function removeFrom<K>(sets: Map<K, Set<Wait>>, key: K, wait: Wait): void {
  const set = sets.get(key);
  if (set === undefined) return;
  set.delete(wait);
  if (set.size === 0) sets.delete(key);
}
