/**
 * Hands the commands of this node's clients to the log, or to who leads, and
 * again from the first whenever that is somebody else.
 *
 * @module
 */
import type { Ballot } from "../protocol/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import type { NodeParts } from "./node_parts.ts";
import { HOPS } from "./reads.ts";

/** What one node hands out. */
export class HandOut {
  readonly #parts: NodeParts;
  /** The ballot that this node leads with, as far as it has noticed. */
  #led: Ballot = ZERO_BALLOT;
  /** Whom commands were handed to last, and under which leader. */
  #handedTo = "";

  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  /** Whether there are commands, and a way to another that leads. */
  get waiting(): boolean {
    const { own, replica, election } = this.#parts;
    return own.hasBatches && !replica.leading &&
      election.wayToLeader !== undefined;
  }

  /** There is another link, or one less: what was handed on may be lost. */
  linksChanged(): void {
    this.#handedTo = "";
  }

  /** Acts on having become the leader, or having ceased to be it. */
  noteLeadership(): void {
    const { leading, ballot } = this.#parts.replica;
    const now = leading ? ballot : ZERO_BALLOT;
    if (compareBallots(now, this.#led) === 0) return;
    if (this.#led.round > 0) {
      this.#parts.proposals.deposed();
      this.#parts.upkeep.deposed();
      this.#parts.reads.deposed();
      this.#parts.audit.forget();
    }
    this.#led = now;
    this.#parts.own.startAgain();
    if (!leading) return;
    this.#parts.election.elected();
    this.#parts.reads.askAgain();
  }

  /** Own commands go to the log, or to who leads. */
  run(): void {
    const { own, replica, election, reads, proposals } = this.#parts;
    if (replica.leading) return proposals.propose();
    const way = election.wayToLeader;
    if (way === undefined) return;
    const { round, node } = election.leader;
    const handedTo = `${way} ${round}.${node}`;
    if (handedTo !== this.#handedTo) {
      this.#handedTo = handedTo;
      own.startAgain();
      reads.askAgain();
    }
    for (let batch = own.next(); batch !== undefined; batch = own.next()) {
      const { bytes, seats } = batch;
      const forward = { type: "forward", hops: HOPS, seats } as const;
      this.#parts.post(way, { ...forward, batch: bytes });
    }
  }
}
