/**
 * What a node knows of each other one: when it was heard, how far it is, and
 * which leader it hears.
 *
 * @module
 */
import type { Ballot, NodeId, Seqn } from "../protocol/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";

/** A node that has not been heard for so many ticks does not count as live. */
export const LIVE_TICKS = 15;

/** What is known of one node. Times are ticks of the node that knows it. */
interface PeerView {
  /** The leader that it is or hears. */
  ballot: Ballot;
  heardAt: number;
  /** When it last answered this node as its leader. */
  answeredAt: number;
  /** Up to where it has applied, as it told. */
  applied: Seqn;
  /** Up to where it would find that again, were it started again. */
  durable: Seqn;
  /** Whether its disk is full. */
  full: boolean;
}

/** One node's views of the others. */
export class PeerViews {
  readonly #id: NodeId;
  readonly #peers: ReadonlySet<NodeId>;
  readonly #views: Map<NodeId, PeerView> = new Map();
  #ledSince = 0;
  /** Ticks since the node began. */
  now = 0;

  constructor({ id, peers }: { id: NodeId; peers: ReadonlySet<NodeId> }) {
    this.#id = id;
    this.#peers = peers;
  }

  /** When this node came to lead. */
  get ledSince(): number {
    return this.#ledSince;
  }

  /** Something was heard of a node. */
  heard(peer: NodeId): void {
    this.#view(peer).heardAt = this.now;
  }

  /** A node tells up to where it has applied; it never goes back. */
  told(peer: NodeId, applied: Seqn): void {
    const view = this.#view(peer);
    view.heardAt = this.now;
    view.applied = Math.max(view.applied, applied);
  }

  /** A node tells up to where its state is durable; it never goes back. */
  toldDurable(peer: NodeId, durable: Seqn): void {
    const view = this.#view(peer);
    view.durable = Math.max(view.durable, durable);
  }

  /** A node tells whether its disk is full. */
  toldFull(peer: NodeId, full: boolean): void {
    this.#view(peer).full = full;
  }

  /** A node tells which leader it is or hears. */
  follows(peer: NodeId, ballot: Ballot): void {
    this.#view(peer).ballot = ballot;
  }

  /** A node has answered this one, which leads. */
  answered(peer: NodeId): void {
    this.#view(peer).answeredAt = this.now;
  }

  /** This node leads from now on: nobody has answered it yet. */
  led(): void {
    this.#ledSince = this.now;
    for (const view of this.#views.values()) view.answeredAt = -Infinity;
  }

  /**
   * The link to a node is gone, so it is not live. When it was last heard as
   * this leader's follower still counts: a lost link is not a long silence.
   */
  lost(peer: NodeId): void {
    const view = this.#view(peer);
    view.heardAt = -Infinity;
    view.ballot = ZERO_BALLOT;
  }

  /** Whether a node was heard lately. */
  isLive(peer: NodeId): boolean {
    if (peer === this.#id) return true;
    const view = this.#views.get(peer);
    return view !== undefined && this.#isFresh(peer, view);
  }

  /** Whether a node has answered this leader, and lately. */
  hasAnswered(peer: NodeId): boolean {
    return peer === this.#id || this.#peers.has(peer) &&
        this.silenceOf(peer) <= LIVE_TICKS &&
        this.#answeredAt(peer) >= this.#ledSince;
  }

  /** For how many ticks a node has not answered this one, which leads. */
  silenceOf(peer: NodeId): number {
    if (peer === this.#id) return 0;
    return this.now - Math.max(this.#answeredAt(peer), this.#ledSince);
  }

  /** Who has answered this leader within so many ticks. */
  answeredWithin(ticks: number): Set<NodeId> {
    const nodes = new Set([this.#id]);
    for (const [peer, { answeredAt }] of this.#views) {
      if (!this.#peers.has(peer)) continue;
      if (this.now - answeredAt <= ticks) nodes.add(peer);
    }
    return nodes;
  }

  /** Up to where a node has applied, as it told. */
  appliedOf(peer: NodeId): Seqn {
    return this.#views.get(peer)?.applied ?? 0;
  }

  /** Up to where a node's state is durable, as it told its leader. */
  durableOf(peer: NodeId): Seqn {
    return this.#views.get(peer)?.durable ?? 0;
  }

  /** Whether a node's disk is full, as it told last. */
  isFull(peer: NodeId): boolean {
    return this.#views.get(peer)?.full ?? false;
  }

  /** A live peer that has applied most, and more than this. */
  aheadOf(applied: Seqn): NodeId | undefined {
    let best: NodeId | undefined;
    let most = applied;
    for (const [peer, view] of this.#views) {
      if (view.applied <= most || !this.#isFresh(peer, view)) continue;
      best = peer;
      most = view.applied;
    }
    return best;
  }

  /** A live peer that hears a leader, of the highest ballot. */
  get hearsLeader(): NodeId | undefined {
    let best: NodeId | undefined;
    let ballot = ZERO_BALLOT;
    for (const [peer, view] of this.#views) {
      if (!this.#isFresh(peer, view)) continue;
      if (compareBallots(view.ballot, ballot) <= 0) continue;
      best = peer;
      ballot = view.ballot;
    }
    return best;
  }

  #isFresh(peer: NodeId, { heardAt }: PeerView): boolean {
    return this.#peers.has(peer) && this.now - heardAt <= LIVE_TICKS;
  }

  #answeredAt(peer: NodeId): number {
    return this.#views.get(peer)?.answeredAt ?? -Infinity;
  }

  #view(peer: NodeId): PeerView {
    let view = this.#views.get(peer);
    if (view === undefined) {
      view = {
        ballot: ZERO_BALLOT,
        heardAt: this.now,
        answeredAt: -Infinity,
        applied: 0,
        durable: 0,
        full: false,
      };
      this.#views.set(peer, view);
    }
    return view;
  }
}
