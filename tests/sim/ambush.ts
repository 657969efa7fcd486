/**
 * Ambushes: harm done to a leader at the worst moment. What it proposes gets
 * to some, then it is cut off, and another leads soon: so slots are left
 * behind that few have accepted, in one ballot after the other.
 *
 * @module
 */
import { type Micros, MILLISECOND } from "./agenda.ts";
import type { Faults, Pair } from "./faults.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Lies in wait for leaders. */
export class Ambush {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #random: Random;
  /** How often it struck. */
  count = 0;

  constructor(world: World, faults: Faults) {
    this.#world = world;
    this.#faults = faults;
    this.#random = world.random.fork();
  }

  /** Strikes again and again. */
  start(): void {
    const { agenda, scenario: { ambushEvery } } = this.#world;
    if (ambushEvery === 0) return;
    agenda.after(this.#random.gap(ambushEvery), () => {
      if (this.#faults.healed) return;
      const leaders = this.#world.living.filter(isLeader);
      if (leaders.length > 0) this.#strike(this.#random.pick(leaders));
      this.start();
    });
  }

  #strike(leader: Process): void {
    const { trace, living } = this.#world;
    const others = living.filter((other) => other !== leader);
    if (others.length === 0) return;
    this.count++;
    trace.mark("fault", 99, leader.number);
    const share = this.#random.float();
    const deaf = others.filter(() => this.#random.chance(share));
    trace.say("", `ambush of ${leader.name}: ${deaf.map(nameOf)} hear nothing`);
    const until = this.#random.between(1, 40) * MILLISECOND;
    const rest = this.#random.between(20, this.#random.pick([100, 400]));
    // What is sent meanwhile gets to the others only.
    const out = deaf.map(({ host }): Pair => [leader.host, host]);
    this.#faults.block(out, until + rest * MILLISECOND);
    this.#faults.later(until, () => {
      if (leader.alive) this.#cutOff(leader, rest * MILLISECOND);
    });
  }

  #cutOff(leader: Process, duration: Micros): void {
    const { host } = leader;
    const others = this.#world.living.filter((other) => other !== leader);
    const ways = others.flatMap((other): Pair[] => {
      return [[host, other.host], [other.host, host]];
    });
    const draw = this.#random.float();
    if (draw < 0.15) return void this.#faults.pause(leader, duration);
    if (draw < 0.2) return void this.#faults.crash(leader);
    // Sometimes only one direction.
    const blocked = draw < 0.4
      ? ways.filter(([from]) => (from === host) === draw < 0.3)
      : ways;
    this.#faults.block(blocked, duration);
    if (this.#random.chance(0.75)) this.#faults.cut(blocked);
  }
}

function isLeader({ node }: Process): boolean {
  return node.status().role === "leader";
}

function nameOf({ name }: Process): string {
  return name;
}
