/**
 * What is found on a disk: the memory of a node, as far as it is whole.
 *
 * @module
 */
import type { AcceptedValue, Ballot, Claim } from "../protocol/mod.ts";
import type { DataFileHeader, ImageHead } from "../protocol/mod.ts";
import type { LogRecord, NodeId, Seqn } from "../protocol/mod.ts";
import type { ImportedStore } from "../store/mod.ts";
import type { Disk } from "./disk.ts";

/** Something wrong in a file. */
export interface FileDamage {
  readonly file: string;
  /** In bytes from its beginning. */
  readonly offset: number;
  /** What is wrong, as the end of a sentence. */
  readonly why: string;
}

/** The end of the log that a crash has left unfinished. */
export interface TornEnd {
  readonly file: string;
  /** Where what is whole ends. */
  readonly offset: number;
  /** What is cut off. */
  readonly bytes: number;
}

/** What a data directory holds. */
export interface Found {
  readonly header: DataFileHeader;
  /** Of the last start that it knows of. */
  readonly claim: Claim;
  /** The state that the log goes on from; adopt it once. */
  readonly image: { head: ImageHead; store: ImportedStore } | undefined;
  readonly promised: Ballot;
  /** Accepted above the slots that are whole, in order. */
  readonly accepted: readonly AcceptedValue[];
  /** Values of decided slots, from the one after the image's on, in order. */
  readonly values: readonly Uint8Array[];
  /** The last slot that is whole: the image's, and those values. */
  readonly applied: Seqn;
  /** The last that is marked as decided; more than that, after a gap. */
  readonly decided: Seqn;
  readonly peers: ReadonlyMap<NodeId, Claim>;
  readonly torn: TornEnd | undefined;
  /** If there is any, all of this is what stands before it. */
  readonly damage: FileDamage | undefined;
  readonly snapshotBytes: number;
  /** Of each segment that counts, in bytes. */
  readonly sizes: ReadonlyMap<number, number>;
  /** The number of the batch that the next segment begins with. */
  readonly nextBatch: number;
  /**
   * What that batch has to say again: the last one may be in the system's
   * memory only, and a sync that has failed once succeeds then without it.
   */
  readonly repeated: readonly LogRecord[];
  /** The lowest number of any file. */
  readonly oldest: number;
  /** Addresses of the other cals, as far as is known. */
  readonly contacts: readonly string[];
  /** Whether it is known that there were no other cals. */
  readonly alone: boolean;
  /** Files that mean nothing any more. */
  readonly leftover: readonly string[];
}

/** A durable node's disk, and what was on it when it was started. */
export interface Durability {
  readonly disk: Disk;
  readonly found: Found | undefined;
  /** Drawn at each start, 32 bits: two of the same incarnation differ. */
  readonly start: number;
}
