/**
 * One process of a node: its memory, its clock, whether it runs.
 *
 * What comes to a paused process waits outside, as in a socket, and comes all
 * at once when it goes on; ticks that it missed do not come. A process that
 * has crashed never comes back: a new one takes its host, with a new id, or
 * with the id that it finds on the host's disk.
 *
 * @module
 */
import type { NodeId, PeerMessage } from "../../protocol/mod.ts";
import { type Agenda, type Micros, MILLISECOND } from "./agenda.ts";
import type { Boot } from "./machine.ts";
import type { Random } from "./random.ts";
import type { Subject, SubjectMaker, SubjectSettings } from "./subject.ts";
import type { Trace } from "./trace.ts";
import { fail, Violation } from "./violation.ts";
import { type StoreObserver, WatchedStore } from "./watched_store.ts";
import { shortId } from "./words.ts";

const TICK: Micros = 10 * MILLISECOND;
const EPOCH_MS = 1_700_000_000_000;
const CLOCK_OFFSET_MS = 100_000;
const ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What a process needs. */
export interface ProcessOptions {
  /** Counts the processes of a run, from 1. */
  readonly number: number;
  readonly host: number;
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  readonly make: SubjectMaker;
  readonly settings: SubjectSettings;
  readonly historyRevs: number;
  /** The longest time between an input and its being worked off. */
  readonly runDelay: Micros;
  readonly observe: (process: Process) => StoreObserver;
  readonly send: (from: Process, to: NodeId, message: PeerMessage) => void;
  /** Called after each run. */
  readonly afterRun: (process: Process) => void;
  /** What it starts with, where the host has a disk. */
  readonly boot: Boot | undefined;
  /** Called when the node must not go on with the memory it has. */
  readonly onLost: (process: Process, why: Loss) => void;
}

/** Why a node must not go on. */
export type Loss = "is outdated" | "has a broken disk";

/** A process. */
export class Process {
  readonly number: number;
  readonly host: number;
  readonly id: NodeId;
  /** What it was started with, where the host has a disk. */
  readonly boot: Boot | undefined;
  readonly name: string;
  readonly store: WatchedStore;
  readonly node: Subject;
  /** How fast its clocks go. */
  readonly rate: number;
  /** When it last went on after a pause. */
  resumedAt: Micros = 0;
  readonly #options: ProcessOptions;
  readonly #backlog: (() => void)[] = [];
  /** The clients' business: done when the node is not in the middle of its. */
  readonly #afterwards: (() => void)[] = [];
  readonly #addresses: Set<string> = new Set();
  #alive = true;
  #paused = false;
  #runAnnounced = false;

  constructor(options: ProcessOptions) {
    const { random, number, make } = options;
    this.#options = options;
    this.number = number;
    this.host = options.host;
    const boot = this.boot = options.boot;
    if (boot !== undefined) boot.disk.deliver = (act) => this.input(act);
    this.id = boot?.found?.header.node ?? makeId(random, number);
    this.name = shortId(this.id);
    this.rate = random.chance(0.5) ? 1 : 0.8 + random.float() * 0.45;
    this.store = new WatchedStore({
      historyRevs: options.historyRevs,
      observer: options.observe(this),
    });
    const draws = random.fork();
    const offset = random.between(-CLOCK_OFFSET_MS, CLOCK_OFFSET_MS);
    this.node = make({
      id: this.id,
      store: this.store,
      onInput: () => this.#runSoon(),
      send: (to, message) => options.send(this, to, message),
      random: () => draws.float(),
      now: () => EPOCH_MS + offset + Math.floor(this.#localMs()),
      about: {
        addr: addressOf(this.host),
        hostname: `host${this.host}`,
        version: "sim",
      },
      settings: options.settings,
      onPeers: (peers) => this.#learnPeers(peers),
      durability: boot?.durability,
      replaces: boot?.replaces,
      onOutdated: () => options.onLost(this, "is outdated"),
      onDiskBroken: () => options.onLost(this, "has a broken disk"),
    });
    options.agenda.after(random.below(TICK), () => this.#tick());
  }

  /** Whether it has not crashed nor left. */
  get alive(): boolean {
    return this.#alive;
  }

  /** Whether its memory outlives it. */
  get isDurable(): boolean {
    return this.boot !== undefined;
  }

  /** Whether it has forgotten something, and does not know it. */
  get isForgetful(): boolean {
    return this.boot?.forgetful ?? false;
  }

  /** Whether it stands still. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether it knows the address of the other, and so would dial it. */
  knows(other: Process): boolean {
    return this.#addresses.has(addressOf(other.host));
  }

  /** Tells it where a peer is. */
  tellAddress(address: string): void {
    this.#addresses.add(address);
  }

  /** Something comes to it. */
  input(act: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#backlog.push(act);
    else this.#guard(act);
  }

  /** Does something soon, when the node has worked off its inputs. */
  afterwards(act: () => void): void {
    this.#afterwards.push(act);
    if (this.#afterwards.length > 1) return;
    this.#options.agenda.after(0, () => {
      for (const act of this.#afterwards.splice(0)) this.input(act);
    });
  }

  /** It stands still from now on. */
  pause(): void {
    this.#paused = true;
  }

  /** It goes on: what came meanwhile comes now. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.resumedAt = this.#options.agenda.now;
    for (const act of this.#backlog.splice(0)) this.input(act);
    if (this.#runAnnounced) this.#scheduleRun();
  }

  /** It is gone. */
  end(): void {
    this.#alive = false;
    this.#backlog.length = 0;
    this.#afterwards.length = 0;
  }

  #localMs(): number {
    return this.#options.agenda.now * this.rate / MILLISECOND;
  }

  #learnPeers(peers: ReadonlyMap<NodeId, string>): void {
    for (const address of peers.values()) this.#addresses.add(address);
  }

  #tick(): void {
    if (!this.#alive) return;
    const { agenda } = this.#options;
    agenda.after(TICK / this.rate, () => this.#tick());
    if (this.#paused) return;
    this.#guard(() => this.node.tick());
  }

  #runSoon(): void {
    if (this.#runAnnounced) return;
    this.#runAnnounced = true;
    if (!this.#paused) this.#scheduleRun();
  }

  #scheduleRun(): void {
    const { agenda, random, runDelay } = this.#options;
    agenda.after(random.between(5, runDelay), () => this.#run());
  }

  #run(): void {
    if (!this.#alive || this.#paused || !this.#runAnnounced) return;
    this.#runAnnounced = false;
    this.#options.trace.mark("run", this.number, this.store.rev);
    this.#guard(() => {
      this.node.run();
      this.store.noticeJump();
      this.#options.afterRun(this);
    });
    if (this.node.busy) this.#runSoon();
  }

  /** A node that stops by itself has found a bug. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof Violation) throw error;
      const { stack } = error as Error;
      fail("a node goes on", `${this.name} stopped: ${stack ?? error}`);
    }
  }
}

/** Where the node of a host is found. */
export function addressOf(host: number): string {
  return `10.0.0.${host + 1}:8046`;
}

/** Random, so that ties of ballots fall any way; the second letter counts. */
function makeId(random: Random, number: number): NodeId {
  let id = "";
  for (let i = 0; i < 16; i++) {
    id += ID_LETTERS[i === 1 ? (number - 1) % 32 : random.below(32)]!;
  }
  return id;
}
