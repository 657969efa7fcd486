/**
 * Insistence: what a proposer says again, because it may have been lost.
 *
 * @module
 */
import type { Accept, NodeId } from "../protocol/mod.ts";
import type { Learner } from "./learner.ts";
import type { Members } from "./members.ts";
import type { Proposer } from "./proposer.ts";
import type { Outgoing } from "./ready.ts";

/** Whose words are said again. */
export interface InsistenceOptions {
  readonly members: Members;
  readonly proposer: Proposer;
  readonly learner: Learner;
}

/** Slots that are sent again at once. */
const RESENT_SLOTS = 8;

/** One proposer's insistence. */
export class Insistence {
  readonly #options: InsistenceOptions;

  constructor(options: InsistenceOptions) {
    this.#options = options;
  }

  /** Asks the cals for promises that are missing. */
  promises(): Outgoing[] {
    const { members, proposer } = this.#options;
    if (!proposer.leading && !proposer.campaigning) return [];
    return members.sets.flatMap(({ cals }) =>
      cals.filter((to) => !proposer.hasPromised(to))
        .map((to) => ({ to, message: proposer.askAgain() }))
    );
  }

  /** The first slots that lack votes; to one node only, if one is given. */
  slots(only?: NodeId): Outgoing[] {
    const again: Outgoing[] = [];
    for (const slot of this.#options.learner.lacking(RESENT_SLOTS)) {
      const { missing, ...accept } = slot;
      const message: Accept = { type: "accept", ...accept };
      for (const to of missing) {
        if (only === undefined || to === only) again.push({ to, message });
      }
    }
    return again;
  }
}
