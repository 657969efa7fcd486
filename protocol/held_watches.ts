/**
 * The watches of one connection: what their clients are told, and when not.
 *
 * A watch is told as long as there is room: bytes that its client allowed, and
 * answers that lie unread below the soft bound. Where there is none it is held
 * by the store and costs no more than its place in history, from which it goes
 * on when there is room again, or learns that it is too late. So a client that
 * does not read harms nobody.
 *
 * @module
 */
import { Watch } from "../store/mod.ts";
import type { Refusal, Store, StoreEvent, Watcher } from "../store/mod.ts";
import type { AskedWatch } from "./asked_watch.ts";
import { EventBytes } from "./event_bytes.ts";
import type { ResponseEncoder } from "./response.ts";

/** The connection whose watches they are. */
export interface WatchOwner {
  /** Where answers are written. */
  readonly answers: ResponseEncoder;
  /** Whether its client may be sent more, as far as it reads. */
  readonly hasRoom: boolean;
  /** Whether it is to be told at all; looking may end the connection. */
  mayTell(): boolean;
  /** Whether its client may know of the event. */
  maySee(event: StoreEvent): boolean;
  /** Answers were written while none of its requests was handled. */
  announceOutput(): void;
}

/**
 * Shared by all connections: one after the other they are told of the same
 * event. It holds nothing that could not be made again.
 */
const EVENTS = new EventBytes();

/** One watch. */
class HeldWatch implements Watcher {
  readonly tag: number;
  readonly watch: Watch;
  /** Bytes of events that may be sent; below 0 after a large one. */
  credit: number;
  /** The rev up to which the client knows that it was told of all. */
  said: number;
  /** When the last progress mark was said, as expire() tells the time. */
  markedAt: number | undefined;
  /** Milliseconds between two progress marks, if there are to be any. */
  readonly progressMs: number | undefined;
  readonly #want: number;
  readonly #all: HeldWatches;

  constructor(all: HeldWatches, tag: number, wish: AskedWatch) {
    this.#all = all;
    this.tag = tag;
    this.credit = wish.window ?? Infinity;
    this.said = wish.from - 1;
    this.progressMs = wish.progressMs;
    this.#want = wish.want;
    this.watch = new Watch(this, wish);
  }

  get owner(): WatchOwner {
    return this.#all.owner;
  }

  watched(_: Watch, event: StoreEvent): boolean {
    const all = this.#all;
    const { owner } = all;
    if (this.credit <= 0) return all.hold(this);
    if (!owner.hasRoom) return all.hold(this);
    if (!owner.mayTell()) return false;
    if (!owner.maySee(event)) return true;
    const { writer } = owner.answers;
    const before = writer.length;
    const wish = { want: this.#want, store: all.store };
    owner.answers.watched(this.tag, EVENTS.of(event, wish));
    this.credit -= writer.length - before;
    this.said = event.rev;
    owner.announceOutput();
    return true;
  }

  watchEnded(watch: Watch, refusal: Refusal): void {
    const { owner } = this.#all;
    this.#all.forget(this);
    if (!owner.mayTell()) return;
    owner.answers.watchEnded(this.tag, refusal, watch.next);
    owner.announceOutput();
  }
}

/** The watches of one connection, by the tags of their requests. */
export class HeldWatches {
  /** Whom the watches tell. */
  readonly owner: WatchOwner;
  /** What is watched. */
  readonly store: Store;
  readonly #byTag: Map<number, HeldWatch> = new Map();
  /** Those that are held until the client has read answers. */
  readonly #full: Set<HeldWatch> = new Set();
  /** Those that are held until the client allows more bytes. */
  readonly #spent: Set<HeldWatch> = new Set();
  /** Those with progress marks. */
  readonly #marked: Set<HeldWatch> = new Set();

  constructor(owner: WatchOwner, store: Store) {
    this.owner = owner;
    this.store = store;
  }

  /** How many there are. */
  get size(): number {
    return this.#byTag.size;
  }

  /** Whether some wait until the client has read answers. */
  get awaitRoom(): boolean {
    return this.#full.size > 0;
  }

  /** Whether there is one with that tag. */
  has(tag: number): boolean {
    return this.#byTag.has(tag);
  }

  /** Starts one, whose tag no other has; it is told of nothing before that. */
  start(tag: number, wish: AskedWatch): Refusal | undefined {
    const held = new HeldWatch(this, tag, wish);
    const refusal = this.store.waits.watch(held.watch);
    if (refusal !== undefined) return refusal;
    this.#byTag.set(tag, held);
    if (held.progressMs !== undefined) this.#marked.add(held);
    return undefined;
  }

  /** Ends one without a word; tells whether there was one. */
  cancel(tag: number): boolean {
    const held = this.#byTag.get(tag);
    if (held === undefined) return false;
    this.forget(held);
    this.store.waits.cancel(held.watch);
    return true;
  }

  /** Lets one send so many bytes of events more. */
  credit(tag: number, bytes: number): Refusal | undefined {
    const held = this.#byTag.get(tag);
    if (held === undefined) return noWatch(tag);
    const credit = held.credit + bytes;
    if (held.credit < Infinity && credit > Number.MAX_SAFE_INTEGER) {
      const detail = `The watch might send ${credit} bytes, the limit is ` +
        `${Number.MAX_SAFE_INTEGER}`;
      return { code: "LIMIT", detail };
    }
    held.credit = credit;
    if (credit > 0 && this.#spent.delete(held)) {
      this.store.waits.resume(held.watch);
    }
    return undefined;
  }

  /** Goes on with those that waited for the client to read answers. */
  roomAgain(): void {
    if (this.#full.size === 0 || !this.owner.hasRoom) return;
    const full = [...this.#full];
    this.#full.clear();
    // They read on in turn, and who was refused first is first: none starves.
    for (const { watch } of full) this.store.waits.resume(watch);
  }

  /**
   * Says how far it is, where there is no event to say so, and ends those for
   * which it is too late. `now` in ms from any beginning.
   */
  expire(now: number): void {
    const { waits } = this.store;
    for (const held of this.#marked) this.#mark(held, now);
    for (const { watch } of [...this.#full, ...this.#spent]) {
      waits.cutLate(watch);
    }
  }

  /** Ends all without a word. */
  clear(): void {
    const all = [...this.#byTag.values()];
    for (const set of [this.#byTag, this.#full, this.#spent, this.#marked]) {
      set.clear();
    }
    for (const { watch } of all) this.store.waits.cancel(watch);
  }

  // What a watch calls.

  /** It has an event, and no room for it: false, to say so to the store. */
  hold(held: HeldWatch): false {
    if (held.credit <= 0) this.#spent.add(held);
    else this.#full.add(held);
    return false;
  }

  /** It has ended. */
  forget(held: HeldWatch): void {
    this.#byTag.delete(held.tag);
    this.#full.delete(held);
    this.#spent.delete(held);
    this.#marked.delete(held);
  }

  #mark(held: HeldWatch, now: number): void {
    held.markedAt ??= now;
    if (now - held.markedAt < held.progressMs!) return;
    const { waits } = this.store;
    const { watch } = held;
    if (!waits.isCurrent(watch) || !this.owner.hasRoom) return;
    const told = waits.toldUpTo(watch);
    if (told <= held.said || !this.owner.mayTell()) return;
    held.markedAt = now;
    held.said = told;
    this.owner.answers.mark(held.tag, told);
  }
}

/** What is answered to who names a watch that is not there. */
function noWatch(tag: number): Refusal {
  return {
    code: "NOENT",
    detail: `No watch of this connection has tag ${tag}`,
  };
}
