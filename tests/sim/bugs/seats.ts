/**
 * Bugs of seats: who votes, from when on, and who may change it.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const MEMBERS = "consensus/members.ts";
const MACHINE = "consensus/machine.ts";
const UPKEEP = "consensus/upkeep.ts";
const REPLICA = "consensus/replica.ts";

/** Bugs of seats. */
export const SEAT_BUGS: readonly Bug[] = [
  {
    name: "seats take effect at once",
    what: "a change of seats is in force from the next slot on",
    rule: "C11: the cals of slot n follow from the slots up to n - ALPHA",
    patches: [{
      file: MEMBERS,
      find: "      this.#sets.push({ from: seqn + ALPHA, cals });",
      replace: "      this.#sets.push({ from: seqn + 1, cals });",
    }],
  },
  {
    name: "no window",
    what: "slots are proposed four windows ahead",
    rule: "C11: no proposal beyond applied + ALPHA",
    patches: [{
      file: REPLICA,
      find:
        "    if (!leading || nextSeqn > this.applied + ALPHA) return false;",
      replace:
        "    if (!leading || nextSeqn > this.applied + 4 * ALPHA) return false;",
    }, {
      file: MEMBERS,
      find: "      seqn > this.#applied && seqn <= this.known,",
      replace: "      seqn > this.#applied,",
    }],
  },
  {
    name: "cals of the slot in force",
    what: "the cals in force count for all slots that are open",
    rule: "C11: each slot has its own cals",
    patches: [{
      file: MEMBERS,
      find:
        "    for (const set of this.#sets) if (set.from <= seqn) cals = set.cals;",
      replace: "",
    }],
  },
  {
    name: "cals of one slot later",
    what: "a change of seats begins one slot late for who looks ahead",
    rule: "C11: each slot has its own cals",
    patches: [{
      file: MEMBERS,
      find: "if (set.from <= seqn) cals = set.cals;",
      replace: "if (set.from < seqn) cals = set.cals;",
    }],
  },
  {
    name: "no promises of new cals",
    what: "slots are proposed to cals that have promised nothing",
    rule: "C5: each slot needs promises from a quorum of its own cals",
    patches: [{
      file: REPLICA,
      find: "    return this.#proposer.covers(this.#members.calsOf(nextSeqn));",
      replace: "    return true;",
    }],
  },
  {
    name: "two changes in one window",
    what: "seats are changed while an earlier change is not in force",
    rule: "DESIGN: no change of seats while an earlier one is not in force",
    patches: [{
      file: MEMBERS,
      find: '    if (this.pending) {\n      return "An earlier',
      replace: '    if (this.#applied < 0) {\n      return "An earlier',
    }, {
      file: UPKEEP,
      find:
        'if (!this.serving || this.#inFlight.has("seats") || members.pending) {',
      replace: "if (!this.serving) {",
    }],
  },
  {
    name: "stale clear",
    what: "a clear of a leader of old is carried out",
    rule: "C14: clears are void after a later leadership record",
    patches: [{
      file: MACHINE,
      find: "  #clear({ ballot, node, time }: ClearCommand): Applied {\n" +
        "    if (this.#isStale(ballot)) return STALE;",
      replace: "  #clear({ ballot, node, time }: ClearCommand): Applied {",
    }],
  },
  {
    name: "stale seat",
    what: "a seating of a leader of old is carried out",
    rule: "C14: seatings are void after a later leadership record",
    patches: [{
      file: MACHINE,
      find: "  #seat({ ballot, time, mutations }: SeatCommand): Applied {\n" +
        "    if (this.#isStale(ballot)) return STALE;",
      replace: "  #seat({ ballot, time, mutations }: SeatCommand): Applied {",
    }],
  },
  {
    name: "seats changed by too few",
    what: "seats are changed though too few are live to have it take effect",
    rule: "C12: who is live holds a quorum of every set that matters",
    patches: [{
      file: UPKEEP,
      find: "    return isQuorum(live, resulting) &&",
      replace: "    return resulting.length > 0 ||",
    }],
  },
  {
    name: "chores before its record",
    what: "a leader clears and seats before its leadership record is applied",
    rule: "DESIGN: only after the leadership record it changes seats",
    patches: [{
      file: UPKEEP,
      find: "    return replica.leading && leadership.round === round &&\n" +
        "      leadership.node === node;",
      replace:
        "    void [leadership, round, node];\n    return replica.leading;",
    }],
  },
  {
    name: "two seats for one",
    what: "a node that has a seat may be given another",
    rule: "C12: no node has two seats",
    patches: [{
      file: MEMBERS,
      find: "      if (other !== undefined && other !== path) {",
      replace: "      if (other === path) {",
    }],
  },
  {
    name: "a seat for a stranger",
    what: "a seat may be given to whoever is named",
    rule: "C12: only who is registered has a seat",
    patches: [{
      file: MEMBERS,
      find: "      if (!isRegistered(id)) {",
      replace: '      if (id === "") {',
    }],
  },
  {
    name: "no cal left",
    what: "the last seat may be emptied",
    rule: "C12: there is always a cal",
    missed:
      "one seat is rarely left, since the leader fills those that are free",
    patches: [{
      file: MEMBERS,
      find: '    return this.#calsWith(path, id ?? "").length === 0',
      replace: "    return this.#applied < 0",
    }],
  },
  {
    name: "removed leader leads on",
    what: "a leader that has lost its seat goes on leading",
    rule: "DESIGN: a removed leader steps down",
    patches: [{
      file: UPKEEP,
      find: "    if (members.current.includes(id)) return false;",
      replace: "    if (members.current.length > 0) return false;",
    }],
  },
  {
    name: "cleared and still a member",
    what: "who is cleared keeps its session, so it cannot come back",
    rule: "DESIGN: a node that was cleared becomes an observer again",
    patches: [{
      file: MACHINE,
      find:
        "    if (registration !== undefined) this.sessions.end(registration.id);",
      replace: "",
    }],
  },
];
