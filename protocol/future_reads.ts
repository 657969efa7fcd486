/**
 * A connection's reads that wait for a rev to come: because they are at that
 * rev, or because they must see at least that rev.
 *
 * The first wait as long as it takes, for whoever asks for a rev of the future
 * means to wait. The others have a time limit: their client has seen that rev
 * somewhere, so a node that does not come there is cut off.
 *
 * @module
 */
import { LIMITS, type Refusal } from "../store/mod.ts";
import type { Rev, Waiter, Waits } from "../store/mod.ts";
import type { ClientRequest } from "./request.ts";

/** A read that waits for a rev to come. */
interface FutureRead {
  readonly request: ClientRequest;
  readonly rev: Rev;
  readonly hurried: boolean;
  /** Since when it waits, as far as {@linkcode FutureReads.expire} tells. */
  since: number | undefined;
}

/** The reads of one connection that wait for a rev to come. */
export class FutureReads {
  readonly #waits: Waits;
  readonly #waiter: Waiter;
  readonly #reads: Map<number, FutureRead> = new Map();
  #nextTicket = 1;
  #now: number | undefined;

  /** The waiter is told of tickets, which {@linkcode take} turns into reads. */
  constructor(waits: Waits, waiter: Waiter) {
    this.#waits = waits;
    this.#waiter = waiter;
  }

  /** Keeps a copy of the request; `hurried` ones have a time limit. */
  add(
    request: ClientRequest,
    { rev, hurried }: { rev: Rev; hurried: boolean },
  ): Refusal | undefined {
    const most = LIMITS.requestsInFlight;
    if (this.#reads.size >= most) {
      const detail = `The connection has ${most} reads of revs to come, the ` +
        `limit is ${most}`;
      return { code: "LIMIT", detail };
    }
    const copy = { ...request, value: undefined };
    // Too long for a path of ours: the empty one is missing just the same.
    if (copy.path !== undefined && copy.path.length > LIMITS.pathBytes) {
      copy.path = "";
    }
    const read = { request: copy, rev, hurried, since: this.#now };
    return this.#await(this.#nextTicket++, read);
  }

  /** The read whose rev has come. */
  take(ticket: number): ClientRequest | undefined {
    const read = this.#reads.get(ticket);
    this.#reads.delete(ticket);
    return read?.request;
  }

  /** Gives up the hurried ones that have waited for longer; returns them. */
  expire({ now, afterMs }: { now: number; afterMs: number }): ClientRequest[] {
    this.#now = now;
    const expired: FutureRead[] = [];
    for (const [ticket, read] of this.#reads) {
      if (!read.hurried) continue;
      read.since ??= now;
      if (now - read.since <= afterMs) continue;
      this.#reads.delete(ticket);
      expired.push(read);
    }
    this.#forget(expired);
    return expired.map(({ request }) => request);
  }

  /** Gives up those with that tag; tells whether there was one. */
  cancel(tag: number): boolean {
    const given: FutureRead[] = [];
    for (const [ticket, read] of this.#reads) {
      if (read.request.tag !== tag) continue;
      this.#reads.delete(ticket);
      given.push(read);
    }
    this.#forget(given);
    return given.length > 0;
  }

  /** Forgets all. */
  clear(): void {
    const revs = new Set([...this.#reads.values()].map(({ rev }) => rev));
    this.#reads.clear();
    for (const rev of revs) this.#waits.forgetRev(rev, this.#waiter);
  }

  #await(ticket: number, read: FutureRead): Refusal | undefined {
    const bytes = read.request.path?.length ?? 0;
    const asked = { waiter: this.#waiter, ticket, bytes };
    const refusal = this.#waits.whenRev(read.rev, asked);
    if (refusal === undefined) this.#reads.set(ticket, read);
    return refusal;
  }

  /** The store forgets by rev, so what stays at these revs is asked again. */
  #forget(given: readonly FutureRead[]): void {
    const revs = new Set(given.map(({ rev }) => rev));
    for (const rev of revs) this.#waits.forgetRev(rev, this.#waiter);
    if (revs.size === 0) return;
    for (const [ticket, read] of [...this.#reads]) {
      // There is room: these were there before.
      if (revs.has(read.rev)) this.#await(ticket, read);
    }
  }
}
