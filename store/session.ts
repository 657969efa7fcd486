/**
 * The sessions of writers: who has had which of its commands applied.
 *
 * A command may be sent again, by its writer or by whoever passes it on; it
 * must take effect once. So each belongs to a session and has a number in it,
 * and only the next number is applied. The table is part of the replicated
 * state: what it says depends on the log alone.
 *
 * @module
 */
import { assert } from "./error.ts";
import { mixNumber, mixText } from "./hash.ts";
import { LIMITS } from "./limits.ts";
import type { Refusal } from "./mutation.ts";

/** One writer's commands, as far as they were applied. */
export interface Session {
  /** Where in the log it was opened. */
  readonly id: number;
  /** The id of the node, or of the client, that writes. */
  readonly owner: string;
  /** How often the owner had begun when it was opened, from 1. */
  readonly incarnation: number;
  /** Drawn as the owner began: two of one incarnation are two. 32 bits, or 0. */
  readonly start: number;
  /** The number of the last command that was applied, or 0. */
  readonly last: number;
}

/** The highest {@linkcode Session.start}. */
export const START_MAX: number = 2 ** 32 - 1;

/** What is to be done with a command. */
export type Admission = "apply" | "repeat" | "gap" | "unknown";

interface OpenSession extends Session {
  last: number;
  /** Of owner, incarnation and start: a command does not read the text again. */
  readonly ownerHash: number;
}

/** All sessions that are open. An owner has one at most. */
export class Sessions {
  readonly #byId: Map<number, OpenSession> = new Map();
  readonly #byOwner: Map<string, OpenSession> = new Map();
  /** The sum over all sessions, so that their order does not matter. */
  #hash = 0;

  /** How many are open. */
  get size(): number {
    return this.#byId.size;
  }

  /** Equal where the tables are: 32 bits. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Opens a session; its owner's session before that ends. */
  open(
    id: number,
    { owner, incarnation, start }: Pick<
      Session,
      "owner" | "incarnation" | "start"
    >,
  ): Refusal | undefined {
    assert(!this.#byId.has(id), "S11: a session's id is never used again");
    const before = this.#byOwner.get(owner);
    if (before === undefined && this.size >= LIMITS.sessions) {
      const detail = `There would be ${this.size + 1} sessions, the limit is ` +
        `${LIMITS.sessions}`;
      return { code: "LIMIT", detail };
    }
    if (before !== undefined) this.end(before.id);
    this.#add({ id, owner, incarnation, start, last: 0 });
    return undefined;
  }

  /** Ends a session. Harmless where there is none. */
  end(id: number): void {
    const session = this.#byId.get(id);
    if (session === undefined) return;
    this.#byId.delete(id);
    this.#byOwner.delete(session.owner);
    this.#hash = (this.#hash - hashOf(session)) | 0;
  }

  find(id: number): Session | undefined {
    return this.#byId.get(id);
  }

  /** The session that the owner has open. */
  ofOwner(owner: string): Session | undefined {
    return this.#byOwner.get(owner);
  }

  /** What to do with the command of that number: apply it only if it is next. */
  admit(id: number, number: number): Admission {
    const session = this.#byId.get(id);
    if (session === undefined) return "unknown";
    if (number <= session.last) return "repeat";
    return number === session.last + 1 ? "apply" : "gap";
  }

  /** Takes note that the command was applied; a refused one was, too. S11. */
  applied(id: number, number: number): void {
    const session = this.#byId.get(id);
    assert(session !== undefined, "S11: an applied command has a session");
    assert(number > session.last, "S11: a command is applied once");
    this.#hash = (this.#hash - hashOf(session)) | 0;
    session.last = number;
    this.#hash = (this.#hash + hashOf(session)) | 0;
  }

  /** All sessions, by id. */
  all(): readonly Session[] {
    const sessions = [...this.#byId.values()].sort((a, b) => a.id - b.id);
    return sessions.map(({ id, owner, incarnation, start, last }) => ({
      ...{ id, owner, incarnation, start, last },
    }));
  }

  /**
   * Replaces the table with one of another node. Returns what is wrong with
   * it, if anything; then nothing has changed.
   */
  load(sessions: readonly Session[]): string | undefined {
    const wrong = check(sessions);
    if (wrong !== undefined) return wrong;
    this.#byId.clear();
    this.#byOwner.clear();
    this.#hash = 0;
    for (const session of sessions) this.#add(session);
    return undefined;
  }

  #add({ id, owner, incarnation, start, last }: Session): void {
    const begun = mixNumber(mixText(0, owner), incarnation);
    const ownerHash = mixNumber(begun, start);
    const session = { id, owner, incarnation, start, last, ownerHash };
    this.#byId.set(id, session);
    this.#byOwner.set(owner, session);
    this.#hash = (this.#hash + hashOf(session)) | 0;
  }
}

function hashOf({ id, ownerHash, last }: OpenSession): number {
  return mixNumber(mixNumber(ownerHash, id), last);
}

function check(sessions: readonly Session[]): string | undefined {
  if (sessions.length > LIMITS.sessions) {
    return `There are ${sessions.length} sessions, the limit is ` +
      `${LIMITS.sessions}`;
  }
  const owners = new Set<string>();
  const ids = new Set<number>();
  for (const { id, owner, incarnation, start, last } of sessions) {
    const whole = Number.isSafeInteger(id) && Number.isSafeInteger(last);
    if (!whole || id < 0 || last < 0) {
      return `Session ${id} cannot have ${last} commands`;
    }
    if (!Number.isSafeInteger(incarnation) || incarnation < 1) {
      return `Session ${id} cannot be of incarnation ${incarnation}`;
    }
    if (!Number.isInteger(start) || start < 0 || start > START_MAX) {
      return `Session ${id} cannot be of the start ${start}`;
    }
    owners.add(owner);
    ids.add(id);
  }
  const unique = owners.size === sessions.length &&
    ids.size === sessions.length;
  return unique ? undefined : "Two sessions have one id, or one owner";
}
