/**
 * What goes wrong in a run, when, and for how long; all of it comes to an end
 * when the run is to heal.
 *
 * @module
 */
import type { PeerMessage } from "../../protocol/mod.ts";
import { type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import { DiskFaults, isDiskFault } from "./disk_faults.ts";
import type { Way } from "./network.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { DiskFaultName, FaultName } from "./scenario.ts";
import { DISK_FAULTS, FAULTS } from "./scenario.ts";
import type { World } from "./world.ts";

/** A process that was told to go does so within this time. */
const LEAVE_WITHIN: Micros = 2 * SECOND;

/** Anything that may be done. */
export type AnyFault = FaultName | DiskFaultName;

/** From one host to another. */
export type Pair = readonly [from: number, to: number];

/** Messages that may be picked out. */
const PICKED: readonly PeerMessage["type"][] = [
  "prepare",
  "promise",
  "accept",
  "accepted",
  "nack",
  "behind",
  "prevote",
  "prevoted",
  "alive",
  "heard",
  "decided",
  "learned",
  "piece",
  "forward",
  "ask",
  "told",
  "attach",
  "leave",
];

/** Does harm to a world. */
export class Faults {
  readonly #world: World;
  readonly #random: Random;
  readonly #weights: readonly AnyFault[];
  readonly #disks: DiskFaults | undefined;
  /** How many faults block a way. */
  readonly #blocks: Map<Way, number> = new Map();
  #healed = false;
  /** How often each was done. */
  readonly counts: Map<AnyFault, number> = new Map();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    const { faults, disks } = world.scenario;
    const often = (name: AnyFault) =>
      isDiskFault(name) ? disks?.faults[name] ?? 0 : faults[name];
    this.#weights = [...FAULTS, ...DISK_FAULTS].flatMap((name) =>
      new Array<AnyFault>(often(name)).fill(name)
    );
    this.#disks = disks && new DiskFaults(world);
  }

  /** Begins; the first comes after about so long. */
  start(calm: Micros): void {
    if (this.#weights.length > 0) this.#next(calm);
    this.#disks?.start();
  }

  /** No more faults; those under way end. */
  heal(): void {
    this.#healed = true;
    const world = this.#world;
    world.trace.say("", "all heals");
    this.#blocks.clear();
    for (const way of world.network.ways()) {
      Object.assign(way, { drop: 0, double: 0, reorder: 0, picks: undefined });
      way.latency = world.scenario.latency;
      world.network.open(way);
    }
    for (const process of world.living) process.resume();
    this.#disks?.heal();
  }

  /** Whether no more harm is to be done. */
  get healed(): boolean {
    return this.#healed;
  }

  #next(mean: Micros): void {
    this.#world.agenda.after(this.#random.gap(mean), () => {
      if (this.#healed) return;
      this.#do(this.#random.pick(this.#weights));
      this.#next(this.#world.scenario.faultEvery);
    });
  }

  #do(name: AnyFault): void {
    if (this.#world.living.length === 0) return; // No power anywhere.
    const done = isDiskFault(name)
      ? this.#disks!.carryOut(name, this.#victim())
      : this.#carryOut(name);
    if (!done) return;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const number = isDiskFault(name)
      ? FAULTS.length + DISK_FAULTS.indexOf(name)
      : FAULTS.indexOf(name);
    this.#world.trace.mark("fault", number);
  }

  #carryOut(name: FaultName): boolean {
    switch (name) {
      case "pause":
        return this.pause(this.#victim(), this.#duration());
      case "crash":
        return this.crash(this.#victim());
      case "leave":
        return this.#leave();
      case "partition":
        return this.#partition();
      case "one way":
        return this.#oneWay();
      case "pair":
        return this.#pair();
      case "weather":
        return this.#weather();
      case "slow":
        return this.#slow();
      case "flap":
        return this.#flap();
      case "picky":
        return this.#picky();
    }
  }

  /** Any process, or the leader more often than its share. */
  #victim(): Process {
    const { living } = this.#world;
    const leaders = living.filter(({ node }) =>
      node.status().role === "leader"
    );
    return leaders.length > 0 && this.#random.chance(0.35)
      ? this.#random.pick(leaders)
      : this.#random.pick(living);
  }

  #say(what: string): void {
    this.#world.trace.say("", what);
  }

  /** Lets it happen unless all has healed by then. */
  later(delay: Micros, act: () => void): void {
    this.#world.agenda.after(delay, () => {
      if (!this.#healed) act();
    });
  }

  #duration(): Micros {
    const most = this.#random.pick([200, 800, 4000]);
    return this.#random.between(20, most) * MILLISECOND;
  }

  /** The process stands still for so long. */
  pause(process: Process, duration: Micros): boolean {
    if (process.paused) return false;
    this.#say(`${process.name} is paused for ${duration / 1000} ms`);
    process.pause();
    this.later(duration, () => {
      this.#say(`${process.name} goes on`);
      process.resume();
    });
    return true;
  }

  /** The process is gone, unless the others need it; another comes. */
  crash(process: Process): boolean {
    if (process.isDurable) return this.#disks!.restart(process);
    if (this.#world.leaving.has(process)) return false;
    if (!this.#world.canSpare(process)) return false;
    if (!this.#world.canForget(process.id)) return false;
    this.#world.end(process, "crashes");
    this.#replace(process);
    return true;
  }

  /** A new process comes, mostly to the same host. */
  #replace(process: Process): void {
    const delay = this.#random.between(1, 1500) * MILLISECOND;
    this.#world.agenda.after(delay, () => {
      const { freeHosts } = this.#world;
      if (process.isDurable && this.#world.isFree(process.host)) {
        return this.#world.supervisor.startSomehow(process.host);
      }
      const same = freeHosts.includes(process.host) && this.#random.chance(0.7);
      this.#world.supervisor.startSomehow(
        same ? process.host : this.#random.pick(freeHosts),
      );
    });
  }

  #leave(): boolean {
    const process = this.#victim();
    const world = this.#world;
    if (process.paused || world.leaving.has(process)) return false;
    if (!world.isRegistered(process) || !this.#mayLeave(process)) return false;
    this.#say(`${process.name} is told to leave`);
    world.leaving.add(process);
    let left = false;
    const part = () => {
      // The world of the run must stay able to decide.
      if (!process.alive) return;
      // Who says that it may go does go, needed or not.
      const isNeeded = !world.canSpare(process) || !world.canForget(process.id);
      if (!left && isNeeded) {
        return world.agenda.after(100_000, part);
      }
      world.end(process, left ? "has left" : "crashes");
      this.#replace(process);
    };
    process.input(() =>
      process.node.leave(() => {
        left = true;
        process.afterwards(part);
      })
    );
    world.agenda.after(LEAVE_WITHIN, part);
    return true;
  }

  /** Also one that is needed: the cluster has to let it go only then. */
  #mayLeave(process: Process): boolean {
    const { leaving, seats, members } = this.#world;
    if (this.#world.canSpare(process)) return true;
    return leaving.size === 0 && seats.cals.length > 1 && members.length > 2;
  }

  #partition(): boolean {
    const { hosts } = this.#world.scenario;
    const side = Array.from({ length: hosts }, () => this.#random.chance(0.5));
    const isolated = this.#random.chance(0.5) ? this.#victim() : undefined;
    if (isolated !== undefined) {
      side.fill(false);
      side[isolated.host] = true;
    }
    const pairs: Pair[] = [];
    for (let a = 0; a < hosts; a++) {
      for (let b = 0; b < hosts; b++) {
        if (side[a] !== side[b]) pairs.push([a, b]);
      }
    }
    const names = side.flatMap((far, host) => far ? [host] : []);
    this.#say(`hosts ${names} are parted from the others`);
    this.block(pairs);
    if (this.#random.chance(0.5)) {
      this.cut(pairs);
    }
    return true;
  }

  #oneWay(): boolean {
    const { host } = this.#victim();
    const out = this.#random.chance(0.5);
    const others = this.#someHosts(host);
    const pairs = others.map((other): Pair =>
      out ? [host, other] : [other, host]
    );
    this.#say(`nothing comes ${out ? "from" : "to"} host ${host}: ${others}`);
    this.block(pairs);
    return true;
  }

  #pair(): boolean {
    const { host } = this.#victim();
    const [other] = this.#someHosts(host);
    if (other === undefined) return false;
    this.#say(`hosts ${host} and ${other} are parted`);
    this.block([[host, other], [other, host]]);
    if (this.#random.chance(0.5)) {
      this.#world.network.cut(host, other, this.#notice);
    }
    return true;
  }

  #someHosts(but: number): number[] {
    const hosts = this.#world.living.map(({ host }) => host);
    const others = hosts.filter((host) => host !== but);
    const all = this.#random.chance(0.3);
    return others.filter(() => all || this.#random.chance(0.6));
  }

  /** Cuts the links of these hosts. */
  cut(pairs: readonly Pair[]): void {
    const { network } = this.#world;
    for (const [a, b] of pairs) network.cut(a, b, this.#notice);
  }

  /** Nothing gets through for some time. */
  block(pairs: readonly Pair[], duration = this.#duration()): void {
    const { network } = this.#world;
    const state = this.#random.chance(0.6) ? "loses" : "holds";
    const ways = pairs.map(([from, to]) => network.way(from, to));
    for (const way of ways) {
      this.#blocks.set(way, (this.#blocks.get(way) ?? 0) + 1);
      way.state = state;
    }
    // What is silent for long is taken for dead by those who listen.
    const deadline = this.#random.between(400, 1500) * MILLISECOND;
    if (duration > deadline && this.#random.chance(0.5)) {
      this.later(deadline, () => this.cut(pairs));
    }
    this.later(duration, () => ways.forEach((way) => this.#unblock(way)));
  }

  #unblock(way: Way): void {
    const left = (this.#blocks.get(way) ?? 1) - 1;
    this.#blocks.set(way, left);
    if (left === 0) this.#world.network.open(way);
  }

  /** When a side hears that its link is down: soon, late, or never. */
  readonly #notice = (): Micros | undefined => {
    if (this.#random.chance(0.1)) return undefined;
    return this.#random.chance(0.8)
      ? this.#random.below(2 * MILLISECOND)
      : this.#random.below(500 * MILLISECOND);
  };

  #weather(): boolean {
    const most = this.#random.pick([0.02, 0.1, 0.3]);
    this.#disturb((way) => {
      way.drop = this.#random.float() * most;
      way.double = this.#random.float() * most;
      way.reorder = this.#random.float() * most * 2;
    });
    return true;
  }

  #slow(): boolean {
    const most = this.#random.pick([5, 50, 150]) * MILLISECOND;
    this.#disturb((way) => way.latency = [most / 10, most]);
    return true;
  }

  /** Messages of one or two types are lost, or come when they are old. */
  #picky(): boolean {
    const first = this.#random.pick(PICKED);
    const types = new Set([first, this.#random.pick(PICKED)]);
    const delay = this.#random.pick([0, 0, 40, 150, 600]) * MILLISECOND;
    const chance = this.#random.pick([0.5, 1]);
    this.#say(`${[...types]} ${delay === 0 ? "are lost" : "come late"}`);
    this.#disturb((way) => way.picks = { types, chance, delay });
    return true;
  }

  #disturb(change: (way: Way) => void): void {
    const { network, scenario, trace } = this.#world;
    const share = this.#random.pick([0.2, 0.6, 1]);
    const ways = [...network.ways()].filter(() => this.#random.chance(share));
    if (trace.reads) this.#say(`${ways.length} ways get worse`);
    for (const way of ways) change(way);
    this.later(this.#duration(), () => {
      for (const way of ways) {
        Object.assign(way, {
          drop: 0,
          double: 0,
          reorder: 0,
          picks: undefined,
        });
        way.latency = scenario.latency;
      }
    });
  }

  /** A link goes down and comes up again soon. */
  #flap(): boolean {
    const { host } = this.#victim();
    const [other] = this.#someHosts(host);
    if (other === undefined) return false;
    this.#say(`the link of hosts ${host} and ${other} breaks`);
    this.#world.network.cut(host, other, this.#notice);
    return true;
  }
}
