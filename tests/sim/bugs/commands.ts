/**
 * Bugs of commands on their way: sessions, numbers, forwarding, outcomes.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const HAND_OUT = "consensus/hand_out.ts";
const OWN = "consensus/own_commands.ts";
const SESSION = "store/session.ts";

/** Bugs of commands. */
export const COMMAND_BUGS: readonly Bug[] = [
  {
    name: "repeat applied",
    what: "a command that comes again is applied again",
    rule: "C15: a command takes effect once",
    patches: [{
      file: SESSION,
      find: '    if (number <= session.last) return "repeat";',
      replace: '    if (number <= session.last) return "apply";',
    }, {
      file: SESSION,
      find: "    assert(number > session.last,",
      replace: "    assert(true,",
    }],
  },
  {
    name: "gap applied",
    what: "a command is applied before the one before it",
    rule: "C15: number n applies only after n - 1",
    patches: [{
      file: SESSION,
      find: 'number === session.last + 1 ? "apply" : "gap"',
      replace: 'number > session.last ? "apply" : "gap"',
    }],
  },
  {
    name: "not done, though handed out",
    what: "a write that takes too long is UNAVAILABLE, wherever it went",
    rule: "DESIGN: a write that was handed on is UNKNOWN, never failed",
    patches: [{
      file: OWN,
      find: "        batch.givenUp = true;\n" +
        "        this.#replies.settleUpTo(batch.last, UNKNOWN);",
      replace: "        batch.givenUp = true;\n" +
        "        this.#replies.settleUpTo(batch.last, NO_LEADER);",
    }],
  },
  {
    name: "dropped and sent",
    what: "a write is told that nothing was done, and sent later",
    rule: "DESIGN: a write that was never handed on is dropped for good",
    patches: [{
      file: OWN,
      find: "      } else at = this.#drop(at);",
      replace: "      } else {\n        batch.givenUp = true;\n" +
        "        this.#replies.settleUpTo(batch.last, NO_LEADER);\n      }",
    }],
  },
  {
    name: "dropped and not ordered",
    what: "the numbers of dropped writes are passed over without a word",
    rule: "C15: refused numbers are ordered empty",
    patches: [{
      file: OWN,
      find: "      } else at = this.#drop(at);",
      replace: "      } else {\n" +
        "        this.#replies.settleUpTo(batch.last, NO_LEADER);\n" +
        "        this.#batches.splice(at--, 1);\n      }",
    }],
  },
  {
    name: "numbers used again",
    what: "the numbers of writes that took too long go to later ones",
    rule: "C15: numbers are never used again",
    patches: [{
      file: OWN,
      find: "        batch.givenUp = true;\n" +
        "        this.#replies.settleUpTo(batch.last, UNKNOWN);",
      replace: "        this.#replies.settleUpTo(batch.last, UNKNOWN);\n" +
        "        if (batch.last === this.#lastNumber) {\n" +
        "          this.#batches.splice(at--, 1);\n" +
        "          this.#handed = Math.min(this.#handed, this.#batches.length);\n" +
        "          this.#lastNumber = batch.first - 1;\n" +
        "          this.#firstOpen = batch.first;\n" +
        "          this.#replies.rewind(batch.first);\n" +
        "        } else batch.givenUp = true;",
    }, {
      file: "consensus/replies.ts",
      find: "  #take(): Reply | undefined {",
      replace:
        "  rewind(first: number): void {\n    this.#first = first;\n  }\n\n" +
        "  #take(): Reply | undefined {",
    }],
  },
  {
    name: "lost session means not done",
    what: "writes under way when a session ends are UNAVAILABLE",
    rule: "DESIGN: after unknown, commands in flight are UNKNOWN",
    missed: "its last writes must come with a state that lacks its session",
    patches: [{
      file: OWN,
      find: "      const refusal = batch.handedOut ? UNKNOWN : NO_SESSION;",
      replace: "      const refusal = NO_SESSION;",
    }],
  },
  {
    name: "passed over means not done",
    what: "writes that a taken over state holds are UNAVAILABLE",
    rule: "DESIGN: a write that was handed on is UNKNOWN, never failed",
    patches: [{
      file: OWN,
      find: "    this.#replies.settleUpTo(number, UNKNOWN);",
      replace: "    this.#replies.settleUpTo(number, NO_LEADER);",
    }],
  },
  {
    name: "lost commands stay lost",
    what: "what was handed out once is never handed out again",
    rule: "DESIGN: timed-out commands are resent until resolved",
    patches: [{
      file: HAND_OUT,
      find: "      own.startAgain();\n      reads.askAgain();",
      replace: "      reads.askAgain();",
    }, {
      file: HAND_OUT,
      find: "    this.#led = now;\n    this.#parts.own.startAgain();",
      replace: "    this.#led = now;",
    }, {
      file: "consensus/progress.ts",
      find: '        if (applied === "gap") own.foundGap();\n        else if',
      replace: "        if",
    }, {
      file: OWN,
      find: "      this.#progressAt = now;\n      this.startAgain();",
      replace: "      this.#progressAt = now;",
    }],
  },
  {
    name: "answered by the leader's word",
    what: "a write is answered when its leader has it, with the next rev",
    rule: "DESIGN: a client is answered when its node has applied",
    patches: [{
      file: HAND_OUT,
      find: "      this.#parts.post(way, { ...forward, batch: bytes });",
      replace: "      this.#parts.post(way, { ...forward, batch: bytes });\n" +
        "      const { rev } = this.#parts.machine.store;\n" +
        "      own.skipped(batch.last, rev + 1);",
    }],
  },
];
