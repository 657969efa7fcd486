/**
 * Duties: what a node must, or must not do, after what it has heard.
 *
 * - It promises nothing for slots that it has applied, and so forgotten.
 * - Who ran for leader and tries again uses a higher ballot.
 * - A leader that hears the next one leads no more.
 * - A slot is learned by the word of its leader, or told as a whole.
 *
 * A node has heard what arrived before it ran last.
 *
 * @module
 */
import type {
  Ballot,
  Learned,
  NodeId,
  PeerMessage,
  Prepare,
  Seqn,
} from "../../../protocol/mod.ts";
import { fail } from "../violation.ts";
import { compare, name, NONE } from "./ballots.ts";

/** What one node has heard and said. */
interface Conduct {
  /** The highest ballot it ran with. */
  own: Ballot;
  /** It asked whether to run again, so its ballots up to this one are lost. */
  lost: Ballot;
  /** The same, where what it had in hand may still be on its way out. */
  asks: Ballot;
  /** The highest ballot that it may have promised. */
  seen: Ballot;
  /** The highest ballot that it heard as its leader's: now, and before. */
  hears: Ballot;
  heard: Ballot;
  /** Whether it may answer the prepare of a ballot. */
  readonly mayPromise: Map<string, boolean>;
  /** Up to here it was told, by who may, that all is decided. */
  told: Seqn;
  /** A whole state may have come. */
  jumps: boolean;
  /** Its questions may wait for its disk, and come late. */
  writes: boolean;
}

/** A node, and what can be seen of it. */
export interface Dutiful {
  readonly id: NodeId;
  /** The last slot it has applied, or -1 where that cannot be seen. */
  readonly applied: Seqn;
}

/** Watches what nodes do with what they hear. */
export class Duties {
  readonly #conducts: Map<NodeId, Conduct> = new Map();

  /** A node sends a message. */
  sent(id: NodeId, message: PeerMessage): void {
    const conduct = this.#of(id);
    switch (message.type) {
      case "prevote":
        if (!conduct.writes) conduct.asks = conduct.own;
        return;
      case "prepare":
        return this.#runs(id, message.ballot);
      case "promise":
        if (conduct.mayPromise.get(name(message.ballot)) !== false) return;
        return fail(
          "a promise tells all",
          `${id} promises ${name(message.ballot)} slots that it forgot`,
        );
      case "accept":
        conduct.told = Math.max(conduct.told, message.seqn);
        return this.#leads(id, message.ballot);
      case "alive":
      case "decided":
        return this.#leads(id, message.ballot);
    }
  }

  /** A message arrives at a node. */
  arrived(from: NodeId, to: Dutiful, message: PeerMessage): void {
    const conduct = this.#of(to.id);
    switch (message.type) {
      case "prepare":
        return this.#asked(to, message);
      case "accept":
        conduct.seen = higher(conduct.seen, message.ballot);
        return hear(conduct, from, message.ballot);
      case "alive":
        hear(conduct, from, message.ballot);
        return tell(conduct, { from, ...message, upTo: message.decided });
      case "decided":
        hear(conduct, from, message.ballot);
        return tell(conduct, { from, ...message });
      case "learned":
        conduct.told = Math.max(conduct.told, lastOf(message));
        return;
      case "piece":
        conduct.jumps = true;
    }
  }

  /** A node has worked off what arrived. */
  ran({ id, applied }: Dutiful, leads: () => boolean): void {
    const conduct = this.#of(id);
    conduct.heard = conduct.hears;
    conduct.lost = conduct.asks;
    if (conduct.jumps) conduct.told = Math.max(conduct.told, applied);
    conduct.jumps = false;
    if (applied <= conduct.told) return;
    // Alone it proposes without a word.
    if (leads()) conduct.told = applied;
    else fail("hearsay", `${id} applied ${applied}, told of ${conduct.told}`);
  }

  /** A node was started, with nothing but what is on its disk. */
  started(id: NodeId): void {
    const conduct = this.#of(id);
    conduct.writes = true;
    conduct.lost = conduct.asks = conduct.own;
    conduct.hears = conduct.heard = NONE;
    conduct.jumps = false;
  }

  #asked({ id, applied }: Dutiful, { ballot, from }: Prepare): void {
    const conduct = this.#of(id);
    conduct.seen = higher(conduct.seen, ballot);
    const { mayPromise } = conduct;
    const key = name(ballot);
    mayPromise.set(key, from > applied || mayPromise.get(key) === true);
  }

  #runs(id: NodeId, ballot: Ballot): void {
    const conduct = this.#of(id);
    const { lost, own, writes } = conduct;
    // What waits for a disk waits in its order.
    const late = writes && compare(ballot, own) < 0;
    if (late || compare(ballot, lost) <= 0) {
      fail("a ballot is used once", `${id} runs with ${name(ballot)} again`);
    }
    conduct.own = higher(conduct.own, ballot);
    conduct.seen = higher(conduct.seen, ballot);
  }

  #leads(id: NodeId, ballot: Ballot): void {
    if (ballot.node !== id) return;
    const { heard } = this.#of(id);
    if (compare(heard, ballot) <= 0) return;
    const what = `${name(ballot)}, having heard ${name(heard)}`;
    fail("one leads", `${id} leads on with ${what}`);
  }

  #of(id: NodeId): Conduct {
    let conduct = this.#conducts.get(id);
    if (conduct === undefined) {
      conduct = {
        own: NONE,
        lost: NONE,
        asks: NONE,
        seen: NONE,
        hears: NONE,
        heard: NONE,
        mayPromise: new Map(),
        told: 0,
        jumps: false,
        writes: false,
      };
      this.#conducts.set(id, conduct);
    }
    return conduct;
  }
}

/** Who may have promised a higher ballot need not follow this one. */
function hear(conduct: Conduct, from: NodeId, ballot: Ballot): void {
  if (ballot.node !== from || compare(ballot, conduct.seen) < 0) return;
  conduct.hears = higher(conduct.hears, ballot);
}

/** Only a leader's own word counts. */
function tell(
  conduct: Conduct,
  { from, ballot, upTo }: { from: NodeId; ballot: Ballot; upTo: Seqn },
): void {
  if (ballot.node === from) conduct.told = Math.max(conduct.told, upTo);
}

function lastOf({ from, values }: Learned): Seqn {
  return from + values.length - 1;
}

function higher(one: Ballot, other: Ballot): Ballot {
  return compare(one, other) < 0 ? other : one;
}
