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
import type { AskedRev, Rev, Waiter, Waits } from "../store/mod.ts";
import type { ClientRequest } from "./request.ts";
import { Tagged } from "./tagged.ts";

/** A read that waits for a rev to come. */
interface FutureRead {
  readonly request: ClientRequest;
  /** That of the request. */
  readonly tag: number | undefined;
  readonly rev: Rev;
  /** What the store was asked. */
  readonly asked: AskedRev;
  readonly hurried: boolean;
  /** Since when it waits, as far as {@linkcode FutureReads.expire} tells. */
  since: number | undefined;
}

/** The reads of one connection that wait for a rev to come. */
export class FutureReads {
  readonly #waits: Waits;
  readonly #waiter: Waiter;
  readonly #reads: Map<number, FutureRead> = new Map();
  readonly #byTag: Tagged<FutureRead> = new Tagged();
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
    const ticket = this.#nextTicket++;
    const bytes = copy.path?.length ?? 0;
    const asked = { waiter: this.#waiter, ticket, bytes };
    const refusal = this.#waits.whenRev(rev, asked);
    if (refusal !== undefined) return refusal;
    const { tag } = copy;
    const read = { request: copy, tag, rev, asked, hurried, since: this.#now };
    this.#reads.set(ticket, read);
    this.#byTag.add(read);
    return undefined;
  }

  /** The read whose rev has come. */
  take(ticket: number): ClientRequest | undefined {
    const read = this.#reads.get(ticket);
    if (read === undefined) return undefined;
    this.#reads.delete(ticket);
    this.#byTag.delete(read);
    return read.request;
  }

  /** Gives up the hurried ones that have waited for longer; returns them. */
  expire({ now, afterMs }: { now: number; afterMs: number }): ClientRequest[] {
    this.#now = now;
    const expired: FutureRead[] = [];
    for (const read of this.#reads.values()) {
      if (!read.hurried) continue;
      read.since ??= now;
      if (now - read.since > afterMs) expired.push(read);
    }
    for (const read of expired) {
      this.#byTag.delete(read);
      this.#forget(read);
    }
    return expired.map(({ request }) => request);
  }

  /** Gives up those with that tag; tells whether there was one. */
  cancel(tag: number): boolean {
    const given = this.#byTag.take(tag);
    for (const read of given) this.#forget(read);
    return given.length > 0;
  }

  /** Forgets all. */
  clear(): void {
    this.#byTag.clear();
    for (const read of this.#reads.values()) this.#forget(read);
  }

  #forget({ rev, asked }: FutureRead): void {
    this.#reads.delete(asked.ticket);
    this.#waits.forgetRev(rev, asked);
  }
}
