/**
 * The servers that a client knows, and which to try next.
 *
 * One that failed is left alone for a while, longer each time, so that a
 * cluster that comes back is not run over; others are tried at once.
 *
 * @module
 */

/** The first pause after a failure, and the longest, in milliseconds. */
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 2_000;
/** So long one is left alone that answers, but cannot serve. */
const UNFIT_MS = 1_000;
/** A server that names thousands of others is not believed. */
const SERVERS_MAX = 100;
/** One that serves for so long has recovered. */
const STABLE_MS = 2_000;
/**
 * So long after a failure, and longer each time, another server that serves
 * only in part is not left for this one.
 */
const DOUBT_MS = 2_500;
const DOUBT_MS_MAX = 30_000;

interface Server {
  readonly address: string;
  /** How often it has failed since it was good for a while. */
  failures: number;
  /** Since when it serves, or served; undefined where it failed since. */
  goodSince: number | undefined;
  notBefore: number;
  /** Why it failed since the client was last served. */
  why: string | undefined;
  /** Until then it is not thought to be better than another. */
  doubtedUntil: number;
  /** Whether the cluster has named it, and nobody else. */
  found: boolean;
}

/** The servers of a client. */
export class Servers {
  readonly #random: () => number;
  readonly #servers: Server[] = [];
  /** Where in the ring to look first. */
  #at = 0;

  /** They are tried in this order. */
  constructor(addresses: readonly string[], random: () => number) {
    this.#random = random;
    for (const address of addresses) this.add(address);
  }

  /** How many are known. */
  get count(): number {
    return this.#servers.length;
  }

  /** The addresses, in order. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => address);
  }

  /** Whether each has failed since the client was last served. */
  get allFailed(): boolean {
    return this.#servers.every(({ why }) => why !== undefined);
  }

  /** Who failed, and why. */
  get reasons(): string {
    return this.#servers.filter(({ why }) => why !== undefined)
      .map(({ address, why }) => `${address}: ${why}`).join("; ");
  }

  /** How many but this one might serve now, as far as is known. */
  othersWorthTrying(address: string, now: number): number {
    return this.#servers.filter((server) =>
      server.address !== address && server.doubtedUntil <= now
    ).length;
  }

  /** Adds one, unless it is known. */
  add(address: string, { found = false }: { found?: boolean } = {}): void {
    const known = this.#find(address);
    if (known !== undefined || this.#servers.length >= SERVERS_MAX) return;
    this.#servers.push({
      address,
      failures: 0,
      goodSince: undefined,
      notBefore: -Infinity,
      why: undefined,
      doubtedUntil: -Infinity,
      found,
    });
  }

  /** The cluster names these: those that it named before are forgotten. */
  found(addresses: readonly string[], { serving }: { serving: string }): void {
    const next = this.#servers[this.#at]?.address;
    const kept = this.#servers.filter(({ address, found }) =>
      !found || address === serving || addresses.includes(address)
    );
    this.#servers.splice(0, this.#servers.length, ...kept);
    for (const address of addresses) this.add(address, { found: true });
    const at = this.#servers.findIndex(({ address }) => address === next);
    this.#at = Math.max(0, at);
  }

  /** The one to try now, or when to ask again. */
  next(now: number): { address: string } | { at: number } {
    let at = Infinity;
    for (let step = 0; step < this.#servers.length; step++) {
      const place = (this.#at + step) % this.#servers.length;
      const { address, notBefore } = this.#servers[place]!;
      if (notBefore <= now) {
        this.#at = place;
        return { address };
      }
      at = Math.min(at, notBefore);
    }
    return { at };
  }

  /** It could not be reached, or was lost. */
  failed(address: string, { now, why }: { now: number; why: string }): void {
    const server = this.#find(address);
    if (server === undefined) return;
    // One that only greets, and breaks off again, fails all the same.
    const { goodSince = now } = server;
    if (now - goodSince >= STABLE_MS) server.failures = 0;
    const pause = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** server.failures);
    this.#pause(server, { now, why, pause });
    server.failures++;
  }

  /** It answers, but not as it should: the others come first. */
  unfit(address: string, { now, why }: { now: number; why: string }): void {
    const server = this.#find(address);
    if (server !== undefined) {
      this.#pause(server, { now, why, pause: UNFIT_MS });
    }
  }

  /** It serves. */
  good(address: string, now: number): void {
    const server = this.#find(address);
    if (server !== undefined) {
      server.goodSince = now;
      server.doubtedUntil = -Infinity;
    }
    for (const server of this.#servers) server.why = undefined;
  }

  #pause(
    server: Server,
    { now, why, pause }: { now: number; why: string; pause: number },
  ): void {
    server.why = why;
    server.goodSince = undefined;
    // Many clients lose a server at once, and should not come back at once.
    server.notBefore = now + pause * (0.5 + this.#random());
    const doubt = Math.min(DOUBT_MS_MAX, DOUBT_MS * 2 ** server.failures);
    server.doubtedUntil = now + doubt;
    this.#at = (this.#servers.indexOf(server) + 1) % this.#servers.length;
  }

  #find(address: string): Server | undefined {
    return this.#servers.find((server) => server.address === address);
  }
}
