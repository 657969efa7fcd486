/**
 * The turn: what happens together after something came in.
 *
 * A node's inputs of one event-loop turn are worked off together, once, and
 * then every connection that has answers sends them, each in one write. That
 * is where batches come from: nothing waits for a timer.
 *
 * Where a thousand clients are told of one event, they are told a few at a
 * time, one event-loop turn after the other. Between them what else comes in is
 * answered, and messages to other nodes leave at once: neither who asks for
 * something else nor the next write waits for all who listen.
 *
 * @module
 */
import { clearImmediate, setImmediate } from "node:timers";

/**
 * So many connections are told in one event-loop turn. Tokio does 128
 * operations for us in one of its own, some of which are to be reads; those
 * beyond it puts off, and asks again and again whether they can be done.
 */
const TOLD_AT_ONCE = 100;

/**
 * For so long quick jobs share a turn of the timer, which comes after 2 ms at
 * the earliest.
 */
const JOBS_MS = 1;

/** What a turn runs. */
export interface Turnable {
  /** Works off all inputs. */
  run(): void;
  /** Whether it wants another turn soon, without further input. */
  readonly busy: boolean;
}

/** Something with output. */
export interface Flushable {
  flush(): void;
}

/** Schedules turns. */
export class Turn {
  readonly #onFailure: (error: unknown) => void;
  #node: Turnable | undefined;
  #scheduled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the node works off its inputs at this moment. */
  #running = false;
  /** Those who send at the end of the turn: who has asked is answered. */
  #toFlush: Flushable[] = [];
  /** Those who are told of what the node did, the next one first. */
  #toTell: Flushable[] = [];
  /** How many of these were told. */
  #told = 0;
  #telling: ReturnType<typeof setImmediate> | undefined;
  readonly #jobs: (() => void)[] = [];
  #jobTimer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** `onFailure` learns of a broken invariant: the node must stop. */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Names the node whose turns these are. */
  drive(node: Turnable): void {
    this.#node = node;
  }

  /** There is input: a turn comes before the next event. */
  readonly wanted = (): void => {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    queueMicrotask(this.#take);
  };

  /**
   * There is output: it leaves at the end of the turn, or soon after where the
   * node's work made it, and has many to tell.
   */
  hasOutput(connection: Flushable): void {
    if (this.#running) this.#toTell.push(connection);
    else this.#toFlush.push(connection);
    this.wanted();
  }

  /** The same of output that others wait for: never later. */
  hasUrgentOutput(connection: Flushable): void {
    this.#toFlush.push(connection);
    this.wanted();
  }

  /**
   * Runs a job in a later turn of the event loop: one job each turn, or several
   * that are quick, so that between them everybody else is served.
   */
  later(job: () => void): void {
    this.#jobs.push(job);
    this.#scheduleJob();
  }

  #scheduleJob(): void {
    if (this.#stopped || this.#jobs.length === 0) return;
    this.#jobTimer ??= setTimeout(this.#runJob, 0);
  }

  readonly #runJob = (): void => {
    this.#jobTimer = undefined;
    const until = performance.now() + JOBS_MS;
    // Jobs that jobs bring are for the next turn.
    for (let left = this.#jobs.length; left > 0 && !this.#stopped; left--) {
      this.#jobs.shift()?.();
      if (performance.now() >= until) break;
    }
    this.#scheduleJob();
  };

  /** Something that must hold does not: no more turns, and the node learns. */
  fail(error: unknown): void {
    this.stop();
    this.#onFailure(error);
  }

  /** No more turns. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#jobTimer);
    clearImmediate(this.#telling);
  }

  /** Takes a turn now. */
  readonly #take = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.#running = true;
    try {
      this.#node?.run();
    } catch (error) {
      return this.fail(error);
    } finally {
      this.#running = false;
    }
    const flushing = this.#toFlush;
    this.#toFlush = [];
    for (const connection of flushing) connection.flush();
    if (this.#telling === undefined) this.#tellSome();
    // One timer at a time: turns for other reasons must not add to them.
    if (this.#node?.busy && !this.#stopped) {
      this.#timer ??= setTimeout(this.#again, 0);
    }
  };

  /** Lets the next ones send; the others in later turns of the event loop. */
  readonly #tellSome = (): void => {
    this.#telling = undefined;
    const all = this.#toTell;
    const end = Math.min(all.length, this.#told + TOLD_AT_ONCE);
    while (this.#told < end) all[this.#told++]!.flush();
    if (end === all.length) {
      all.length = 0;
      this.#told = 0;
    } else if (!this.#stopped) {
      this.#telling = setImmediate(this.#tellSome);
    }
  };

  readonly #again = (): void => {
    this.#timer = undefined;
    this.wanted();
  };
}
