/**
 * Who awaits the outcomes of this node's commands, in the order in which they
 * were taken, which is the order in which they are applied.
 *
 * @module
 */
import type { Reply } from "../protocol/mod.ts";
import { assert, type Outcome } from "../store/mod.ts";

/** How many settled replies are kept before the others move up. */
const SETTLED_MAX = 4096;

/** Who awaits the outcome of which command, in the commands' order. */
export class Replies {
  #waiting: (Reply | undefined)[] = [];
  #from = 0;
  #first = 1;

  /** The number of the oldest command without an outcome. */
  get first(): number {
    return this.#first;
  }

  /** Adds the reply of the next command. */
  add(number: number, reply: Reply): void {
    this.#waiting.push(reply);
    const next = this.#first + this.#waiting.length - this.#from - 1;
    assert(number === next, "C6: a node's commands are numbered in order");
  }

  /** Settles the reply of the command; those before it are settled. */
  settle(number: number, outcome: Outcome): void {
    if (number < this.#first) return; // Its client was told before.
    assert(
      number === this.#first,
      "C6: a node's commands are applied in the order it took them",
    );
    this.#take()?.settled(outcome);
  }

  /** Settles all up to that command alike. */
  settleUpTo(number: number, outcome: Outcome): void {
    while (this.#first <= number) this.#take()?.settled(outcome);
  }

  /** Numbers begin at 1 again: nobody waits. */
  restart(): void {
    assert(this.#waiting.length === this.#from, "C6: all replies are settled");
    this.#waiting = [];
    this.#from = 0;
    this.#first = 1;
  }

  #take(): Reply | undefined {
    const reply = this.#waiting[this.#from];
    this.#waiting[this.#from++] = undefined;
    this.#first++;
    if (this.#from >= SETTLED_MAX || this.#from === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#from);
      this.#from = 0;
    }
    return reply;
  }
}
