/**
 * Clients of the library that write while nodes fail.
 *
 * Most count up, by compare-and-set, in files that they share and in files of
 * their own; the others write numbers that grow, whatever the file has, several
 * at once. Each knows one to three of the nodes when it begins.
 *
 * @module
 */

import {
  type Client,
  connect,
  DoozerError,
  type ErrorCode,
} from "../../protocol/net/connect.ts";
import type { Random } from "../sim/random.ts";
import { pause } from "./cluster_nodes.ts";
import { type StormFigures, StormLedger } from "./storm_ledger.ts";
import { shuffled } from "./storm_weather.ts";

/**
 * How long a request goes on. No node is away for nearly as long, so what is
 * not known by then is a fault.
 */
export const REQUEST_MS = 60_000;
/** Files that all who count share. */
const SHARED = 2;
/** Writes that the others have under way at once. */
const AT_ONCE = 4;
/** Between two requests: the nodes' processor is that of the tests. */
const REST_MS = 5;

/** A client that knows one or some of the nodes, and finds the others. */
export async function connectToSome(
  addrs: readonly string[],
  { random, name, onFailover }: {
    readonly random: Random;
    readonly name: string;
    readonly onFailover: () => void;
  },
): Promise<Client> {
  const count = random.between(1, addrs.length);
  const some = shuffled(addrs, random).slice(0, count);
  let connected = 0;
  return await connect(`doozer:?${some.map((a) => `ca=${a}`).join("&")}`, {
    timeoutMs: REQUEST_MS,
    name,
    onNotice({ type }) {
      if (type === "connected" && connected++ > 0) onFailover();
    },
  });
}

/** A client at work. */
interface Worker {
  readonly client: Client;
  readonly n: number;
  readonly random: Random;
}

/** How many clients do what. */
export interface StormClientsOptions {
  readonly random: Random;
  /** Clients that count. */
  readonly counters: number;
  /** Clients that write several at once. */
  readonly writers: number;
}

/** Clients that write until they are told to stop. */
export class StormClients implements AsyncDisposable {
  readonly ledger: StormLedger = new StormLedger();
  readonly #clients: Client[] = [];
  readonly #work: Promise<void>[] = [];
  #stopped = false;
  #failure: unknown;
  /** How often a client was connected again. */
  failovers = 0;

  private constructor() {}

  /** Starts them. */
  static async start(
    addrs: readonly string[],
    { random, counters, writers }: StormClientsOptions,
  ): Promise<StormClients> {
    const all = new StormClients();
    try {
      for (let n = 0; n < counters + writers; n++) {
        const client = await connectToSome(addrs, {
          random,
          name: `storm-${n}`,
          onFailover: () => all.failovers++,
        });
        all.#clients.push(client);
        const worker = { client, n, random: random.fork() };
        all.#begin(n < counters ? all.#count(worker) : all.#write(worker));
      }
      return all;
    } catch (error) {
      await all[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Throws what a client was told that it must not be. */
  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Stops them; resolves when each knows what became of its last write. */
  async stop(): Promise<StormFigures> {
    this.ledger.noteGap();
    this.#stopped = true;
    await Promise.all(this.#work);
    this.throwFailure();
    return this.ledger.figures;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    for (const client of this.#clients) client.close();
    await Promise.all(this.#work);
  }

  #begin(work: Promise<void>): void {
    this.#work.push(work.catch((error) => void (this.#failure ??= error)));
  }

  async #count({ client, n, random }: Worker): Promise<void> {
    while (!this.#stopped) {
      const isOwn = random.chance(0.5);
      const path = isOwn
        ? `/storm/own/${n}`
        : `/storm/shared/${random.below(SHARED)}`;
      const file = await this.#tried(path, () => client.get(path));
      if (typeof file === "string") continue;
      const { rev, value } = file;
      const text = String(Number(new TextDecoder().decode(value)) + 1);
      const set = () => client.set(path, text, { rev });
      const written = await this.#tried(path, set);
      if (typeof written === "number") {
        this.ledger.written({ path, text, rev: written });
      } else if (
        isOwn && written === "REV_MISMATCH" && !this.ledger.isUnsure(path)
      ) {
        // Nobody else writes it: what it met was its own first attempt.
        throw new Error(`${path} was written a second time from rev ${rev}`);
      }
      await pause(REST_MS);
    }
  }

  async #write({ client, n, random }: Worker): Promise<void> {
    for (let at = 0; !this.#stopped; at += AT_ONCE) {
      const writes = Array.from(
        { length: AT_ONCE },
        (_, k) => this.#set(client, `/storm/many/${n}`, String(at + k)),
      );
      if (random.chance(0.2)) writes.push(this.#come(client, n, at));
      await Promise.all(writes);
      await pause(REST_MS);
    }
  }

  /** A file that comes and goes. */
  async #come(client: Client, n: number, at: number): Promise<void> {
    const path = `/storm/brief/${n}`;
    const coming = this.#set(client, path, String(at));
    const rev = await this.#tried(path, () => client.del(path));
    await coming;
    if (typeof rev === "number") {
      this.ledger.written({ path, rev, text: undefined });
    }
  }

  async #set(client: Client, path: string, text: string): Promise<void> {
    const rev = await this.#tried(path, () => client.set(path, text));
    if (typeof rev === "number") this.ledger.written({ path, rev, text });
  }

  /** What came of it, or the code of the error that may be. */
  async #tried<T>(path: string, ask: () => Promise<T>): Promise<T | ErrorCode> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DoozerError)) throw error;
      const { code } = error;
      if (code === "REV_MISMATCH") this.ledger.mismatched();
      else if (code === "UNAVAILABLE") this.ledger.refused(error.message);
      else if (code === "UNKNOWN") this.ledger.unknown(path, error.message);
      else throw error;
      return code;
    }
  }
}
