/**
 * Bugs of what clients are promised: sessions, watches, and the library that
 * fails over.
 *
 * @module
 */
import type { Bug } from "./bug.ts";

const WRITER = "protocol/client/writer.ts";
const SUBSCRIPTION = "protocol/client/subscription.ts";
const SESSIONS = "store/client_sessions.ts";
const WAITS = "store/waits.ts";
const HELD = "protocol/held_watches.ts";
const MACHINE = "consensus/machine.ts";

/** Bugs of exactly-once writes. */
const WRITES: readonly Bug[] = [
  {
    name: "client's repeat applied",
    what: "a client's command that comes again is applied again",
    rule: "C27: a client's command takes effect once",
    patches: [{
      file: SESSIONS,
      find:
        "    if (number <= last) return this.#repeat(session, { by, checksum });\n",
      replace: '    if (number <= last) return "apply";\n',
    }, {
      file: SESSIONS,
      find: "      number === lastOf(session) + 1,",
      replace: "      true,",
    }],
  },
  {
    name: "client's gap applied",
    what: "a client's command is applied before the one before it",
    rule: "C27: number n applies only after n - 1",
    missed: "a node must refuse a number and take the next in one round trip",
    patches: [{
      file: SESSIONS,
      find: "    if (number > last + 1) return gap(by, last);\n",
      replace: "",
    }, {
      file: SESSIONS,
      find: "      number === lastOf(session) + 1,",
      replace: "      true,",
    }],
  },
  {
    name: "outcome of the next command",
    what: "a repeat is told what came of the command after it",
    rule: "C27: a repeat gets its first outcome",
    patches: [{
      file: SESSIONS,
      find:
        "    const first = session.outcomes[at]!;\n    if (checksum !== undefined && checksum !== first.checksum) {",
      replace:
        "    const first = session.outcomes[at + 1] ?? session.outcomes[at]!;\n    if (first.checksum === -1) {",
    }],
  },
  {
    name: "evicted session applied",
    what: "a command whose session has ended is applied all the same",
    rule: "C27: no number of an ended session is applied",
    patches: [{
      file: MACHINE,
      find: '    return "code" in admission ? admission : admission.outcome;',
      replace:
        '    if ("code" in admission && admission.code === "SESSION") return apply();\n' +
        '    return "code" in admission ? admission : admission.outcome;',
    }],
  },
  {
    name: "image without clients' sessions",
    what: "a state that is taken over has no sessions of clients",
    rule: "C27: a state carries the sessions of clients",
    patches: [{
      file: MACHINE,
      find: "      clients: this.clients.all(),",
      replace: "      clients: { ...this.clients.all(), sessions: [] },",
    }],
  },
  {
    name: "least lately used forgotten",
    what: "a state that is taken over has the sessions in another order",
    rule: "C27: which session ends depends on the log alone",
    patches: [{
      file: SESSIONS,
      find: "    for (const session of table.sessions) this.#add(session);",
      replace:
        "    for (const session of table.sessions.toReversed()) this.#add(session);",
    }],
  },
  {
    name: "client's session lost on the way",
    what: "a node hands a client's command on as one of its own",
    rule: "C27: however often it comes, it takes effect once",
    patches: [{
      file: "consensus/node.ts",
      find:
        "    this.#parts.own.add(mutation, { reply, time: this.#options.now(), by });",
      replace:
        '    this.#parts.own.add(mutation ?? { type: "nop" }, { reply, time: this.#options.now() });',
    }],
  },
  {
    name: "not done, though it was sent",
    what: "a write whose answer was lost is UNAVAILABLE",
    rule: "a write that may have taken effect is UNKNOWN",
    patches: [{
      file: WRITER,
      find: "        command.line = undefined;\n        command.maybe = true;",
      replace: "        command.line = undefined;",
    }],
  },
  {
    name: "sent again in the next session",
    what: "a write whose answer was lost goes into the next session",
    rule: "C27: what an ended session has done is not known",
    patches: [{
      file: WRITER,
      find: "      (command.maybe ? unsure : rest).push(command);",
      replace: "      rest.push(command);",
    }],
  },
  {
    name: "given up and done",
    what: "a write that was given up before it was sent is sent still",
    rule: "what certainly never took effect is ordered to do nothing",
    patches: [{
      file: WRITER,
      find:
        "    if (!handedOut && command.number === 0) this.#remove(command);\n" +
        "    // What has not taken effect by now shall not do so later.\n" +
        "    else command.makeEmpty();\n",
      replace: "",
    }],
  },
  {
    name: "client's number used again",
    what: "the number of a write that was given up goes to another",
    rule: "a number that was handed out is never used for anything else",
    patches: [{
      file: WRITER,
      find:
        "    if (!handedOut && command.number === 0) this.#remove(command);\n" +
        "    // What has not taken effect by now shall not do so later.\n" +
        "    else command.makeEmpty();\n",
      replace:
        "    if (!handedOut || command.number === this.#lastNumber) {\n" +
        "      this.#remove(command);\n" +
        "      if (command.number > 0) this.#lastNumber--;\n" +
        "    } else command.makeEmpty();\n",
    }],
  },
];

/** Bugs of watches. */
const WATCHES: readonly Bug[] = [
  {
    name: "gap at resume",
    what: "a watch goes on one rev too late on the next line",
    rule: "watches: no event is missed",
    patches: [{
      file: SUBSCRIPTION,
      find:
        "    if (this.#next !== undefined) this.#watch(line, this.#next);\n    else this.#list();",
      replace:
        "    if (this.#next !== undefined) this.#watch(line, this.#next + (this.#resuming ? 1 : 0));\n    else this.#list();",
    }],
  },
  {
    name: "told twice at resume",
    what: "a watch goes on with what it was told last on the line before",
    rule: "watches: no event is told twice",
    patches: [{
      file: SUBSCRIPTION,
      find:
        "    if (this.#next !== undefined) this.#watch(line, this.#next);\n    else this.#list();",
      replace:
        "    if (this.#next !== undefined) this.#watch(line, this.#next - (this.#resuming ? 1 : 0));\n    else this.#list();",
    }, {
      file: SUBSCRIPTION,
      find: "    if (rev < next) {",
      replace: "    if (rev < next && !this.#hasBegun) {",
    }],
  },
  {
    name: "held event lost",
    what: "a watch that has no room for an event goes on after it",
    rule: "S10: a watch has no gap",
    patches: [{
      file: WAITS,
      find: "        one.next = event.rev;\n",
      replace: "        one.next = event.rev + 1;\n",
    }],
  },
  {
    name: "held watch goes on at the newest",
    what: "a watch that was held goes on with what comes next",
    rule: "S10: a watch has no gap",
    patches: [{
      file: WAITS,
      find: '    if (watch.place !== "held") return;\n',
      replace:
        '    if (watch.place !== "held") return;\n    watch.next = this.#versions.history.last + 1;\n',
    }],
  },
  {
    name: "state taken over behind watches",
    what: "watches miss what a state that is taken over has brought",
    rule: "S10: a watch has no gap",
    patches: [{
      file: WAITS,
      find: "      if (one.next > last) continue;\n",
      replace: "      if (one.next > last || one instanceof Watch) continue;\n",
    }],
  },
  {
    name: "mark of the newest rev",
    what: "a mark says the newest rev, where events are not told yet",
    rule: "watches: a mark says that all up to there was told",
    patches: [{
      file: HELD,
      find:
        "    if (!waits.isCurrent(watch) || !this.owner.hasRoom) return;\n" +
        "    const told = waits.toldUpTo(watch);",
      replace: "    const told = this.store.rev;",
    }],
  },
  {
    name: "mark ahead",
    what: "a mark says a rev that is not there yet",
    rule: "watches: nothing is told before it is applied",
    patches: [{
      file: HELD,
      find: "    this.owner.answers.mark(held.tag, told);",
      replace: "    this.owner.answers.mark(held.tag, told + 1);",
    }],
  },
  {
    name: "credit counted twice",
    what: "a server sends twice what the client has allowed",
    rule: "watches: the window bounds what is sent ahead",
    patches: [{
      file: HELD,
      find: "    held.credit = credit;",
      replace: "    held.credit = credit + bytes;",
    }],
  },
  {
    name: "too late, though it is kept",
    what: "a watch that is held is too late at the next look",
    rule: "watches: TOO_LATE only where history is gone",
    patches: [{
      file: WAITS,
      find:
        '    if (watch.place !== "held" || !this.#isLate(watch)) return false;',
      replace: '    if (watch.place !== "held") return false;',
    }],
  },
  {
    name: "events of other wishes",
    what: "what one watch wants to be told is told to others, too",
    rule: "watches: prev_value is there where it is wanted",
    patches: [{
      file: "protocol/event_bytes.ts",
      find: "    const spelling = this.#spellings[fields] ??= newSpelling();",
      replace: "    const spelling = this.#spellings[0] ??= newSpelling();",
    }],
  },
  {
    name: "snapshot of many revs",
    what: "the pieces of a snapshot are of different revs",
    rule: "watches: a snapshot is the state at its rev",
    patches: [{
      file: SUBSCRIPTION,
      find: "    const way = rev === undefined ? { minRev: floor } : { rev };",
      replace: "    const way = { minRev: floor };",
    }, {
      file: SUBSCRIPTION,
      find:
        "    const isOther = listing.rev !== undefined && listing.rev !== rev;",
      replace: "    const isOther = false;",
    }],
  },
  {
    name: "snapshot of the past",
    what: "a snapshot may be older than what the watch was told",
    rule: "watches: nobody sees an older state again",
    patches: [{
      file: SUBSCRIPTION,
      find:
        "    const floor = Math.max(this.#options.seen(), this.#lostFrom ?? 0);",
      replace: "    const floor = 0;",
    }],
  },
  {
    name: "back at the next server",
    what: "a read may be of an older state than what was seen before",
    rule: "reads of a client never go back",
    patches: [{
      file: "protocol/client/core.ts",
      find: "    return { ...ask, minRev: Math.max(this.#seen, minRev) };",
      replace: "    return ask;",
    }],
  },
];

/** Bugs of failing over. */
const LINES: readonly Bug[] = [
  {
    name: "silence is borne",
    what: "a client stays with a server that says nothing any more",
    rule: "a server that is silent for too long is left",
    patches: [{
      file: "protocol/client/connector.ts",
      find:
        "    if (now >= line.quietSince + this.#patience(line)) this.#ping(line);\n",
      replace: "",
    }],
  },
];

/** Bugs of what clients are promised. */
export const CLIENT_BUGS: readonly Bug[] = [...WRITES, ...WATCHES, ...LINES];
