/**
 * The roles of several nodes, joined by hand: messages lie on a table, and the
 * test says which one is delivered, lost or doubled next. A decision is told
 * to the others by a message too, as it will be between real nodes.
 *
 * A crash takes a node's proposer and learner, not its acceptor: what that
 * answers is durable.
 *
 * @module
 */
import { Acceptor, Learner, Proposer } from "../../consensus/mod.ts";
import type { NodeId, PeerMessage } from "../../protocol/mod.ts";
import type { Seqn } from "../../protocol/mod.ts";
import { readValue, showMessage, showValue } from "./words.ts";

/** News of a decision. */
interface Learn {
  readonly type: "learn";
  readonly seqn: Seqn;
  readonly value: Uint8Array;
}

interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage | Learn;
}

interface Member {
  readonly acceptor: Acceptor;
  learner: Learner;
  proposer: Proposer;
  /** The slots that came out of the learner, in order. */
  log: string[];
}

/** The nodes, and the messages between them that are under way. */
export class Roles {
  readonly cals: readonly NodeId[];
  readonly #members: ReadonlyMap<NodeId, Member>;
  #table: Letter[] = [];

  constructor(cals: readonly NodeId[]) {
    this.cals = cals;
    this.#members = new Map(cals.map((id) => [id, {
      acceptor: new Acceptor(),
      learner: new Learner(),
      proposer: new Proposer(id),
      log: [],
    }]));
  }

  /** The messages under way, as `A>B prepare 1.A from 1`. */
  get underWay(): string[] {
    return this.#table.map(showLetter);
  }

  /** What the node has learned, in order of the slots. */
  logOf(id: NodeId): readonly string[] {
    return this.#of(id).log;
  }

  leads(id: NodeId): boolean {
    return this.#of(id).proposer.leading;
  }

  campaign(id: NodeId): void {
    const { proposer, acceptor, learner } = this.#of(id);
    const message = proposer.campaign(learner.next, acceptor.promised);
    // Its own acceptor notes the ballot before anybody is asked with it.
    this.#hear(id, { from: id, to: id, message });
    this.#toOthers(id, message);
  }

  /** The node, which leads, proposes a value. */
  propose(id: NodeId, value: string): void {
    this.#accept(id, this.#of(id).proposer.propose(readValue(value)));
  }

  /** Delivers messages: those that the pattern matches, in their order. */
  deliver(pattern: RegExp, options: { keep?: boolean } = {}): number {
    const chosen = this.#table.filter((letter) =>
      pattern.test(showLetter(letter))
    );
    if (!options.keep) this.lose(pattern);
    for (const letter of chosen) this.#hear(letter.to, letter);
    return chosen.length;
  }

  /** Delivers the message in that place. */
  deliverAt(place: number, options: { keep: boolean }): void {
    const letter = this.#table[place]!;
    if (!options.keep) this.loseAt(place);
    this.#hear(letter.to, letter);
  }

  deliverAll(): void {
    while (this.deliver(/^/) > 0);
  }

  /** Loses messages. */
  lose(pattern: RegExp): void {
    this.#table = this.#table.filter((letter) =>
      !pattern.test(showLetter(letter))
    );
  }

  loseAt(place: number): void {
    this.#table.splice(place, 1);
  }

  /** Restarts the node. It learns everything again, from the first slot. */
  crash(id: NodeId): void {
    const member = this.#of(id);
    member.learner = new Learner();
    member.proposer = new Proposer(id);
    member.log = [];
  }

  #of(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`Nobody is called "${id}"`);
    return member;
  }

  #toOthers(from: NodeId, message: PeerMessage | Learn): void {
    for (const to of this.cals) {
      if (to !== from) this.#table.push({ from, to, message });
    }
  }

  #accept(id: NodeId, message: PeerMessage & { type: "accept" }): void {
    this.#of(id).learner.open(message.seqn, { ...message, cals: this.cals });
    this.#toOthers(id, message);
    this.#hear(id, { from: id, to: id, message });
  }

  #hear(id: NodeId, { from, message }: Letter): void {
    const { acceptor, learner, proposer } = this.#of(id);
    const { cals } = this;
    const answer = (reply: PeerMessage | undefined) => {
      if (reply === undefined) return;
      const letter = { from: id, to: from, message: reply };
      if (from === id) this.#hear(id, letter);
      else this.#table.push(letter);
    };
    switch (message.type) {
      case "prepare":
        return answer(acceptor.prepare(message)?.message);
      case "accept":
        return answer(acceptor.accept(message)?.message);
      case "promise": {
        const again = proposer.promised(from, { promise: message, cals });
        for (const accept of again) this.#accept(id, accept);
        return;
      }
      case "accepted":
        learner.accepted(from, message);
        return this.#take(id, { tell: true });
      case "nack":
        return proposer.nacked(from, { nack: message, cals });
      case "learn":
        learner.decide(message.seqn, message.value);
        return this.#take(id, { tell: false });
    }
  }

  #take(id: NodeId, { tell }: { tell: boolean }): void {
    const { learner, log } = this.#of(id);
    for (
      let slot = learner.take();
      slot !== undefined;
      slot = learner.take()
    ) {
      log.push(showValue(slot.value));
      if (tell) this.#toOthers(id, { type: "learn", ...slot });
    }
  }
}

function showLetter({ from, to, message }: Letter): string {
  const said = message.type === "learn"
    ? `learn ${message.seqn}=${showValue(message.value)}`
    : showMessage(message);
  return `${from}>${to} ${said}`;
}
