/**
 * A node as the simulator sees it: what can be done to it, and what can be
 * seen of it. The node of consensus/ is one; `fake_node.ts` is one that
 * cheats, to test the simulator itself.
 *
 * @module
 */
import type { DiskFailure, Durability, Found } from "../../consensus/mod.ts";
import type { NodeId, PeerMessage, ReadReply } from "../../protocol/mod.ts";
import type { Reply } from "../../protocol/mod.ts";
import type { Mutation, Store } from "../../store/mod.ts";

/** What a node needs of its surroundings. */
export interface SubjectOptions {
  readonly id: NodeId;
  readonly store: Store;
  readonly onInput: () => void;
  readonly send: (to: NodeId, message: PeerMessage) => void;
  readonly random: () => number;
  readonly now: () => number;
  readonly about: { addr: string; hostname: string; version: string };
  readonly settings: SubjectSettings;
  readonly onPeers: (peers: ReadonlyMap<NodeId, string>) => void;
  /** Its disk, where it has one. */
  readonly durability?: Durability | undefined;
  /** The node whose seat it shall have. */
  readonly replaces?: NodeId | "" | undefined;
  /** It must not go on under its id. */
  readonly onOutdated?: () => void;
  /** It must stop. */
  readonly onDiskBroken?: (failure: DiskFailure) => void;
}

/** Times are in ticks. */
export interface SubjectSettings {
  readonly seatTimeoutTicks: number;
  readonly requestTimeoutTicks: number;
  /** A log of so many bytes, at least, is replaced by a snapshot. */
  readonly checkpointBytes: number;
}

/** A node that is simulated. */
export interface Subject {
  readonly id: NodeId;
  readonly store: Store;
  /** Whether it wants to be run again soon without an input. */
  readonly busy: boolean;
  /** The last slot that it has applied; -1 where it has no such thing. */
  readonly applied: number;
  /** The history that others are told of; absent where there is one only. */
  readonly shownLineage?: string;
  /** Addresses of the other cals. */
  readonly contacts?: readonly string[];
  /** The hash of its state there. */
  readonly hash: number;
  tick(): void;
  receive(from: NodeId, message: PeerMessage): void;
  linkUp(peer: NodeId): void;
  linkDown(peer: NodeId): void;
  propose(mutation: Mutation, reply: Reply): void;
  confirmRead(reply: ReadReply): void;
  found(cluster: { cluster: string; lineage: string }): void;
  attach(lineage: string): void;
  /** Goes on with what was on its disk; absent where it knows of no disks. */
  resume?(found: Found): void;
  leave(done: () => void): void;
  run(): void;
  status(): { readonly role: string };
}

/** Makes the nodes of one run. */
export type SubjectMaker = (options: SubjectOptions) => Subject;
