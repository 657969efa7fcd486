/**
 * The answers that clients leave unread, counted for all clients of a node.
 *
 * Each connection has bounds of its own; this one is for those who stay below
 * them, but are many. Above it the client ends that has gone without reading
 * for longest: were it the one that crosses the bound, a few who never read
 * would have all others cut off.
 *
 * @module
 */
import { LIMITS } from "../store/mod.ts";

/** A connection whose client leaves answers unread. */
export interface Unreader {
  /** How many bytes are unread now; 0 once it has failed. */
  readonly unread: number;
  /** Ends it. */
  fail(reason: string): void;
  /** There is room again, for which it has waited. */
  roomAgain(): void;
}

/**
 * Above this, clients are told of no more events before others have read: many
 * who read well may have much on its way together. Below a half they go on.
 */
const TELLING_BYTES = LIMITS.unreadBytesNode / 4;

/** Answers that clients of one node have not read. */
export class UnreadAnswers {
  /** Those above the soft bound, the one that is so for longest first. */
  readonly #slow: Set<Unreader> = new Set();
  /** Those that are to be told of events when there is room. */
  readonly #waiting: Set<Unreader> = new Set();
  #total = 0;

  /** Of all clients together, in bytes. */
  get total(): number {
    return this.#total;
  }

  /** Whether the client may be told of events; if not, it waits for that. */
  hasRoomFor(client: Unreader): boolean {
    if (this.#total < TELLING_BYTES) return true;
    this.#waiting.add(client);
    return false;
  }

  /** The client is gone. */
  forget(client: Unreader): void {
    this.#waiting.delete(client);
  }

  /** The client leaves another number of bytes unread than before. */
  changed(client: Unreader, before: number): void {
    const { unread } = client;
    this.#total += unread - before;
    // Less than before: it has read, so it goes to the end.
    if (unread < before) this.#slow.delete(client);
    if (unread > LIMITS.unreadBytesSoft) this.#slow.add(client);
    if (this.#total > LIMITS.unreadBytesNode) this.#endSlowest();
    if (this.#waiting.size > 0 && this.#total < TELLING_BYTES / 2) {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const client of waiting) client.roomAgain();
    }
  }

  #endSlowest(): void {
    for (const slowest of this.#slow) {
      const total = this.#total;
      if (total <= LIMITS.unreadBytesNode) return;
      // What has failed counts no more: this deletes it from the set.
      slowest.fail(
        `All clients leave ${total} bytes of answers unread, the limit is ` +
          `${LIMITS.unreadBytesNode}; this one has not read for longest`,
      );
    }
  }
}
