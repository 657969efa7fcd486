/**
 * The replicas of several nodes, joined by hand: messages lie on a table, and
 * the test says which one is delivered, lost or doubled next.
 *
 * What is decided is a word; `+D` gives node D a seat, `-B` takes B's away, so
 * far as the rules of seats allow it. There is no election: a test says who
 * campaigns. Promises that are broken and slots that are applied out of order
 * are found here, whatever a test looks at.
 *
 * @module
 */
import { compareBallots, Members, Replica } from "../../consensus/mod.ts";
import { NO_COMMANDS, ZERO_BALLOT } from "../../consensus/mod.ts";
import type { DecidedSlot } from "../../consensus/mod.ts";
import type { Ballot, NodeId, PeerMessage } from "../../protocol/mod.ts";
import { readValue, showMessage, showValue } from "./words.ts";

/** So many calls without progress have slots sent again. */
const INSISTENT = 4;

interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: PeerMessage;
}

interface Member {
  readonly id: NodeId;
  readonly members: Members;
  readonly replica: Replica;
  /** The slots that it has applied, by number; those of an image are gaps. */
  readonly log: string[];
  /** The highest ballot that it told anybody it has promised. */
  promised: Ballot;
  told: number;
}

/** The nodes, and the messages between them that are under way. */
export class Roles {
  /** All nodes, those without a seat too. */
  readonly ids: readonly NodeId[];
  readonly #members: ReadonlyMap<NodeId, Member>;
  #table: Letter[] = [];

  constructor(cals: readonly NodeId[], observers: readonly NodeId[] = []) {
    this.ids = [...cals, ...observers];
    const seats = cals.map((id) => [seatOf(id), id] as const);
    const sets = [{ from: 1, cals }];
    this.#members = new Map(this.ids.map((id) => {
      const members = new Members();
      members.load({ applied: 0, sets, seats });
      const peers = new Set(this.ids.filter((other) => other !== id));
      const isRegistered = (node: NodeId) => this.ids.includes(node);
      const replica = new Replica({ id, members, peers, isRegistered });
      replica.keepDecided(true);
      const state = { log: [], promised: ZERO_BALLOT, told: 0 };
      return [id, { id, members, replica, ...state }];
    }));
  }

  /** The messages under way, as `A>B prepare 1.A from 1`. */
  get underWay(): string[] {
    return this.#table.map(showLetter);
  }

  /** What the node has applied, in order of the slots. */
  logOf(id: NodeId): readonly string[] {
    return this.#of(id).log;
  }

  leads(id: NodeId): boolean {
    return this.#of(id).replica.leading;
  }

  /** Whether it leads, and may propose. */
  canPropose(id: NodeId): boolean {
    const { replica } = this.#of(id);
    return replica.hasRoom && !replica.owes;
  }

  /** The cals that the node knows for the next slot. */
  calsOf(id: NodeId): readonly NodeId[] {
    return this.#of(id).members.current;
  }

  /** Whether the node is a cal, of the next slot or of a later one. */
  isCal(id: NodeId): boolean {
    return this.#of(id).members.isCal(id);
  }

  appliedBy(id: NodeId): number {
    return this.#of(id).replica.applied;
  }

  /** The node that has applied most. */
  get foremost(): NodeId {
    const [first, ...others] = this.ids;
    return others.reduce(
      (best, id) => this.appliedBy(id) > this.appliedBy(best) ? id : best,
      first!,
    );
  }

  campaign(id: NodeId): void {
    const member = this.#of(id);
    member.replica.campaign();
    this.#settle(member);
  }

  abdicate(id: NodeId): void {
    this.#of(id).replica.abdicate();
  }

  /** The node, which leads, proposes a value. */
  propose(id: NodeId, value: string): void {
    const member = this.#of(id);
    member.replica.propose(readValue(value));
    this.#settle(member);
  }

  /** Sends again what may have been lost, as after several calls in vain. */
  insist(id: NodeId): void {
    const member = this.#of(id);
    for (let i = 0; i < INSISTENT; i++) member.replica.insist();
    this.#settle(member);
  }

  /** All hear up to where the node has applied. */
  showLife(id: NodeId): void {
    const { applied } = this.#of(id).replica;
    for (const { replica } of this.#members.values()) replica.heardOf(applied);
  }

  /** Asks another for what it lacks. */
  learn(id: NodeId, from: NodeId): void {
    const seqn = this.appliedBy(id) + 1;
    const message = { type: "learn", from: seqn } as const;
    this.#table.push({ from: id, to: from, message });
  }

  /** Takes over another's whole state, if that is ahead. */
  copy(id: NodeId, from: NodeId): void {
    const [member, other] = [this.#of(id), this.#of(from)];
    const { applied } = other.replica;
    if (applied <= member.replica.applied) return;
    member.replica.abdicate();
    const { sets, seats } = other.members;
    member.members.load({ applied, sets, seats: [...seats] });
    member.replica.skipTo(applied);
    member.log.length = applied;
    this.#settle(member);
  }

  /** Delivers messages: those that the pattern matches, in their order. */
  deliver(pattern: RegExp, options: { keep?: boolean } = {}): number {
    const chosen = this.#table.filter((letter) =>
      pattern.test(showLetter(letter))
    );
    if (!options.keep) this.lose(pattern);
    for (const letter of chosen) this.#hear(letter);
    return chosen.length;
  }

  /** Delivers the message in that place. */
  deliverAt(place: number, options: { keep: boolean }): void {
    const letter = this.#table[place]!;
    if (!options.keep) this.loseAt(place);
    this.#hear(letter);
  }

  /** Delivers all there is now; some are lost, some come twice or late. */
  flood(random: () => number): void {
    const table = this.#table;
    this.#table = [];
    for (const letter of table) {
      const fate = random();
      if (fate < 0.15) continue;
      if (fate < 0.3) this.#table.push(letter);
      if (fate > 0.2) this.#hear(letter);
    }
  }

  /** Delivers all, but for what is lost. */
  deliverAll(options: { lose?: RegExp } = {}): void {
    do {
      if (options.lose !== undefined) this.lose(options.lose);
    } while (this.deliver(/^/) > 0);
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

  #of(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`Nobody is called "${id}"`);
    return member;
  }

  #hear({ from, to, message }: Letter): void {
    const member = this.#of(to);
    member.replica.receive(from, message);
    this.#settle(member);
  }

  /** Does what a node does: finishes, fills, sends, applies, tells. */
  #settle(member: Member): void {
    const { id, replica } = member;
    const { members } = member;
    do {
      while (replica.hasRoom && (replica.owes || members.pending)) {
        if (replica.owes) replica.proposeOwed();
        else replica.propose(NO_COMMANDS);
      }
      const { messagesNow, messagesAfter } = replica.takeReady();
      for (const { to, message } of [...messagesNow, ...messagesAfter]) {
        checkPromise(member, message);
        if (to === id) replica.receive(id, message);
        else this.#table.push({ from: id, to, message });
      }
      this.#apply(member);
    } while (replica.hasReady || (replica.hasRoom && members.pending));
  }

  #apply(member: Member): void {
    const { id, replica } = member;
    for (
      let slot = replica.takeDecided();
      slot !== undefined;
      slot = replica.takeDecided()
    ) {
      applySlot(member, slot);
      replica.noteApplied(slot);
    }
    const { applied, ballot, leading } = replica;
    if (!leading || applied === member.told) return;
    member.told = applied;
    const message = { type: "decided", ballot, upTo: applied } as const;
    for (const to of this.ids) {
      if (to !== id) this.#table.push({ from: id, to, message });
    }
  }
}

function applySlot({ id, log, members }: Member, slot: DecidedSlot): void {
  const { seqn } = slot;
  const value = showValue(slot.value);
  if (log.length !== seqn - 1) {
    throw new Error(`${id} applies slot ${seqn} after ${log.length}`);
  }
  log.push(value);
  const path = seatOf(value.slice(1));
  const holder = value.startsWith("+") ? value.slice(1) : "";
  const isRegistered = () => true;
  if (
    /^[+-]/.test(value) &&
    members.refuses(path, { id: holder, isRegistered }) === undefined
  ) members.noteSeat(path, holder);
  members.slotApplied(seqn);
}

/** No answer of an acceptor may break a promise that it gave. */
function checkPromise(member: Member, message: PeerMessage): void {
  if (message.type !== "promise" && message.type !== "accepted") return;
  if (compareBallots(message.ballot, member.promised) < 0) {
    throw new Error(`${member.id} breaks a promise: ${showMessage(message)}`);
  }
  member.promised = message.ballot;
}

function seatOf(id: NodeId): string {
  return `/ctl/cal/${id}`;
}

function showLetter({ from, to, message }: Letter): string {
  return `${from}>${to} ${showMessage(message)}`;
}
