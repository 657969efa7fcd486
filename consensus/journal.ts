/**
 * The journal: all that a node does so that it can be stopped at any moment.
 *
 * It joins the log and the checkpoints of a durable node, says how far the
 * state is durable, and lets messages go when what they say is. A node without
 * a disk has nothing to write: its messages leave at once, because an id that
 * is never used again has nothing to remember.
 *
 * @module
 */
import { type Claim, encodeImageHead } from "../protocol/mod.ts";
import type { AcceptedValue, LogRecord, NodeId } from "../protocol/mod.ts";
import type { PeerMessage, Seqn } from "../protocol/mod.ts";
import { assert, LIMITS, type Store } from "../store/mod.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Contacts, contactsOf } from "./contacts.ts";
import type { DiskFailure } from "./disk.ts";
import type { DecidedSlot } from "./learner.ts";
import type { Machine } from "./machine.ts";
import type { Outgoing, Ready } from "./ready.ts";
import type { Durability } from "./found.ts";
import { placeAfter } from "./recovery.ts";
import { FIRST_CLAIM, type Remembered } from "./remembered.ts";
import type { Replica } from "./replica.ts";
import { sameValue } from "./value.ts";
import { NEW_PLACE, Wal } from "./wal.ts";

/** What a journal needs of its surroundings. */
export interface JournalOptions {
  readonly id: NodeId;
  readonly durability: Durability | undefined;
  readonly store: Store;
  readonly machine: Machine;
  readonly replica: Replica;
  readonly remembered: Remembered;
  readonly random: () => number;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  readonly enqueue: (act: () => void) => void;
  readonly onBroken: (failure: DiskFailure) => void;
  /** A log of so many bytes, at least, is replaced by a snapshot. */
  readonly checkpointBytes: number;
}

/** What a node claims as it starts: one incarnation more than it found. */
export function claimAtStart(durability: Durability | undefined): Claim {
  if (durability === undefined) return FIRST_CLAIM;
  const { found, start } = durability;
  const { incarnation, position } = found?.claim ?? NO_CLAIM;
  return { incarnation: incarnation + 1, start, position };
}

/** Of nothing at all. */
const NO_CLAIM: Claim = { incarnation: 0, start: 0, position: 0 };

/** Of the history that the log belongs to. */
export interface Lineage {
  readonly lineage: string;
  readonly parent: string;
  /** Whether this node has founded it, and so votes without any state. */
  readonly founder: boolean;
}

/** The log is cut short when it has half as many bytes as its snapshot. */
const SNAPSHOT_PART = 0.5;
/** And so much more may be written while the next snapshot is. */
const LOG_SLACK = 4 << 20;
/** Each start begins a segment; so many are cut short, too. */
const SEGMENTS_MAX = 16;
/** What peers claim is written down after so many ticks. */
const CLAIM_TICKS = 100;
/** A disk that does not answer for so many ticks is stuck. */
export const STUCK_DISK_TICKS = 100;

/** One node's journal. */
export class Journal {
  readonly #options: JournalOptions;
  #wal: Wal | undefined;
  #checkpoint: Checkpoint | undefined;
  #contacts: Contacts | undefined;
  #lineage: Lineage = { lineage: "", parent: "", founder: false };
  /** What peers have claimed, and is not written down yet. */
  readonly #news: Map<NodeId, Claim> = new Map();
  #snapshotBytes = 0;
  /** The state up to here needs no log. */
  #base: Seqn = 0;
  /** A state that was taken over is durable only with a snapshot. */
  #awaits: Seqn | undefined;
  #logBytes = 0;
  /** Whether the disk has failed. */
  #broken = false;
  /** The last segment that was there when the node was started. */
  #readSegment = 0;
  #drained: { done: () => void; batch: number } | undefined;
  /** To be called when a new lineage is durable. */
  #rebased: (() => void) | undefined;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Whether there is a disk. */
  get durable(): boolean {
    return this.#options.durability !== undefined;
  }

  /** What the node tells of its memory. */
  get claim(): Claim {
    const claim = claimAtStart(this.#options.durability);
    return this.#wal === undefined
      ? claim
      : { ...claim, position: this.#wal.position };
  }

  /**
   * Whether this start is written down. Before that no claim may be made: the
   * next start could make the same, and differ. Nor is what was read known to
   * be on the disk: who left it there may have been killed before.
   */
  get started(): boolean {
    return !this.durable || this.#wal !== undefined &&
        this.#wal.durableSegment > this.#readSegment;
  }

  /** Up to which slot a restart would find all applied. */
  get durableApplied(): Seqn {
    if (!this.durable) return this.#options.machine.applied;
    if (!this.started) return 0;
    if (this.#awaits !== undefined) return this.#base;
    return Math.max(this.#base, this.#wal?.marked ?? 0);
  }

  /** Why nothing can be written: the disk is full. */
  get full(): string | undefined {
    return this.#wal?.full?.detail;
  }

  /** Whether the disk has not answered for long. */
  get stuck(): boolean {
    return (this.#wal?.silence ?? 0) >= STUCK_DISK_TICKS;
  }

  /** Whether others must not hear of this node: its lineage may yet be lost. */
  get silent(): boolean {
    return this.#wal?.held ?? false;
  }

  /** Whether so much waits for the disk that nothing more is taken. */
  get overfull(): boolean {
    return (this.#wal?.pendingBytes ?? 0) > LIMITS.logPendingBytes;
  }

  /**
   * Whether the log grows too fast beside a snapshot that is being written:
   * else the two together would take any space. Who leads waits a moment.
   */
  get overtaken(): boolean {
    const written = this.#checkpoint?.written;
    return written !== undefined &&
      this.#wal!.segmentBytes > LOG_SLACK + written * SNAPSHOT_PART;
  }

  /** The history is known that this node is part of: its log begins. */
  begin(lineage: Lineage): void {
    this.#lineage = lineage;
    const { durability } = this.#options;
    if (durability === undefined || this.#wal !== undefined) return;
    const { disk, found } = durability;
    const { store, random } = this.#options;
    const place = found === undefined ? NEW_PLACE : placeAfter(found);
    this.#readSegment = place.segment;
    const common = {
      disk,
      enqueue: this.#enqueue,
      onBroken: this.#stop,
      header: () => this.#header,
    };
    const wal = this.#wal = new Wal(
      { ...common, random, release: this.#release },
      place,
    );
    this.#base = found?.applied ?? 0;
    assert(this.#base === place.marked, "C25: what is marked is there");
    this.#snapshotBytes = found?.snapshotBytes ?? 0;
    wal.position = found?.claim.position ?? 0;
    this.#contacts = new Contacts(common);
    this.#checkpoint = new Checkpoint({
      ...common,
      store,
      rotate: () => wal.rotate(this.#carried()),
      durableSegment: () => wal.durableSegment,
      state: () => {
        const { head } = this.#options.machine;
        return { head: encodeImageHead(head), applied: head.applied };
      },
      onDone: (done) => this.#noteCheckpoint(done),
    }, found?.oldest ?? 1);
    wal.rotate([...found?.repeated ?? [], ...this.#carried()]);
  }

  /** What the replica hands out leaves when it may (C1). */
  handOut({ records, messagesNow, messagesAfter }: Ready): void {
    this.#send(messagesNow);
    if (this.#broken) return;
    const wal = this.#wal;
    if (wal === undefined) {
      assert(!this.durable || records.length === 0, "C1: there is a log");
      return this.#send(messagesAfter);
    }
    for (const record of records) wal.add(record);
    wal.after(messagesAfter);
  }

  /** A slot is applied; `accepted` is what this node has accepted there. */
  noteApplied(slot: DecidedSlot, accepted: AcceptedValue | undefined): void {
    const wal = this.#wal;
    if (wal === undefined) return;
    const { seqn, value } = slot;
    // The disk takes nothing, for long: a snapshot will have to do, later.
    if (this.overfull) return this.installs(seqn);
    if (accepted === undefined || !sameValue(accepted.value, value)) {
      wal.add({ type: "learned", seqn, value });
    }
    // C25: a mark says that all before it stand in the log, too. Some do not
    // where a state was taken over; what was accepted there may be void.
    if (this.#awaits === undefined) wal.mark(seqn);
  }

  /** A peer has claimed more than before. */
  notePeer(node: NodeId, claim: Claim): void {
    if (this.durable) this.#news.set(node, claim);
  }

  /** A state is taken over: the log alone does not lead to that slot. */
  installs(applied: Seqn): void {
    if (this.#wal === undefined) return;
    if (this.#awaits === undefined) {
      this.#base = Math.max(this.#base, this.#wal.marked);
    }
    this.#awaits = applied;
  }

  /**
   * The state was changed beside the log, and another lineage begins: nobody
   * is told anything until it is written down, and `done` is called.
   */
  rebase(lineage: Lineage, done: () => void): void {
    this.#lineage = lineage;
    if (this.#wal === undefined) return done();
    this.#rebased = done;
    this.installs(this.#options.machine.applied);
    this.#checkpoint!.giveUp(); // What it wrote down is no more.
    // Nothing of the new lineage stands in a segment of the old one.
    if (!this.#wal.rotating) this.#wal.rotate(this.#carried());
    this.#wal.hold();
  }

  /** The end of a turn: what is waited for is written. */
  flush(): void {
    if (this.#broken) return;
    this.#wal?.flush();
    const drained = this.#drained;
    const wal = this.#wal;
    if (drained === undefined || wal === undefined) return;
    if (!wal.idle && wal.nextBatch < drained.batch) return;
    this.#drained = undefined;
    drained.done();
  }

  /** Calls `done` when all that there is now is durable. */
  drain(done: () => void): void {
    if (this.#wal === undefined) return done();
    // One write may be under way, the next one takes the rest.
    this.#drained = { done, batch: this.#wal.nextBatch + 2 };
    this.#wal.hurry();
  }

  /** Time goes on. */
  tick(now: number): void {
    const wal = this.#wal;
    const checkpoint = this.#checkpoint;
    if (wal === undefined || checkpoint === undefined) return;
    if (this.#broken) return;
    if (now % CLAIM_TICKS === 0) this.#writeNews();
    wal.tick(now);
    this.#contacts?.tick(now);
    const grown = wal.bytes - this.#logBytes;
    this.#logBytes = wal.bytes;
    checkpoint.tick(now, Math.max(0, grown));
    if (checkpoint.ready && this.#isDue) checkpoint.begin();
  }

  get #isDue(): boolean {
    const { machine } = this.#options;
    if (machine.cluster === "" || !this.started) return false;
    const { bytes, carriedBytes, segments, rotating } = this.#wal!;
    if (rotating || this.full !== undefined) return false;
    if (this.#awaits !== undefined) return machine.applied >= this.#awaits;
    const { checkpointBytes } = this.#options;
    const most = Math.max(checkpointBytes, this.#snapshotBytes * SNAPSHOT_PART);
    return bytes - carriedBytes > most || segments > SEGMENTS_MAX;
  }

  get #header() {
    const { id, machine } = this.#options;
    const { lineage, parent, founder } = this.#lineage;
    const contacts = contactsOf(machine, id);
    const { cluster } = machine;
    return { node: id, lineage, parent, cluster, founder, contacts };
  }

  /** What a new segment begins with: all that older ones say and matters. */
  #carried(): LogRecord[] {
    const { replica, remembered } = this.#options;
    const { promised: ballot, accepted, position } = replica.memory;
    const records: LogRecord[] = [
      { type: "started", claim: { ...this.claim, position } },
      { type: "promised", ballot, position: 0 },
    ];
    for (const value of accepted) {
      records.push({ type: "accepted", accepted: value, position: 0 });
    }
    for (const [node, claim] of remembered.all()) {
      records.push({ type: "peer", node, claim });
    }
    return records;
  }

  #writeNews(): void {
    for (const [node, claim] of this.#news) {
      this.#wal!.add({ type: "peer", node, claim });
    }
    this.#news.clear();
  }

  #noteCheckpoint(
    { number, applied, bytes }: {
      number: number;
      applied: Seqn;
      bytes: number;
    },
  ): void {
    // The log may have led further, before another state was taken over.
    this.#base = Math.max(this.#base, applied);
    this.#snapshotBytes = bytes;
    this.#wal!.dropBefore(number);
    this.#logBytes = this.#wal!.bytes;
    if (this.#awaits === undefined || applied < this.#awaits) return;
    this.#awaits = undefined;
    this.#wal!.mark(this.#options.machine.applied);
    this.#wal!.letGo();
    this.#rebased?.();
    this.#rebased = undefined;
  }

  /** Nothing is believed of a disk that has failed once (C25). */
  readonly #stop = (failure: DiskFailure): void => {
    if (this.#broken) return;
    this.#broken = true;
    this.#options.onBroken(failure);
  };

  readonly #enqueue = (act: () => void): void => {
    this.#options.enqueue(() => {
      if (!this.#broken) act();
    });
  };

  readonly #release = (messages: readonly Outgoing[]): void => {
    this.#send(messages);
  };

  #send(messages: readonly Outgoing[]): void {
    for (const { to, message } of messages) this.#options.post(to, message);
  }
}
