/**
 * Dispatch: each message goes to the parts that it concerns.
 *
 * @module
 */
import type { Attach, Farewell, Forward, Leave } from "../protocol/mod.ts";
import type { NodeId, PeerMessage } from "../protocol/mod.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Progress } from "./progress.ts";
import { HOPS } from "./reads.ts";

/** What is handed on towards the leader. */
type ForLeader = Forward | Attach | Leave;

/** One node's dispatch. */
export class Dispatch {
  readonly #id: NodeId;
  readonly #parts: NodeParts;
  readonly #progress: Progress;

  constructor(
    id: NodeId,
    { parts, progress }: { parts: NodeParts; progress: Progress },
  ) {
    this.#id = id;
    this.#parts = parts;
    this.#progress = progress;
  }

  /** Takes a message in. One that nobody should have sent changes nothing. */
  receive(from: NodeId, message: PeerMessage): void {
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
