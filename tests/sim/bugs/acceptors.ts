/**
 * Bugs of acceptors, and of those who count their votes.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const ACCEPTOR = "consensus/acceptor.ts";
const QUORUM = "consensus/quorum.ts";
const LEARNER = "consensus/learner.ts";

/** Asserts that stand in the way of some of them. */
const NO_PROMISE_ASSERT = {
  file: ACCEPTOR,
  find: "      compareBallots(ballot, this.#promised) >= 0,",
  replace: "      true,",
} as const;

/** Bugs of acceptors and of counting. */
export const ACCEPTOR_BUGS: readonly Bug[] = [
  {
    name: "strangers vote",
    what: "whoever votes is counted, cal or not",
    rule: "C2: votes count only from the slot's cals",
    patches: [{
      file: QUORUM,
      find: "  for (const cal of cals) if (voters.has(cal)) votes++;",
      replace: "  votes = voters.size;",
    }],
  },
  {
    name: "half is a quorum",
    what: "of four cals two are enough, and of two one",
    rule: "C2: any two quorums of the same cals share a cal",
    patches: [{
      file: QUORUM,
      find: "Math.floor(cals / 2) + 1;",
      replace: "Math.ceil(cals / 2);",
    }, {
      file: QUORUM,
      find: "  assert(2 * size > cals,",
      replace: "  assert(true,",
    }],
  },
  {
    name: "quorum too small",
    what: "of three cals one is enough, and of five two",
    rule: "C2: any two quorums of the same cals share a cal",
    patches: [{
      file: QUORUM,
      find: "Math.floor(cals / 2) + 1;",
      replace: "Math.max(1, Math.floor(cals / 2));",
    }, {
      file: QUORUM,
      find: "  assert(2 * size > cals,",
      replace: "  assert(true,",
    }],
  },
  {
    name: "promise goes down",
    what: "a prepare is answered whatever was promised before",
    rule: "C3: a promise never goes down",
    patches: [NO_PROMISE_ASSERT, {
      file: ACCEPTOR,
      find:
        "    if (compareBallots(ballot, this.#promised) < 0) return this.#nack(ballot);\n    // C7",
      replace: "    // C7",
    }],
  },
  {
    name: "accepts below its promise",
    what: "an accept is answered whatever was promised before",
    rule: "C3: an acceptance never gives way to a lower ballot",
    patches: [{
      file: ACCEPTOR,
      find:
        "    if (compareBallots(ballot, this.#promised) < 0) return this.#nack(ballot);\n    if (seqn",
      replace: "    if (seqn",
    }, {
      file: ACCEPTOR,
      find: "    this.#promise(ballot);\n    const accepted = {",
      replace: "    const accepted = {",
    }],
  },
  {
    name: "accepting promises nothing",
    what: "a lower ballot is accepted after a higher one",
    rule: "C3: accepting raises the promise",
    patches: [{
      file: ACCEPTOR,
      find: "    this.#promise(ballot);\n    const accepted = {",
      replace: "    const accepted = {",
    }],
  },
  {
    name: "first acceptance kept",
    what: "an acceptance of a higher ballot is answered, and not remembered",
    rule: "C3: the acceptor remembers its latest acceptance",
    patches: [{
      file: ACCEPTOR,
      find: "    this.#accepted.set(seqn, accepted);",
      replace:
        "    if (!this.#accepted.has(seqn)) this.#accepted.set(seqn, accepted);",
    }],
  },
  {
    name: "promise without the first slot",
    what: "what was accepted in the first slot asked for is not reported",
    rule: "C5: a new leader finishes what it may have missed",
    patches: [{
      file: ACCEPTOR,
      find: "this.acceptedAbove(from - 1);",
      replace: "this.acceptedAbove(from);",
    }],
  },
  {
    name: "answers for forgotten slots",
    what: "a candidate that lacks slots is promised them as if empty",
    rule: "C7: what an acceptor forgot it never answers for",
    patches: [{
      file: ACCEPTOR,
      find: "    if (from <= this.#forgotten) {",
      replace: "    if (from < 0) {",
    }],
  },
  {
    name: "votes of other ballots",
    what: "a late vote for the leader's earlier ballot is counted",
    rule: "C2: a vote is for a ballot",
    missed: "a leader must win twice, and a vote for the first time come late",
    patches: [{
      file: LEARNER,
      find:
        "    if (compareBallots(slot.ballot, vote.ballot) !== 0) return;\n    slot",
      replace: "    slot",
    }],
  },
  {
    name: "word for another ballot's value",
    what: "a leader's word decides values accepted from other leaders",
    rule: "C4: a slot is decided once",
    patches: [{
      file: LEARNER,
      find: "      if (other) return;",
      replace: "",
    }],
  },
  {
    name: "anybody's word",
    what: "who follows a leader is believed as if it were the leader",
    rule: "DESIGN: all others learn decisions of their ballot's proposer",
    patches: [{
      file: "consensus/replica.ts",
      find: "        // The word itself may have been lost.\n" +
        "        if (!isOwnBallot(from, message.ballot)) return;\n",
      replace: "",
    }],
  },
  {
    name: "hole in the log",
    what: "the next decided slot is handed out, though one before is open",
    rule: "C13: slots are applied in order",
    patches: [{
      file: LEARNER,
      find: "    const seqn = this.#nextOut;",
      replace: "    const seqn = this.#decided.has(this.#nextOut)\n" +
        "      ? this.#nextOut\n      : [...this.#decided.keys()].sort((a, b) => a - b)[0];\n" +
        "    if (seqn === undefined) return undefined;\n    this.#nextOut = seqn;",
    }],
  },
];
