/**
 * Absences: which registered nodes are gone, as their leader sees it.
 *
 * @module
 */
import { decodeText, type NodeId } from "../protocol/mod.ts";
import type { Election } from "./election.ts";
import type { Machine } from "./machine.ts";

/** What absences are judged by. */
export interface AbsencesOptions {
  readonly machine: Machine;
  readonly election: Election;
  readonly peers: ReadonlySet<NodeId>;
  /** A node that is silent for so many ticks is gone; 0 means never. */
  readonly seatTimeoutTicks: number;
}

/** One leader's view of who is gone. */
export class Absences {
  readonly #options: AbsencesOptions;
  /** When this leader first knew of a node as it is registered now. */
  readonly #knownSince: Map<NodeId, number> = new Map();
  /** When something of a node last came by way of another. */
  readonly #relayedAt: Map<NodeId, number> = new Map();
  /** Nodes that gave up their id, as those say who took another. */
  readonly #replaced: Set<NodeId> = new Set();
  /** Who registered last at each address; kept for one look at all nodes. */
  #newest: Map<string, NodeId> | undefined;

  constructor(options: AbsencesOptions) {
    this.#options = options;
  }

  /** A new look at all nodes begins. */
  begin(): void {
    this.#newest = undefined;
    const { machine: { sessions }, election: { now } } = this.#options;
    for (const { owner } of sessions.all()) {
      if (!this.#knownSince.has(owner)) this.#knownSince.set(owner, now);
    }
  }

  /** Something of a node has come by way of another: it lives, somewhere. */
  noteRelayed(node: NodeId): void {
    // Whoever else is named was perhaps made up, and would stay here for ever.
    if (!this.#options.machine.isRegistered(node)) return;
    this.#relayedAt.set(node, this.#options.election.now);
  }

  /** A node says that it was this one before, and is it no more. */
  noteReplaced(node: NodeId): void {
    const { machine, peers } = this.#options;
    // Who has a link lives; and what was made up would stay here for ever.
    if (peers.has(node) || !machine.isRegistered(node)) return;
    this.#replaced.add(node);
  }

  /** It lives, whatever another has said of it. */
  linkUp(node: NodeId): void {
    this.#replaced.delete(node);
  }

  /** A node is registered anew, or not any more. */
  forget(node: NodeId): void {
    this.#knownSince.delete(node);
    this.#relayedAt.delete(node);
    this.#replaced.delete(node);
    this.#newest = undefined;
  }

  /** Leads no more: the next leader begins to count anew. */
  forgetAll(): void {
    this.#knownSince.clear();
    this.#relayedAt.clear();
    this.#replaced.clear();
  }

  /** Silent for too long; or away, and another has taken its place. */
  isGone(node: NodeId): boolean {
    const { election, peers } = this.#options;
    const known = this.#knownSince.get(node) ?? election.now;
    const silence = election.views.silenceOf(node);
    if (this.#isTooLong(Math.min(silence, election.now - known))) return true;
    return !peers.has(node) && this.#isReplaced(node);
  }

  /** Whether a node that has no link to this one lives all the same. */
  livesBehindOthers(node: NodeId): boolean {
    const { election: { now } } = this.#options;
    const at = this.#relayedAt.get(node);
    return at !== undefined && !this.#isTooLong(now - at) &&
      !this.#isReplaced(node);
  }

  /** The address at which a node is registered. */
  addrOf(node: NodeId): string {
    const state = this.#options.machine.store.get(`/ctl/node/${node}/addr`);
    if (state.type !== "file") return "";
    return decodeText(state.bytes, state.start, state.start + state.length);
  }

  #isTooLong(ticks: number): boolean {
    const { seatTimeoutTicks } = this.#options;
    return seatTimeoutTicks > 0 && ticks >= seatTimeoutTicks;
  }

  #isReplaced(node: NodeId): boolean {
    return this.#replaced.has(node) || this.#addressTaken(node);
  }

  #addressTaken(node: NodeId): boolean {
    this.#newest ??= this.#newestByAddress();
    const newest = this.#newest.get(this.addrOf(node));
    return newest !== undefined && newest !== node;
  }

  /** Sessions come in order: who registered last at an address stays. */
  #newestByAddress(): Map<string, NodeId> {
    const newest = new Map<string, NodeId>();
    for (const { owner } of this.#options.machine.sessions.all()) {
      newest.set(this.addrOf(owner), owner);
    }
    return newest;
  }
}
