/**
 * The clients' side: what was asked, what was answered, and whether the two go
 * together with the one order of events.
 *
 * Revs are a total order, so a history is linearizable when nothing that began
 * after another had ended lies before it: the floor of an operation is the
 * highest rev that anybody had been told of when it began.
 *
 * @module
 */
import {
  CLOBBER,
  type Mutation,
  type Outcome,
  type Path,
  type Refusal,
  type Rev,
} from "../../../store/mod.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";

/** What came of an operation, as far as the client knows. */
export type Fate = "pending" | "done" | "refused" | "not done" | "unknown";

/** One write that a client asked for. */
export interface Operation {
  readonly id: number;
  readonly mutation: Mutation;
  /** The connection it was sent on; another number for each. */
  readonly connection: number;
  /** The id of the node that took it. */
  readonly origin: string;
  /** The highest rev that anybody had been told of when it was asked. */
  readonly floor: Rev;
  fate: Fate;
  /** Where it took effect, as far as the order of events tells. */
  rev: Rev;
}

/** One linearizable read that a client asked for. */
export interface AskedRead {
  readonly path: Path;
  readonly floor: Rev;
}

/** What a read found: the file's rev and its body's hash; rev 0: no file. */
export interface Found {
  readonly rev: Rev;
  readonly hash: number;
  /** The rev of the tree that was read. */
  readonly at: Rev;
}

/** How many answered writes of a connection are compared with each other. */
const COMPARED = 16;

/** Everything that clients asked for and were told. */
export class History {
  readonly #canon: Canon;
  readonly #operations: Operation[] = [];
  readonly #answered: Map<number, Operation[]> = new Map();
  /** By kind, path and origin: what may take effect, and what did. */
  readonly #nameless: Map<string, { may: number; did: number }> = new Map();
  #floor: Rev = 0;

  constructor(canon: Canon) {
    this.#canon = canon;
  }

  /** The highest rev that anybody has been told of. */
  get floor(): Rev {
    return this.#floor;
  }

  /** Somebody else was told of the rev. */
  known(rev: Rev): void {
    this.#floor = Math.max(this.#floor, rev);
  }

  /** How many operations were asked for. */
  get count(): number {
    return this.#operations.length;
  }

  /** A client asks for a write; `make` is told the operation's number. */
  ask(
    by: { connection: number; origin: string },
    make: (id: number) => Mutation,
  ): Operation {
    const id = this.#operations.length + 1;
    const operation: Operation = {
      id,
      mutation: make(id),
      ...by,
      floor: this.#floor,
      fate: "pending",
      rev: 0,
    };
    this.#operations.push(operation);
    if (isNameless(operation.mutation)) this.#tallyOf(operation).may++;
    return operation;
  }

  /** An event took its place in the order. */
  applied(event: Applied): void {
    if (event.op === 0) return this.#appliedNameless(event);
    const operation = this.#operations[event.op - 1];
    const { mutation } = operation ?? {};
    if (mutation?.type !== "set" || mutation.path !== event.path) {
      fail("no such write", `nobody asked for ${show(event)}`);
    }
    if (operation!.rev !== 0) {
      fail(
        "applied twice",
        `op ${event.op} at ${operation!.rev}, ${event.rev}`,
      );
    }
    operation!.rev = event.rev;
    this.#mayHappen(operation!, event);
    this.#mayFollow(mutation, event);
  }

  /** The client is told the outcome. */
  answer(operation: Operation, outcome: Outcome): void {
    if (typeof outcome === "number") this.#done(operation, outcome);
    else this.#refused(operation, outcome);
  }

  /** The client will never be told: its connection is gone. */
  lose(operation: Operation): void {
    if (operation.fate === "pending") operation.fate = "unknown";
  }

  /** A linearizable read was answered. */
  read(asked: AskedRead, found: Found): void {
    if (found.at < asked.floor) {
      fail(
        "stale read",
        `${asked.path} read at ${found.at}, though ${asked.floor} was known`,
      );
    }
    this.checkFound(asked.path, found);
    this.#floor = Math.max(this.#floor, found.at);
  }

  /** What was found must be what the order of events says. */
  checkFound(path: Path, found: Found): void {
    const file = this.#canon.fileAt(path, found.at);
    if (found.rev === (file?.rev ?? 0) && found.hash === (file?.hash ?? 0)) {
      return;
    }
    const right = file === undefined ? "no file" : show(file);
    fail(
      "wrong read",
      `${path} at ${found.at} gave rev ${found.rev}, it was ${right}`,
    );
  }

  #done(operation: Operation, rev: Rev): void {
    const { id, mutation, floor } = operation;
    const event = this.#canon.at(rev);
    if (event === undefined) fail("lost write", `op ${id} at ${rev}: no rev`);
    const path = mutation.type === "nop" ? "/" : mutation.path;
    const same = event.kind === mutation.type && event.path === path &&
      (isNameless(mutation) || event.op === id) &&
      (mutation.type !== "set" || event.hash === hashBytes(mutation.body)) &&
      (event.origin === undefined || event.origin === operation.origin);
    if (!same) {
      const wish = `op ${id} (${mutation.type} ${path})`;
      fail("lost write", `${wish} was told ${rev}, which is ${show(event)}`);
    }
    if (rev <= floor) {
      fail(
        "order of time",
        `op ${id} has rev ${rev}, but ${floor} came before`,
      );
    }
    if (isNameless(mutation) && mutation.type !== "nop") {
      this.#mayFollow(mutation, event);
    }
    operation.fate = "done";
    operation.rev = rev;
    this.#floor = Math.max(this.#floor, rev);
    this.#compareWithNeighbours(operation);
  }

  #refused(operation: Operation, refusal: Refusal): void {
    const { id, mutation, rev } = operation;
    if (refusal.code === "UNKNOWN") return this.lose(operation);
    operation.fate = refusal.code === "UNAVAILABLE" ? "not done" : "refused";
    if (rev !== 0) {
      fail(
        "refused but done",
        `op ${id} took effect at ${rev}: ${refusal.code}`,
      );
    }
    if (refusal.code === "REV_MISMATCH") this.#checkMismatch(operation);
    if (!isNameless(mutation)) return;
    const tally = this.#tallyOf(operation);
    tally.may--;
    this.#checkTally(tally, operation);
  }

  /** At some rev between question and answer it must have been in the way. */
  #checkMismatch({ id, mutation, floor }: Operation): void {
    if (mutation.type === "nop") fail("mismatch", `op ${id} is a nop`);
    for (let at = floor; at <= this.#canon.rev; at++) {
      if (!allows(mutation.rev, this.#canon.fileAt(mutation.path, at))) return;
    }
    fail("mismatch", `op ${id}: ${mutation.path} allowed rev ${mutation.rev}`);
  }

  #mayHappen({ id, fate }: Operation, event: Applied): void {
    if (fate !== "refused" && fate !== "not done") return;
    fail("refused but done", `op ${id} was ${fate}, now ${show(event)}`);
  }

  #mayFollow(mutation: Mutation, event: Applied): void {
    if (mutation.type === "nop") return;
    const before = this.#canon.fileAt(mutation.path, event.rev - 1);
    if (allows(mutation.rev, before)) return;
    fail(
      "compare and set",
      `${
        show(event)
      } with rev ${mutation.rev}, but there was rev ${before?.rev}`,
    );
  }

  /** Writes of one connection take effect in the order sent. */
  #compareWithNeighbours(operation: Operation): void {
    const { connection, id, rev } = operation;
    const others = this.#answered.get(connection) ?? [];
    for (const other of others) {
      if ((other.id < id) === (other.rev < rev) && other.rev !== rev) continue;
      fail(
        "order of a connection",
        `op ${other.id} at ${other.rev}, op ${id} at ${rev}`,
      );
    }
    others.push(operation);
    if (others.length > COMPARED) others.shift();
    this.#answered.set(connection, others);
  }

  #appliedNameless(event: Applied): void {
    if (event.path.startsWith("/ctl/")) return;
    if (event.kind === "set") {
      fail("no such write", `nobody asked for ${show(event)}`);
    }
    const tally = this.#tally(event.kind, event.path, event.origin);
    tally.did++;
    this.#checkTally(tally, event);
  }

  #checkTally(
    tally: { may: number; did: number },
    which: Applied | Operation,
  ): void {
    if (tally.did <= tally.may) return;
    const what = "kind" in which ? show(which) : `op ${which.id}`;
    fail("applied twice", `${tally.did} of ${tally.may} with ${what}`);
  }

  #tallyOf({ mutation, origin }: Operation): { may: number; did: number } {
    const path = mutation.type === "nop" ? "/" : mutation.path;
    return this.#tally(mutation.type, path, origin);
  }

  #tally(kind: string, path: Path, origin: string | undefined) {
    const key = `${kind} ${path} ${this.#tellsOrigins ? origin : ""}`;
    let tally = this.#nameless.get(key);
    if (tally === undefined) {
      this.#nameless.set(key, tally = { may: 0, did: 0 });
    }
    return tally;
  }

  /** Whether events say where they come from; the first event decides. */
  get #tellsOrigins(): boolean {
    return this.#canon.at(1)?.origin !== undefined;
  }
}

/** Whether events do not tell which operation made them. */
function isNameless(mutation: Mutation): boolean {
  return mutation.type !== "set" || mutation.path.startsWith("/ctl/");
}

function allows(rev: Rev, file: Applied | undefined): boolean {
  return rev === CLOBBER || rev >= (file?.rev ?? 0);
}
