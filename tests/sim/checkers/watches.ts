/**
 * The watchers' side: a wait is answered with the first matching event from
 * its rev on, and none is passed over.
 *
 * @module
 */
import type { Glob, Refusal, Rev } from "../../../store/mod.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";

/** A wait as it was asked for. */
export interface AskedWait {
  readonly glob: Glob;
  readonly from: Rev;
}

/** What a wait was told of an event. */
export type Told = Pick<Applied, "rev" | "path" | "kind" | "hash">;

/** Checks what watchers are told. */
export class Watches {
  readonly #canon: Canon;
  /** How many waits were answered. */
  count = 0;

  constructor(canon: Canon) {
    this.#canon = canon;
  }

  /** A wait was answered with an event. */
  told({ glob, from }: AskedWait, told: Told): void {
    this.count++;
    const right = this.#canon.at(told.rev);
    const same = right !== undefined && right.path === told.path &&
      right.kind === told.kind && right.hash === told.hash;
    if (!same) {
      const others = right === undefined ? "nothing" : show(right);
      fail("watch", `told of ${told.kind} ${told.path}, which is ${others}`);
    }
    const first = this.#first(glob, { from, to: told.rev });
    if (first?.rev === told.rev) return;
    const missed = first === undefined ? "no event" : show(first);
    fail("watch", `${glob.text} from ${from} told of ${told.rev}: ${missed}`);
  }

  /** A wait was refused, on a node that keeps history from there on. */
  refused({ from }: AskedWait, by: { refusal: Refusal; firstRev: Rev }): void {
    const { refusal: { code }, firstRev } = by;
    if (code === "TOO_LATE" && from < firstRev) return;
    fail("watch", `refused from ${from} with ${code}, kept from ${firstRev}`);
  }

  /** A wait is still under way on a node that has applied up to there. */
  waiting({ glob, from }: AskedWait, applied: Rev): void {
    const first = this.#first(glob, { from, to: applied });
    if (first === undefined) return;
    fail("watch", `${glob.text} from ${from} was not told of ${show(first)}`);
  }

  #first(glob: Glob, range: { from: Rev; to: Rev }): Applied | undefined {
    return this.#canon.firstMatch((path) => glob.matches(path), range);
  }
}
