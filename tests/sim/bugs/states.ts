/**
 * Bugs of states: what is applied, kept for others, and taken over from them.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const MACHINE = "consensus/machine.ts";
const REPLICA = "consensus/replica.ts";
const ACCEPTOR = "consensus/acceptor.ts";

/** Bugs of states. */
export const STATE_BUGS: readonly Bug[] = [
  {
    name: "image drops acceptances",
    what: "who takes over a state forgets what it accepted above it",
    rule: "C13: installing a state drops no acceptance above it",
    patches: [{
      file: REPLICA,
      find: "    this.#acceptor.forgetUpTo(applied);\n    this.#learner.skipTo",
      replace: "    this.#acceptor.forgetUpTo(applied);\n" +
        "    this.#acceptor.dropAll();\n    this.#learner.skipTo",
    }, {
      file: ACCEPTOR,
      find: "  #checkSuccessor({ seqn, ballot, value }: AcceptedValue): void {",
      replace: "  dropAll(): void {\n    this.#accepted.clear();\n  }\n\n" +
        "  #checkSuccessor({ seqn, ballot, value }: AcceptedValue): void {",
    }],
  },
  {
    name: "image lowers the promise",
    what: "who takes over a state begins with a new acceptor",
    rule: "C13: installing a state never lowers a promise",
    patches: [{
      file: REPLICA,
      find: "    this.#acceptor.forgetUpTo(applied);\n    this.#learner.skipTo",
      replace: "    (this as any).#acceptor = new Acceptor();\n" +
        "    this.#acceptor.forgetUpTo(applied);\n    this.#learner.skipTo",
    }, {
      file: REPLICA,
      find: "  readonly #acceptor = new Acceptor();",
      replace: "  #acceptor = new Acceptor();",
    }],
  },
  {
    name: "image without sessions",
    what: "who takes over a state does not know whose commands were applied",
    rule: "C13: a state carries the sessions",
    patches: [{
      file: MACHINE,
      find: "      sessions: this.sessions.all(),",
      replace:
        "      sessions: this.sessions.all().map((s) => ({ ...s, last: 0 })),",
    }],
  },
  {
    name: "image without sets to come",
    what: "who takes over a state does not know of a change under way",
    rule: "C13: a state carries the cal sets up to S + ALPHA",
    patches: [{
      file: MACHINE,
      find: "      sets: this.members.sets,",
      replace: "      sets: this.members.sets.slice(0, 1),",
    }],
  },
  {
    name: "image without leadership",
    what: "who takes over a state does not know who leads",
    rule: "C13: a state carries the leadership record",
    patches: [{
      file: MACHINE,
      find: "    this.leadership = head.leadership;",
      replace: "",
    }],
  },
  {
    name: "image of the past",
    what: "a state is taken over though this node is further",
    rule: "C13: a node never goes back",
    missed: "who waits for a state rarely catches up by other means",
    patches: [{
      file: "consensus/progress.ts",
      find: "    if (head.applied <= machine.applied) return;",
      replace: "",
    }],
  },
  {
    name: "taught the wrong slots",
    what: "who lags is told a slot by the number of another",
    rule: "C4: a slot is decided once",
    patches: [{
      file: "consensus/decided_log.ts",
      find: "      : this.#values[this.#from + seqn - this.#first];",
      replace: "      : this.#values[seqn - 1];",
    }],
  },
  {
    name: "apply asks the settings",
    what: "what a registration's session is called depends on history kept",
    rule: "DESIGN: apply reads the log and its own state, nothing else",
    patches: [{
      file: MACHINE,
      find: "this.sessions.open(this.#applied + 1, session);",
      replace:
        "this.sessions.open(this.#applied + this.store.firstRev, session);",
    }],
  },
];
