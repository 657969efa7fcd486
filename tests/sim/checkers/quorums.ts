/**
 * The leaders' side: who proposes in a slot has the promises of a quorum of
 * that slot's cals, and who says that a slot is decided has their votes, at
 * its ballot. Votes and promises count when they have arrived.
 *
 * @module
 */
import type {
  Accept,
  Ballot,
  NodeId,
  PeerMessage,
  Promised,
  Seqn,
} from "../../../protocol/mod.ts";
import { fail } from "../violation.ts";

/** Who votes in a slot; undefined where that is not known. */
export type CalsOf = (slot: Seqn) => readonly NodeId[] | undefined;

/** Whether a leader's own vote counts: it may have to be written down first. */
export type CountsItself = (
  id: NodeId,
  vote: { seqn: Seqn; ballot: Ballot },
) => boolean;

/** What has come in for a ballot. Its node is one of those. */
interface Campaign {
  readonly round: number;
  readonly promises: Set<NodeId>;
  /** The slots of promises that came in parts, by sender and question. */
  readonly parts: Map<string, Set<Seqn>>;
  readonly votes: Map<Seqn, Set<NodeId>>;
  /** The first slot that it has not said to be decided; 0 at first. */
  open: Seqn;
}

/** Counts for each leader what it must count itself. */
export class Quorums {
  readonly #calsOf: CalsOf;
  readonly #countsItself: CountsItself;
  readonly #campaigns: Map<NodeId, Campaign> = new Map();
  /** Slots that had the votes of a quorum, at any ballot. */
  readonly #chosen: Set<Seqn> = new Set();
  /** Where only the leader's own vote was missing, by slot and ballot. */
  readonly #almost: Map<string, Ballot> = new Map();

  constructor(calsOf: CalsOf, countsItself: CountsItself = () => true) {
    this.#calsOf = calsOf;
    this.#countsItself = countsItself;
  }

  /** A node sends a message. */
  sent(from: NodeId, message: PeerMessage): void {
    if (message.type === "accept") this.#proposes(from, message);
    else if (message.type === "decided") {
      this.#says(from, message.ballot, message.upTo);
    } else if (message.type === "alive" && message.ballot.node === from) {
      this.#says(from, message.ballot, message.decided);
    }
  }

  /** A message arrives at a node. */
  arrived(from: NodeId, to: NodeId, message: PeerMessage): void {
    if (message.type === "promise") this.#promised(from, to, message);
    else if (message.type === "accepted") {
      const { seqn, ballot } = message;
      if (ballot.node === to) this.#vote(from, { seqn, ballot });
    }
  }

  #vote(from: NodeId, { seqn, ballot }: { seqn: Seqn; ballot: Ballot }): void {
    const votes = this.#votesOf(ballot, seqn);
    const cals = this.#calsOf(seqn);
    if (votes === undefined || cals === undefined) return;
    votes.add(from);
    if (!isQuorum(votes, cals)) return;
    const counted = this.#counted(votes, { seqn, ballot });
    if (isQuorum(counted, cals)) this.#chosen.add(seqn);
    else this.#almost.set(`${seqn} ${ballot.round}.${ballot.node}`, ballot);
  }

  #promised(from: NodeId, to: NodeId, message: Promised): void {
    const { ballot, accepted, total, from: first } = message;
    const campaign = ballot.node === to ? this.#campaign(ballot) : undefined;
    if (campaign === undefined) return;
    const { parts, promises } = campaign;
    const key = `${from} ${first}`;
    const slots = parts.get(key) ?? new Set();
    parts.set(key, slots);
    for (const { seqn } of accepted) slots.add(seqn);
    if (slots.size >= total) promises.add(from);
  }

  #proposes(from: NodeId, { ballot, seqn }: Accept): void {
    const campaign = this.#campaign(ballot);
    const votes = this.#votesOf(ballot, seqn);
    if (campaign === undefined || votes === undefined) return;
    if (campaign.open === 0) campaign.open = seqn;
    if (votes.has(from)) return; // Sent before, or to another.
    this.#vote(from, { seqn, ballot });
    this.#check(seqn, { have: campaign.promises, what: "promises", ballot });
  }

  #says(from: NodeId, ballot: Ballot, upTo: Seqn): void {
    if (ballot.node !== from || ballot.round === 0) return;
    const campaign = this.#campaign(ballot);
    if (campaign === undefined || campaign.open === 0) return;
    for (; campaign.open <= upTo; campaign.open++) {
      const slot = campaign.open;
      // Alone it votes without a word.
      const votes = campaign.votes.get(slot) ?? new Set([from]);
      campaign.votes.delete(slot);
      // It may have been decided before the election, unknown to others.
      if (this.#chosen.has(slot) || this.#isChosenNow(slot)) continue;
      const have = this.#counted(votes, { seqn: slot, ballot });
      this.#check(slot, { have, what: "votes", ballot });
      this.#chosen.add(slot);
    }
  }

  /** Whether nothing but a leader's own vote was missing, which is there. */
  #isChosenNow(seqn: Seqn): boolean {
    for (const [key, ballot] of this.#almost) {
      if (!key.startsWith(`${seqn} `)) continue;
      if (this.#countsItself(ballot.node, { seqn, ballot })) return true;
    }
    return false;
  }

  /** A leader's own vote may not count yet. */
  #counted(
    votes: ReadonlySet<NodeId>,
    vote: { seqn: Seqn; ballot: Ballot },
  ): ReadonlySet<NodeId> {
    const { node } = vote.ballot;
    if (!votes.has(node) || this.#countsItself(node, vote)) return votes;
    return new Set([...votes].filter((id) => id !== node));
  }

  #check(
    slot: Seqn,
    counted: { have: ReadonlySet<NodeId>; what: string; ballot: Ballot },
  ): void {
    const cals = this.#calsOf(slot);
    if (cals === undefined) return;
    const { have, what, ballot: { round, node } } = counted;
    if (isQuorum(have, cals)) return;
    const count = cals.filter((cal) => have.has(cal)).length;
    fail(
      "quorums",
      `${round}.${node} has ${what} of ${count} of ${cals.length} in ${slot}`,
    );
  }

  #votesOf(ballot: Ballot, seqn: Seqn): Set<NodeId> | undefined {
    const campaign = this.#campaign(ballot);
    if (campaign === undefined) return undefined;
    const { open, votes } = campaign;
    let set = votes.get(seqn);
    if (set === undefined) {
      if (seqn < open) return undefined; // Nobody asks for these any more.
      votes.set(seqn, set = new Set());
    }
    return set;
  }

  /** What has come in for the ballot, unless a later one is in use. */
  #campaign({ round, node }: Ballot): Campaign | undefined {
    const known = this.#campaigns.get(node);
    if (known?.round === round) return known;
    if (known !== undefined && known.round > round) return undefined;
    const campaign = {
      round,
      promises: new Set([node]),
      parts: new Map(),
      votes: new Map(),
      open: 0,
    };
    this.#campaigns.set(node, campaign);
    return campaign;
  }
}

function isQuorum(have: ReadonlySet<NodeId>, cals: readonly NodeId[]): boolean {
  return 2 * cals.filter((cal) => have.has(cal)).length > cals.length;
}
