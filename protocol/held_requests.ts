/**
 * What a connection holds for its client until something happens: WAITs,
 * watches, and reads of revs to come.
 *
 * All of it is bounded, and goes with the connection. A client may take back
 * what it has asked for by naming its tag.
 *
 * @module
 */
import { LIMITS } from "../store/mod.ts";
import type { Glob, Refusal, Rev, Store, StoreEvent } from "../store/mod.ts";
import type { Waiter } from "../store/mod.ts";
import { askedWatchOf, wrongWindow } from "./asked_watch.ts";
import type { Asker, Holding, ReadAt } from "./asker.ts";
import { FutureReads } from "./future_reads.ts";
import { HeldWaits } from "./held_waits.ts";
import { HeldWatches, type WatchOwner } from "./held_watches.ts";
import type { ClientRequest } from "./request.ts";

/** What it costs to take something back, in units of an event looked at. */
const CANCEL_WORK = 8;

/** The connection that holds them. */
export interface Holder extends Asker, WatchOwner {
  /** Why it must end, if it must. */
  readonly failure: string | undefined;
  /** A read may be answered, but not within this call. */
  announceWork(): void;
}

/** What one connection holds. */
export class HeldRequests implements Holding, Waiter {
  readonly #holder: Holder;
  readonly #store: Store;
  readonly #waits: HeldWaits;
  readonly #watches: HeldWatches;
  readonly #futureReads: FutureReads;
  /** Reads whose rev has come. */
  #due: ClientRequest[] = [];

  constructor(holder: Holder) {
    const { store } = holder.backend;
    this.#holder = holder;
    this.#store = store;
    this.#waits = new HeldWaits(store.waits, this);
    this.#watches = new HeldWatches(holder, store);
    this.#futureReads = new FutureReads(store.waits, this);
  }

  /** Its waits and its watches are one client's. */
  get owner(): Holder {
    return this.#holder;
  }

  /** Whether there are reads whose rev has come. */
  get hasDue(): boolean {
    return this.#due.length > 0;
  }

  /** The next read whose rev has come. */
  takeDue(): ClientRequest | undefined {
    return this.#due.shift();
  }

  // What the verbs call.

  readAt(request: ClientRequest, read: ReadAt): void {
    const store = this.#store;
    // A rev below 1 means 1, as in the original.
    const rev = request.rev === undefined
      ? store.rev
      : Math.max(1, request.rev);
    if (rev > store.rev) this.readLater(request, { rev, hurried: false });
    else if (rev < store.firstRev && store.rev > 0) {
      this.#refuse(request.tag, { code: "TOO_LATE" });
    } else read(this.#holder, request, rev);
  }

  wait(request: ClientRequest, glob: Glob): void {
    const { tag } = request;
    const from = Math.max(1, request.rev!);
    const refusal = tag !== undefined && this.#watches.has(tag)
      ? TAG_IN_USE
      : this.#tooMany();
    const result = refusal ?? this.#waits.start(tag, { glob, from });
    if (result !== undefined) this.#holder.answers.waited(tag, result);
  }

  watch(request: ClientRequest, glob: Glob): void {
    const { answers } = this.#holder;
    const tag = request.tag!;
    const asked = askedWatchOf(request, { glob, rev: this.#store.rev });
    if ("code" in asked) return this.#refuse(tag, asked);
    const { from } = asked;
    const refusal = this.#waits.has(tag) || this.#watches.has(tag)
      ? TAG_IN_USE
      : this.#tooMany() ?? this.#watches.start(tag, asked);
    if (refusal === undefined) answers.mark(tag, from - 1);
    else answers.watchEnded(tag, refusal, from);
  }

  cancel(tag: number): boolean {
    this.#store.waits.worked(CANCEL_WORK);
    const ended = [
      this.#watches.cancel(tag),
      this.#waits.cancel(tag),
      this.#futureReads.cancel(tag),
    ];
    return ended.includes(true);
  }

  credit(tag: number, bytes: number): Refusal | undefined {
    return wrongWindow(bytes) ?? this.#watches.credit(tag, bytes);
  }

  // What the store calls.

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    const held = this.#waits.take(ticket);
    if (held === undefined || !this.#holder.mayTell()) return;
    this.#holder.answers.waited(held.tag, result);
    this.#holder.announceOutput();
  }

  revReached(ticket: number): void {
    const read = this.#futureReads.take(ticket);
    if (read === undefined || this.#holder.failure !== undefined) return;
    // The store is in the middle of a write: answered when that is done.
    this.#due.push(read);
    this.#holder.announceWork();
  }

  // What the connection calls.

  /** Keeps a read until the rev is there; `hurried` ones have a time limit. */
  readLater(
    request: ClientRequest,
    until: { rev: Rev; hurried: boolean },
  ): void {
    const refusal = this.#futureReads.add(request, until);
    if (refusal !== undefined) this.#refuse(request.tag, refusal);
  }

  /** Whether there are watches that wait until its client has read answers. */
  get awaitsRoom(): boolean {
    return this.#watches.awaitRoom;
  }

  /** Its client has read answers. */
  roomAgain(): void {
    this.#watches.roomAgain();
  }

  /**
   * Ends reads that have waited too long and watches that are too late, and
   * says how far the others are; `now` in ms from any beginning.
   */
  expire(now: number): void {
    const { minRevMs: afterMs = LIMITS.minRevMs } = this.#holder.backend;
    const expired = this.#futureReads.expire({ now, afterMs });
    for (const { tag, minRev } of expired) {
      const detail = `This node is at rev ${this.#store.rev}, the read asked ` +
        `for at least ${minRev}`;
      this.#refuse(tag, { code: "UNAVAILABLE", detail });
    }
    this.#watches.expire(now);
  }

  /** Gives up the watches; nobody is there to end them. */
  endWatches(): void {
    this.#watches.clear();
  }

  /** Gives up all. */
  clear(): void {
    this.#waits.clear();
    this.#watches.clear();
    this.#futureReads.clear();
    this.#due = [];
  }

  /** Why its client may have no more waits and watches, if so. */
  #tooMany(): Refusal | undefined {
    const most = LIMITS.waitsPerConnection;
    const watches = this.#watches.size;
    const count = this.#waits.size + watches;
    if (count < most) return undefined;
    const what = watches === 0 ? "waits" : "waits and watches";
    const detail = `The connection has ${count} ${what}, the limit is ${most}`;
    return { code: "LIMIT", detail };
  }

  #refuse(tag: number | undefined, { code, detail }: Refusal): void {
    this.#holder.answers.error(tag, code, detail);
  }
}

const TAG_IN_USE: Refusal = { code: "TAG_IN_USE" };
