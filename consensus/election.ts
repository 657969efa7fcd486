/**
 * The election: who leads, and when somebody else should.
 *
 * Nothing here is needed for safety: two that both think they lead harm
 * nobody, the ballots see to that. It is what makes one node lead at a time,
 * for long, and another soon after it is gone.
 *
 * Time is counted in ticks of 10 ms. They stand still while the node is
 * paused, so that its own pause is not mistaken for the silence of others.
 *
 * @module
 */
import type {
  Accepted,
  Alive,
  Ballot,
  Claim,
  HandOver,
  Heard,
} from "../protocol/mod.ts";
import type {
  NodeId,
  PeerMessage,
  Prepare,
  PreVote,
  PreVoted,
  Seqn,
} from "../protocol/mod.ts";
import { ballotAbove, compareBallots, ZERO_BALLOT } from "./ballot.ts";
import type { Members } from "./members.ts";
import { PeerViews } from "./peer_views.ts";
import { isQuorum } from "./quorum.ts";
import { FIRST_CLAIM, Remembered } from "./remembered.ts";
import type { Replica } from "./replica.ts";

/** Milliseconds from one tick to the next, where the clock is right. */
export const TICK_MS = 10;

/** From one sign of life to the next. */
const ALIVE_TICKS = 3;

/**
 * A silent leader is given up after this and up to as much again, by chance,
 * so that not all others try at once. Pauses of 28 ms were measured.
 */
const PATIENCE_TICKS = 15;

/** After a link to the leader is closed: at most so long, by chance. */
const LINK_DOWN_TICKS = 4;

/** A leader that a quorum has not answered for so long steps down. */
const DEAF_TICKS = 30;

/** What the election needs of its surroundings. */
export interface ElectionOptions {
  readonly id: NodeId;
  readonly members: Members;
  readonly replica: Replica;
  readonly peers: ReadonlySet<NodeId>;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Of the node's state, at the last slot that it has applied. */
  readonly hash: () => number;
  /** From 0 up to below 1. */
  readonly random: () => number;
  /** What is remembered of others; nothing, unless given. */
  readonly remembered?: Remembered;
  /** What this node tells of its memory now; unless given, as at its start. */
  readonly claim?: () => Claim;
  /** Whether it may be told yet: not before this start is written down. */
  readonly mayClaim?: () => boolean;
  /** Up to where a restart would find the slots applied; else all are. */
  readonly durable?: () => Seqn;
  /** Whether the disk is full. */
  readonly full?: () => boolean;
  /** Whether the disk does not answer: no promise could be kept. */
  readonly stuck?: () => boolean;
}

/** One node's view of who leads. */
export class Election {
  readonly #options: ElectionOptions;
  /** What is known of the others. */
  readonly views: PeerViews;
  /** Whose word counts, by what is remembered of them. */
  readonly remembered: Remembered;
  /** The ballot of the leader that is heard itself. */
  #leader: Ballot = ZERO_BALLOT;
  #leaderHeardAt = 0;
  #patience = PATIENCE_TICKS;
  /** The pre-vote under way. */
  #asking: Ballot | undefined;
  readonly #granted: Set<NodeId> = new Set();
  #quiet = false;
  /** The leader's latest read round that has no quorum yet, or 0. */
  round = 0;
  /** How often this node has begun to campaign, for the curious. */
  campaigns = 0;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.views = new PeerViews(options);
    this.remembered = options.remembered ??
      new Remembered({ own: FIRST_CLAIM });
    this.#beMorePatient();
  }

  /** Ticks since the node began. */
  get now(): number {
    return this.views.now;
  }

  /** The leader that is heard or that this node is; round 0 where none is. */
  get leader(): Ballot {
    const { replica } = this.#options;
    return replica.leading ? replica.ballot : this.#leader;
  }

  /** A peer through which the leader can be reached, itself if it can be. */
  get wayToLeader(): NodeId | undefined {
    const { id, peers } = this.#options;
    const { round, node } = this.leader;
    if (round > 0 && (node === id || peers.has(node))) return node;
    return this.views.hearsLeader;
  }

  /** A live peer that has applied more than this node, most of all. */
  get teacher(): NodeId | undefined {
    return this.views.aheadOf(this.#options.replica.applied);
  }

  /** No longer tries to lead: the node is about to go. */
  beQuiet(): void {
    this.#quiet = true;
  }

  /** Time goes on. */
  tick(): void {
    this.views.now++;
    const { replica } = this.#options;
    if (this.now % ALIVE_TICKS === 0) this.showLife();
    if (replica.leading) this.#stepDownIfDeaf();
    else if (this.now - this.#leaderHeardAt >= this.#patience) this.#try();
  }

  /** Tells all peers who leads, as far as known. */
  showLife(): void {
    const { peers, post } = this.#options;
    if (!this.#mayClaim) return;
    const message = this.#alive(this.round);
    for (const peer of peers) post(peer, message);
  }

  get #mayClaim(): boolean {
    return this.#options.mayClaim?.() ?? true;
  }

  #alive(round: number): Alive {
    const { replica, claim, full } = this.#options;
    return {
      type: "alive",
      ballot: this.leader,
      decided: replica.applied,
      round,
      claim: claim?.() ?? this.remembered.own,
      began: this.remembered.own.position,
      full: full?.() === true,
    };
  }

  /** A peer can be reached again: it shall know at once who leads. */
  linkUp(peer: NodeId): void {
    this.remembered.linkUp(peer);
    if (this.#mayClaim) this.#options.post(peer, this.#alive(0));
  }

  /** A link is closed. That of the leader is soon acted on. */
  linkDown(peer: NodeId): void {
    this.remembered.linkDown(peer);
    this.views.lost(peer);
    if (peer !== this.#leader.node || this.#leader.round === 0) return;
    const { random } = this.#options;
    this.#leader = ZERO_BALLOT;
    this.#leaderHeardAt = this.now;
    this.#patience = Math.floor(random() * LINK_DOWN_TICKS);
    if (this.#patience === 0) this.#try();
  }

  /** This node leads from now on. */
  elected(): void {
    this.#asking = undefined;
    this.#leader = ZERO_BALLOT;
    this.views.led();
    this.showLife();
  }

  /** Takes a message of the election in. */
  receive(from: NodeId, message: PeerMessage): void {
    switch (message.type) {
      case "alive":
        return this.#heardAlive(from, message);
      case "heard":
        return this.#answered(from, message);
      case "prevote":
        return this.#judge(from, message);
      case "prevoted":
        return this.#countPreVote(from, message);
      case "handover":
        return this.#takeOver(from, message);
      case "prepare":
        return this.#notePrepare(message);
      case "decided":
        this.views.told(from, message.upTo);
        return this.#heardLeader(from, message.ballot);
      case "accept":
        return this.#heardLeader(from, message.ballot);
      case "accepted":
        return this.#noteVote(from, message);
      case "nack":
        // Somebody else was promised: it gets the time to win.
        if (!this.#options.replica.leading) this.#beMorePatient();
        return;
    }
  }

  /** Who has promised another does not run against it. */
  #notePrepare({ ballot }: Prepare): void {
    const { id, replica: { promised } } = this.#options;
    if (ballot.node === id || compareBallots(ballot, promised) !== 0) return;
    this.#asking = undefined;
    this.#beMorePatient();
  }

  #heardAlive(from: NodeId, message: Alive): void {
    const { ballot, decided, round } = message;
    const { replica, post } = this.#options;
    this.views.follows(from, ballot);
    this.views.told(from, decided);
    this.views.toldFull(from, message.full);
    replica.heardOf(decided);
    if (ballot.node !== from || ballot.round === 0) return;
    const { promised } = replica;
    if (compareBallots(ballot, promised) < 0) {
      // It has been overtaken, and may not know.
      post(from, { type: "nack", ballot, promised });
      return;
    }
    this.#heardLeader(from, ballot);
    post(from, this.#heard(ballot, round));
  }

  #heard(ballot: Ballot, round: number): Heard {
    const { replica: { applied }, hash, durable, full } = this.#options;
    return {
      type: "heard",
      ballot,
      round,
      applied,
      durable: durable?.() ?? applied,
      hash: hash(),
      full: full?.() === true,
    };
  }

  #heardLeader(from: NodeId, ballot: Ballot): void {
    const { id, replica } = this.#options;
    // Its own word is none: it knows whether it leads.
    if (ballot.node !== from || from === id) return;
    if (compareBallots(ballot, replica.promised) < 0) return;
    // A candidate, too: late promises would still make it a leader of old.
    const runs = replica.leading || replica.campaigning;
    if (runs && compareBallots(ballot, replica.ballot) > 0) {
      replica.abdicate();
    }
    if (replica.leading) return;
    this.#leader = ballot;
    this.#leaderHeardAt = this.now;
    this.#asking = undefined;
    this.views.heard(from);
  }

  #answered(from: NodeId, message: Heard): void {
    const { ballot, applied, durable, full } = message;
    const { replica } = this.#options;
    if (!replica.leading || compareBallots(ballot, replica.ballot) !== 0) {
      return;
    }
    this.views.told(from, applied);
    this.views.toldDurable(from, durable);
    this.views.toldFull(from, full);
    this.views.answered(from);
  }

  /** A vote is an answer, too: those to signs of life may be behind it. */
  #noteVote(from: NodeId, { ballot }: Accepted): void {
    const { replica } = this.#options;
    if (!replica.leading || compareBallots(ballot, replica.ballot) !== 0) {
      return;
    }
    this.views.heard(from);
    this.views.answered(from);
  }

  /** Deaf to a quorum: its signs of life would only keep others from leading. */
  #stepDownIfDeaf(): void {
    const { members, replica } = this.#options;
    if (this.now - this.views.ledSince < DEAF_TICKS) return;
    const heard = this.views.answeredWithin(DEAF_TICKS);
    if (isQuorum(heard, members.current)) return;
    replica.abdicate();
    this.#leader = ZERO_BALLOT;
    this.#beMorePatient();
  }

  /** Asks whether it may campaign: who only returns disturbs nobody so. */
  #try(): void {
    const { id, members, replica, peers, post } = this.#options;
    this.#leader = ZERO_BALLOT;
    this.#beMorePatient();
    if (!members.current.includes(id) || this.#options.stuck?.()) return;
    // The only cal has to lead once more: who else could take its seat over?
    if (this.#quiet && members.current.length > 1) return;
    if (replica.campaigning) replica.abdicate();
    const { applied } = replica;
    const ballot = ballotAbove(replica.highest, id);
    this.#asking = ballot;
    this.#granted.clear();
    this.#granted.add(id);
    for (const to of peers) post(to, { type: "prevote", ballot, applied });
    this.#campaignIfGranted();
  }

  /**
   * Grants a pre-vote unless it hears a leader, or knows more than the asker,
   * who then has to learn first.
   */
  #judge(from: NodeId, { ballot, applied }: PreVote): void {
    const { replica, post } = this.#options;
    const knowsMore = replica.applied > applied;
    const promised = replica.highest;
    const granted = !this.#hearsLeader() && !knowsMore &&
      compareBallots(ballot, replica.promised) > 0;
    const answer: PreVoted = {
      type: "prevoted",
      ballot,
      granted,
      applied: replica.applied,
      promised,
    };
    post(from, answer);
  }

  #hearsLeader(): boolean {
    if (this.#options.replica.leading) return true;
    return this.#leader.round > 0 &&
      this.now - this.#leaderHeardAt < PATIENCE_TICKS;
  }

  #countPreVote(from: NodeId, message: PreVoted): void {
    const { replica } = this.#options;
    this.views.told(from, message.applied);
    replica.see(message.promised);
    if (this.#asking === undefined || !message.granted) return;
    if (compareBallots(this.#asking, message.ballot) !== 0) return;
    this.#granted.add(from);
    this.#campaignIfGranted();
  }

  #campaignIfGranted(): void {
    const { sets } = this.#options.members;
    // Who lacks decided slots would be told that it is behind.
    if (sets.length === 0 || this.teacher !== undefined) return;
    if (!sets.every(({ cals }) => isQuorum(this.#granted, cals))) return;
    this.#campaign();
  }

  #campaign(): void {
    this.#asking = undefined;
    this.#beMorePatient();
    this.campaigns++;
    this.#options.replica.campaign();
  }

  /** The leader goes, and asks this node to lead. */
  #takeOver(from: NodeId, { ballot }: HandOver): void {
    const { id, members } = this.#options;
    if (ballot.node !== from || this.#quiet) return;
    if (compareBallots(ballot, this.#leader) !== 0) return;
    if (!members.current.includes(id)) return;
    this.#leader = ZERO_BALLOT;
    this.#campaign();
  }

  /** Waits for a leader, from now on, for some new time. */
  #beMorePatient(): void {
    this.#leaderHeardAt = this.now;
    const more = Math.floor(this.#options.random() * PATIENCE_TICKS);
    this.#patience = PATIENCE_TICKS + more;
  }
}
