/**
 * What nodes say to each other: the messages of Paxos.
 *
 * The words are those of "Paxos Made Simple" (L. Lamport, 2001): phase 1 is
 * prepare and promise, phase 2 accept and accepted. Their bytes come with the
 * links between nodes.
 *
 * @module
 */

/** The id of a node: 16 characters of A-Z and 2-7. */
export type NodeId = string;

/** A position in the consensus log, from 1. Not a rev: a slot is a batch. */
export type Seqn = number;

/** A proposal's number: rounds first, then node ids. */
export interface Ballot {
  readonly round: number;
  readonly node: NodeId;
}

/** What an acceptor has accepted in a slot. */
export interface AcceptedValue {
  readonly seqn: Seqn;
  readonly ballot: Ballot;
  readonly value: Uint8Array;
}

/** Phase 1a: asks for a promise in all slots from `from` on. */
export interface Prepare {
  readonly type: "prepare";
  readonly ballot: Ballot;
  readonly from: Seqn;
}

/** Phase 1b: the promise, and what was accepted from `from` on. */
export interface Promised {
  readonly type: "promise";
  readonly ballot: Ballot;
  readonly accepted: readonly AcceptedValue[];
}

/** Phase 2a: asks for acceptance of a value in a slot. */
export interface Accept {
  readonly type: "accept";
  readonly seqn: Seqn;
  readonly ballot: Ballot;
  readonly value: Uint8Array;
}

/** Phase 2b: the acceptance. */
export interface Accepted {
  readonly type: "accepted";
  readonly seqn: Seqn;
  readonly ballot: Ballot;
}

/** A refusal, naming the higher ballot that was promised. */
export interface Nack {
  readonly type: "nack";
  readonly ballot: Ballot;
  readonly promised: Ballot;
}

/** Any message of one node to another. */
export type PeerMessage = Prepare | Promised | Accept | Accepted | Nack;
