/**
 * The replica: the three roles of one node, joined.
 *
 * It sends nothing and writes nothing. What it hands out says what to do, and
 * in which order: messages of {@linkcode Ready.messagesAfter} may leave only
 * when {@linkcode Ready.records} are durable; the others at once.
 *
 * So far a cluster has one cal, this node. The roles know no such thing: the
 * replica alone does, in `cals` and in sending messages to itself.
 *
 * @module
 */
import type { Ballot, NodeId, PeerMessage } from "../protocol/mod.ts";
import { Acceptor, type AcceptorAnswer, type LogRecord } from "./acceptor.ts";
import { type DecidedSlot, Learner } from "./learner.ts";
import { Proposer } from "./proposer.ts";

/** A message and its receiver. */
export interface Outgoing {
  readonly to: NodeId;
  readonly message: PeerMessage;
}

/** What is to be done. */
export interface Ready {
  /** To be made durable, in order. */
  readonly records: LogRecord[];
  /** May leave at once. */
  readonly messagesNow: Outgoing[];
  /** May leave only when all records are durable. */
  readonly messagesAfter: Outgoing[];
}

/** One node's part in consensus. */
export class Replica {
  readonly #id: NodeId;
  readonly #cals: readonly NodeId[];
  readonly #acceptor = new Acceptor();
  readonly #learner = new Learner();
  readonly #proposer: Proposer;
  #ready: Ready = nothing();

  constructor(id: NodeId) {
    this.#id = id;
    this.#cals = [id];
    this.#proposer = new Proposer(id);
  }

  /** Whether this node may propose. */
  get leading(): boolean {
    return this.#proposer.leading;
  }

  /** Whether there is something to do. */
  get hasReady(): boolean {
    const { records, messagesNow, messagesAfter } = this.#ready;
    return records.length + messagesNow.length + messagesAfter.length > 0;
  }

  /** Starts to become the leader. */
  campaign(): void {
    const { promised } = this.#acceptor;
    const message = this.#proposer.campaign(this.#learner.next, promised);
    // C1: "Each proposer remembers (in stable storage) the highest-numbered
    // proposal it has tried to issue" (Paxos Made Simple, 2.5). Otherwise a
    // node that restarts could ask with the same ballot for another value.
    const { ballot } = message;
    this.#ready.records.push({ type: "promised", ballot });
    for (const to of this.#cals) {
      this.#ready.messagesAfter.push({ to, message });
    }
  }

  /** Proposes a value. The caller makes sure that this node leads. */
  propose(value: Uint8Array): void {
    const accept = this.#proposer.propose(value);
    this.#learner.open(accept.seqn, { ...accept, cals: this.#cals });
    this.#broadcast(accept);
  }

  /** Takes a message in. One that nobody should have sent changes nothing. */
  receive(from: NodeId, message: PeerMessage): void {
    switch (message.type) {
      case "prepare":
        if (!isOwnBallot(from, message.ballot)) return;
        return this.#answer(from, this.#acceptor.prepare(message));
      case "accept":
        if (!isOwnBallot(from, message.ballot)) return;
        return this.#answer(from, this.#acceptor.accept(message));
      case "promise":
        return this.#finish(from, message);
      case "accepted":
        return this.#learner.accepted(from, message);
      case "nack":
        return this.#abandon(from, message);
    }
  }

  /** What is to be done since the last call. */
  takeReady(): Ready {
    const ready = this.#ready;
    this.#ready = nothing();
    return ready;
  }

  /** The next decided slot, in order. */
  takeDecided(): DecidedSlot | undefined {
    return this.#learner.take();
  }

  /**
   * The slot is applied: with one cal nobody will ask for it again. Returns
   * the values that no role holds any more (C8).
   */
  applied(slot: DecidedSlot): Uint8Array[] {
    return this.#acceptor.forgetUpTo(slot.seqn);
  }

  #abandon(from: NodeId, nack: PeerMessage & { type: "nack" }): void {
    this.#proposer.nacked(from, { nack, cals: this.#cals });
  }

  #finish(from: NodeId, promise: PeerMessage & { type: "promise" }): void {
    const answer = { promise, cals: this.#cals };
    for (const accept of this.#proposer.promised(from, answer)) {
      this.#learner.open(accept.seqn, { ...accept, cals: this.#cals });
      this.#broadcast(accept);
    }
  }

  #answer(to: NodeId, answer: AcceptorAnswer | undefined): void {
    if (answer === undefined) return;
    const { record, message } = answer;
    if (record === undefined) this.#ready.messagesNow.push({ to, message });
    else {
      this.#ready.records.push(record);
      this.#ready.messagesAfter.push({ to, message });
    }
  }

  #broadcast(message: PeerMessage): void {
    for (const to of this.#cals) this.#ready.messagesNow.push({ to, message });
  }
}

/** A ballot is its node's own: nobody else asks or proposes with it. */
function isOwnBallot(from: NodeId, ballot: Ballot): boolean {
  return ballot.node === from;
}

function nothing(): Ready {
  return { records: [], messagesNow: [], messagesAfter: [] };
}
