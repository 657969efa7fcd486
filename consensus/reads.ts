/**
 * Linearizable reads: up to which slot a node must have applied.
 *
 * The leader fixes d, the slot after the last decided one, and then asks the
 * cals of slot d whether its ballot still stands, in a round that began after
 * the read had come. If a quorum says so, no other leader can have had
 * anything decided at d or later, so what is applied up to d - 1 is all that
 * was acknowledged before the read. No clock is asked (lessons: leases and
 * clocks served stale reads for years).
 *
 * Other nodes ask the leader for this index, and answer once they have applied
 * it. All reads of a turn share one question and one round.
 *
 * @module
 */
import type { Ask, Heard, NodeId, PeerMessage } from "../protocol/mod.ts";
import type { ReadReply, Seqn, Told } from "../protocol/mod.ts";
import { assert, type Refusal } from "../store/mod.ts";
import { compareBallots } from "./ballot.ts";
import type { Election } from "./election.ts";
import type { Members } from "./members.ts";
import { isQuorum } from "./quorum.ts";
import type { Replica } from "./replica.ts";

/** What reads need of their surroundings. */
export interface ReadsOptions {
  readonly id: NodeId;
  readonly members: Members;
  readonly replica: Replica;
  readonly election: Election;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Whether this node leads, and its leadership record is applied. */
  readonly serving: () => boolean;
  /** For how many ticks a read may go unanswered. */
  readonly limitTicks: number;
  /** From 0 up to below 1. */
  readonly random?: () => number;
}

/** How often a question may be passed on. */
export const HOPS = 2;

/** A question is asked again after so many ticks without an answer. */
const ASK_AGAIN_TICKS = 30;

/** A round of the leader: reads, and who still has its ballot. */
interface Round {
  readonly number: number;
  readonly cals: readonly NodeId[];
  /** d - 1. */
  readonly index: Seqn;
  readonly voters: Set<NodeId>;
  /** In ticks. */
  readonly since: number;
  readonly replies: readonly ReadReply[];
  readonly asks: readonly Asked[];
}

/** A question of another node, and who has passed it on. */
interface Asked {
  readonly ask: Ask;
  readonly via: NodeId;
}

/** Reads that share a question to the leader, then an index. */
interface Question {
  readonly number: number;
  readonly replies: readonly ReadReply[];
  readonly since: number;
  askedAt: number;
  /** Once it is known. */
  index: Seqn | undefined;
}

/** The linearizable reads of one node. */
export class Reads {
  readonly #options: ReadsOptions;
  #fresh: ReadReply[] = [];
  /** What other nodes have asked since the last round began. */
  #asks: Asked[] = [];
  #lastRound = 0;
  #rounds: Round[] = [];
  #lastQuestion: number;
  #questions: Question[] = [];

  constructor(options: ReadsOptions) {
    this.#options = options;
    // An answer to an earlier life of this node must answer nothing now.
    this.#lastQuestion = Math.floor((options.random?.() ?? 0) * 2 ** 31);
  }

  /** A read has come. */
  add(reply: ReadReply): void {
    this.#fresh.push(reply);
  }

  /** Begins what the reads that have come need. */
  begin(): void {
    if (this.#options.serving()) this.#beginRound();
    else if (this.#fresh.length > 0) {
      const replies = this.#fresh;
      this.#fresh = [];
      this.#question(replies);
    }
  }

  /** Takes a message in. */
  receive(from: NodeId, message: PeerMessage): void {
    switch (message.type) {
      case "heard":
        return this.#countVoter(from, message);
      case "ask":
        return this.#takeAsk(from, message);
      case "told":
        return this.#takeIndex(message);
    }
  }

  /** Slots were applied, perhaps some that reads wait for (C17). */
  applied(): void {
    if (this.#questions.length === 0) return;
    const { applied } = this.#options.replica;
    this.#questions = this.#questions.filter(({ index, replies }) => {
      if (index === undefined || index > applied) return true;
      for (const reply of replies) reply.confirmed();
      return false;
    });
  }

  /** Leads no more: its own reads have to be asked of another. */
  deposed(): void {
    const rounds = this.#rounds;
    this.#rounds = [];
    this.#asks = [];
    this.#options.election.round = 0;
    for (const { replies, since } of rounds) {
      if (replies.length > 0) this.#question(replies, since);
    }
  }

  /** Time goes on: asks again, and gives up what took too long. */
  tick(): void {
    const { now } = this.#options.election;
    const { limitTicks } = this.#options;
    this.#renewRounds(now);
    for (const question of this.#questions) {
      if (
        question.index === undefined &&
        now - question.askedAt >= ASK_AGAIN_TICKS
      ) this.#ask(question);
    }
    const late = (question: Question) => now - question.since >= limitTicks;
    if (!this.#questions.some(late)) return;
    const given = this.#questions.filter(late);
    this.#questions = this.#questions.filter((question) => !late(question));
    for (const { replies } of given) {
      for (const reply of replies) reply.refused(NO_ANSWER);
    }
  }

  /** The way to the leader has changed: asks again at once. */
  askAgain(): void {
    for (const question of this.#questions) {
      if (question.index === undefined) this.#ask(question);
    }
  }

  #beginRound(): void {
    const { id, members, replica, election } = this.#options;
    if (this.#fresh.length + this.#asks.length === 0) return;
    assert(this.#options.serving(), "C17: reads begin under an applied record");
    const { applied } = replica;
    const round: Round = {
      number: ++this.#lastRound,
      cals: members.calsOf(applied + 1),
      index: applied,
      voters: new Set([id]),
      since: election.now,
      replies: this.#fresh,
      asks: this.#asks,
    };
    this.#fresh = [];
    this.#asks = [];
    if (isQuorum(round.voters, round.cals)) return this.#close(round);
    this.#rounds.push(round);
    election.round = round.number;
    election.showLife();
  }

  /**
   * A round that takes long is begun again: its answers may have been lost,
   * and its cals may have no vote any more.
   */
  #renewRounds(now: number): void {
    if (this.#rounds.length === 0) return;
    if (now - this.#rounds[0]!.since < ASK_AGAIN_TICKS) return;
    const rounds = this.#rounds;
    this.#rounds = [];
    for (const { replies, asks, since } of rounds) {
      this.#asks.push(...asks);
      if (replies.length > 0) this.#question(replies, since);
    }
  }

  #countVoter(from: NodeId, { ballot, round: number }: Heard): void {
    const { replica } = this.#options;
    if (number === 0 || !replica.leading) return;
    if (compareBallots(ballot, replica.ballot) !== 0) return;
    for (const round of this.#rounds) {
      // An answer to a later round answers the earlier ones.
      if (round.number > number) break;
      round.voters.add(from);
    }
    const isDone = ({ voters, cals }: Round) => isQuorum(voters, cals);
    const done = this.#rounds.filter(isDone);
    if (done.length === 0) return;
    this.#rounds = this.#rounds.filter((round) => !isDone(round));
    if (this.#rounds.length === 0) this.#options.election.round = 0;
    for (const round of done) this.#close(round);
  }

  #close({ index, replies, asks }: Round): void {
    for (const reply of replies) reply.confirmed();
    for (const asked of asks) this.#tell(asked, index);
  }

  #tell({ ask: { asker, question }, via }: Asked, index: Seqn): void {
    const { id, post } = this.#options;
    const told: Told = { type: "told", hops: HOPS, asker, question, index };
    if (asker === id) this.#takeIndex(told);
    else post(via, told);
  }

  #takeAsk(from: NodeId, ask: Ask): void {
    const { replica, election, id, post } = this.#options;
    if (replica.leading) {
      this.#asks.push({ ask, via: from });
      return;
    }
    const to = election.wayToLeader;
    if (ask.hops === 0 || to === undefined || to === id) return;
    post(to, { ...ask, hops: ask.hops - 1 });
  }

  #takeIndex(told: Told): void {
    const { id, post } = this.#options;
    if (told.asker !== id) {
      if (told.hops > 0) post(told.asker, { ...told, hops: told.hops - 1 });
      return;
    }
    for (const question of this.#questions) {
      if (question.number === told.question) question.index ??= told.index;
    }
    this.applied();
  }

  #question(
    replies: readonly ReadReply[],
    since: number = this.#options.election.now,
  ): void {
    const { now } = this.#options.election;
    const number = ++this.#lastQuestion;
    const question: Question = {
      number,
      replies,
      since,
      askedAt: now,
      index: undefined,
    };
    this.#questions.push(question);
    this.#ask(question);
  }

  #ask(question: Question): void {
    const { id, election, post, replica } = this.#options;
    question.askedAt = election.now;
    const { number } = question;
    const ask: Ask = { type: "ask", hops: HOPS, asker: id, question: number };
    if (replica.leading) {
      this.#asks.push({ ask, via: id });
      return;
    }
    const to = election.wayToLeader;
    if (to !== undefined && to !== id) post(to, ask);
  }
}

const NO_ANSWER: Refusal = {
  code: "UNAVAILABLE",
  detail: "No quorum has answered in time; this server's copy can be read",
};
