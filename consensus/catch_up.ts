/**
 * Catching up: a node that lacks decided slots asks a peer that has them.
 *
 * As long as messages come in order nothing is lacking. After a loss the slots
 * themselves are enough; after a long absence they are gone, and the state is
 * taken over as a whole.
 *
 * @module
 */
import type { Learned, NodeId, PeerMessage } from "../protocol/mod.ts";
import type { Election } from "./election.ts";
import type { Replica } from "./replica.ts";
import type { Transfer } from "./transfer.ts";

/** What catching up needs of its surroundings. */
export interface CatchUpOptions {
  readonly replica: Replica;
  readonly election: Election;
  readonly transfer: Transfer;
  readonly post: (to: NodeId, message: PeerMessage) => void;
}

/** Slots that were only just decided are on their way; then it asks. */
const STUCK_TICKS = 3;
/** An answer that does not come is asked for again. */
const LEARN_TICKS = 20;

/** One node's catching up. */
export class CatchUp {
  readonly #options: CatchUpOptions;
  #applied = 0;
  #progressAt = 0;
  #askedAt = -Infinity;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Time goes on: asks where something is lacking for long. */
  tick(now: number): void {
    const { replica, election, transfer } = this.#options;
    if (replica.applied > this.#applied) {
      this.#applied = replica.applied;
      this.#progressAt = now;
      this.#askedAt = -Infinity;
    }
    if (transfer.receiving || now - this.#progressAt < STUCK_TICKS) return;
    if (now - this.#askedAt < LEARN_TICKS) return;
    const { teacher } = election;
    if (teacher !== undefined) this.#ask(teacher);
  }

  /** The slots came, and are applied as far as they go: there may be more. */
  learned(from: NodeId, { values, first, decided }: Learned): void {
    const { replica, transfer } = this.#options;
    if (decided <= replica.applied) return;
    if (first > replica.applied + 1) transfer.start(from);
    else if (values.length > 0) this.#ask(from);
  }

  #ask(peer: NodeId): void {
    const { replica, election, post } = this.#options;
    this.#askedAt = election.now;
    post(peer, { type: "learn", from: replica.applied + 1 });
  }
}
