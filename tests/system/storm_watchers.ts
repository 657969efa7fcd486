/**
 * Watchers of the library that follow while nodes fail: each is told every
 * change that matches exactly once, in order, and nothing else.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  DoozerError,
  type WatchEvent,
  type WatchItem,
  type WatchOptions,
} from "../../protocol/net/connect.ts";
import { compileGlob } from "../../store/mod.ts";
import type { Random } from "../sim/random.ts";
import { pause } from "./cluster_nodes.ts";
import { connectToSome } from "./storm_clients.ts";

/** How one of them watches. */
interface Habit {
  readonly glob: string;
  readonly options?: WatchOptions;
  /** It takes so many items, and then rests. */
  readonly slow?: { readonly items: number; readonly restMs: number };
}

/** Eight watchers, each with its own habits. */
export const HABITS: readonly Habit[] = [
  { glob: "/**" },
  { glob: "/**", options: { windowBytes: 4096, stamps: true } },
  { glob: "/**", slow: { items: 300, restMs: 500 } },
  { glob: "/storm/**", options: { windowBytes: 1 } },
  { glob: "/storm/**", options: { previous: true } },
  {
    glob: "/storm/**",
    options: { windowBytes: 2048 },
    slow: { items: 100, restMs: 300 },
  },
  { glob: "/storm/shared/*" },
  { glob: "/storm/own/?", options: { progressMs: 1_000 } },
];

/** How long all of them may be told nothing before it is a fault. */
const SILENT_MS = 30_000;
/** Between two looks at how far they are. */
const LOOK_MS = 50;
const PROGRESS_MS = 200;

/** A watcher, and what it was told. */
class StormWatcher {
  readonly habit: Habit;
  readonly client: Client;
  readonly events: WatchEvent[] = [];
  readonly #end = new AbortController();
  readonly #lastRev: Map<string, number> = new Map();
  readonly #following: Promise<void>;
  #hurries = false;
  /** It was told of everything up to this rev. */
  upTo: number;
  failure: unknown;

  constructor(client: Client, habit: Habit, from: number) {
    this.client = client;
    this.habit = habit;
    this.upTo = from - 1;
    this.#following = this.#follow(from).catch((error) => {
      const { signal } = this.#end;
      const isOurs = error instanceof DoozerError && error.code === "TIMEOUT";
      if (!signal.aborted || !isOurs) this.failure = error;
    });
  }

  /** No rest any more. */
  hurry(): void {
    this.#hurries = true;
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#end.abort();
    await this.#following;
    this.client.close();
  }

  async #follow(from: number): Promise<void> {
    const { glob, options, slow } = this.habit;
    const items = this.client.watch(glob, {
      rev: from,
      marks: true,
      progressMs: PROGRESS_MS,
      signal: this.#end.signal,
      ...options,
    });
    let taken = 0;
    for await (const item of items) {
      this.#take(item);
      const rests = slow !== undefined && ++taken % slow.items === 0;
      if (rests && !this.#hurries) await pause(slow.restMs);
    }
  }

  #take(item: WatchItem): void {
    const { kind } = item;
    const is = `${this.habit.glob}: ${kind}`;
    if (kind === "mark") {
      assert(item.rev >= this.upTo, `${is} of ${item.rev} after ${this.upTo}`);
      this.upTo = item.rev;
      return;
    }
    if (kind !== "set" && kind !== "del" && kind !== "nop") {
      throw new Error(`${is} in place of events after rev ${this.upTo}`);
    }
    const { path, rev, previousRev } = item;
    assert(rev > this.upTo, `${is} of rev ${rev} after ${this.upTo}`);
    const before = this.#lastRev.get(path);
    const chained = before === undefined || before === previousRev;
    assert(
      chained,
      `${path} at ${rev}: ${previousRev} is before, not ${before}`,
    );
    this.#lastRev.set(path, rev);
    this.events.push(item);
    this.upTo = rev;
  }
}

/** All watchers. */
export class StormWatchers implements AsyncDisposable {
  readonly #watchers: StormWatcher[] = [];
  /** How often a watcher's client was connected again. */
  failovers = 0;

  private constructor() {}

  /** Starts one for each habit; they begin at that rev. */
  static async start(
    addrs: readonly string[],
    { random, from }: { readonly random: Random; readonly from: number },
  ): Promise<StormWatchers> {
    const all = new StormWatchers();
    try {
      for (const [n, habit] of HABITS.entries()) {
        const client = await connectToSome(addrs, {
          random,
          name: `watcher-${n}`,
          onFailover: () => all.failovers++,
        });
        all.#watchers.push(new StormWatcher(client, habit, from));
      }
      return all;
    } catch (error) {
      await all[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Throws what a watcher was told that it must not be. */
  throwFailure(): void {
    for (const { failure } of this.#watchers) {
      if (failure !== undefined) throw failure;
    }
  }

  /** Waits until all were told of everything up to that rev, and ends them. */
  async finish(rev: number): Promise<void> {
    let before = -1;
    let deadline = Infinity;
    for (const watcher of this.#watchers) watcher.hurry();
    for (;;) {
      this.throwFailure();
      const revs = this.#watchers.map(({ upTo }) => Math.min(rev, upTo));
      if (revs.every((upTo) => upTo === rev)) break;
      const told = revs.reduce((sum, upTo) => sum + upTo);
      if (told > before) deadline = performance.now() + SILENT_MS;
      before = told;
      const where = `${revs.join(" ")} of ${rev}`;
      assert(
        performance.now() < deadline,
        `Watchers are told no more: ${where}`,
      );
      await pause(LOOK_MS);
    }
    await this[Symbol.asyncDispose]();
    this.throwFailure();
  }

  /** Compares what each was told with all that has happened. */
  check(history: readonly WatchEvent[]): void {
    for (const { habit: { glob }, events } of this.#watchers) {
      const compiled = compileGlob(glob);
      const wanted = history.filter(({ path }) => compiled.matches(path));
      const until = history.at(-1)!.rev;
      const told = events.filter(({ rev }) => rev <= until);
      assertSame(told, wanted, glob);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#watchers.map((watcher) => watcher.end()));
  }
}

/** Compares lists of events; tells the first that differs. */
export function assertSame(
  told: readonly WatchEvent[],
  wanted: readonly WatchEvent[],
  who: string,
): void {
  const at = told.findIndex((event, at) =>
    lineOf(event) !== lineOf(wanted[at])
  );
  const where = at < 0 ? Math.min(told.length, wanted.length) : at;
  const is = { at: where, event: lineOf(told[where]) };
  assertEquals(is, { at: where, event: lineOf(wanted[where]) }, who);
}

function lineOf(event: WatchEvent | undefined): string {
  if (event === undefined) return "none";
  const { path, rev, kind, value, previousRev } = event;
  const text = new TextDecoder().decode(value);
  return `${rev} ${kind} ${path} "${text}" after ${previousRev}`;
}
