/**
 * Dispatch: each message goes to the parts that it concerns.
 *
 * @module
 */
import type { Attach, Claim, Farewell } from "../protocol/mod.ts";
import type { Forward, Leave } from "../protocol/mod.ts";
import type { NodeId, PeerMessage } from "../protocol/mod.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Progress } from "./progress.ts";
import { HOPS } from "./reads.ts";

/** What is handed on towards the leader. */
type ForLeader = Forward | Attach | Leave;

/** What dispatch needs of its surroundings. */
export interface DispatchOptions {
  readonly parts: NodeParts;
  readonly progress: Progress;
  /** Others remember more of this node than it does: it must not go on. */
  readonly onOutdated?: (claim: Claim) => void;
}

/** A node whose memory is an old one is told so once in so many ticks. */
const OUTDATED_TICKS = 10;

/** One node's dispatch. */
export class Dispatch {
  readonly #id: NodeId;
  readonly #parts: NodeParts;
  readonly #progress: Progress;
  readonly #onOutdated: (claim: Claim) => void;
  /** When who was told last that its memory is an old one. */
  readonly #toldOutdated: Map<NodeId, number> = new Map();
  #isOutdated = false;

  constructor(id: NodeId, options: DispatchOptions) {
    this.#id = id;
    this.#parts = options.parts;
    this.#progress = options.progress;
    this.#onOutdated = options.onOutdated ?? (() => {});
  }

  /** Takes a message in. One that nobody should have sent changes nothing. */
  receive(from: NodeId, message: PeerMessage): void {
    if (from !== this.#id && !this.#counts(from, message)) return;
    const { replica, election, catchUp, audit, reads, transfer } = this.#parts;
    replica.receive(from, message);
    election.receive(from, message);
    switch (message.type) {
      case "forward":
      case "attach":
      case "leave":
        return this.#forLeader(from, message);
      case "farewell":
        return this.#farewell(message);
      case "learned":
        this.#progress.applyDecided();
        return catchUp.learned(from, message);
      case "contradicted":
        return audit.receive(from, message);
      case "heard":
        audit.receive(from, message);
        return reads.receive(from, message);
      case "ask":
      case "told":
        return reads.receive(from, message);
      case "fetch":
      case "piece":
        return transfer.receive(from, message);
    }
  }

  /**
   * C23: whether the message may be listened to. A memory that is older than
   * what is remembered of it has promised what it does not know any more, so
   * its votes do not count, nor does its word that a ballot still stands.
   */
  #counts(from: NodeId, message: PeerMessage): boolean {
    const { remembered } = this.#parts.election;
    switch (message.type) {
      case "alive":
        if (remembered.judge(from, message.claim, message) === "good") {
          return true;
        }
        this.#tellOutdated(from);
        return false;
      case "outdated":
        this.#noteOutdated(message.claim);
        return false;
      case "promise":
      case "accepted":
        if (!remembered.isVetted(from)) return false;
        remembered.noteVote(from, message.position);
        return true;
      case "heard":
        return remembered.isVetted(from);
      default:
        return true;
    }
  }

  #tellOutdated(to: NodeId): void {
    const { election, post } = this.#parts;
    const { now, remembered } = election;
    for (const [node, at] of this.#toldOutdated) {
      if (now - at >= OUTDATED_TICKS) this.#toldOutdated.delete(node);
    }
    const claim = remembered.whatOf(to);
    if (claim === undefined || this.#toldOutdated.has(to)) return;
    this.#toldOutdated.set(to, now);
    post(to, { type: "outdated", claim });
  }

  #noteOutdated(claim: Claim): void {
    const { remembered } = this.#parts.election;
    if (this.#isOutdated || !remembered.isOutdated(claim)) return;
    this.#isOutdated = true;
    this.#onOutdated(claim);
  }

  /** What the leader is asked, or told, by way of others where need be. */
  #forLeader(from: NodeId, message: ForLeader): void {
    const { replica, proposals, upkeep } = this.#parts;
    if (message.type === "attach" && message.node !== from) {
      upkeep.noteRelayed(message.node);
    }
    if (message.type === "forward" && replica.leading) {
      // Clients' writes begin when all founders have their seats.
      if (!upkeep.awaitsCompanions) proposals.add(message);
    } else if (message.type === "attach" && upkeep.serving) {
      upkeep.attach(message);
    } else if (message.type === "leave" && upkeep.serving) {
      upkeep.leave(from, message);
    } else this.#passOn(from, message);
  }

  /** Hands on to who may be nearer to the leader, not too often. */
  #passOn(from: NodeId, message: ForLeader): void {
    const { election, post } = this.#parts;
    const way = election.wayToLeader;
    if (message.hops <= 0 || way === undefined) return;
    if (way === this.#id || way === from) return;
    post(way, { ...message, hops: Math.min(message.hops, HOPS) - 1 });
  }

  #farewell(message: Farewell): void {
    const { attachment, post } = this.#parts;
    if (message.node === this.#id) attachment.farewell();
    else if (message.hops > 0) post(message.node, { ...message, hops: 0 });
  }
}
