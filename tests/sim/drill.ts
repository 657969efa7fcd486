/**
 * The drill at the end of a run: one thing goes wrong in a cluster that is
 * whole, and what DESIGN promises for that must hold: who can reach a majority,
 * directly or through others, is served soon, and nobody runs for leader
 * without a cause.
 *
 * @module
 */
import { type Micros, MILLISECOND } from "./agenda.ts";
import type { Client } from "./client.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";
import { fail } from "./violation.ts";

/** What may happen. */
export const DRILLS = [
  "calm",
  "returns",
  "deaf",
  "mute",
  "alone",
  "parted",
  "killed",
] as const;

/** What may happen besides where all hosts have disks. */
export const DISK_DRILLS = ["power", "restart"] as const;

/** One drill. */
export type DrillName = typeof DRILLS[number] | typeof DISK_DRILLS[number];

/** Until the nodes have got over what was before. */
const REST: Micros = 1200 * MILLISECOND;
/** Another leader, and what was under way: the slowest clock goes at 0.8. */
const SERVED_WITHIN: Micros = 2500 * MILLISECOND;

/** Runs one drill. */
export class Drill {
  readonly #world: World;
  readonly #random: Random;
  readonly #client: Client;

  constructor(world: World, client: Client) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = client;
  }

  /** Does it, where the cluster allows one; returns which. */
  run(): DrillName | undefined {
    this.#rest();
    const leader = this.#findLeader();
    const durable = this.#world.living.every(({ isDurable }) => isDurable);
    const name = this.#random.pick(
      durable ? [...DRILLS, ...DISK_DRILLS, ...DISK_DRILLS] : DRILLS,
    );
    const others = this.#world.living.filter((other) => other !== leader);
    if (name !== "calm" && others.length === 0) return undefined;
    this.#world.trace.say("", `drill: ${name}, led by ${leader.name}`);
    return this.#carryOut(name, leader) ? name : undefined;
  }

  #carryOut(name: DrillName, leader: Process): boolean {
    switch (name) {
      case "calm":
        return this.#inPeace(() => this.#serves(this.#world.living));
      case "returns":
        return this.#returns(leader);
      case "parted":
        return this.#parted(leader);
      case "killed":
        return this.#killed(leader);
      case "deaf":
        return this.#cutOff(leader, { into: true, out: false });
      case "mute":
        return this.#cutOff(leader, { into: false, out: true });
      case "alone":
        return this.#cutOff(leader, { into: true, out: true });
      case "power":
        return this.#powerFails();
      case "restart":
        return this.#restarts(leader);
    }
  }

  /** Somebody leads, and who leads has a seat. */
  #findLeader(): Process {
    const { agenda, living } = this.#world;
    const isLeader = (process: Process) =>
      process.node.status().role === "leader";
    const end = agenda.now + SERVED_WITHIN;
    for (;;) {
      const leaders = living.filter(isLeader);
      const [leader] = leaders;
      const seated = leaders.every((each) => this.#world.isCal(each));
      if (leader !== undefined && leaders.length === 1 && seated) return leader;
      if (agenda.now >= end) {
        const names = leaders.map(({ name }) => name);
        fail("liveness", `${names.join() || "nobody"} leads, without a seat`);
      }
      this.#wait(50 * MILLISECOND);
    }
  }

  /** One that does not lead is away for a while. */
  #returns(leader: Process): boolean {
    const others = this.#world.living.filter((other) =>
      other !== leader && this.#world.canSpare(other)
    );
    if (others.length === 0) return false;
    const away = this.#random.pick(others);
    const rest = this.#world.living.filter((other) => other !== away);
    return this.#inPeace(() => {
      this.#world.trace.say("", `${away.name} is cut off`);
      const ways = this.#waysOf(away, rest);
      this.#set([...ways.into, ...ways.out], "loses");
      if (this.#random.chance(0.5)) this.#cut(away, rest);
      this.#serves(rest);
      this.#wait(this.#random.between(200, 1000) * MILLISECOND);
      this.#set([...ways.into, ...ways.out], "open");
      this.#serves([away]);
    });
  }

  /** The leader does not hear the others, or they not it. */
  #cutOff(leader: Process, how: { into: boolean; out: boolean }): boolean {
    if (!this.#world.canSpare(leader)) return false;
    const others = this.#world.living.filter((other) => other !== leader);
    const ways = this.#waysOf(leader, others);
    const blocked = [
      ...(how.into ? ways.into : []),
      ...(how.out ? ways.out : []),
    ];
    this.#set(blocked, "loses");
    this.#serves(others);
    this.#set(blocked, "open");
    return true;
  }

  /** The leader and one other do not reach each other, others reach both. */
  #parted(leader: Process): boolean {
    const { living, seats } = this.#world;
    const others = living.filter((other) =>
      other !== leader && this.#world.canSpare(other)
    );
    const bridges = others.filter(({ id }) => seats.cals.includes(id));
    if (others.length < 2 || bridges.length === 0) return false;
    const other = this.#random.pick(others);
    return this.#inPeace(() => {
      this.#world.trace.say("", `${leader.name} and ${other.name} are parted`);
      const ways = this.#waysOf(leader, [other]);
      this.#set([...ways.into, ...ways.out], "loses");
      if (this.#random.chance(0.5)) this.#cut(leader, [other]);
      this.#serves(living);
      this.#set([...ways.into, ...ways.out], "open");
    });
  }

  #killed(leader: Process): boolean {
    if (!this.#world.canSpare(leader)) return false;
    const others = this.#world.living.filter((other) => other !== leader);
    this.#ask(others);
    this.#world.end(leader, "crashes");
    this.#serves(others);
    this.#world.supervisor.startSomehow(leader.host);
    return true;
  }

  /** All machines lose their power under load, and have it again. */
  #powerFails(): boolean {
    const { living } = this.#world;
    const hosts = living.map(({ host }) => host);
    this.#ask(living);
    for (const process of living) this.#world.end(process, "crashes");
    this.#wait(this.#random.below(500 * MILLISECOND));
    for (const host of hosts) this.#world.supervisor.startSomehow(host);
    this.#serves(this.#world.living);
    return true;
  }

  /** One that does not lead is started again, with what is on its disk. */
  #restarts(leader: Process): boolean {
    const others = this.#world.living.filter((other) =>
      other !== leader && this.#world.canSpare(other)
    );
    if (others.length === 0) return false;
    const away = this.#random.pick(others);
    return this.#inPeace(() => {
      this.#ask([away]);
      this.#world.end(away, this.#random.pick(["crashes", "is killed"]));
      this.#serves(this.#world.living);
      this.#world.supervisor.startSomehow(away.host);
      this.#serves(this.#world.living);
    });
  }

  /** Nobody may run for leader meanwhile. */
  #inPeace(act: () => void): boolean {
    const { promises } = this.#world.listener;
    const before = promises.campaigns;
    act();
    this.#rest();
    if (promises.campaigns !== before) {
      fail("elections", "somebody campaigns, though the leader is well");
    }
    return true;
  }

  #rest(): void {
    this.#wait(REST);
  }

  #wait(time: Micros): void {
    const { agenda } = this.#world;
    agenda.runUntil(agenda.now + time);
  }

  /** Writes are under way when it happens. */
  #ask(through: readonly Process[]): void {
    for (const process of through) this.#client.probe(process, () => {});
    this.#wait(this.#random.below(3 * MILLISECOND));
  }

  /** A write through each of them works soon. */
  #serves(through: readonly Process[]): void {
    const { agenda } = this.#world;
    const end = agenda.now + SERVED_WITHIN;
    for (const process of through) {
      let worked = false;
      while (!worked && agenda.now < end) {
        let answered = false;
        this.#client.probe(process, (done) => {
          answered = true;
          worked ||= done;
        });
        agenda.runUntil(end, () => answered);
      }
      if (worked) continue;
      fail("availability", `${process.name} takes no writes in time`);
    }
  }

  #waysOf(process: Process, others: readonly Process[]) {
    const { network } = this.#world;
    const into = others.map(({ host }) => network.way(host, process.host));
    const out = others.map(({ host }) => network.way(process.host, host));
    return { into, out };
  }

  #set(
    ways: readonly ReturnType<World["network"]["way"]>[],
    state: "loses" | "open",
  ): void {
    for (const way of ways) {
      if (state === "open") this.#world.network.open(way);
      else way.state = state;
    }
  }

  #cut(process: Process, others: readonly Process[]): void {
    const soon = () => this.#random.below(2 * MILLISECOND);
    for (const { host } of others) {
      this.#world.network.cut(process.host, host, soon);
    }
  }
}
