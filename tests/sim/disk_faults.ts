/**
 * What goes wrong with hosts that have disks: they lose their power, alone or
 * all at once, and come back; and what disks do to what was entrusted to them.
 *
 * A cluster must survive any of this as long as most of its cals keep their
 * memories: so a memory is harmed only if the others can do without.
 *
 * @module
 */
import { type Micros, MILLISECOND, SECOND } from "./agenda.ts";
import type { SimDisk } from "./disk.ts";
import { SLOW_LATENCY } from "./disk.ts";
import type { DiskImage } from "./disk_image.ts";
import type { Copy, Machine } from "./machine.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import { DISK_FAULTS, type DiskFaultName } from "./scenario.ts";
import type { World } from "./world.ts";

/** A copy that is put back is so old at least. */
const COPY_AGE: Micros = SECOND;
const COPY_EVERY: Micros = 400 * MILLISECOND;
/** Until a machine has its power again. */
const OFF_MOST: Micros = 1500 * MILLISECOND;
/** A crash is planned for one of so many operations to come. */
const PLANNED_MOST = 40;
const FLIP_TRIES = 20;

/** Does harm to disks, and to the machines they are in. */
export class DiskFaults {
  readonly #world: World;
  readonly #random: Random;
  /** Disks in trouble that passes. */
  readonly #troubled: Set<SimDisk> = new Set();
  #healed = false;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  /** Begins to copy disks, to put them back later. */
  start(): void {
    const { agenda, machines } = this.#world;
    agenda.after(this.#random.gap(COPY_EVERY), () => {
      if (this.#healed) return;
      this.#random.pick(machines!.all).keepCopy();
      this.start();
    });
  }

  /** All disks are well from now on, and machines have power. */
  heal(): void {
    this.#healed = true;
    const { living, machines } = this.#world;
    for (const { disk } of machines!.all) disk?.mend();
    this.#troubled.clear();
    // Who goes on with what a broken sync has left has to notice.
    for (const process of living) {
      if (machines!.of(process.host)?.harm !== "broken") continue;
      this.#world.end(process, "crashes");
      this.#comeBack(process.host);
    }
  }

  /** Does one of them, if it can be done now. */
  carryOut(name: DiskFaultName, victim: Process): boolean {
    if (name === "power") return this.#powerAll();
    const machine = this.#world.machines!.of(victim.host);
    if (machine?.disk === undefined) return false;
    switch (name) {
      case "restart":
        return this.restart(victim);
      case "crash at I/O":
        return this.#planCrash(victim, machine.disk);
      case "lost disk":
        return this.#lose(victim, machine);
      case "old disk":
        return this.#putBack(victim, machine);
      case "flip":
        return this.#flip(victim, machine);
      case "broken sync":
        return this.#breakSync(victim, machine);
      case "full disk":
        return this.#trouble(machine.disk, (disk, on) => disk.full = on);
      case "stuck disk":
        return this.#trouble(machine.disk, (disk, on) => disk.stuck = on);
      case "slow disk": {
        const { latency } = machine.disk;
        return this.#trouble(machine.disk, (disk, on) => {
          disk.latency = on ? SLOW_LATENCY : latency;
        });
      }
    }
  }

  /** The process is gone, and comes back with what is on its disk. */
  restart(process: Process): boolean {
    if (this.#isWatched || this.#world.leaving.has(process)) return false;
    // Most of the time somebody must be there to see it.
    const spares = this.#world.canSpare(process);
    if (!spares && this.#random.chance(0.6)) return false;
    const power = this.#random.chance(0.6);
    this.#world.end(process, power ? "crashes" : "is killed");
    this.#comeBack(process.host);
    return true;
  }

  /** The host's process starts again after a while. */
  #comeBack(host: number, most = this.#random.pick([20, 300, 1500])): void {
    const delay = this.#random.between(1, most) * MILLISECOND;
    this.#world.agenda.after(Math.min(delay, OFF_MOST), () => {
      if (this.#world.isFree(host)) this.#world.supervisor.startSomehow(host);
    });
  }

  /** All machines lose their power at once. */
  #powerAll(): boolean {
    if (this.#isWatched) return false;
    const { machines, living, trace } = this.#world;
    const victims = living.filter(({ host }) => machines!.of(host));
    // It takes a while until there is something to be lost.
    const away = machines!.keepers.length - victims.length;
    if (victims.length < 1 || away > 0) return false;
    trace.say("", "the power fails");
    for (const process of victims) this.#world.end(process, "crashes");
    const together = this.#random.chance(0.4);
    const most = this.#random.pick([20, 300, 1500]);
    for (const { host } of victims) this.#comeBack(host, together ? 1 : most);
    return true;
  }

  /** It crashes before or after one of its next operations. */
  #planCrash(process: Process, disk: SimDisk): boolean {
    const at = disk.operations + this.#random.between(1, PLANNED_MOST);
    const when = this.#random.pick(["onBefore", "onAfter"] as const);
    disk[when] = (_op, number) => {
      if (number < at || this.#healed) return;
      disk[when] = () => {};
      this.restart(process);
    };
    return true;
  }

  /** The disk is gone, and with it the memory. */
  #lose(process: Process, machine: Machine): boolean {
    if (!this.#mayHarm(process, machine)) return false;
    this.#world.end(process, "crashes");
    this.#say(machine, "loses its disk");
    machine.wipe();
    this.#comeBack(process.host);
    return true;
  }

  /** A copy of old takes the place of the disk. */
  #putBack(process: Process, machine: Machine): boolean {
    const latest = this.#world.agenda.now - COPY_AGE;
    const copies = machine.copies.filter(({ at, node }) =>
      at <= latest && node === process.id
    );
    if (copies.length === 0 || !this.#mayHarm(process, machine)) return false;
    const copy = this.#random.pick(copies);
    if (!this.#isKnownOld(process, machine, copy.image)) return false;
    this.#world.end(process, "crashes");
    this.#restore(machine, copy);
    this.#comeBack(process.host);
    return true;
  }

  #restore(machine: Machine, { at, image }: Copy): void {
    this.#say(machine, `has its disk of ${at / MILLISECOND} ms again`);
    machine.powerOff().restore(image);
    machine.harm = "old";
  }

  /** A byte of the disk changes while the machine is off. */
  #flip(process: Process, machine: Machine): boolean {
    if (!this.#mayHarm(process, machine)) return false;
    this.#world.end(process, "crashes");
    const image = machine.powerOff();
    const whole = image.copy();
    for (let tries = 0; tries < FLIP_TRIES; tries++) {
      const place = image.flip(this.#random);
      if (place === undefined) break;
      this.#say(machine, `has another byte ${place.offset} in ${place.file}`);
      if (this.#mayHave(process, machine, { image, whole })) break;
      image.restore(whole);
    }
    this.#comeBack(process.host);
    return true;
  }

  /**
   * What does not show is as an old disk: a damaged end looks as if it were
   * torn. It may be only where the others know.
   */
  #mayHave(
    process: Process,
    machine: Machine,
    { image, whole }: { image: DiskImage; whole: DiskImage },
  ): boolean {
    const after = machine.judge(whole);
    if (!machine.harmed || after?.damage !== undefined) return true;
    return this.#isKnownOld(process, machine, image);
  }

  /** The next sync fails: the node must not believe in what it wrote. */
  #breakSync(process: Process, machine: Machine): boolean {
    if (!this.#mayHarm(process, machine)) return false;
    const disk = machine.disk!;
    disk.breaks = () => {
      if (!this.#mayHarm(process, machine)) return false;
      machine.harm = "broken";
      return true;
    };
    this.#say(machine, "will not sync");
    return true;
  }

  /** Something is wrong for a while. */
  #trouble(disk: SimDisk, set: (disk: SimDisk, on: boolean) => void): boolean {
    if (this.#troubled.has(disk)) return false;
    this.#troubled.add(disk);
    set(disk, true);
    const most = this.#random.pick([50, 400, 3000]);
    const duration = this.#random.between(5, most) * MILLISECOND;
    this.#world.agenda.after(duration, () => {
      set(disk, false);
      this.#troubled.delete(disk);
    });
    return true;
  }

  /** The others can do without this memory. */
  #mayHarm(process: Process, machine: Machine): boolean {
    return !machine.harmed && !this.#isWatched &&
      !this.#world.leaving.has(process) && this.#world.canForget(process.id);
  }

  /** All others remember that this one had more than there is on the disk. */
  #isKnownOld(process: Process, machine: Machine, image: DiskImage): boolean {
    const { machines, living, seats } = this.#world;
    const found = machine.look(image);
    if (found === undefined || found.damage !== undefined) return true;
    const others = living.filter((other) => other !== process);
    const here = new Set(others.map(({ id }) => id));
    return seats.cals.every((cal) => cal === process.id || here.has(cal)) &&
      others.every(({ id }) =>
        machines!.knowsMore(id, process.id, found.claim)
      );
  }

  /**
   * Somebody's memory is older than it should be: those who know must stay
   * until it was told.
   */
  get #isWatched(): boolean {
    const { machines } = this.#world;
    return machines!.all.some(({ harm }) =>
      harm === "old" || harm === "damaged"
    );
  }

  #say({ host }: Machine, what: string): void {
    this.#world.trace.say(`d${host}`, what);
  }
}

/** Whether it is done to disks. */
export function isDiskFault(name: string): name is DiskFaultName {
  return (DISK_FAULTS as readonly string[]).includes(name);
}
