/**
 * Reads a data directory: what its node was, and did.
 *
 * The newest snapshot is read, then the segments of the log from its number
 * on. Nothing is guessed over: the last batch of the log may be torn, because
 * nobody was told of it yet, or the node could not know; anything else that
 * does not fit is damage, which is named, and what follows it is not used
 * (C25). What another version of the program has written is not touched.
 *
 * @module
 */
import type { AcceptedValue, Ballot, Claim } from "../protocol/mod.ts";
import {
  CONTACTS_FILE,
  type Damage,
  type DataFileHeader,
} from "../protocol/mod.ts";
import { decodeImageHead } from "../protocol/mod.ts";
import { decodeRecords, ImageReader } from "../protocol/mod.ts";
import {
  type LogBatch,
  logName,
  type LogRecord,
  type NodeId,
} from "../protocol/mod.ts";
import { ProtocolError } from "../protocol/mod.ts";
import { readBatches, readHeader, readPieces } from "../protocol/mod.ts";
import { type Seqn, snapshotName } from "../protocol/mod.ts";
import { DoozerError, Sessions, wrongTable } from "../store/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import type { Disk } from "./disk.ts";
import type { FileDamage, Found, TornEnd } from "./found.ts";

/** The beginning of a file that holds its header. */
const HEADER_BYTES = 64 << 10;

/** Reads the files of one directory, until something is wrong. */
export class DirectoryReader {
  readonly #disk: Disk;
  #header: DataFileHeader | undefined;
  #contacts: DataFileHeader | undefined;
  #image: Found["image"];
  #snapshotBytes = 0;
  #claim: Claim = { incarnation: 0, start: 0, position: 0 };
  #promised = ZERO_BALLOT;
  readonly #accepted: Map<Seqn, AcceptedValue> = new Map();
  readonly #learned: Map<Seqn, Uint8Array> = new Map();
  #decided: Seqn = 0;
  /** Where that is said. */
  #markedAt = { file: "", offset: 0 };
  readonly #peers: Map<NodeId, Claim> = new Map();
  #torn: TornEnd | undefined;
  #damage: FileDamage | undefined;
  readonly #sizes: Map<number, number> = new Map();
  #nextBatch = 1;
  /** The last, unless a segment was only named when it was durable. */
  #lastBatch: LogBatch | undefined;
  readonly #leftover: string[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Reads what counts of these files. */
  read(snapshots: readonly number[], logs: readonly number[]): void {
    const newest = Math.max(0, ...snapshots);
    const first = Math.max(1, newest);
    if (newest > 0) this.#readSnapshot(newest);
    const last = Math.max(0, ...logs);
    if (this.#damage === undefined && last < first) {
      this.#spoil(logName(first), { offset: 0, why: "it is missing" });
    }
    for (let number = first; number <= last; number++) {
      if (this.#damage !== undefined) break;
      if (!logs.includes(number)) {
        const missing = newest === 0 && number === 1
          ? snapshotName(Math.min(...logs))
          : logName(number);
        this.#spoil(missing, { offset: 0, why: "it is missing" });
      } else if (!this.#readLog(number, number === last)) {
        if (this.#damage === undefined) this.#leaveOut(number, logs);
        break;
      }
    }
    // Even where there is damage, what little is known says whom to ask.
    this.#contacts = this.#headerOf(CONTACTS_FILE);
    this.#header ??= this.#anyHeader(snapshots, logs) ?? this.#contacts;
    for (const old of [...snapshots, ...logs]) {
      if (old >= first) continue;
      this.#leftover.push(snapshotName(old), logName(old));
    }
  }

  /** All that was read. */
  found(oldest: number, parts: readonly string[]): Found {
    const base = this.#image?.head.applied ?? 0;
    const values: Uint8Array[] = [];
    for (let seqn = base + 1; seqn <= this.#decided; seqn++) {
      const value = this.#learned.get(seqn) ?? this.#accepted.get(seqn)?.value;
      if (value === undefined) {
        // A mark is written behind all values that it speaks of.
        const why = `slot ${seqn} is said to be decided, and is not there`;
        this.#spoil(this.#markedAt.file, { ...this.#markedAt, why });
        break;
      }
      values.push(value);
    }
    const applied = base + values.length;
    return {
      header: this.#header ?? NO_HEADER,
      claim: this.#claim,
      image: this.#image,
      promised: this.#promised,
      accepted: [...this.#accepted.values()]
        .filter(({ seqn }) => seqn > applied)
        .sort((a, b) => a.seqn - b.seqn),
      values,
      applied,
      decided: Math.max(this.#decided, applied),
      peers: this.#peers,
      torn: this.#torn,
      damage: this.#damage,
      snapshotBytes: this.#snapshotBytes,
      sizes: this.#sizes,
      nextBatch: this.#nextBatch - (this.#lastBatch === undefined ? 0 : 1),
      repeated: this.#repeated,
      oldest,
      contacts: (this.#contacts ?? this.#header)?.contacts ?? [],
      alone: this.#contacts?.contacts.length === 0,
      leftover: [...parts, ...this.#leftover],
    };
  }

  #readSnapshot(number: number): void {
    const file = snapshotName(number);
    const header = this.#readHeader(file, { kind: "snapshot", number });
    if (header === undefined) return;
    this.#snapshotBytes = this.#disk.size(file);
    const reader = new ImageReader();
    let at = header.length;
    try {
      const damage = readPieces({
        size: this.#snapshotBytes,
        read: (range) => this.#disk.read(file, range),
      }, {
        offset: header.length,
        visit: (piece, last) => {
          reader.add(piece, last);
          at += piece.length + 8;
        },
      });
      if (damage !== undefined) return this.#spoil(file, damage);
      const head = decodeImageHead(reader.head);
      const wrong = new Sessions().load(head.sessions) ??
        wrongTable(head.clients);
      if (wrong !== undefined) throw new ProtocolError(wrong);
      this.#image = { head, store: reader.finish() };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#spoil(file, { offset: at, why: error.message });
    }
  }

  /** Reads a segment; tells whether what follows it counts. */
  #readLog(number: number, isLast: boolean): boolean {
    const file = logName(number);
    const read = this.#readHeader(file, { kind: "log", number });
    if (read === undefined) return false;
    const { header, length: start } = read;
    if (this.#isUnfinished(header)) return false;
    const { firstBatch: first } = header;
    if (this.#sizes.size > 0 && !this.#follows(first)) {
      const why = `it begins with batch ${first}, not ${this.#nextBatch}`;
      this.#spoil(file, { offset: 0, why });
      return false;
    }
    this.#header = header;
    const size = this.#disk.size(file);
    const bytes = this.#disk.read(file, { offset: 0, length: size });
    const { salt } = header;
    const { batches, end, damage } = readBatches(bytes, {
      start,
      number: first,
      salt,
    });
    for (const { payload, offset } of batches) {
      if (!this.#take(payload, { file, offset })) return false;
    }
    this.#nextBatch = first + batches.length;
    this.#lastBatch = batches.length > 1 ? batches.at(-1) : undefined;
    this.#sizes.set(number, end);
    if (damage === undefined) return true;
    // What is wrong from there on is no part of this segment any more.
    if (!isLast && this.#goesOn(number + 1)) return true;
    if (damage.sealed || !isLast) this.#spoil(file, damage);
    else this.#torn = { file, offset: end, bytes: size - end };
    return false;
  }

  /** A start repeats the last batch before it, which may not be on the disk. */
  #follows(firstBatch: number): boolean {
    return firstBatch === this.#nextBatch || firstBatch === this.#nextBatch - 1;
  }

  /** Whether the next segment has all that is not whole in this one. */
  #goesOn(segment: number): boolean {
    const header = this.#headerOf(logName(segment));
    return header !== undefined && header.firstBatch <= this.#nextBatch;
  }

  /** The records of the last batch, if it is to be repeated. */
  get #repeated(): LogRecord[] {
    const records: LogRecord[] = [];
    if (this.#lastBatch === undefined) return records;
    decodeRecords(this.#lastBatch.payload, (record) => records.push(record));
    return records;
  }

  /**
   * What was never finished means nothing, a torn end apart. The last is to go
   * first: in between, a crash must not leave a gap.
   */
  #leaveOut(from: number, logs: readonly number[]): void {
    for (const number of logs.toSorted((a, b) => b - a)) {
      if (number < from || this.#sizes.has(number)) continue;
      this.#leftover.push(logName(number));
    }
  }

  /** A change of lineage counts when its snapshot is there. */
  #isUnfinished({ lineage, number }: DataFileHeader): boolean {
    return this.#header !== undefined && number > 1 &&
      this.#header.lineage !== lineage;
  }

  #readHeader(
    file: string,
    expected: { kind: string; number: number },
  ): { header: DataFileHeader; length: number } | undefined {
    const range = { offset: 0, length: HEADER_BYTES };
    const read = readHeader(this.#disk.read(file, range));
    if ("why" in read) {
      refuseVersion(file, read);
      this.#spoil(file, read);
      return undefined;
    }
    const { kind, number, node } = read.header;
    const known = this.#header;
    const fits = kind === expected.kind && number === expected.number &&
      (known === undefined || known.node === node);
    if (fits) {
      this.#header ??= read.header;
      return read;
    }
    const why = `it is the ${kind} ${number} of node ${node}`;
    this.#spoil(file, { offset: 0, why });
    return undefined;
  }

  #take(
    payload: Uint8Array,
    { file, offset }: { file: string; offset: number },
  ): boolean {
    try {
      const before = this.#decided;
      decodeRecords(payload, (record) => this.#note(record));
      if (this.#decided > before) this.#markedAt = { file, offset };
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#spoil(file, { offset, why: error.message });
      return false;
    }
  }

  #note(record: LogRecord): void {
    switch (record.type) {
      case "started":
        this.#claim = record.claim;
        return;
      case "promised":
        this.#promise(record.ballot);
        return this.#reach(record.position);
      case "accepted":
        this.#promise(record.accepted.ballot);
        this.#accepted.set(record.accepted.seqn, record.accepted);
        return this.#reach(record.position);
      case "learned":
        this.#learned.set(record.seqn, record.value);
        return;
      case "decided":
        this.#decided = Math.max(this.#decided, record.upTo);
        return;
      case "peer":
        this.#peers.set(record.node, record.claim);
        return;
    }
  }

  #promise(ballot: Ballot): void {
    if (compareBallots(ballot, this.#promised) > 0) this.#promised = ballot;
  }

  #reach(position: number): void {
    if (position <= this.#claim.position) return;
    this.#claim = { ...this.#claim, position };
  }

  #spoil(
    file: string,
    { offset, why }: { offset: number; why: string },
  ): void {
    this.#damage ??= { file, offset, why };
  }

  /** The first header that can be read at all. */
  #anyHeader(
    snapshots: readonly number[],
    logs: readonly number[],
  ): DataFileHeader | undefined {
    const files = [...logs.map(logName), ...snapshots.map(snapshotName)];
    for (const file of files) {
      const header = this.#headerOf(file);
      if (header !== undefined) return header;
    }
    return undefined;
  }

  #headerOf(file: string): DataFileHeader | undefined {
    return headerOf(this.#disk, file);
  }
}

/** Who has written the directory last, and whom it knew, if that is there. */
export function readContacts(disk: Disk): DataFileHeader | undefined {
  return headerOf(disk, CONTACTS_FILE);
}

function headerOf(disk: Disk, file: string): DataFileHeader | undefined {
  if (!disk.list().includes(file)) return undefined;
  const range = { offset: 0, length: HEADER_BYTES };
  const read = readHeader(disk.read(file, range));
  return "header" in read ? read.header : undefined;
}

/** What another version has written is no damage: nothing may be done to it. */
function refuseVersion(file: string, { why, version }: Damage): void {
  if (version === undefined) return;
  throw new DoozerError("OTHER", `${file} cannot be read: ${why}`);
}

const NO_HEADER: DataFileHeader = {
  kind: "log",
  number: 0,
  node: "",
  lineage: "",
  parent: "",
  cluster: "",
  founder: false,
  salt: new Uint8Array(8),
  firstBatch: 1,
  contacts: [],
};
