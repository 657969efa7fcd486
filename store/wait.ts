/**
 * One answer that somebody waits for: the first event that matches a glob, on
 * or after a rev. What becomes of it is in waits.ts.
 *
 * @module
 */
import type { StoreEvent } from "./event.ts";
import type { Glob } from "./glob.ts";
import type { Rev } from "./history.ts";
import type { Refusal } from "./mutation.ts";

/** Who is told. It must not call the store back; it takes note and returns. */
export interface Waiter {
  /**
   * For whom it waits: where several waiters and watchers are of one client,
   * they name the same. The waiter itself, where this is left out.
   */
  readonly owner?: object;
  /** The wait has its event, or can never have it. */
  waitEnded(ticket: number, result: StoreEvent | Refusal): void;
  /** The rev that was waited for is here. */
  revReached(ticket: number, rev: Rev): void;
}

/**
 * Where a wait or a watch is kept: nowhere (not started, or ended); in the
 * index, where it is told of events as they happen; among those that read
 * retained events; or with a watcher that has no room.
 */
export type Place = "nowhere" | "index" | "behind" | "held";

/** A wait that is under way. Hold it to cancel it. */
export class Wait {
  /** What its event's path must match. */
  readonly glob: Glob;
  /** Who is told. */
  readonly waiter: Waiter;
  /** The waiter's own number for this wait. */
  readonly ticket: number;
  /** The first rev that has not been looked at for it. */
  next: Rev;
  /** For Waits to change. A wait is never "held". */
  place: Place = "nowhere";
  /** For Rounds to change. */
  share = 0;

  /** Begins with {@linkcode Waits.start}. */
  constructor(waiter: Waiter, wish: { glob: Glob; from: Rev; ticket: number }) {
    this.glob = wish.glob;
    this.waiter = waiter;
    this.ticket = wish.ticket;
    this.next = wish.from;
  }

  /** For whom it is: he has so much room, whatever he has it for. */
  get owner(): object {
    return this.waiter.owner ?? this.waiter;
  }
}
