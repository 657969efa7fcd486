/**
 * Adoption: in a slot that others have begun, a new leader proposes what was
 * reported to it at the highest ballot, and nothing of its own.
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
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { compare, name, NONE } from "./ballots.ts";

/** A value as it was accepted. */
interface Report {
  readonly ballot: Ballot;
  readonly hash: number;
}

/** What one node knows as a candidate. */
interface Candidate {
  ballot: Ballot;
  /** With which it may have accepted values that nobody saw. */
  before: Ballot;
  /** The first slot that it has not proposed in. */
  next: Seqn;
  /** By slot, of the highest ballot. */
  readonly reported: Map<Seqn, Report>;
  /** The highest ballot that it was asked to accept, by slot. */
  readonly asked: Map<Seqn, Ballot>;
}

/** Holds what is proposed against what was reported. */
export class Adoption {
  readonly #candidates: Map<NodeId, Candidate> = new Map();

  /** A node sends a message. */
  sent(from: NodeId, message: PeerMessage): void {
    if (message.type === "prepare") this.#campaigns(from, message.ballot);
    else if (message.type === "accept") this.#proposes(from, message);
  }

  /** A message arrives at a node. */
  arrived(to: NodeId, message: PeerMessage): void {
    if (message.type === "promise") this.#reports(to, message);
    else if (message.type === "accept") {
      const { asked } = this.#of(to);
      const { seqn, ballot } = message;
      if (compare(asked.get(seqn) ?? NONE, ballot) < 0) asked.set(seqn, ballot);
    }
  }

  #campaigns(id: NodeId, ballot: Ballot): void {
    const candidate = this.#of(id);
    if (compare(ballot, candidate.ballot) <= 0) return;
    candidate.before = candidate.ballot;
    candidate.ballot = ballot;
    candidate.next = 0;
    candidate.reported.clear();
  }

  #reports(id: NodeId, { ballot, accepted }: Promised): void {
    const { ballot: own, reported } = this.#of(id);
    if (compare(ballot, own) !== 0) return;
    for (const { seqn, ballot, value } of accepted) {
      const known = reported.get(seqn);
      if (known !== undefined && compare(known.ballot, ballot) >= 0) continue;
      reported.set(seqn, { ballot, hash: hashBytes(value) });
    }
  }

  #proposes(id: NodeId, { ballot, seqn, value }: Accept): void {
    const candidate = this.#of(id);
    const { reported, asked, before } = candidate;
    if (compare(ballot, candidate.ballot) !== 0) return;
    if (seqn < candidate.next) return; // Sent before, or to another.
    candidate.next = seqn + 1;
    const report = reported.get(seqn);
    if (report === undefined || report.hash === hashBytes(value)) return;
    // Its own acceptor may have told it of a higher ballot.
    const own = asked.get(seqn) ?? NONE;
    if (compare(before, report.ballot) > 0) return;
    if (compare(own, report.ballot) > 0) return;
    const what = `slot ${seqn}, where ${name(report.ballot)} was reported`;
    fail("adoption", `${name(ballot)} has another value in ${what}`);
  }

  #of(id: NodeId): Candidate {
    let candidate = this.#candidates.get(id);
    if (candidate === undefined) {
      const maps = { reported: new Map(), asked: new Map() };
      candidate = { ballot: NONE, before: NONE, next: 0, ...maps };
      this.#candidates.set(id, candidate);
    }
    return candidate;
  }
}
