/**
 * The waits of one client, and what it is told on them.
 *
 * @module
 */
import {
  compileGlob,
  type Glob,
  type Refusal,
  type Rev,
  type StoreEvent,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import { appliedOf, isEvent } from "./watched_store.ts";
import type { World } from "./world.ts";

const GLOBS: readonly Glob[] = ["/k/*", "/k/0", "/**", "/k/?", "/ctl/cal/*"]
  .map(compileGlob);
const WAITS_MAX = 3;

interface Standing {
  readonly process: Process;
  readonly wait: Wait;
  readonly from: Rev;
}

/** Waits for events, and goes on from each, as watchers do. */
export class Watcher implements Waiter {
  readonly #world: World;
  readonly #random: Random;
  readonly #standing: Map<number, Standing> = new Map();
  #tickets = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  /** Starts a wait on the process, from about its newest rev. */
  wait(process: Process): void {
    if (this.#standing.size >= WAITS_MAX) return;
    process.input(() => {
      const { store } = process;
      const back = this.#random.pick([-2, 0, 0, 3, 30]);
      const from = Math.max(1, store.firstRev, store.rev + 1 - back);
      this.#start(process, { glob: this.#random.pick(GLOBS), from });
    });
  }

  /** The process has ended, and its waits with it. */
  processEnded(process: Process): void {
    for (const [ticket, standing] of this.#standing) {
      if (standing.process === process) this.#standing.delete(ticket);
    }
  }

  /** All that waits is waiting for something that has not happened. */
  checkWaiting(): void {
    for (const { process, wait, from } of this.#standing.values()) {
      const { store, alive } = process;
      if (!alive || store.waits.behind) continue;
      this.#world.watches.waiting({ glob: wait.glob, from }, store.rev);
    }
  }

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    const standing = this.#standing.get(ticket)!;
    this.#standing.delete(ticket);
    this.#ended(standing, result);
  }

  revReached(): void {}

  #start(process: Process, wish: { glob: Glob; from: Rev }): void {
    const ticket = ++this.#tickets;
    const wait = new Wait(this, { ...wish, ticket });
    const standing = { process, wait, from: wish.from };
    this.#standing.set(ticket, standing);
    const result = process.store.waits.start(wait);
    if (result === undefined) return;
    this.#standing.delete(ticket);
    this.#ended(standing, result);
  }

  /** The store may be in the middle of a write: looks at it afterwards. */
  #ended(
    { process, wait: { glob }, from }: Standing,
    result: StoreEvent | Refusal,
  ): void {
    const { watches } = this.#world;
    const { firstRev } = process.store;
    const told = isEvent(result) ? appliedOf(result) : undefined;
    const check = () => {
      if (told === undefined) {
        const refusal = result as Refusal;
        return watches.refused({ glob, from }, { refusal, firstRev });
      }
      watches.told({ glob, from }, told);
      const goesOn = this.#random.chance(0.8) && process.alive;
      if (!goesOn || told.rev + 1 < process.store.firstRev) return;
      this.#start(process, { glob, from: told.rev + 1 });
    };
    process.afterwards(check);
  }
}
