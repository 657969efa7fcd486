/**
 * What a node needs of the world, and what it tells it.
 *
 * @module
 */
import type { Claim, NodeId, PeerMessage } from "../protocol/mod.ts";
import type { Store } from "../store/mod.ts";
import type { DiskFailure } from "./disk.ts";
import type { Durability } from "./found.ts";

/** What a node tells others of itself. */
export interface About {
  /** Where it serves, as HOST:PORT. */
  readonly addr: string;
  readonly hostname: string;
  readonly version: string;
}

/** Times are in ticks of 10 ms. */
export interface NodeSettings {
  /** A node silent for so long loses its seat and entries; 0 means never. */
  readonly seatTimeoutTicks: number;
  /** Writes and reads of clients are answered within this. */
  readonly requestTimeoutTicks: number;
  /** A log of so many bytes, at least, is replaced by a snapshot. */
  readonly checkpointBytes: number;
}

/** What a node needs. */
export interface NodeOptions {
  /** Unique for ever: a node that forgets takes a new one. */
  readonly id: NodeId;
  readonly store: Store;
  readonly about: About;
  /** Called when there is an input to work off, once until `run`. */
  readonly onInput: () => void;
  /** Sends, or loses, a message; called within `run`. Nothing is kept of it. */
  readonly send: (to: NodeId, message: PeerMessage) => void;
  /** From 0 up to below 1. */
  readonly random: () => number;
  /** Wall clock in milliseconds since 1970, for the time of events only. */
  readonly now: () => number;
  readonly settings?: Partial<NodeSettings>;
  /** Its disk; absent means that it keeps everything in memory. */
  readonly durability?: Durability | undefined;
  /** The node whose seat this one shall have; its memory is lost. */
  readonly replaces?: NodeId | undefined;
  /** Called when other nodes have registered, or are gone: their addresses. */
  readonly onPeers?: (addresses: ReadonlyMap<NodeId, string>) => void;
  /** Called when another node leads, as this one hears; null where none. */
  readonly onLeader?: (leader: NodeId | null) => void;
  /** Called when nodes differ and no majority tells which is right. */
  readonly onAlarm?: (what: string) => void;
  /**
   * Called when a peer remembers more of this node than it does itself: it
   * must not go on under this id.
   */
  readonly onOutdated?: (claim: Claim) => void;
  /** Called when nobody knows any more what is on the disk: it must stop. */
  readonly onDiskBroken?: (failure: DiskFailure) => void;
  /** Called when the node is part of another lineage than before. */
  readonly onLineage?: (lineage: string) => void;
}

/** The usual settings. */
export const NODE_DEFAULTS: NodeSettings = {
  seatTimeoutTicks: 0,
  requestTimeoutTicks: 500,
  checkpointBytes: 4 << 20,
};

const LINEAGE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** A random id of 80 bits, for a lineage. */
export function newLineage(random: () => number): string {
  return Array.from(
    { length: 16 },
    () => LINEAGE_CHARACTERS[Math.floor(random() * 32)],
  ).join("");
}
