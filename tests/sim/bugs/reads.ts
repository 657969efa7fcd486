/**
 * Bugs of linearizable reads.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const READS = "consensus/reads.ts";

/** Bugs of reads. */
export const READ_BUGS: readonly Bug[] = [
  {
    name: "reads before its record",
    what: "a new leader answers reads before its record is applied",
    rule: "DESIGN: only after the leadership record it serves reads",
    patches: [{
      file: "consensus/node_parts.ts",
      find: "    const serving = () => upkeep.serving;",
      replace: "    const serving = () => replica.leading;",
    }],
  },
  {
    name: "reads without a round",
    what: "a leader answers reads without asking whether it still leads",
    rule: "DESIGN: a read needs a quorum still at the leader's ballot",
    patches: [{
      file: READS,
      find:
        "    if (isQuorum(round.voters, round.cals)) return this.#close(round);\n    this.#rounds.push",
      replace: "    return this.#close(round);\n    this.#rounds.push",
    }],
  },
  {
    name: "read round used again",
    what: "a read joins a round that began before it came",
    rule: "DESIGN: a read's round starts after the read arrived",
    patches: [{
      file: READS,
      find: "    const { applied } = replica;\n    const round: Round = {",
      replace: "    const { applied } = replica;\n" +
        "    const open = this.#rounds.at(-1) as any;\n" +
        "    if (open !== undefined) {\n" +
        "      open.replies = [...open.replies, ...this.#fresh];\n" +
        "      open.asks = [...open.asks, ...this.#asks];\n" +
        "      open.index = applied;\n" +
        "      this.#fresh = [];\n      this.#asks = [];\n      return;\n    }\n" +
        "    const round: Round = {",
    }],
  },
  {
    name: "reads by the cals to come",
    what: "the cals of the newest seats confirm a read, not those of slot d",
    rule: "DESIGN: a read needs a quorum of the cals of slot d",
    patches: [{
      file: READS,
      find: "      cals: members.calsOf(applied + 1),",
      replace: "      cals: members.calsOf(members.known),",
    }],
  },
  {
    name: "heard in spite of a promise",
    what: "a leader is told that it leads by who has promised another",
    rule: "DESIGN: a read needs a quorum still at the leader's ballot",
    patches: [{
      file: "consensus/election.ts",
      find:
        '      post(from, { type: "nack", ballot, promised });\n      return;',
      replace: "",
    }],
  },
  {
    name: "index not awaited",
    what: "a follower answers when it knows the index, applied or not",
    rule: "DESIGN: another node answers once it has applied the index",
    patches: [{
      file: READS,
      find: "      if (index === undefined || index > applied) return true;",
      replace: "      if (index === undefined || applied < 0) return true;",
    }],
  },
  {
    name: "index of an earlier question",
    what: "the answer to an earlier question answers later ones, too",
    rule: "DESIGN: a read's round starts after the read arrived",
    patches: [{
      file: READS,
      find: "      if (question.number === told.question)",
      replace: "      if (question.number >= told.question)",
    }],
  },
  {
    name: "rounds outlive their leader",
    what: "a leader that lost and won counts on in rounds of its first ballot",
    rule: "DESIGN: a read needs a quorum still at the leader's ballot",
    patches: [{
      file: "consensus/hand_out.ts",
      find: "      this.#parts.reads.deposed();",
      replace: "",
    }],
  },
];
