/**
 * The supervisor: starts processes on hosts, as an init system and an operator
 * do, and as cli/memory.ts has it: with what the disk remembers; in place of a
 * node whose memory is lost; or blank, through a node that is there.
 *
 * @module
 */
import type { NodeId } from "../../protocol/mod.ts";
import { type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import type { Machine } from "./machine.ts";
import type { Lost, Memory } from "./memory.ts";
import { addressOf, type Loss, type Process } from "./process.ts";
import { fail } from "./violation.ts";
import { type Starter, World, type WorldOptions } from "./world.ts";

const CLUSTER = "sim";
/** A process that is in no cluster after so long is started anew. */
const PATIENCE: Micros = 3 * SECOND;
const NURSE_EVERY: Micros = 500 * MILLISECOND;
/** Who has to begin anew, or to be started again, is within this time. */
const AGAIN_WITHIN: Micros = 300 * MILLISECOND;
/** Who stops may take so long to hand over. */
const STOP_WITHIN: Micros = 1500 * MILLISECOND;
/** When nobody is there to attach to, it is tried again after so long. */
const ATTACH_AGAIN: Micros = 100 * MILLISECOND;

/** A cluster whose processes are started. */
export function makeWorld(options: WorldOptions): World {
  const world = new World(options);
  world.supervisor = new Supervisor(world);
  return world;
}

/** Starts processes. */
export class Supervisor implements Starter {
  readonly #world: World;
  readonly #startedAt: Map<Process, Micros> = new Map();
  readonly #registered: Set<NodeId> = new Set();
  readonly #stopping: Set<Process> = new Set();
  /** Histories that were begun: there may be more if the first are lost. */
  #foundings = 0;
  /** How often a process stopped, because it had nobody to repair it from. */
  stops = 0;

  constructor(world: World) {
    this.#world = world;
    world.agenda.after(NURSE_EVERY, () => this.#nurse());
  }

  /** Whether somebody is about to stop. */
  get stopping(): boolean {
    return this.#stopping.size > 0;
  }

  /** Starts the node that founds the cluster, or goes on with having done so. */
  found(): Process {
    const host = 0;
    const memory = this.#recall(host);
    const process = this.#launch(host, memory);
    if (memory?.how === "resume") this.#resume(process);
    else {
      this.#foundings++;
      const lineage = this.#lineage;
      process.input(() => process.node.found({ cluster: CLUSTER, lineage }));
    }
    return process;
  }

  /**
   * Starts the process of a host: with what is on its disk, if there is
   * anything; else it attaches through another.
   *
   * @returns whether that can be done now.
   */
  start(host: number, via?: Process, lost?: Lost): boolean {
    const others = via === undefined ? [] : [addressOf(via.host)];
    const memory = this.#recall(host, { others, lost });
    if (memory?.how === "stops") {
      this.#stopped(this.#world.machines!.of(host)!, memory.why);
      return false;
    }
    if (memory?.how === "resume") {
      this.#resume(this.#launch(host, memory));
      return true;
    }
    const contacts = memory?.how === "repair" ? memory.lost.contacts : others;
    if (contacts.length === 0) return false;
    const process = this.#launch(host, memory);
    for (const contact of contacts) process.tellAddress(contact);
    this.#world.note(process, `attaches via ${contacts.join(" ")}`);
    const lineage = this.#lineage;
    process.input(() => process.node.attach(lineage));
    return true;
  }

  get #lineage(): string {
    return `LINEAGE${this.#foundings}`;
  }

  /** Starts the process of a host, through any that can be reached. */
  startSomehow(host: number, lost?: Lost): void {
    const { agenda, isFree, members, random } = this.#world;
    const via = members.length > 0 ? random.pick(members) : undefined;
    if (this.start(host, via, lost)) return;
    agenda.after(ATTACH_AGAIN, () => {
      if (isFree(host)) this.startSomehow(host, lost);
    });
  }

  /** A node says that it must not go on. */
  lost(process: Process, why: Loss): void {
    const machine = this.#world.machines!.of(process.host)!;
    if (why === "is outdated" && !machine.harmed) {
      fail("a memory stays", `${process.name} ${why}, but nothing was done`);
    }
    if (why === "has a broken disk") return this.#stop(process);
    this.#world.agenda.after(0, () => {
      if (!process.alive) return;
      const { contacts = [] } = process.node;
      this.#world.end(process, why);
      // One that is killed meanwhile does not remember why.
      const lost = machine.setAside()
        ? { id: process.id, contacts }
        : undefined;
      this.#again(process.host, lost);
    });
  }

  /** A process stops as it does when it is told to, and is started again. */
  #stop(process: Process): void {
    this.#stopping.add(process);
    const end = () => {
      this.#stopping.delete(process);
      if (!process.alive) return;
      this.#world.end(process, "has a broken disk");
      this.#again(process.host);
    };
    const { agenda } = this.#world;
    process.input(() => process.node.leave(() => process.afterwards(end)));
    agenda.after(STOP_WITHIN, end);
  }

  #again(host: number, lost?: Lost): void {
    const { agenda, isFree, random } = this.#world;
    agenda.after(random.below(AGAIN_WITHIN), () => {
      if (isFree(host)) this.startSomehow(host, lost);
    });
  }

  /** What the host's disk tells of what was there before. */
  #recall(
    host: number,
    with_: { others: readonly string[]; lost?: Lost | undefined } = {
      others: [],
    },
  ): Memory | undefined {
    const machine = this.#world.machines?.of(host);
    if (machine === undefined) return undefined;
    const before = machine.harmed ? undefined : machine.node;
    const memory = machine.recall(with_);
    if (memory.how === "resume" || before === undefined) return memory;
    if (this.#world.seats.cals.includes(before)) {
      fail("a memory stays", `${before} has a seat, and its disk is empty`);
    }
    return memory;
  }

  #launch(host: number, memory: Memory | undefined): Process {
    const process = this.#world.launch(host, memory);
    this.#startedAt.set(process, this.#world.agenda.now);
    return process;
  }

  #resume(process: Process): void {
    process.input(() => process.node.resume!(process.boot!.found!));
  }

  /** It cannot go on: somebody has to look, and starts it with nothing. */
  #stopped(machine: Machine, why: string): void {
    this.stops++;
    this.#world.trace.say(`d${machine.host}`, `stops: ${why}`);
    machine.wipe();
  }

  /** An operator starts a node anew that finds no cluster. */
  #nurse(): void {
    const { agenda, machines } = this.#world;
    agenda.after(NURSE_EVERY, () => this.#nurse());
    for (const process of this.#world.living) {
      const { host, id } = process;
      if (this.#world.isRegistered(process)) this.#registered.add(id);
      // Who was in the cluster must find back by itself.
      if (this.#registered.has(id)) continue;
      const since = agenda.now - this.#startedAt.get(process)!;
      if (since < PATIENCE || process.paused || process.number === 1) continue;
      if (!this.#world.canSpare(process)) continue;
      this.#world.end(process, "is given up");
      machines?.of(host)?.wipe();
      this.startSomehow(host);
    }
  }
}
