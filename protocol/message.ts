/**
 * What nodes say to each other.
 *
 * The words of agreement are those of "Paxos Made Simple" (L. Lamport, 2001):
 * phase 1 is prepare and promise, phase 2 accept and accepted. Around them:
 * who leads and lives (alive, heard), pre-votes, catching up (learn, fetch),
 * and what is passed on to the leader (forward, ask, attach, leave).
 *
 * A message may be lost, late, doubled or out of order; each says enough by
 * itself to be judged. Their bytes are in peer_codec.ts.
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

/**
 * What a node tells of its own memory, so that peers know a memory that is
 * older than one that they have heard of.
 */
export interface Claim {
  /** How often the node has been started with this memory, from 1. */
  readonly incarnation: number;
  /** Drawn at each start: two that claim one incarnation are two. 32 bits. */
  readonly start: number;
  /** Its position: how many promises and acceptances it has made durable. */
  readonly position: number;
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

/**
 * Phase 1b: the promise, and what was accepted from the prepare's `from` on.
 * All of that can be too much for one message: each part holds some values,
 * and says how many there are in all.
 */
export interface Promised {
  readonly type: "promise";
  readonly ballot: Ballot;
  /** Of the question: parts of answers to others do not add up. */
  readonly from: Seqn;
  readonly accepted: readonly AcceptedValue[];
  /** How many values all parts hold together. */
  readonly total: number;
  /** Of its record in the sender's log; see {@linkcode Claim}. */
  readonly position: number;
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
  /** Of its record in the sender's log; see {@linkcode Claim}. */
  readonly position: number;
}

/** A refusal, naming the higher ballot that was promised. */
export interface Nack {
  readonly type: "nack";
  readonly ballot: Ballot;
  readonly promised: Ballot;
}

/** To a candidate that lacks slots which are decided: it must learn first. */
export interface Behind {
  readonly type: "behind";
  readonly ballot: Ballot;
  /** Up to here the sender has applied, and forgotten. */
  readonly applied: Seqn;
}

/** Asks whether others would promise this ballot; binds nobody. */
export interface PreVote {
  readonly type: "prevote";
  readonly ballot: Ballot;
  /** Up to here the asker has applied. */
  readonly applied: Seqn;
}

/** The answer to a pre-vote. */
export interface PreVoted {
  readonly type: "prevoted";
  readonly ballot: Ballot;
  readonly granted: boolean;
  /** Up to here the sender has applied. */
  readonly applied: Seqn;
  /** The highest ballot that the sender has promised. */
  readonly promised: Ballot;
}

/**
 * A sign of life, to every peer. It is the leader's where the ballot is the
 * sender's own; the others name the leader that they hear, if any.
 */
export interface Alive {
  readonly type: "alive";
  /** Of the leader that the sender is or hears; round 0 where there is none. */
  readonly ballot: Ballot;
  /** All slots up to here are decided, as the sender knows. */
  readonly decided: Seqn;
  /** The leader's read round, which it wants answered; else 0. */
  readonly round: number;
  /** Of the sender's memory. */
  readonly claim: Claim;
  /** Its position when the sender was started. */
  readonly began: number;
  /** Whether its disk is full: a leader of that kind refuses writes. */
  readonly full: boolean;
}

/** What the sender remembers of the receiver, which seems to know less. */
export interface Outdated {
  readonly type: "outdated";
  readonly claim: Claim;
}

/** The answer to the leader's sign of life. */
export interface Heard {
  readonly type: "heard";
  readonly ballot: Ballot;
  readonly round: number;
  /** Up to here the sender has applied. */
  readonly applied: Seqn;
  /** Up to here it would find the slots applied, were it started again. */
  readonly durable: Seqn;
  /** The hash of its state where it has applied. */
  readonly hash: number;
  /** Whether its disk is full. */
  readonly full: boolean;
}

/** From a leader: what it proposed with this ballot up to there is decided. */
export interface Decided {
  readonly type: "decided";
  readonly ballot: Ballot;
  readonly upTo: Seqn;
}

/** From a majority's leader: your state is not ours. The receiver stops. */
export interface Contradicted {
  readonly type: "contradicted";
  readonly ballot: Ballot;
  readonly seqn: Seqn;
  /** The state's hash, as a quorum of cals has it. */
  readonly hash: number;
}

/** Asks for decided slots. */
export interface Learn {
  readonly type: "learn";
  readonly from: Seqn;
}

/** Decided slots, as many as go into one message; none where they are lost. */
export interface Learned {
  readonly type: "learned";
  readonly from: Seqn;
  readonly values: readonly Uint8Array[];
  /** The first slot that the sender can still tell of. */
  readonly first: Seqn;
  /** All slots up to here are decided, as the sender knows. */
  readonly decided: Seqn;
}

/** Asks for a piece of an image of the state; image 0 asks for a new one. */
export interface Fetch {
  readonly type: "fetch";
  readonly image: number;
  readonly index: number;
}

/** A piece of an image. Without bytes: the image is no longer there. */
export interface Piece {
  readonly type: "piece";
  readonly image: number;
  readonly index: number;
  readonly last: boolean;
  readonly bytes: Uint8Array;
}

/** Commands to be proposed: to the leader, or to a peer that may reach it. */
export interface Forward {
  readonly type: "forward";
  /** How often it may still be passed on. */
  readonly hops: number;
  /** Whether the batch, which then is one command, wants to change seats. */
  readonly seats: boolean;
  readonly batch: Uint8Array;
}

/** Asks the leader up to which slot a linearizable read must have applied. */
export interface Ask {
  readonly type: "ask";
  readonly hops: number;
  readonly asker: NodeId;
  /** The asker's number for its question. */
  readonly question: number;
}

/** The answer to {@linkcode Ask}. */
export interface Told {
  readonly type: "told";
  readonly hops: number;
  readonly asker: NodeId;
  readonly question: number;
  readonly index: Seqn;
}

/** Asks the leader to register a node. */
export interface Attach {
  readonly type: "attach";
  readonly hops: number;
  readonly node: NodeId;
  readonly addr: string;
  readonly hostname: string;
  readonly version: string;
  /** How often it has been started with its memory, from 1. */
  readonly incarnation: number;
  /** Drawn at that start; 0 where it keeps nothing. */
  readonly start: number;
  /** The id that it had before, and gave up for this one; or "". */
  readonly replaces: NodeId | "";
}

/** Asks the leader to clear the seat and the entries of a node that goes. */
export interface Leave {
  readonly type: "leave";
  readonly hops: number;
  readonly node: NodeId;
}

/** The leader's answer to {@linkcode Leave}: nobody needs the node any more. */
export interface Farewell {
  readonly type: "farewell";
  readonly hops: number;
  readonly node: NodeId;
}

/** From a leader that goes: the receiver shall campaign at once. */
export interface HandOver {
  readonly type: "handover";
  readonly ballot: Ballot;
}

/** Any message of one node to another. */
export type PeerMessage =
  | Prepare
  | Promised
  | Accept
  | Accepted
  | Nack
  | Behind
  | PreVote
  | PreVoted
  | Alive
  | Outdated
  | Heard
  | Decided
  | Contradicted
  | Learn
  | Learned
  | Fetch
  | Piece
  | Forward
  | Ask
  | Told
  | Attach
  | Leave
  | Farewell
  | HandOver;
