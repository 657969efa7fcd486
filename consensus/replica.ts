/**
 * The replica: the three roles of one node, joined, and how it catches up.
 *
 * It sends nothing and writes nothing. What it hands out says what to do, and
 * in which order: messages of {@linkcode Ready.messagesAfter} may leave only
 * when {@linkcode Ready.records} are durable; the others at once.
 *
 * Votes go to their ballot's proposer, which alone counts them. The others
 * learn by its word: what they accepted at its ballot, and it says is decided,
 * is decided; what they lack they ask for.
 *
 * @module
 */
import type { Accept, AcceptedValue, Ballot } from "../protocol/mod.ts";
import type { Behind, Learn, Learned, Seqn } from "../protocol/mod.ts";
import type { Nack, NodeId, PeerMessage, Promised } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { Acceptor, type AcceptorAnswer } from "./acceptor.ts";
import type { AcceptorMemory } from "./acceptor.ts";
import { compareBallots, isOwnBallot } from "./ballot.ts";
import { DecidedLog } from "./decided_log.ts";
import { Insistence } from "./insistence.ts";
import { type DecidedSlot, Learner } from "./learner.ts";
import { ALPHA, type Members } from "./members.ts";
import { OpenValues } from "./open_values.ts";
import { Proposer } from "./proposer.ts";
import { addAnswer, hasWork, nothingToDo, type Ready } from "./ready.ts";
import { isBatch } from "./value.ts";

/** What a replica knows of the world around it. */
export interface ReplicaOptions {
  readonly id: NodeId;
  readonly members: Members;
  /** The nodes that there is a link to. */
  readonly peers: ReadonlySet<NodeId>;
  /** Whether a node is one of the cluster. */
  readonly isRegistered: (id: NodeId) => boolean;
  /** Whether the disk takes no more values, or is to have a moment. */
  readonly disk?: () => { overfull: boolean; overtaken: boolean };
}

/** So much may be open at once; a larger slot goes alone. In bytes. */
const OPEN_BYTES = 4 << 20;
/** What acceptances may take that wait for earlier slots, in bytes. */
const HELD_BYTES = 128 << 20;
/** What a node that cannot apply yet holds of accepted values, in slots. */
const HELD_SLOTS_MAX = 4096;

/** One node's part in consensus. */
export class Replica {
  readonly #id: NodeId;
  readonly #members: Members;
  readonly #peers: ReadonlySet<NodeId>;
  readonly #isRegistered: (id: NodeId) => boolean;
  readonly #disk: ReplicaOptions["disk"];
  readonly #acceptor = new Acceptor();
  readonly #learner = new Learner();
  readonly #proposer: Proposer;
  readonly #insistence: Insistence;
  readonly #log = new DecidedLog();
  #ready: Ready = nothingToDo();
  /** What was proposed here and is not applied yet. */
  readonly #open = new OpenValues();
  /** All slots up to here are decided, as somebody said. */
  #decidedElsewhere: Seqn = 0;

  constructor(options: ReplicaOptions) {
    const { id, members } = options;
    this.#isRegistered = options.isRegistered;
    this.#disk = options.disk;
    this.#id = id;
    this.#members = members;
    this.#peers = options.peers;
    const proposer = this.#proposer = new Proposer(id);
    const learner = this.#learner;
    this.#insistence = new Insistence({ members, proposer, learner });
  }

  /** Goes on with a memory that was durable, of which nothing was used yet. */
  restore(memory: AcceptorMemory, values: readonly Uint8Array[]): void {
    const { forgotten, promised } = memory;
    this.#acceptor.restore(memory);
    this.#proposer.see(promised);
    this.skipTo(forgotten);
    this.#learner.decideAll(forgotten + 1, values);
  }

  /** What it must not forget. Its own ballots it has not only promised (C1). */
  get memory(): AcceptorMemory {
    const { promised: other, position } = this.#acceptor;
    const { ballot: own } = this.#proposer;
    const promised = compareBallots(own, other) > 0 ? own : other;
    const accepted = this.#acceptor.acceptedAbove(this.applied);
    return { promised, accepted, forgotten: this.applied, position };
  }

  /** What it has accepted in a slot that it has not applied. */
  acceptedIn(seqn: Seqn): AcceptedValue | undefined {
    return this.#acceptor.acceptedIn(seqn);
  }

  /** Whether this node may propose. */
  get leading(): boolean {
    return this.#proposer.leading;
  }

  /** Whether it asks for promises. */
  get campaigning(): boolean {
    return this.#proposer.campaigning;
  }

  /** The ballot with which it leads or campaigns, or did last. */
  get ballot(): Ballot {
    return this.#proposer.ballot;
  }

  /** The highest ballot that it has promised. */
  get promised(): Ballot {
    return this.#acceptor.promised;
  }

  /** The highest ballot that it has heard of. */
  get highest(): Ballot {
    const [a, b] = [this.#acceptor.promised, this.#proposer.seen];
    return compareBallots(a, b) < 0 ? b : a;
  }

  /** Takes note of a ballot that somebody uses. */
  see(ballot: Ballot): void {
    this.#proposer.see(ballot);
  }

  /** The last slot that was handed out to be applied. */
  get applied(): Seqn {
    return this.#learner.next - 1;
  }

  /** Up to which slot all are decided, as far as it has heard. */
  get decided(): Seqn {
    return Math.max(this.applied, this.#decidedElsewhere);
  }

  /** The first slot that it can tell others of. */
  get firstKept(): Seqn {
    return this.#log.first;
  }

  /** Whether there is something to do. */
  get hasReady(): boolean {
    return hasWork(this.#ready);
  }

  /**
   * Whether the next slot may be proposed: it lies in the window, and its own
   * cals have promised. C5, C11.
   */
  get hasRoom(): boolean {
    const { leading, nextSeqn } = this.#proposer;
    if (!leading || nextSeqn > this.applied + ALPHA) return false;
    if (this.#open.bytes > OPEN_BYTES || this.#disk?.().overtaken) return false;
    return this.#proposer.covers(this.#members.calsOf(nextSeqn));
  }

  /** Whether a slot that was proposed here is not decided yet. */
  get hasOpen(): boolean {
    return this.#proposer.leading && this.#proposer.nextSeqn > this.applied + 1;
  }

  /** Whether what others began has to be finished first. */
  get owes(): boolean {
    return this.#proposer.owes;
  }

  /** Keeps decided slots for peers, or not. */
  keepDecided(kept: boolean): Uint8Array[] {
    return this.#log.keep(kept);
  }

  /** Starts to become the leader. */
  campaign(): void {
    assert(
      this.#members.sets.length > 0,
      "C11: only who has a state campaigns",
    );
    this.#close();
    const { promised } = this.#acceptor;
    const message = this.#proposer.campaign(this.#learner.next, promised);
    // C1: "Each proposer remembers (in stable storage) the highest-numbered
    // proposal it has tried to issue" (Paxos Made Simple, 2.5). Otherwise a
    // node that restarts could ask with the same ballot for another value.
    const { ballot } = message;
    this.#ready.records.push({ type: "promised", ballot, position: 0 });
    for (const to of this.#everybody()) {
      this.#ready.messagesAfter.push({ to, message });
    }
  }

  /** Leads no more, and does not try to. */
  abdicate(): void {
    this.#proposer.abandon();
    this.#close();
  }

  /** Proposes what others began, in the next slot. */
  proposeOwed(): void {
    this.#send(this.#proposer.proposeOwed());
  }

  /** Proposes a value in the next slot, which there must be room for. */
  propose(value: Uint8Array): void {
    this.#send(this.#proposer.propose(value));
  }

  /** Asks cals for promises that are missing: new sets have become known. */
  askForPromises(): void {
    this.#ready.messagesAfter.push(...this.#insistence.promises());
  }

  /**
   * Asks again for promises; and sends slots again, where none was decided for
   * several calls: before that they are only on their way.
   */
  insist(): void {
    this.askForPromises();
    if (!this.#open.isStuck(this.applied)) return;
    this.#ready.messagesNow.push(...this.#insistence.slots());
  }

  /** There is a link to a peer: what was sent before may be lost. */
  linkUp(peer: NodeId): void {
    this.askForPromises();
    this.#ready.messagesNow.push(...this.#insistence.slots(peer));
  }

  /** Takes a message in. One that nobody should have sent changes nothing. */
  receive(from: NodeId, message: PeerMessage): void {
    switch (message.type) {
      case "prepare":
        if (!isOwnBallot(from, message.ballot)) return;
        this.#proposer.see(message.ballot);
        return this.#answer(from, this.#acceptor.prepare(message));
      case "accept":
        if (!isOwnBallot(from, message.ballot)) return;
        return this.#accept(from, message);
      case "promise":
        return this.#countPromise(from, message);
      case "accepted":
        // C2: the learner counts cals of the slot only.
        return this.#learner.accepted(from, message);
      case "nack":
        return this.#abandon(from, message);
      case "behind":
        return this.#noteBehind(message);
      case "decided":
        if (!isOwnBallot(from, message.ballot)) return;
        return this.#learnByWord(message.ballot, message.upTo);
      case "alive":
        // The word itself may have been lost.
        if (!isOwnBallot(from, message.ballot)) return;
        return this.#learnByWord(message.ballot, message.decided);
      case "learn":
        return this.#teach(from, message);
      case "learned":
        return this.#learn(message);
    }
  }

  /**
   * Somebody says that all slots up to here are decided. A leader that hears
   * of more than it knows has been overtaken: it leads no more (C16).
   */
  heardOf(decided: Seqn): void {
    this.#decidedElsewhere = Math.max(this.#decidedElsewhere, decided);
    const runs = this.leading || this.campaigning;
    if (runs && decided > this.applied) this.abdicate();
  }

  /** What is to be done since the last call. */
  takeReady(): Ready {
    const ready = this.#ready;
    this.#ready = nothingToDo();
    return ready;
  }

  /** The next decided slot, in order. */
  takeDecided(): DecidedSlot | undefined {
    return this.#learner.take();
  }

  /** The slot is applied. Returns values that nothing here holds any more. */
  noteApplied(slot: DecidedSlot): Uint8Array[] {
    this.#proposer.passed(slot.seqn);
    this.#open.applied(slot.seqn);
    this.#acceptor.forgetUpTo(slot.seqn);
    return this.#log.add(slot.seqn, slot.value);
  }

  /** What others of another lineage have said is void. */
  forgetOthers(): void {
    this.#decidedElsewhere = 0;
  }

  /** The state up to a slot was taken over from another node. */
  skipTo(applied: Seqn): void {
    // C13: promises, and acceptances above the slot, stay as they are.
    this.#acceptor.forgetUpTo(applied);
    this.#learner.skipTo(applied);
    this.#log.skipTo(applied);
  }

  /**
   * On a survivor of a lost majority: takes for decided what it has accepted
   * in the slots that follow the applied ones without a gap.
   */
  adoptAccepted(): void {
    const { acceptedIn } = this.#acceptor;
    this.#learner.decideAccepted({ acceptedIn, upTo: Infinity });
  }

  /** Values that were proposed here are no longer this node's to see to. */
  #close(): void {
    this.#learner.closeAll();
    this.#open.clear();
  }

  #send(accept: Accept): void {
    this.#open.add(accept.seqn, accept.value.length);
    const cals = this.#members.calsOf(accept.seqn);
    this.#learner.open(accept.seqn, { ...accept, cals });
    for (const to of this.#everybody()) {
      this.#ready.messagesNow.push({ to, message: accept });
    }
  }

  #accept(from: NodeId, message: Accept): void {
    if (this.#disk?.().overfull) return;
    const most = this.#acceptor.heldBytes > HELD_BYTES ? 1 : HELD_SLOTS_MAX;
    if (message.seqn > this.applied + most) return;
    this.#proposer.see(message.ballot);
    this.#answer(from, this.#acceptor.accept(message));
  }

  /** Slots from where this node campaigns are decided: it has to learn. */
  #noteBehind({ ballot, applied }: Behind): void {
    if (compareBallots(ballot, this.ballot) !== 0) return;
    if (this.#proposer.campaigning) this.abdicate();
    this.heardOf(applied);
  }

  #countPromise(from: NodeId, promise: Promised): void {
    const { sets } = this.#members;
    if (sets.length === 0) return;
    const cals = sets[0]!.cals;
    this.#proposer.promised(from, { promise, cals });
  }

  #abandon(from: NodeId, nack: Nack): void {
    const isCal = this.#members.isCal(from);
    const { leading, ballot } = this;
    this.#proposer.nacked(from, { nack, isCal });
    if (leading && !isCal && this.#isRegistered(from)) {
      // Who had a vote and promised more comes back only under a higher ballot.
      if (compareBallots(nack.promised, ballot) > 0) return this.campaign();
    }
    if (!this.#proposer.leading) this.#close();
  }

  /**
   * C4: the word of a ballot's leader counts for values accepted at that very
   * ballot only. In another ballot another value may have been proposed, or
   * this one may not have been chosen.
   */
  #learnByWord(ballot: Ballot, upTo: Seqn): void {
    this.heardOf(upTo);
    const { acceptedIn } = this.#acceptor;
    this.#learner.decideAccepted({ acceptedIn, upTo, ballot });
  }

  /** Tells who lags behind what it asks for, as much as one message takes. */
  #teach(to: NodeId, { from }: Learn): void {
    const message = this.#log.lesson(from, this.decided);
    this.#ready.messagesNow.push({ to, message });
  }

  #learn({ from, values, decided }: Learned): void {
    // C16: a leader learns of its own slots by counting, and steps down first.
    this.heardOf(Math.max(decided, from + values.length - 1));
    if (!values.every((value) => isBatch(value))) return; // C10: it would stop whoever applies it.
    this.#learner.decideAll(from, values);
  }

  #answer(to: NodeId, answer: AcceptorAnswer | undefined): void {
    if (answer !== undefined) addAnswer(this.#ready, { to, answer });
  }

  /** This node and its peers: the cals vote, the others hold copies. */
  #everybody(): NodeId[] {
    return [this.#id, ...this.#peers];
  }
}
