/**
 * The disk of a process: carries lists of operations out, each taking its
 * time, and has the faults of disks.
 *
 * It ends with its process. What it leaves is an image where the machine lost
 * its power, or the files as they are where only the process is gone.
 *
 * @module
 */
import type {
  Disk,
  DiskDone,
  DiskFailure,
  DiskLane,
  DiskOp,
} from "../../consensus/disk.ts";
import type { Agenda, Micros } from "./agenda.ts";
import { hashBytes } from "./bytes.ts";
import type { WrittenLog } from "./checkers/durable_words.ts";
import { CRASH_HABITS, type CrashHabits, DiskFiles } from "./disk_files.ts";
import { DiskImage } from "./disk_image.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";
import { fail } from "./violation.ts";

/** What a disk needs. */
export interface SimDiskOptions {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  /** Whose disk it is, for the trace. */
  readonly host: number;
  readonly habits?: DiskHabits | undefined;
}

/** What a disk is like. */
export interface DiskHabits {
  readonly crash: CrashHabits;
  /** Probability that a sync does nothing: only to see that it is noticed. */
  readonly lies: number;
}

/** An honest disk. */
export const DISK_HABITS: DiskHabits = { crash: CRASH_HABITS, lies: 0 };

/** Least and most time of an operation. */
export const LATENCY: readonly [Micros, Micros] = [50, 300];
/** The same of a disk that is in trouble. */
export const SLOW_LATENCY: readonly [Micros, Micros] = [5000, 60_000];

/** Looks on when operations are carried out; may end the disk. */
export type DiskWatch = (op: DiskOp, number: number) => void;

/** A list that was handed over. */
interface List {
  readonly ops: readonly DiskOp[];
  readonly done: DiskDone;
  /** Of the bytes that must not change meanwhile, by place in the list. */
  readonly hashes: readonly number[];
  /** Which is next. */
  at: number;
}

const LOG = /^log-/;
const PART = ".part";
const NAME = /^[a-z0-9][a-z0-9.-]*$/;
const TYPES: readonly DiskOp["type"][] = [
  "create",
  "append",
  "truncate",
  "sync",
  "rename",
  "remove",
  "syncDirectory",
];

/** The disk of one process. */
export class SimDisk implements Disk {
  readonly #files: DiskFiles;
  readonly #options: SimDiskOptions;
  readonly #habits: DiskHabits;
  readonly #lanes: Record<DiskLane, List[]> = { log: [], snapshot: [] };
  /** What goes on when it is stuck no more. */
  readonly #held: (() => void)[] = [];
  #stuck = false;
  #ended = false;
  /** How long an operation takes. */
  latency: readonly [Micros, Micros] = LATENCY;
  /** Whether there is no space left. */
  full = false;
  /** How much was written to the log, and how much of it is durable. */
  readonly log: WrittenLog & {
    written: number;
    durable: number;
    syncs: number;
  };
  /** How many operations were begun. */
  operations = 0;
  /** How many failed. */
  failures = 0;
  /** Asked before each sync: whether it fails, and nobody knows what it wrote. */
  breaks: () => boolean = () => false;
  /** Hands a completion to the process; by default it is called at once. */
  deliver: (act: () => void) => void = (act) => act();
  /** Told before an operation has any effect, and after it had all. */
  onBefore: DiskWatch = () => {};
  onAfter: DiskWatch = () => {};

  constructor(content: DiskImage | DiskFiles, options: SimDiskOptions) {
    this.#files = content instanceof DiskImage
      ? new DiskFiles(content)
      : content;
    this.#options = options;
    this.#habits = options.habits ?? DISK_HABITS;
    const lists = this.#lanes.log;
    this.log = {
      written: 0,
      durable: 0,
      syncs: 0,
      get idle() {
        return lists.length === 0;
      },
    };
  }

  /** What it holds. */
  get files(): DiskFiles {
    return this.#files;
  }

  list(): string[] {
    return this.#files.list();
  }

  size(file: string): number {
    return this.#files.size(file);
  }

  read(file: string, range: { offset: number; length: number }): Uint8Array {
    return this.#files.read(file, range);
  }

  perform(
    lane: DiskLane,
    { ops, done }: { ops: readonly DiskOp[]; done: DiskDone },
  ): void {
    if (this.#ended) return;
    ops.forEach(checkNames);
    const lists = this.#lanes[lane];
    lists.push({ ops, done, hashes: ops.map(hashOf), at: 0 });
    if (lists.length === 1) this.#stepSoon(lane);
  }

  /** Whether operations wait without end. */
  get stuck(): boolean {
    return this.#stuck;
  }

  set stuck(stuck: boolean) {
    this.#stuck = stuck;
    if (!stuck) { for (const step of this.#held.splice(0)) step(); }
  }

  /** Whether lists are under way. */
  get busy(): boolean {
    return this.#lanes.log.length + this.#lanes.snapshot.length > 0;
  }

  /** Whether its process is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  /** It has no faults any more. */
  mend(): void {
    this.breaks = () => false;
    this.full = false;
    this.stuck = false;
  }

  /** The power fails: what is left. */
  crash(): DiskImage {
    this.#ended = true;
    return this.#files.crash(this.#options.random, this.#habits.crash);
  }

  /**
   * The process is gone, the machine is not: all that was done is there, also
   * what is not on the disk. What was under way is done, or not, or in part.
   */
  end(): DiskFiles {
    this.#ended = true;
    for (const [list] of Object.values(this.#lanes)) {
      const op = list?.ops[list.at];
      const { random } = this.#options;
      if (op === undefined || this.#stuck || this.full) continue;
      if (op.type === "append") {
        const bytes = op.bytes.subarray(0, random.between(0, op.bytes.length));
        this.#files.perform({ ...op, bytes });
      } else if (random.chance(0.5)) this.#files.perform(op);
    }
    return this.#files;
  }

  #stepSoon(lane: DiskLane): void {
    const { agenda, random } = this.#options;
    const [least, most] = this.latency;
    agenda.after(random.between(least, most), () => this.#step(lane));
  }

  #step(lane: DiskLane): void {
    if (this.#ended) return;
    if (this.#stuck) return void this.#held.push(() => this.#step(lane));
    const list = this.#lanes[lane][0]!;
    const op = list.ops[list.at];
    if (op === undefined) return this.#finish(lane);
    this.operations++;
    const { operations } = this;
    this.onBefore(op, operations);
    if (this.#ended) return;
    const failure = this.#carryOut(op, list);
    this.#note(op, failure);
    if (failure === undefined) list.at++;
    this.onAfter(op, operations);
    if (this.#ended) return;
    const over = failure !== undefined || list.at === list.ops.length;
    if (over) this.#finish(lane, failure);
    else this.#stepSoon(lane);
  }

  #finish(lane: DiskLane, failure?: DiskFailure): void {
    const lists = this.#lanes[lane];
    const { done } = lists.shift()!;
    if (lists.length > 0) this.#stepSoon(lane);
    this.deliver(() => {
      if (!this.#ended) done(failure);
    });
  }

  /** Does it, or says why not. */
  #carryOut(op: DiskOp, { at, hashes }: List): DiskFailure | undefined {
    if (hashOf(op) !== hashes[at]) {
      fail("disk", "bytes were changed before they were written");
    }
    const { random } = this.#options;
    const writes = op.type === "append" || op.type === "create";
    if (this.full && writes) {
      const detail = `No space is left to ${op.type} "${op.file}"`;
      return { at, kind: "full", detail };
    }
    const syncs = op.type === "sync" || op.type === "syncDirectory";
    if (syncs && this.breaks()) {
      this.#files.breakSync(op, { random, habits: this.#habits.crash });
      const what = op.type === "sync" ? `"${op.file}"` : "the directory";
      return { at, kind: "broken", detail: `Input/output error on ${what}` };
    }
    if (syncs && random.chance(this.#habits.lies)) return undefined;
    this.#files.perform(op);
    this.#count(op);
    return undefined;
  }

  /** What has no name yet is durable with the directory. */
  #count(op: DiskOp): void {
    const { log } = this;
    if (op.type === "append" && LOG.test(op.file)) log.written++;
    const syncs = op.type === "syncDirectory" ||
      op.type === "sync" && LOG.test(op.file) && !op.file.endsWith(PART);
    if (!syncs) return;
    log.durable = log.written;
    log.syncs++;
  }

  #note(op: DiskOp, failure: DiskFailure | undefined): void {
    const { trace, host } = this.#options;
    if (failure !== undefined) this.failures++;
    const which = TYPES.indexOf(op.type) * 2 + (failure === undefined ? 0 : 1);
    trace.mark("disk", host, which);
    if (!trace.reads) return;
    const why = failure === undefined ? "" : `: ${failure.detail}`;
    trace.say(`d${host}`, `${this.operations} ${showOp(op)}${why}`);
  }
}

/** An operation in a few words. */
export function showOp(op: DiskOp): string {
  switch (op.type) {
    case "append":
      return `append ${op.bytes.length} to ${op.file}`;
    case "truncate":
      return `truncate ${op.file} at ${op.length}`;
    case "rename":
      return `rename ${op.file} ${op.to}`;
    case "syncDirectory":
      return "sync directory";
    default:
      return `${op.type} ${op.file}`;
  }
}

function hashOf(op: DiskOp): number {
  return op.type === "append" ? hashBytes(op.bytes) : 0;
}

function checkNames(op: DiskOp): void {
  const names = [
    ..."file" in op ? [op.file] : [],
    ...op.type === "rename" ? [op.to] : [],
  ];
  for (const name of names) {
    if (!NAME.test(name)) fail("disk", `"${name}" is no name of a file`);
  }
}
