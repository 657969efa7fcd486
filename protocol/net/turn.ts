/**
 * The turn: what happens together after something came in.
 *
 * A node's inputs of one event-loop turn are worked off together, once, and
 * then every connection that has answers sends them, each in one write. That
 * is where batches come from: nothing waits for a timer.
 *
 * @module
 */

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
  #toFlush: Flushable[] = [];
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

  /** There is output: it leaves at the end of the turn. */
  hasOutput(connection: Flushable): void {
    this.#toFlush.push(connection);
    this.wanted();
  }

  /**
   * Runs a job in a later turn of the event loop, one job each turn, so that
   * between any two of them everybody else is served.
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
    this.#jobs.shift()?.();
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
  }

  /** Takes a turn now. */
  readonly #take = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    try {
      this.#node?.run();
    } catch (error) {
      return this.fail(error);
    }
    const flushing = this.#toFlush;
    this.#toFlush = [];
    for (const connection of flushing) connection.flush();
    // One timer at a time: turns for other reasons must not add to them.
    if (this.#node?.busy && !this.#stopped) {
      this.#timer ??= setTimeout(this.#again, 0);
    }
  };

  readonly #again = (): void => {
    this.#timer = undefined;
    this.wanted();
  };
}
