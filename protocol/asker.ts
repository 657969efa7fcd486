/**
 * What the verbs see: the node behind a connection, and the connection that
 * asks.
 *
 * Types only. They stand apart so that what answers the verbs may be in
 * several files, none of which knows the table.
 *
 * @module
 */
import type { Glob, Mutation, Outcome, Refusal, Rev } from "../store/mod.ts";
import type { SessionNumber, Store } from "../store/mod.ts";
import type { Right } from "./access.ts";
import type { Backup } from "./backups.ts";
import type { ClientRequest } from "./request.ts";
import type { ResponseEncoder } from "./response.ts";
import type { NodeStatus } from "./status.ts";

export type { SessionNumber };

/** Who is told what became of a proposal. */
export interface Reply {
  settled(outcome: Outcome): void;
}

/** Who is told whether a linearizable read may be answered. */
export interface ReadReply {
  /** The node's copy holds all that the read must see. */
  confirmed(): void;
  /** It cannot be known, or took too long. */
  refused(refusal: Refusal): void;
}

/** The node behind a connection. */
export interface Backend {
  /** The node's id. */
  readonly id: string;
  /** The node's copy, for reading. */
  readonly store: Store;
  /**
   * Has a mutation ordered, after those proposed before. What it needs of the
   * mutation it copies before it returns; it never settles before that.
   */
  propose(mutation: Mutation, reply: Reply): void;
  /**
   * The same for a command of a client's session: however often it comes, and
   * through whichever node, it takes effect once, and is settled alike each
   * time. Without a mutation it only orders its number, and does nothing; it
   * settles with 0 then, for no rev was made.
   * Settles with `SESSION`, `GAP` or `NUMBER` where it does not fit.
   */
  proposeOnce(
    mutation: Mutation | undefined,
    by: SessionNumber,
    reply: Reply,
  ): void;
  /** Opens a session for a client of that name: settles with its id. */
  openSession(name: string, reply: Reply): void;
  /**
   * Tells, at once or later, when this node's copy holds every write that was
   * acknowledged anywhere before the call. Whoever is told only takes note: the
   * store may be in the middle of a write.
   */
  confirmRead(reply: ReadReply): void;
  /** Whether the node has a state to serve; one that has only begun has none. */
  readonly isOpen: boolean;
  /** Of the unbroken history that the node is part of; "" before it is. */
  readonly lineage: string;
  /** What the node knows of itself and its cluster. */
  status(): NodeStatus;
  /**
   * The part of its state that is not in its store, as of now, as bytes; a
   * node without it cannot be backed up.
   */
  head?(): Uint8Array;
  /**
   * Begins a new lineage from this node's state, where the majority is lost
   * for ever; or tells why not.
   */
  recover(): Refusal | undefined;
  /**
   * Milliseconds that a read may wait for its `min_rev`; absent means
   * {@linkcode LIMITS}`.minRevMs`.
   */
  readonly minRevMs?: number | undefined;
}

/** A read at a rev that can be read now. */
export type ReadAt = (
  asker: Asker,
  request: ClientRequest,
  rev: Rev,
) => void;

/** What a connection orders: the writes of its client. */
export interface Orders {
  /** Proposes a mutation, to be answered with the tag. */
  propose(tag: number | undefined, mutation: Mutation): void;
  /** The same for a session's command; without a mutation it does nothing. */
  proposeOnce(
    tag: number | undefined,
    mutation: Mutation | undefined,
    by: SessionNumber,
  ): void;
  /** Has a session opened for a client of that name. */
  openSession(tag: number | undefined, name: string): void;
}

/** What a connection holds until something happens. */
export interface Holding {
  /** Reads at the request's rev: now, when it comes, or never. */
  readAt(request: ClientRequest, read: ReadAt): void;
  /** Waits for the first event of the glob from the request's rev on. */
  wait(request: ClientRequest, glob: Glob): void;
  /** Tells every event of the glob from the request's rev on. */
  watch(request: ClientRequest, glob: Glob): void;
  /** Ends what was asked with the tag; tells whether there was anything. */
  cancel(tag: number): boolean;
  /** Lets the watch with the tag send so many bytes more. */
  credit(tag: number, bytes: number): Refusal | undefined;
}

/** The connection that asks, as the verbs see it. */
export interface Asker {
  readonly backend: Backend;
  /** Where answers are written. */
  readonly answers: ResponseEncoder;
  /** The backup that this connection makes. */
  readonly backup: Backup;
  readonly writes: Orders;
  readonly held: Holding;
  /** Whether it has earned the right. */
  may(right: Right): boolean;
  /** Takes a secret; tells whether it is a right one. */
  giveSecret(secret: Uint8Array): boolean;
}
