/**
 * What writers were told while nodes failed, to be held against what has
 * happened in truth.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { WatchEvent } from "../../protocol/net/connect.ts";

/** A write that was acknowledged. */
interface Write {
  readonly path: string;
  readonly rev: number;
  /** What was written; undefined for a removal. */
  readonly text: string | undefined;
}

/** Figures of a storm. */
export interface StormFigures {
  /** Acknowledged writes of counters. */
  readonly increments: number;
  /** All acknowledged writes. */
  readonly writes: number;
  /** Writes that others were faster than. */
  readonly mismatches: number;
  /** Requests that certainly did nothing. */
  readonly refused: number;
  /** Writes of which nobody knows whether they took effect. */
  readonly unknown: number;
  /** The longest time in which no write was acknowledged. */
  readonly longestGapMs: number;
}

/** Whether it is a counter: its text is the number of its writes. */
export function isCounter(path: string): boolean {
  return /^\/storm\/(own|shared)\//.test(path);
}

/** What all writers were told. */
export class StormLedger {
  readonly #writes: Write[] = [];
  readonly #unknown: string[] = [];
  readonly #reasons: Set<string> = new Set();
  #mismatches = 0;
  #refused = 0;
  #writtenAt = performance.now();
  #longestGap = 0;

  /** A write was acknowledged. */
  written(write: Write): void {
    this.#writes.push(write);
    this.noteGap();
    this.#writtenAt = performance.now();
  }

  /** Another was faster. */
  mismatched(): void {
    this.#mismatches++;
  }

  /** It certainly did nothing, for that reason. */
  refused(why: string): void {
    this.#refused++;
    this.#reasons.add(why);
  }

  /** It may have taken effect; why that is not known. */
  unknown(path: string, why: string): void {
    this.#unknown.push(path);
    this.#reasons.add(why);
  }

  /** Whether a write of the file may have taken effect, or may yet. */
  isUnsure(path: string): boolean {
    return this.#unknown.includes(path);
  }

  /** Why requests were refused, or are unknown. */
  get reasons(): readonly string[] {
    return [...this.#reasons];
  }

  /** Nothing was written until now: the end of the storm is one of a gap. */
  noteGap(): void {
    const gap = performance.now() - this.#writtenAt;
    this.#longestGap = Math.max(this.#longestGap, gap);
  }

  /** The figures. */
  get figures(): StormFigures {
    return {
      increments: this.#writes.filter(({ path }) => isCounter(path)).length,
      writes: this.#writes.length,
      mismatches: this.#mismatches,
      refused: this.#refused,
      unknown: this.#unknown.length,
      longestGapMs: Math.round(this.#longestGap),
    };
  }

  /** Compares with all that has happened since before the first write. */
  check(history: readonly WatchEvent[]): void {
    this.#checkRevs(history);
    const unknown = Map.groupBy(this.#unknown, (path) => path);
    const written = Map.groupBy(this.#writes, ({ path }) => path);
    const happened = Map.groupBy(history, ({ path }) => path);
    const paths = new Set([...unknown.keys(), ...written.keys()]);
    for (const path of paths) {
      const acknowledged = written.get(path)?.length ?? 0;
      const perhaps = unknown.get(path)?.length ?? 0;
      const events = happened.get(path) ?? [];
      const extra = events.length - acknowledged;
      assert(
        extra >= 0 && extra <= perhaps,
        `${path}: ${acknowledged} writes were acknowledged, ${perhaps} are ` +
          `unknown, ${events.length} took effect`,
      );
      checkTexts(path, events);
    }
    for (const path of happened.keys()) {
      const known = paths.has(path) || !path.startsWith("/storm/");
      assert(known, `Nobody has written ${path}`);
    }
  }

  /** Each acknowledged write took effect at the rev that was told. */
  #checkRevs(history: readonly WatchEvent[]): void {
    const byRev = new Map(history.map((event) => [event.rev, event]));
    const told = new Set<number>();
    for (const { path, rev, text } of this.#writes) {
      assert(!told.has(rev), `Two writes were told rev ${rev}`);
      told.add(rev);
      const event = byRev.get(rev);
      const is = event && { path: event.path, text: textOf(event) };
      assertEquals(is, { path, text }, `What happened at rev ${rev}`);
    }
  }
}

/**
 * Who counts has each number once, in order. Who writes several at once has
 * them take effect once, in the order in which they were asked for.
 */
function checkTexts(path: string, events: readonly WatchEvent[]): void {
  const numbers = events.filter(({ kind }) => kind === "set")
    .map((event) => Number(textOf(event)));
  const wanted = isCounter(path)
    ? numbers.map((_, at) => at + 1)
    : [...new Set(numbers)].toSorted((a, b) => a - b);
  assertEquals(numbers.join(), wanted.join(), `What ${path} was`);
}

function textOf({ kind, value }: WatchEvent): string | undefined {
  return kind === "set" ? new TextDecoder().decode(value) : undefined;
}
