/**
 * Rounds of reads: who tells another up to where to read has asked a quorum of
 * the next slot's cals, since that question came, whether it still leads.
 *
 * @module
 */
import type {
  Ask,
  Ballot,
  NodeId,
  PeerMessage,
  Seqn,
  Told,
} from "../../../protocol/mod.ts";
import { fail } from "../violation.ts";
import { compare, NONE } from "./ballots.ts";

/** A voter's latest word: what it answered. */
interface Answer {
  readonly ballot: Ballot;
  readonly round: number;
}

/** What one node has heard, as a leader. */
interface Leader {
  ballot: Ballot;
  /** Its latest round. */
  round: number;
  readonly answers: Map<NodeId, Answer>;
  /** The latest round when a question came first. */
  readonly asked: Map<string, number>;
  /** Questions that others have answered, whose answers it passes on. */
  readonly passed: Set<string>;
}

/** Counts for each leader who confirms its reads. */
export class Rounds {
  readonly #calsOf: (slot: Seqn) => readonly NodeId[] | undefined;
  readonly #leaders: Map<NodeId, Leader> = new Map();

  constructor(calsOf: (slot: Seqn) => readonly NodeId[] | undefined) {
    this.#calsOf = calsOf;
  }

  /** A node sends a message. */
  sent(from: NodeId, message: PeerMessage): void {
    if (message.type === "told") this.#tells(from, message);
    else if (message.type === "alive" || message.type === "prepare") {
      const leader = this.#of(from);
      const { ballot } = message;
      if (ballot.node !== from) return;
      if (compare(leader.ballot, ballot) < 0) leader.ballot = ballot;
      if (message.type !== "alive") return;
      leader.round = Math.max(leader.round, message.round);
    }
  }

  /** A message arrives at a node. */
  arrived(from: NodeId, to: NodeId, message: PeerMessage): void {
    if (message.type === "ask") {
      const { asked, round } = this.#of(to);
      const key = keyOf(message);
      if (!asked.has(key)) asked.set(key, round);
    } else if (message.type === "told") {
      this.#of(to).passed.add(keyOf(message));
    } else if (message.type === "heard" && message.ballot.node === to) {
      const { answers } = this.#of(to);
      const { ballot, round } = message;
      const known = answers.get(from) ?? { ballot: NONE, round: 0 };
      const order = compare(known.ballot, ballot);
      if (order < 0 || order === 0 && known.round < round) {
        answers.set(from, { ballot, round });
      }
    }
  }

  /** A node was started again: it may number its questions anew. */
  restarted(id: NodeId): void {
    this.#leaders.delete(id);
    for (const { asked } of this.#leaders.values()) {
      for (const key of asked.keys()) {
        // Any round will do: the question may be on its way again.
        if (key.startsWith(`${id} `)) asked.set(key, -1);
      }
    }
  }

  #tells(id: NodeId, told: Told): void {
    const { ballot, answers, asked, passed } = this.#of(id);
    const key = keyOf(told);
    const since = asked.get(key);
    const cals = this.#calsOf(told.index + 1);
    if (passed.has(key) || since === undefined || cals === undefined) return;
    const count = cals.filter((cal) => {
      const answer = answers.get(cal) ?? { ballot: NONE, round: 0 };
      const fits = compare(answer.ballot, ballot) === 0;
      return cal === id || fits && answer.round > since;
    }).length;
    if (2 * count > cals.length) return;
    const what = `${told.index}, confirmed by ${count} of ${cals.length}`;
    fail("reads", `${id} lets ${told.asker} read at ${what}`);
  }

  #of(id: NodeId): Leader {
    let leader = this.#leaders.get(id);
    if (leader === undefined) {
      leader = {
        ballot: NONE,
        round: 0,
        answers: new Map(),
        asked: new Map(),
        passed: new Set(),
      };
      this.#leaders.set(id, leader);
    }
    return leader;
  }
}

function keyOf({ asker, question }: Ask | Told): string {
  return `${asker} ${question}`;
}
