/**
 * Clients that write and read while nodes are killed, frozen and cut off, and
 * check what they are told.
 *
 * Each writer counts up in a file of its own, by compare-and-set, so that a
 * write whose outcome is unknown can be found out about and never comes late.
 * What must hold: an acknowledged write is never lost; revs only grow; a
 * linearizable read sees all that was acknowledged, or seen, before it began;
 * and at the end every node tells the same history, in which each file counts
 * up by one.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Client, DoozerError } from "../../protocol/net/connect.ts";
import { connectTo, pause, until } from "./cluster_nodes.ts";

/** What is done to a cluster, and by whom. */
export interface WitnessOptions {
  /** Where the nodes are now. */
  readonly addrs: () => readonly string[];
  readonly writers?: number;
  readonly readers?: number;
}

/** A version of a file: what it counts, and the rev. */
interface Version {
  readonly count: number;
  readonly rev: number;
}

const NOTHING: Version = { count: 0, rev: 0 };
/** Errors that say that a node cannot help now; any other is a fault. */
const PASSING = new Set(["UNAVAILABLE", "UNKNOWN", "CLOSED"]);
/** How long a request may take before another node is asked. */
const REQUEST_MS = 800;
/** Between two requests: the nodes' processor is that of the tests. */
const REST_MS = 3;

/** Writers and readers that run until they are stopped. */
export class ClusterWitness implements AsyncDisposable {
  readonly #options: WitnessOptions;
  readonly #stop = new AbortController();
  readonly #workers: Promise<void>[] = [];
  /** By path: acknowledged versions, in order, and the newest one seen. */
  readonly #acked: Map<string, Version[]> = new Map();
  readonly #seen: Map<string, Version> = new Map();
  #failure: unknown;
  #reads = 0;
  #firstRev = 1;
  #ackedAt = performance.now();
  #longestGap = 0;

  private constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** Starts, and resolves when every writer has written once. */
  static async start(options: WitnessOptions): Promise<ClusterWitness> {
    const witness = new ClusterWitness(options);
    const { addrs, writers = 3, readers = 2 } = options;
    using client = await connectTo(addrs()[0]!);
    witness.#firstRev = await client.rev() + 1;
    for (let n = 0; n < writers; n++) witness.#begin(`/load/${n}`, n);
    for (let n = 0; n < readers; n++) {
      witness.#work(witness.#readOn(n));
    }
    try {
      await witness.progress();
      return witness;
    } catch (error) {
      await witness[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The longest time without an acknowledged write since the last call. */
  takeGapMs(): number {
    this.#noteAcknowledged();
    const gap = this.#longestGap;
    this.#longestGap = 0;
    return Math.round(gap);
  }

  /** Resolves when every writer has had one more write acknowledged. */
  async progress(): Promise<void> {
    const before = this.#counts();
    await until("every client's writes go on", () => {
      const now = this.#counts();
      this.#throwFailure();
      return Promise.resolve(now.every((count, n) => count > before[n]!));
    });
  }

  /**
   * Reads everything from one node, which may take its time, or refuse: as one
   * that is asked while it is frozen, and has missed that it leads no more.
   */
  async readLate(addr: string, timeoutMs: number): Promise<void> {
    try {
      using client = await connectTo(addr, timeoutMs);
      const paths = [...this.#acked.keys()];
      await Promise.all(paths.map((path) => this.#read(client, path)));
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }

  /** Stops, and checks what every node tells in the end. */
  async finish(): Promise<{ writes: number; reads: number }> {
    await this[Symbol.asyncDispose]();
    this.#throwFailure();
    const addrs = this.#options.addrs();
    using client = await connectTo(addrs[0]!, 5_000);
    const rev = await client.rev();
    const texts = await Promise.all(
      addrs.map((addr) => this.#checkNode(addr, rev)),
    );
    for (const text of texts) assertEquals(text, texts[0], "Nodes disagree");
    const writes = this.#counts().reduce((sum, count) => sum + count, 0);
    assert(this.#reads > 0, "Nothing was read");
    return { writes, reads: this.#reads };
  }

  /** Ends all clients. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#workers);
  }

  get #isOver(): boolean {
    return this.#stop.signal.aborted;
  }

  #counts(): number[] {
    return [...this.#acked.values()].map((versions) => versions.length);
  }

  #begin(path: string, n: number): void {
    this.#acked.set(path, []);
    this.#work(this.#writeOn(path, n));
  }

  /** What a client finds wrong is thrown where the test next asks for it. */
  #work(worker: Promise<void>): void {
    this.#workers.push(worker.catch((error) => {
      this.#failure ??= error;
      this.#stop.abort();
    }));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Counts up, for ever. */
  async #writeOn(path: string, n: number): Promise<void> {
    let last = NOTHING;
    const write = async (client: Client): Promise<void> => {
      const count = last.count + 1;
      try {
        const rev = await client.set(path, String(count), { rev: last.rev });
        last = this.#acknowledged(path, { count, rev });
      } catch (error) {
        if (!(error instanceof DoozerError)) throw error;
        if (error.code !== "REV_MISMATCH") throw error;
        // Only a write of ours, whose outcome was unknown, can be in the way.
        const found = await this.#read(client, path);
        assertEquals(found.count, count, `${path} was written by nobody`);
        last = this.#acknowledged(path, found);
      }
      // On the connection that made it, a local read sees the write at once.
      const own = await this.#read(client, path, "local");
      assertEquals(own, last, `${path}: a client does not see its own write`);
    };
    await this.#ask(n, write);
  }

  /** Reads what others write, for ever. */
  async #readOn(n: number): Promise<void> {
    let turn = n;
    await this.#ask(n + 1, async (client) => {
      const paths = [...this.#acked.keys()];
      const path = paths[turn++ % paths.length]!;
      await this.#read(client, path);
      this.#reads++;
    });
  }

  /** Does something again and again, on one node, then on another. */
  async #ask(n: number, deed: (client: Client) => Promise<void>) {
    for (let turn = n; !this.#isOver; turn++) {
      const addrs = this.#options.addrs();
      try {
        using client = await connectTo(addrs[turn % addrs.length]!, REQUEST_MS);
        while (!this.#isOver) {
          await deed(client);
          await pause(REST_MS);
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        await pause(REST_MS);
      }
    }
  }

  #acknowledged(path: string, version: Version): Version {
    this.#noteAcknowledged();
    const versions = this.#acked.get(path)!;
    const { count, rev } = versions.at(-1) ?? NOTHING;
    assertEquals(version.count, count + 1, path);
    assert(version.rev > rev, `${path}: rev ${version.rev} follows ${rev}`);
    versions.push(version);
    this.#note(path, version);
    return version;
  }

  #noteAcknowledged(): void {
    const now = performance.now();
    this.#longestGap = Math.max(this.#longestGap, now - this.#ackedAt);
    this.#ackedAt = now;
  }

  #note(path: string, version: Version): void {
    const seen = this.#seen.get(path) ?? NOTHING;
    if (version.rev > seen.rev) this.#seen.set(path, version);
  }

  /** A read sees all that anybody knew of when it began. */
  async #read(
    client: Client,
    path: string,
    read: "local" | "linearizable" = "linearizable",
  ): Promise<Version> {
    const known = this.#seen.get(path) ?? NOTHING;
    const { rev, value } = await client.get(path, { read });
    const version = { count: Number(new TextDecoder().decode(value)), rev };
    assert(
      version.count >= known.count && version.rev >= known.rev,
      `Stale: ${path} is ${show(version)}, known was ${show(known)}`,
    );
    this.#note(path, version);
    return version;
  }

  /** The history as one node tells it: complete, and each file counts up. */
  async #checkNode(addr: string, lastRev: number): Promise<string> {
    using client = await connectTo(addr, 5_000);
    const versions = new Map<string, Version[]>();
    let rev = this.#firstRev;
    while (rev <= lastRev) {
      const event = await client.wait("/**", { rev, timeoutMs: 5_000 });
      rev = event.rev + 1;
      if (event.rev > lastRev || !event.path.startsWith("/load/")) continue;
      const list = versions.get(event.path) ?? [];
      const count = Number(new TextDecoder().decode(event.value));
      assertEquals(count, list.length + 1, `${event.path} at ${addr}`);
      list.push({ count, rev: event.rev });
      versions.set(event.path, list);
    }
    for (const [path, acked] of this.#acked) {
      const told = versions.get(path) ?? [];
      assertEquals(told.slice(0, acked.length), acked, `${path} at ${addr}`);
    }
    return JSON.stringify([...versions].toSorted());
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof DoozerError && PASSING.has(error.code);
}

function show({ count, rev }: Version): string {
  return `${count} at rev ${rev}`;
}
