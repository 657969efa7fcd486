/**
 * Bugs of leaders, and of becoming one.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const PROPOSER = "consensus/proposer.ts";
const REPLICA = "consensus/replica.ts";
const ELECTION = "consensus/election.ts";

/** Bugs of leaders. */
export const LEADER_BUGS: readonly Bug[] = [
  {
    name: "first reported value",
    what: "the first value reported is adopted, not that of the highest ballot",
    rule: "C5: the accepted value of the highest ballot is adopted",
    patches: [{
      file: PROPOSER,
      find:
        "    if (known === undefined || compareBallots(known.ballot, value.ballot) < 0) {",
      replace: "    if (known === undefined) {",
    }],
  },
  {
    name: "new before owed",
    what: "a new leader begins with values of its own",
    rule: "C5: it finishes what it was told of first",
    patches: [{
      file: PROPOSER,
      find: "    return this.#nextSeqn <= this.#lastReported;",
      replace: "    return false;",
    }],
  },
  {
    name: "gap left open",
    what: "a new leader begins after the slots that it knows to be accepted",
    rule: "C5: gaps become no-ops",
    patches: [{
      file: PROPOSER,
      find: "    const reported = this.#reported.get(this.#nextSeqn);",
      replace:
        "    while (!this.#reported.has(this.#nextSeqn)) this.#nextSeqn++;\n" +
        "    const reported = this.#reported.get(this.#nextSeqn);",
    }],
  },
  {
    name: "late reports ignored",
    what: "what is reported with a promise after the election is dropped",
    rule: "C5: promises are counted as long as it leads",
    patches: [{
      file: PROPOSER,
      find: "    for (const value of promise.accepted) this.#report(value);",
      replace:
        "    if (!this.#leading) promise.accepted.forEach((v) => this.#report(v));",
    }],
  },
  {
    name: "promises of other ballots",
    what: "a late promise for an earlier ballot is counted",
    rule: "C5: a promise is for a ballot",
    missed: "it must campaign twice, and a promise to the first come late",
    patches: [{
      file: PROPOSER,
      find:
        "    if (compareBallots(promise.ballot, this.#ballot) !== 0) return;",
      replace: "",
    }],
  },
  {
    name: "part of a promise",
    what: "the first part of a long promise is taken for all of it",
    rule: "C5: a promise is whole",
    patches: [{
      file: PROPOSER,
      find: "    return parts.slots.size >= parts.total;",
      replace: "    return true;",
    }],
  },
  {
    name: "ballot used again",
    what: "who lost an election tries again with the same ballot",
    rule: "C3: a ballot is not used twice",
    patches: [{
      file: PROPOSER,
      find: "    this.#ballot = ballotAbove(this.#seen, this.#id);",
      replace:
        "    const again = this.#ballot.round > 0 && this.#ballot === this.#seen;\n" +
        "    this.#ballot = again ? this.#ballot : ballotAbove(this.#seen, this.#id);",
    }],
  },
  {
    name: "overtaken leader goes on",
    what: "a leader that hears of slots it does not know goes on leading",
    rule: "C16: a leader that was overtaken leads no more",
    missed: "nacks and signs of life of the next leader stop it as well",
    patches: [{
      file: REPLICA,
      find: "    if (runs && decided > this.applied) this.abdicate();",
      replace: "",
    }],
  },
  {
    name: "leads in spite of all",
    what: "a leader ignores nacks, and higher ballots of others",
    rule: "C16: a leader that was overtaken leads no more",
    patches: [{
      file: PROPOSER,
      find:
        "    if (isCal && compareBallots(promised, this.#ballot) > 0) this.abandon();",
      replace: "",
    }, {
      file: ELECTION,
      find:
        "      replica.abdicate();\n    }\n    if (replica.leading) return;",
      replace: "    }\n    if (replica.leading) return;",
    }],
  },
  {
    name: "campaigns too far ahead",
    what: "promises are asked for from the slot after the next one on",
    rule: "C5: a new leader finishes what it may have missed",
    patches: [{
      file: REPLICA,
      find: "this.#proposer.campaign(this.#learner.next, promised);",
      replace: "this.#proposer.campaign(this.#learner.next + 1, promised);",
    }],
  },
  {
    name: "deaf leader leads on",
    what: "a leader that nobody answers goes on showing signs of life",
    rule: "DESIGN: a leader without answers from a quorum steps down",
    patches: [{
      file: ELECTION,
      find: "    if (this.now - this.views.ledSince < DEAF_TICKS) return;",
      replace: "    if (this.now >= 0) return;",
    }],
  },
  {
    name: "pre-vote for anybody",
    what: "a pre-vote is granted though a leader is heard",
    rule: "DESIGN: pre-vote, so that a returning node disturbs nobody",
    patches: [{
      file: ELECTION,
      find: "    const granted = !this.#hearsLeader() && !knowsMore &&",
      replace: "    const granted = !knowsMore &&",
    }],
  },
  {
    name: "no pre-vote",
    what: "who misses its leader campaigns without asking",
    rule: "DESIGN: pre-vote, so that a returning node disturbs nobody",
    patches: [{
      file: ELECTION,
      find:
        "    if (!sets.every(({ cals }) => isQuorum(this.#granted, cals))) return;",
      replace: "",
    }],
  },
];
