/**
 * The sessions of clients: what became of each of their commands.
 *
 * A client that lost an answer sends its command again, perhaps to another
 * node. It must take effect once, and the client must learn what became of it
 * the first time. So the outcomes are kept, until the client has acknowledged
 * them. The table is part of the replicated state: what it says, and which
 * session ends where there are too many, depends on the log alone.
 *
 * @module
 */
import { assert } from "./error.ts";
import {
  type ClientSession,
  type ClientTable,
  costOf,
  costOfOutcome,
  type FirstOutcome,
  outcomeHash,
  sessionHash,
  textBytes,
  wrongTable,
} from "./client_table.ts";
import { mixNumber } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import type { Outcome, Refusal } from "./mutation.ts";

/** Which of a session's commands one is. */
export interface SessionNumber {
  /** The session's id. */
  readonly session: number;
  /** From 1, without a gap. */
  readonly number: number;
  /** The client knows the outcomes of its commands up to here. */
  readonly acknowledged: number;
}

/** A command that was applied before. */
export interface Repeat {
  readonly type: "repeat";
  /** What became of it then. */
  readonly outcome: Outcome;
}

/** What is to be done with a command: nothing, where it is refused. */
export type ClientAdmission = "apply" | Repeat | Refusal;

interface OpenSession extends ClientSession {
  used: number;
  acknowledged: number;
  readonly outcomes: FirstOutcome[];
  /** The sum of its outcomes' hashes. */
  outcomesHash: number;
  /** What it counts for in the limit of bytes. */
  bytes: number;
}

/** The longest detail that is kept, in UTF-16 units. */
const DETAIL_MAX = 1024;
const HALF_AT_END = /[\uD800-\uDBFF]$/;

/** All sessions of clients that are open. */
export class ClientSessions {
  /** From the one that was used least lately on. */
  #byId: Map<number, OpenSession> = new Map();
  #opened = 0;
  #used = 0;
  #bytes = 0;
  /** The sum over all sessions: each has its place in their order in it. */
  #sum = 0;

  /** How many are open. */
  get size(): number {
    return this.#byId.size;
  }

  /** What they hold, as the limit `sessionBytes` counts it. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Equal where the tables are: 32 bits. Which session was used before which
   * is in it, for it decides which ends.
   */
  get hash(): number {
    return mixNumber(this.#sum, this.#opened) >>> 0;
  }

  /** The name that the session's client gave it; none where it is not open. */
  nameOf(session: number): string | undefined {
    return this.#byId.get(session)?.name;
  }

  /**
   * Opens a session, and returns its id: the how-manieth opening it is. A name
   * above the limit `sessionNameBytes` is refused.
   */
  open(name: string): number | Refusal {
    const bytes = textBytes(name);
    if (bytes > LIMITS.sessionNameBytes) {
      const detail = `The session's name has ${bytes} bytes, the limit is ` +
        `${LIMITS.sessionNameBytes}`;
      return { code: "LIMIT", detail };
    }
    const id = ++this.#opened;
    this.#add({ id, name, used: ++this.#used, acknowledged: 0, outcomes: [] });
    this.#evict();
    return id;
  }

  /**
   * What to do with a command of that content; `checksum` is undefined for one
   * that shall do nothing, which repeats any other. A repeat is a use of the
   * session and acknowledges, a refusal changes nothing.
   */
  admit(
    by: SessionNumber,
    checksum: number | undefined,
  ): ClientAdmission {
    const { session: id, number } = by;
    const session = this.#byId.get(id);
    if (session === undefined) return notOpen(id, this.#opened);
    const acknowledged = Math.max(session.acknowledged, by.acknowledged);
    if (number <= acknowledged) return forgotten(by, acknowledged);
    const last = lastOf(session);
    if (number > last + 1) return gap(by, last);
    if (number <= last) return this.#repeat(session, { by, checksum });
    const newest = acknowledged + LIMITS.sessionWindow;
    return number > newest ? beyond(by, acknowledged) : "apply";
  }

  /**
   * Takes note of what became of a command that {@linkcode admit} let through
   * just before; a refused one counts, too. Returns the outcome as it is kept,
   * which is what everybody is to be told: a very long detail is cut.
   */
  applied(
    { session: id, number, acknowledged }: SessionNumber,
    { checksum = 0, outcome }: {
      checksum: number | undefined;
      outcome: Outcome;
    },
  ): Outcome {
    const session = this.#byId.get(id);
    assert(session !== undefined, "C27: an applied command has a session");
    assert(
      number === lastOf(session) + 1,
      "C27: a client's command takes effect once, and after the one before",
    );
    assert(acknowledged < number, "C27: what is acknowledged was applied");
    const kept = boundedOutcome(outcome);
    const first = { checksum, outcome: kept };
    this.#change(session, () => {
      session.outcomes.push(first);
      session.outcomesHash = (session.outcomesHash +
        outcomeHash(number, first)) | 0;
      this.#count(session, costOfOutcome(first));
      this.#acknowledge(session, acknowledged);
    });
    assert(
      session.outcomes.length <= LIMITS.sessionWindow,
      "C27: a session's outcomes are bounded",
    );
    this.#evict();
    return kept;
  }

  /** Ends all of them. Their ids are never used again. */
  clear(): void {
    this.#byId.clear();
    this.#used = this.#bytes = this.#sum = 0;
  }

  /** All of the table, from the session that was used least lately on. */
  all(): ClientTable {
    const sessions = [...this.#byId.values()];
    return {
      opened: this.#opened,
      sessions: sessions.map(({ id, name, used, acknowledged, outcomes }) => ({
        ...{ id, name, used, acknowledged, outcomes: [...outcomes] },
      })),
    };
  }

  /**
   * Replaces the table with one of another node. Returns what is wrong with
   * it, if anything; then nothing has changed.
   */
  load(table: ClientTable): string | undefined {
    const wrong = wrongTable(table);
    if (wrong !== undefined) return wrong;
    this.clear();
    this.#opened = table.opened;
    for (const session of table.sessions) this.#add(session);
    this.#used = table.sessions.at(-1)?.used ?? 0;
    return undefined;
  }

  /** It becomes the one that was used last. */
  #add(session: ClientSession): void {
    const { id, name, used, acknowledged } = session;
    const outcomes = [...session.outcomes];
    let outcomesHash = 0;
    for (const [at, outcome] of outcomes.entries()) {
      const number = acknowledged + 1 + at;
      outcomesHash = (outcomesHash + outcomeHash(number, outcome)) | 0;
    }
    const bytes = costOf(session);
    const about = { id, name, used, acknowledged, outcomes };
    const open = { ...about, outcomesHash, bytes };
    this.#byId.set(id, open);
    this.#bytes += bytes;
    this.#sum = (this.#sum + sessionHash(open, outcomesHash)) | 0;
  }

  #repeat(
    session: OpenSession,
    { by, checksum }: { by: SessionNumber; checksum: number | undefined },
  ): Repeat | Refusal {
    const at = by.number - session.acknowledged - 1;
    const first = session.outcomes[at]!;
    if (checksum !== undefined && checksum !== first.checksum) {
      return another(by);
    }
    this.#change(session, () => this.#acknowledge(session, by.acknowledged));
    return { type: "repeat", outcome: first.outcome };
  }

  /** Changes a session, which is used thereby. */
  #change(session: OpenSession, change: () => void): void {
    const before = sessionHash(session, session.outcomesHash);
    change();
    if (session.used !== this.#used) {
      session.used = ++this.#used;
      this.#byId.delete(session.id);
      this.#byId.set(session.id, session);
    }
    const after = sessionHash(session, session.outcomesHash);
    this.#sum = (this.#sum - before + after) | 0;
  }

  /** Nobody will ask for the outcomes up to that number any more. */
  #acknowledge(session: OpenSession, upTo: number): void {
    const { outcomes } = session;
    const count = upTo - session.acknowledged;
    if (count <= 0) return;
    for (let at = 0; at < count; at++) {
      const outcome = outcomes[at]!;
      const number = session.acknowledged + 1 + at;
      session.outcomesHash = (session.outcomesHash -
        outcomeHash(number, outcome)) | 0;
      this.#count(session, -costOfOutcome(outcome));
    }
    outcomes.splice(0, count);
    session.acknowledged = upTo;
  }

  #count(session: OpenSession, bytes: number): void {
    session.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The least lately used end, but never the one that was used just now. */
  #evict(): void {
    while (
      this.size > LIMITS.clientSessions || this.#bytes > LIMITS.sessionBytes
    ) {
      const [oldest] = this.#byId.values();
      assert(
        oldest !== undefined && oldest.used < this.#used,
        "C27: a single session is within the limits",
      );
      this.#byId.delete(oldest.id);
      this.#bytes -= oldest.bytes;
      this.#sum = (this.#sum - sessionHash(oldest, oldest.outcomesHash)) | 0;
    }
  }
}

function lastOf({ acknowledged, outcomes }: ClientSession): number {
  return acknowledged + outcomes.length;
}

/** So that the outcomes of one session are bounded in bytes, too. */
function boundedOutcome(outcome: Outcome): Outcome {
  if (typeof outcome === "number") return outcome;
  const { code, detail } = outcome;
  if (detail === undefined || detail.length <= DETAIL_MAX) return outcome;
  // Half a character would come out of an image as another one.
  const cut = detail.slice(0, DETAIL_MAX - 3).replace(HALF_AT_END, "");
  return { code, detail: `${cut}...` };
}

function notOpen(session: number, opened: number): Refusal {
  const detail = session > opened || session < 1
    ? `There is no session ${session}, ${opened} were opened so far`
    : `Session ${session} has ended: what became of its commands is ` +
      "forgotten where it was not told";
  return { code: "SESSION", detail };
}

function forgotten(
  { session, number }: SessionNumber,
  acknowledged: number,
): Refusal {
  const detail = number < 1
    ? `Command ${number} of session ${session} cannot be: they count from 1`
    : `The outcome of command ${number} of session ${session} was ` +
      `acknowledged, as all up to ${acknowledged}, and is forgotten`;
  return { code: "NUMBER", detail };
}

function gap({ session, number }: SessionNumber, last: number): Refusal {
  const detail = `Command ${number} of session ${session} came before ` +
    `command ${last + 1}, which is the next`;
  return { code: "GAP", detail };
}

function another({ session, number }: SessionNumber): Refusal {
  const detail = `Command ${number} of session ${session} was another one ` +
    "when it was applied, so this one was not";
  return { code: "NUMBER", detail };
}

function beyond(
  { session, number }: SessionNumber,
  acknowledged: number,
): Refusal {
  const detail = `Command ${number} of session ${session} would be the ` +
    `${number - acknowledged}th that is not acknowledged, the limit is ` +
    `${LIMITS.sessionWindow}: acknowledge those after ${acknowledged} first`;
  return { code: "NUMBER", detail };
}
