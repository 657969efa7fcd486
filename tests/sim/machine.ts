/**
 * A machine: a host with a disk. What a process has written outlives it, and
 * the next one that starts there goes on with it.
 *
 * @module
 */
import type { Durability, FileDamage, Found } from "../../consensus/mod.ts";
import { readDirectory } from "../../consensus/mod.ts";
import { type NodeId, parseName } from "../../protocol/mod.ts";
import type { Agenda, Micros } from "./agenda.ts";
import { SimDisk } from "./disk.ts";
import { DiskFiles } from "./disk_files.ts";
import { DiskImage, ReadOnlyDisk } from "./disk_image.ts";
import { type Lost, type Memory, readMemory } from "./memory.ts";
import type { Random } from "./random.ts";
import type { DiskScenario } from "./scenario.ts";
import type { Trace } from "./trace.ts";
import { judge } from "./verdict.ts";
import { fail } from "./violation.ts";

/** What a process starts with. */
export interface Boot {
  readonly durability: Durability;
  readonly disk: SimDisk;
  /** What its node goes on with; undefined where there is nothing. */
  readonly found: Found | undefined;
  /** Whose memory was there, and is not whole. */
  readonly replaces: NodeId | "";
  /** Whether it goes on with a memory that has forgotten something. */
  readonly forgetful: boolean;
}

/**
 * A byte is another; the disk is an old one; a sync has failed, and what can
 * be read is not what is on the disk.
 */
export type Harm = "damaged" | "old" | "broken";

/** A disk as it was. */
export interface Copy {
  readonly at: Micros;
  readonly node: NodeId;
  readonly image: DiskImage;
}

/** What machines need. */
export interface MachinesOptions {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  readonly scenario: DiskScenario;
}

const COPIES_MAX = 6;
/** How often somebody is killed while files are moved away or removed. */
const CUT_SHORT = 0.1;

/** A host with a disk. */
export class Machine {
  readonly host: number;
  readonly #options: MachinesOptions;
  readonly #random: Random;
  #content: DiskImage | DiskFiles = new DiskImage();
  #disk: SimDisk | undefined;
  /** Whose memory the disk holds, as long as it is whole. */
  node: NodeId | undefined;
  #harm: Harm | undefined;
  /** Whether somebody goes on with what a broken sync has left. */
  #isBelieved = false;
  /** The disk as it was, oldest first. */
  readonly copies: Copy[] = [];

  constructor(host: number, options: MachinesOptions) {
    this.host = host;
    this.#options = options;
    this.#random = options.random.fork();
  }

  /** What was done to the disk that no crash does, while it matters. */
  get harm(): Harm | undefined {
    if (this.#harm === "broken" && !this.#isDoubtful) this.#harm = undefined;
    return this.#harm;
  }

  set harm(harm: Harm | undefined) {
    this.#harm = harm;
  }

  /** Whether its memory is not whole. */
  get harmed(): boolean {
    return this.harm !== undefined;
  }

  /** The disk of the process that runs here. */
  get disk(): SimDisk | undefined {
    return this.#disk;
  }

  /** The disk while no process uses it and the machine is off. */
  get image(): DiskImage | undefined {
    return this.#content instanceof DiskImage ? this.#content : undefined;
  }

  /** What is on the disk for sure, without a doubt left to chance. */
  get durable(): DiskImage {
    const content = this.#disk?.files ?? this.#content;
    return content instanceof DiskImage ? content : content.durable();
  }

  /**
   * What a process that starts here finds, and what it does with that before
   * it begins; `lost` is what it was before, in the same process.
   */
  recall(
    { others, lost }: { others: readonly string[]; lost?: Lost | undefined },
  ): Memory {
    for (;;) {
      const reading = readMemory(this.#open(), others);
      this.#expect("found" in reading ? reading.found : undefined);
      if (reading.first === "set aside") {
        const { lost, found: { damage } } = reading;
        this.#sayDamage(damage!);
        if (this.setAside()) return { how: "repair", lost };
        this.#expectDamage();
      } else if (reading.first === "discard") this.#discard();
      else return this.#remember(reading.memory, lost);
    }
  }

  /** A process starts with what was recalled. */
  boot(memory: Memory): Boot {
    const disk = this.#disk = this.#open();
    this.#isBelieved = this.harm === "broken";
    const found = memory.how === "resume" ? memory.found : undefined;
    const replaces = memory.how === "repair" ? memory.lost.id : "";
    const start = this.#random.next();
    const durability = { disk, found, start };
    const { harm } = this;
    // What was said before a sync failed can still be read.
    const forgetful = found !== undefined && harm !== undefined &&
      harm !== "broken";
    return { durability, disk, found, replaces, forgetful };
  }

  /** The process that used the disk is gone, and perhaps the power, too. */
  end(power: boolean): void {
    const disk = this.#disk!;
    this.#disk = undefined;
    this.#content = power ? disk.crash() : disk.end();
    if (power) this.#outage();
  }

  /** The machine was only left by its process: now the power fails, too. */
  powerOff(): DiskImage {
    if (this.#content instanceof DiskFiles) {
      const { random, crash } = this.#habits;
      this.#content = this.#content.crash(random, crash);
      this.#outage();
    }
    return this.#content;
  }

  /** The disk is gone, or emptied by somebody. */
  wipe(): void {
    this.#content = new DiskImage();
    this.forget();
  }

  /**
   * Moves all data files away, one by one, the oldest logs first, durably.
   *
   * @returns whether it was not killed before the last.
   */
  setAside(): boolean {
    const names = this.#dataFiles.toSorted();
    const killed = this.#random.chance(CUT_SHORT);
    const moved = killed ? this.#random.below(names.length) : names.length;
    this.#remove(names.slice(0, moved));
    if (killed) this.#killed(`${moved} files moved away`);
    else this.forget();
    return !killed;
  }

  /** Removes all data files, one by one, the newest logs first, durably. */
  #discard(): void {
    const names = this.#dataFiles.toSorted().reverse();
    const killed = this.#random.chance(CUT_SHORT);
    const removed = killed ? this.#random.below(names.length) : names.length;
    this.#remove(names.slice(0, removed));
    if (killed) this.#killed(`${removed} files removed`);
    else this.forget();
  }

  #remove(names: readonly string[]): void {
    const files = this.#files;
    for (const file of names) {
      files.perform({ type: "remove", file });
      files.perform({ type: "syncDirectory" });
    }
  }

  #killed(when: string): void {
    this.#say(`is killed with ${when}`);
    if (this.#random.chance(0.5)) this.powerOff();
  }

  /** Nobody's memory is here. */
  forget(): void {
    this.node = undefined;
    this.harm = undefined;
    this.copies.length = 0;
  }

  /**
   * A byte is another, while the machine is off: notes whether that matters,
   * and what was found then. What is believed was written so.
   */
  judge(whole: DiskImage): Found | undefined {
    const before = this.look(whole);
    const after = this.look();
    const verdict = judge(before, after);
    if (verdict === "believed" || verdict === "lost") {
      fail("damage is named", `what is damaged on host ${this.host} is used`);
    }
    this.harm = verdict === "as it was" ? undefined : "damaged";
    return after;
  }

  /** Keeps a copy of the disk as it is. */
  keepCopy(): void {
    const { node } = this;
    if (node === undefined || this.harmed) return;
    const at = this.#options.agenda.now;
    this.copies.push({ at, node, image: this.durable.copy() });
    if (this.copies.length > COPIES_MAX) this.copies.shift();
  }

  /** What a node would find here now if the power failed. */
  look(image: DiskImage = this.durable): Found | undefined {
    return readDirectory(new ReadOnlyDisk(image));
  }

  get #habits() {
    return { random: this.#random, crash: this.#options.scenario.crash };
  }

  /** The files, to be changed while no process uses them. */
  get #files(): DiskFiles {
    if (this.#content instanceof DiskImage) {
      this.#content = new DiskFiles(this.#content);
    }
    return this.#content;
  }

  get #dataFiles(): string[] {
    return this.#files.list().filter((name) => parseName(name) !== undefined);
  }

  /** Whether what a process reads here may be gone with the next outage. */
  get #isDoubtful(): boolean {
    const content = this.#disk?.files ?? this.#content;
    return content instanceof DiskFiles && content.doubtful;
  }

  /**
   * What a broken sync has left is all that there is now. That is damage only
   * where somebody has gone on with what could be read.
   */
  #outage(): void {
    if (this.#harm !== "broken") return;
    const damaged = this.#isBelieved && this.look()?.damage !== undefined;
    this.#harm = damaged ? "damaged" : undefined;
  }

  #open(): SimDisk {
    const { agenda, trace, scenario } = this.#options;
    const { host } = this;
    const disk = new SimDisk(this.#content, {
      agenda,
      trace,
      random: this.#random.fork(),
      host,
      habits: { crash: scenario.crash, lies: scenario.lies },
    });
    disk.latency = scenario.latency;
    return disk;
  }

  /** Without files there is what was said before, or nobody's memory. */
  #remember(memory: Memory, lost: Lost | undefined): Memory {
    if (memory.how === "resume" || memory.how === "stops") return memory;
    this.forget();
    return memory.how === "blank" && lost !== undefined
      ? { how: "repair", lost }
      : memory;
  }

  /** No crash makes damage, or another node of it. */
  #expect(found: Found | undefined): void {
    if (this.harmed || found === undefined) return;
    const { damage, header } = found;
    if (damage !== undefined) {
      const { file, offset, why } = damage;
      const what = `${file} is damaged at ${offset}: ${why}`;
      fail("a crash is no damage", `on host ${this.host} ${what}`);
    }
    if (header.node === this.node) return;
    const what = `${header.node}, it was ${this.node}`;
    fail("whose memory", `host ${this.host} holds that of ${what}`);
  }

  /** Of what is damaged no part may pass for whole. */
  #expectDamage(): void {
    const found = this.look();
    if (found === undefined || found.damage !== undefined) return;
    const what = `what is left on host ${this.host} passes for whole`;
    fail("set aside", `${what}, up to slot ${found.applied}`);
  }

  #sayDamage({ file, offset, why }: FileDamage): void {
    this.#say(`finds damage in ${file} at ${offset}: ${why}`);
  }

  #say(what: string): void {
    this.#options.trace.say(`d${this.host}`, what);
  }
}
