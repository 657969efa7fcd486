/**
 * Watching: a subscription as items to iterate over.
 *
 * What comes before it is asked for waits in a queue, which the subscription's
 * window bounds.
 *
 * @module
 */
import { type ClientCore, EVENT_FLAGS, type ListEntry } from "../mod.ts";
import { type ClientResponse, type Subscription, WANTS } from "../mod.ts";
import type { WatchTaker } from "../mod.ts";
import { DoozerError, type Rev } from "../../store/mod.ts";
import { abortedBefore } from "./asking.ts";
import { Deferred } from "./deferred.ts";

/** A change of the tree. */
export interface ChangeEvent {
  /** The file that changed; "/" where nothing did (a NOP). */
  readonly path: string;
  /** The rev that the change made. */
  readonly rev: Rev;
  /** Whether the file was written, removed, or nothing happened. */
  readonly kind: "set" | "del" | "nop";
  /** The file's new body; empty unless `kind` is "set". */
  readonly value: Uint8Array;
}

/** A change, as a watch tells it. */
export interface WatchEvent extends ChangeEvent {
  /**
   * The rev of the file's change before this one, by which a gap would show. 0
   * where there was none, or where that was a removal which the server has
   * forgotten.
   */
  readonly previousRev: Rev;
  /** The body before, where there was a file and `previous` was asked for. */
  readonly previous?: Uint8Array;
  /** When it was asked for, in ms since 1970, where `stamps` were asked for. */
  readonly time?: number;
  /** By whom: the id of a node, or the name of a client. The same. */
  readonly origin?: string;
}

/**
 * Events are not to be had any more, or were not asked for: what there is now
 * comes instead, a "file" for each, and "current" when that is all. Should
 * another "snapshot" come before "current", it begins anew.
 */
export interface SnapshotBegins {
  /** Says which item it is. */
  readonly kind: "snapshot";
  /** All files are as of this rev. */
  readonly rev: Rev;
  /**
   * The first rev whose event may be missing; absent where the watch was to
   * begin with a snapshot, so that nothing is.
   */
  readonly from?: Rev;
}

/** A file of a snapshot. Those come in tree order. */
export interface SnapshotFile {
  /** Says which item it is. */
  readonly kind: "file";
  /** Which file. */
  readonly path: string;
  /** The rev at which it was written. */
  readonly rev: Rev;
  /** Its body. */
  readonly value: Uint8Array;
}

/** The snapshot is whole: files that were not told are not there. */
export interface SnapshotEnds {
  /** Says which item it is. */
  readonly kind: "current";
  /** The rev of the snapshot. Events after it follow. */
  readonly rev: Rev;
}

/** All events up to a rev were told: where to go on after a restart. */
export interface Mark {
  /** Says which item it is. */
  readonly kind: "mark";
  /** The rev up to which all is told. */
  readonly rev: Rev;
}

/** What a watch tells. */
export type WatchItem =
  | WatchEvent
  | SnapshotBegins
  | SnapshotFile
  | SnapshotEnds
  | Mark;

/** How to watch. */
export interface WatchOptions {
  /** The first rev that counts; absent means the one after the current. */
  readonly rev?: Rev;
  /** Whether to begin with what there is, and go on from there; without `rev`. */
  readonly snapshot?: boolean;
  /**
   * What to do where the history that is left begins after the rev to go on
   * from: `snapshot`, the default, tells what there is now in place of the
   * events that are lost; `fail` throws `TOO_LATE`.
   */
  readonly onTooLate?: "snapshot" | "fail";
  /** Whether events bring the file's body of before. */
  readonly previous?: boolean;
  /** Whether events tell when they were asked for, and by whom. */
  readonly stamps?: boolean;
  /** Whether events bring bodies; default true. */
  readonly values?: boolean;
  /** Which events to tell; default all. */
  readonly kinds?: readonly ChangeEvent["kind"][];
  /** Whether to tell marks, too. */
  readonly marks?: boolean;
  /** Bytes that may come ahead of what is taken. Default 1 MiB. */
  readonly windowBytes?: number;
  /** Milliseconds between two marks; at least 100, default 10000. */
  readonly progressMs?: number;
  /** Ends the watch with `TIMEOUT` when it is aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the watch ends with `TIMEOUT`; 0, the default: never. */
  readonly timeoutMs?: number;
}

/** How to watch where nothing but events is to be told. */
export interface EventsOnly extends WatchOptions {
  /** No snapshot stands for events that are lost. */
  readonly onTooLate: "fail";
  /** Nor does the watch begin with one. */
  readonly snapshot?: false;
  /** Nor are marks told. */
  readonly marks?: false;
}

const WINDOW_BYTES = 1 << 20;
/** Taken items that are kept before the others move up. */
const TAKEN_MAX = 1024;
const PROGRESS_MS = 10_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const EMPTY: Uint8Array = new Uint8Array(0);

interface Queued {
  readonly item: WatchItem;
  /** What it holds of the window. */
  readonly bytes: number;
}

/** A watch that goes on: its items, one after the other. */
export interface WatchIterator<Item> extends AsyncIterableIterator<Item, void> {
  /** Ends the watch, at once, also while an item is awaited. */
  return(): Promise<IteratorResult<Item, void>>;
}

/** Where a watch begins: at a rev, or with a snapshot. */
export type Beginning = { readonly from: Rev | undefined };

/**
 * A watch as items to iterate over. It begins at once, not when the first item
 * is asked for; its window bounds what waits. `return` ends it at once, also
 * while an item is awaited.
 */
export class Watching implements WatchTaker {
  readonly #core: ClientCore;
  readonly #options: WatchOptions;
  #items: Queued[] = [];
  #at = 0;
  readonly #awaiting: Deferred<IteratorResult<WatchItem, void>>[] = [];
  #failure: DoozerError | undefined;
  #ended = false;
  #subscription: Subscription | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(core: ClientCore, options: WatchOptions) {
    this.#core = core;
    this.#options = options;
    const { signal, timeoutMs = 0 } = options;
    if (signal?.aborted) {
      this.#failure = abortedBefore("WATCH", signal);
      return;
    }
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (timeoutMs > 0) {
      const late = () => this.#end(`the time is over (${timeoutMs} ms)`);
      this.#timer = setTimeout(late, Math.min(timeoutMs, TIMER_MS_MAX));
    }
  }

  /** Begins to watch, unless it has ended meanwhile. */
  begin(glob: string, { from }: Beginning): void {
    if (this.#ended || this.#failure !== undefined) return;
    const options = this.#options;
    this.#subscription = this.#core.watch({
      glob,
      from,
      want: wantsOf(options),
      windowBytes: options.windowBytes ?? WINDOW_BYTES,
      progressMs: options.progressMs ?? PROGRESS_MS,
      snapshots: options.onTooLate !== "fail",
    }, this);
    // It may have failed at once.
    if (this.#failure !== undefined) this.#release();
  }

  next(): Promise<IteratorResult<WatchItem, void>> {
    if (this.#at < this.#items.length) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      // It is told once; after that there is nothing more.
      this.#failure = undefined;
      this.#release();
      return Promise.reject(failure);
    }
    if (this.#ended) return Promise.resolve(DONE);
    const awaiting = new Deferred<IteratorResult<WatchItem, void>>();
    this.#awaiting.push(awaiting);
    return awaiting.promise;
  }

  return(): Promise<IteratorResult<WatchItem, void>> {
    this.#release();
    this.#failure = undefined;
    this.#items = [];
    this.#at = 0;
    for (const awaiting of this.#awaiting.splice(0)) awaiting.resolve(DONE);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  event(response: ClientResponse, bytes: number): void {
    this.#add({ ...eventIn(response), ...moreIn(response) }, bytes);
  }

  progress(rev: Rev): void {
    if (!this.#options.marks) return;
    const last = this.#items.length - 1;
    const mark = { item: { kind: "mark", rev }, bytes: 0 } as const;
    // Who does not take them needs but the last.
    const isAgain = last >= this.#at && this.#items[last]!.item.kind === "mark";
    if (isAgain) this.#items[last] = mark;
    else this.#add(mark.item, 0);
  }

  snapshot({ rev, from }: { rev: Rev; from: Rev | undefined }): void {
    const lost = from === undefined ? {} : { from };
    this.#add({ kind: "snapshot", rev, ...lost }, 0);
  }

  file({ path, rev, value = EMPTY }: ListEntry, bytes: number): void {
    this.#add({ kind: "file", path, rev, value }, bytes);
  }

  current(rev: Rev): void {
    this.#add({ kind: "current", rev }, 0);
  }

  /** What was told before is taken first. */
  failed(error: DoozerError): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#timer);
    const [first, ...others] = this.#awaiting.splice(0);
    if (first === undefined) return;
    this.#failure = undefined;
    this.#release();
    first.reject(error);
    for (const awaiting of others) awaiting.resolve(DONE);
  }

  readonly #abort = (): void => this.#end("it was aborted");

  #end(why: string): void {
    const { signal } = this.#options;
    const cause = signal?.aborted ? signal.reason : undefined;
    const detail = `The watch has ended: ${why}`;
    this.failed(new DoozerError("TIMEOUT", detail, { cause }));
    this.#subscription?.cancel();
  }

  #add(item: WatchItem, bytes: number): void {
    if (this.#ended || this.#failure !== undefined) return;
    this.#items.push({ item, bytes });
    const awaiting = this.#awaiting.shift();
    awaiting?.resolve({ done: false, value: this.#take() });
  }

  #take(): WatchItem {
    const { item, bytes } = this.#items[this.#at++]!;
    // Also where it is never empty: what was taken is not held on to.
    if (this.#at === this.#items.length || this.#at >= TAKEN_MAX) {
      this.#items = this.#items.slice(this.#at);
      this.#at = 0;
    }
    if (bytes > 0) this.#subscription?.taken(bytes);
    return item;
  }

  /** Nothing is kept, here or on the server. */
  #release(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#subscription?.cancel();
  }
}

const DONE: IteratorReturnResult<void> = { done: true, value: undefined };

/** The event that an answer to WAIT or WATCH tells. */
export function eventIn(
  { path = "", rev, flags, value = EMPTY }: ClientResponse,
): ChangeEvent {
  if (rev === undefined) {
    throw new DoozerError("OTHER", "The server's answer lacks a field");
  }
  const kind = flags === EVENT_FLAGS.set
    ? "set"
    : flags === EVENT_FLAGS.del
    ? "del"
    : "nop";
  return { path, rev, kind, value };
}

function moreIn(
  { prevRev = 0, prevValue, time, origin }: ClientResponse,
): Omit<WatchEvent, keyof ChangeEvent> {
  return {
    previousRev: prevRev,
    ...prevValue === undefined ? {} : { previous: prevValue },
    ...time === undefined ? {} : { time },
    ...origin === undefined ? {} : { origin },
  };
}

function wantsOf(
  { previous, stamps, values = true, kinds }: WatchOptions,
): number {
  const without = (kind: ChangeEvent["kind"]) =>
    kinds !== undefined && !kinds.includes(kind);
  return (previous ? WANTS.previous : 0) |
    (stamps ? WANTS.stamp : 0) |
    (values ? 0 : WANTS.noBody) |
    (without("set") ? WANTS.noSet : 0) |
    (without("del") ? WANTS.noDel : 0) |
    (without("nop") ? WANTS.noNop : 0);
}
