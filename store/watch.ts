/**
 * A standing wish to be told: every event of a glob from a rev on, in order,
 * each once. What becomes of it is in waits.ts.
 *
 * @module
 */
import type { StoreEvent } from "./event.ts";
import type { Glob } from "./glob.ts";
import type { Rev } from "./history.ts";
import type { Refusal } from "./mutation.ts";
import type { Place } from "./wait.ts";

/** What an event did. */
export type EventKind = StoreEvent["kind"];

/**
 * Who is told of a watch's events. It must not call the store back, but for
 * {@linkcode Waits.cancel} and {@linkcode Waits.resume}; it takes note and
 * returns.
 */
export interface Watcher {
  /**
   * For whom it watches: where several waiters and watchers are of one client,
   * they name the same. The watcher itself, where this is left out.
   */
  readonly owner?: object;
  /**
   * Takes an event. False where there is no room: the watch is held, and this
   * event comes again after {@linkcode Waits.resume}. Watches that are told of
   * an event one after the other get the same object, so that what is made of
   * it can be used again; its body must be copied before the next mutation.
   */
  watched(watch: Watch, event: StoreEvent): boolean;
  /**
   * The watch has ended: TOO_LATE, history no longer has what comes next
   * (`watch.next` is the first rev that it was not told of).
   */
  watchEnded(watch: Watch, refusal: Refusal): void;
}

/** What a watch is to tell. */
export interface WatchWish {
  /** What the events' paths must match. */
  readonly glob: Glob;
  /** The first rev that counts; one to come is good. */
  readonly from: Rev;
  /** The kinds of event that count; all, where this is left out. */
  readonly kinds?: readonly EventKind[];
  /** Whether the watcher also tells what the file was before: it is work. */
  readonly previous?: boolean;
}

const KIND_BITS: Readonly<Record<EventKind, number>> = {
  nop: 1,
  set: 2,
  del: 4,
};
const ALL_KINDS: readonly EventKind[] = ["nop", "set", "del"];

/** A watch: every event of a glob from a rev on. */
export class Watch {
  /** What its events' paths match. */
  readonly glob: Glob;
  /** Who is told. */
  readonly watcher: Watcher;
  /**
   * The first rev that it has not been told of. Not kept up while it is told
   * of events as they happen: {@linkcode Waits.toldUpTo} always knows.
   */
  next: Rev;
  /** For Waits to change. */
  place: Place = "nowhere";
  /** For Rounds to change. */
  share = 0;
  /** Whether what a file was before an event is told, too. */
  readonly previous: boolean;
  readonly #kinds: number;

  /** Begins with {@linkcode Waits.watch}. */
  constructor(watcher: Watcher, wish: WatchWish) {
    this.glob = wish.glob;
    this.watcher = watcher;
    this.next = wish.from;
    this.previous = wish.previous ?? false;
    this.#kinds = (wish.kinds ?? ALL_KINDS)
      .reduce((bits, kind) => bits | KIND_BITS[kind], 0);
  }

  /** For whom it is: he has so much room, whatever he has it for. */
  get owner(): object {
    return this.watcher.owner ?? this.watcher;
  }

  /** Whether events of that kind count. */
  wants(kind: EventKind): boolean {
    return (this.#kinds & KIND_BITS[kind]) !== 0;
  }
}
