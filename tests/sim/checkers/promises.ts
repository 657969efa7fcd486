/**
 * The acceptors' side: every message that a node sends is held against what
 * was sent before.
 *
 * - After a promise for a ballot, no acceptance of a smaller one, no smaller
 *   promise, and no answer to its leader's signs of life. A promise tells of all that was accepted before.
 * - One ballot has one proposer, and in one slot one value.
 * - A slot has one decision, whoever tells of it.
 * - Whoever proposes has applied all but a window of the slots before.
 * - Equal slots, equal states.
 *
 * @module
 */
import type {
  Accept,
  Accepted,
  Ballot,
  NodeId,
  PeerMessage,
  Prepare,
  Promised,
  Seqn,
} from "../../../protocol/mod.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { compare, name, NONE } from "./ballots.ts";

/** What one acceptor has said. */
interface Word {
  promised: Ballot;
  /** The ballots that it accepted last, by slot. */
  readonly accepted: Map<Seqn, Ballot>;
  /** The ballots that it reported with that promise, by slot. */
  readonly reported: Map<Seqn, Ballot>;
}

/** What is known of the sender. */
export interface Sender {
  readonly id: NodeId;
  /** The last slot it has applied, or -1 where that cannot be seen. */
  readonly applied: Seqn;
  /** How many slots beyond those it may propose. */
  readonly window: number;
}

/** Listens to what nodes say to each other. */
export class Promises {
  readonly #words: Map<NodeId, Word> = new Map();
  readonly #proposed: Map<string, Map<Seqn, number>> = new Map();
  readonly #decided: Map<Seqn, number> = new Map();
  readonly #states: Map<Seqn, number> = new Map();
  /** Which slots promises were asked for, from the highest on, by ballot. */
  readonly #campaigns: Map<string, Seqn> = new Map();
  /** The name of the ballot named last: most messages bear the same. */
  #lastBallot: Ballot = NONE;
  #lastName = "";

  /** How many ballots were campaigned with. */
  get campaigns(): number {
    return this.#campaigns.size;
  }

  /** How many ballots values were proposed with. */
  get leaderships(): number {
    return this.#proposed.size;
  }

  /** A node sends a message. */
  sent(from: Sender, message: PeerMessage): void {
    switch (message.type) {
      case "prepare":
        return this.#campaignsWith(from, message);
      case "promise":
        return this.#promised(from, message);
      case "accept":
        return this.#proposes(from, message);
      case "accepted":
        return this.#accepted(from, message);
      case "heard":
        return this.#follows(from, message.ballot);
      case "learned":
        return message.values.forEach((value, i) =>
          this.#decides(from, { seqn: message.from + i, value })
        );
    }
  }

  /** A node has applied all slots up to there, and its state has this hash. */
  state(of: string, at: { slot: Seqn; hash: number }): void {
    const known = this.#states.get(at.slot);
    if (known === undefined) this.#states.set(at.slot, at.hash);
    else if (known !== at.hash) {
      fail("equal states", `${of} differs from others after slot ${at.slot}`);
    }
  }

  #follows({ id }: Sender, ballot: Ballot): void {
    const { promised } = this.#wordOf(id);
    if (compare(ballot, promised) >= 0) return;
    const [low, high] = [name(ballot), name(promised)];
    fail("a promise is kept", `${id} follows ${low}, promised ${high}`);
  }

  #campaignsWith(sender: Sender, { ballot, from }: Prepare): void {
    this.#isOwn(sender, ballot);
    const key = this.#nameOf(ballot);
    this.#campaigns.set(key, Math.max(from, this.#campaigns.get(key) ?? 0));
  }

  #promised(from: Sender, { ballot, accepted, total }: Promised): void {
    const word = this.#wordOf(from.id);
    const order = compare(ballot, word.promised);
    if (order < 0) {
      const [low, high] = [name(ballot), name(word.promised)];
      fail("a promise is kept", `${from.id} promised ${low} after ${high}`);
    }
    if (order > 0) {
      word.promised = ballot;
      word.reported.clear();
    }
    for (const value of accepted) word.reported.set(value.seqn, value.ballot);
    if (accepted.length === total) this.#tellsAll(from, { ballot, word });
  }

  /** What it has accepted, and not applied since, it tells with a promise. */
  #tellsAll(
    { id, applied }: Sender,
    { ballot, word }: { ballot: Ballot; word: Word },
  ): void {
    const asked = this.#campaigns.get(this.#nameOf(ballot));
    if (asked === undefined || applied < 0) return;
    for (const [seqn, last] of word.accepted) {
      if (seqn <= applied) word.accepted.delete(seqn);
      else if (seqn >= asked && compare(last, ballot) < 0) {
        const told = word.reported.get(seqn) ?? NONE;
        // Higher: it leads, and has accepted its own.
        if (compare(told, last) >= 0) continue;
        const what = `${name(last)} in ${seqn}, and tells of ${name(told)}`;
        fail("a promise tells all", `${id} accepted ${what}`);
      }
    }
  }

  #accepted(from: Sender, { seqn, ballot }: Accepted): void {
    const word = this.#wordOf(from.id);
    const last = word.accepted.get(seqn);
    if (last === undefined || compare(last, ballot) < 0) {
      word.accepted.set(seqn, ballot);
    }
    if (compare(ballot, word.promised) >= 0) {
      // Accepting a ballot promises it: nothing was reported with that.
      if (compare(ballot, word.promised) > 0) {
        word.promised = ballot;
        word.reported.clear();
      }
      return;
    }
    // Sent late, but accepted before the promise, which told of it.
    const reported = word.reported.get(seqn);
    if (reported !== undefined && compare(reported, ballot) >= 0) return;
    const [low, high] = [name(ballot), name(word.promised)];
    fail(
      "a promise is kept",
      `${from.id} accepted ${low} in slot ${seqn} after promising ${high}`,
    );
  }

  #proposes(from: Sender, { seqn, ballot, value }: Accept): void {
    this.#isOwn(from, ballot);
    if (from.applied >= 0 && seqn > from.applied + from.window) {
      fail(
        "the window",
        `${from.id} proposes slot ${seqn}, having applied ${from.applied}`,
      );
    }
    const key = this.#nameOf(ballot);
    let values = this.#proposed.get(key);
    if (values === undefined) this.#proposed.set(key, values = new Map());
    const hash = hashBytes(value);
    const known = values.get(seqn);
    if (known === undefined) values.set(seqn, hash);
    else if (known !== hash) {
      fail("one ballot, one value", `${key} has two values in slot ${seqn}`);
    }
  }

  #decides(from: Sender, slot: { seqn: Seqn; value: Uint8Array }): void {
    const hash = hashBytes(slot.value);
    const known = this.#decided.get(slot.seqn);
    if (known === undefined) this.#decided.set(slot.seqn, hash);
    else if (known !== hash) {
      fail("one decision", `${from.id} tells another value of ${slot.seqn}`);
    }
  }

  #isOwn(from: Sender, ballot: Ballot): void {
    if (ballot.node === from.id) return;
    fail("own ballots", `${from.id} uses ballot ${name(ballot)}`);
  }

  #wordOf(id: NodeId): Word {
    let word = this.#words.get(id);
    if (word === undefined) {
      const nothing = { accepted: new Map(), reported: new Map() };
      this.#words.set(id, word = { promised: NONE, ...nothing });
    }
    return word;
  }

  #nameOf(ballot: Ballot): string {
    const last = this.#lastBallot;
    if (ballot.round !== last.round || ballot.node !== last.node) {
      this.#lastBallot = ballot;
      this.#lastName = name(ballot);
    }
    return this.#lastName;
  }
}
