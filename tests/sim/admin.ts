/**
 * The client that makes seats: free ones when the cluster starts, and later,
 * in some runs, whatever else can be done to them.
 *
 * @module
 */
import { CLOBBER, type Mutation, type Outcome } from "../../store/mod.ts";
import { MILLISECOND } from "./agenda.ts";
import type { Random } from "./random.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

const SEATS_MAX = 7;
const RETRY = 50 * MILLISECOND;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** Makes seats, and changes them. */
export class Admin {
  readonly #world: World;
  readonly #random: Random;
  /** Below the numbers of all other clients' connections. */
  #connection = -1;
  #stopped = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  /** Makes the free seats of a new cluster, through its first node. */
  makeSeats(first: Process): void {
    const { cals } = this.#world.scenario;
    for (let seat = 1; seat < cals; seat++) this.#makeSeat(first, seat);
  }

  /** Changes seats from time to time, if this run does so. */
  start(): void {
    const { agenda, scenario } = this.#world;
    if (scenario.seatChangeEvery === 0 || this.#stopped) return;
    agenda.after(this.#random.gap(scenario.seatChangeEvery), () => {
      if (!this.#stopped) this.#change();
      this.start();
    });
  }

  /** Changes nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  #makeSeat(through: Process, seat: number): void {
    const path = `/ctl/cal/${seat}`;
    const mutation: Mutation = { type: "set", path, rev: 0, body: NOTHING };
    this.#write(through, mutation, (outcome) => {
      if (typeof outcome === "number" || outcome.code === "REV_MISMATCH") {
        return;
      }
      const { agenda, members } = this.#world;
      const next = members.length === 0 ? through : this.#random.pick(members);
      agenda.after(RETRY, () => this.#makeSeat(next, seat));
    });
  }

  #change(): void {
    const { living, members } = this.#world;
    if (living.length === 0 || members.length === 0) return;
    const path = `/ctl/cal/${this.#random.below(SEATS_MAX)}`;
    const draw = this.#random.float();
    const rev = this.#random.chance(0.7) ? CLOBBER : 0;
    const mutation: Mutation = draw < 0.15
      ? { type: "del", path, rev }
      : { type: "set", path, rev, body: this.#drawHolder(draw) };
    this.#write(this.#random.pick(living), mutation, () => {});
  }

  /** Nobody, so that the leader seats somebody; a member; or nonsense. */
  #drawHolder(draw: number): Uint8Array {
    if (draw < 0.6) return NOTHING;
    if (draw < 0.95) {
      return encoder.encode(this.#random.pick(this.#world.members).id);
    }
    return encoder.encode("NOBODY");
  }

  #write(
    process: Process,
    mutation: Mutation,
    done: (outcome: Outcome) => void,
  ): void {
    const { history, trace } = this.#world;
    const by = { connection: this.#connection--, origin: process.id };
    const operation = history.ask(by, () => mutation);
    const { id } = operation;
    trace.mark("invoke", id, 0);
    if (trace.reads) {
      const path = mutation.type === "nop" ? "" : mutation.path;
      trace.say("seat", `asks ${process.name}: ${mutation.type} ${path}`);
    }
    const settled = (outcome: Outcome) => {
      trace.mark("complete", id, typeof outcome === "number" ? outcome : 0);
      if (trace.reads) {
        const told = typeof outcome === "number" ? outcome : outcome.code;
        trace.say("seat", `is told of op ${id}: ${told}`);
      }
      process.afterwards(() => history.answer(operation, outcome));
      done(outcome);
    };
    process.input(() => process.node.propose(mutation, { settled }));
  }
}
