/**
 * The clients of the library: each write that was told to have worked took
 * effect once, at the rev that was told; one that was told to have failed
 * never does; and a client's writes take effect in the order asked for.
 *
 * @module
 */
import {
  CLOBBER,
  type ErrorCode,
  type Mutation,
  type Path,
  type Rev,
} from "../../../store/mod.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";
import type { Fate } from "./history.ts";

/** One write that a client asked its library for. */
export interface OnceWrite {
  /** Above {@linkcode FIRST_ID}, so that no other client's body names it. */
  readonly id: number;
  readonly mutation: Mutation;
  /** The client's name, another one for each; its events' origin. */
  readonly client: string;
  /** The highest rev that anybody had been told of when it was asked. */
  readonly floor: Rev;
  fate: Fate;
  /** Where it took effect, as far as the order of events tells. */
  rev: Rev;
}

/** The numbers of the library's writes come after this one. */
export const FIRST_ID = 1_000_000_000;
/** Their clients' names begin with this. */
export const CLIENT_NAME = "lib";
/** Files that count up by one, by compare and set, begin with this. */
export const COUNTER = "/l/count";

/** What a refusal means for the write that it is of. */
const FATES: Partial<Record<ErrorCode, Fate>> = {
  REV_MISMATCH: "refused",
  ISDIR: "refused",
  NOTDIR: "refused",
  UNAVAILABLE: "not done",
  CLOSED: "not done",
  UNKNOWN: "unknown",
};
/** How many answered writes of a client are compared with each other. */
const COMPARED = 16;

interface Tally {
  /** Writes that may have taken effect. */
  may: number;
  /** Events. */
  did: number;
}

/** Everything that the library's clients asked for and were told. */
export class ExactlyOnce {
  readonly #canon: Canon;
  readonly #writes: OnceWrite[] = [];
  /** The newest of each client that took effect. */
  readonly #lastOf: Map<string, OnceWrite> = new Map();
  readonly #answered: Map<string, OnceWrite[]> = new Map();
  /** What was told of each rev. */
  readonly #toldOf: Map<Rev, OnceWrite> = new Map();
  /** By client, kind and path: deletions and nops have no bodies. */
  readonly #nameless: Map<string, Tally> = new Map();
  /** What each counter says. */
  readonly #counts: Map<Path, number> = new Map();

  constructor(canon: Canon) {
    this.#canon = canon;
  }

  /** How many writes were asked for. */
  get count(): number {
    return this.#writes.length;
  }

  /** How many took effect once, as their clients were told. */
  get done(): number {
    return this.#toldOf.size;
  }

  /** Whether the event is for this checker. */
  concerns({ op, origin }: Applied): boolean {
    return op > FIRST_ID || origin?.startsWith(CLIENT_NAME) === true;
  }

  /** A client asks for a write; `make` is told its number. */
  ask(
    by: { client: string; floor: Rev },
    make: (id: number) => Mutation,
  ): OnceWrite {
    const id = FIRST_ID + this.#writes.length + 1;
    const mutation = make(id);
    const write: OnceWrite = { id, mutation, ...by, fate: "pending", rev: 0 };
    this.#writes.push(write);
    if (mutation.type !== "set") this.#tallyOf(write).may++;
    return write;
  }

  /** An event took its place in the order. */
  applied(event: Applied): void {
    if (event.op === 0) return this.#appliedNameless(event);
    const write = this.#writes[event.op - FIRST_ID - 1];
    const { mutation, client } = write ?? {};
    const asked = mutation?.type === "set" && mutation.path === event.path &&
      (event.origin === undefined || event.origin === client);
    if (!asked) fail("no such write", `nobody asked for ${show(event)}`);
    const { id, fate, rev } = write!;
    if (rev !== 0) fail("applied twice", `op ${id} at ${rev}, ${event.rev}`);
    if (fate === "refused" || fate === "not done") {
      fail("refused but done", `op ${id} was ${fate}, now ${show(event)}`);
    }
    write!.rev = event.rev;
    this.#mayFollow(mutation, event);
    this.#followsNeighbour(write!);
    if (event.path.startsWith(COUNTER)) this.#counted(event);
  }

  /** The client is told that its write has taken effect at that rev. */
  worked(write: OnceWrite, rev: Rev | undefined): void {
    const { id, mutation, client, floor, fate } = write;
    if (fate !== "pending") fail("one answer", `op ${id} was ${fate}`);
    const event = rev === undefined ? undefined : this.#canon.at(rev);
    const path = mutation.type === "nop" ? "/" : mutation.path;
    const same = event?.kind === mutation.type && event.path === path &&
      (mutation.type !== "set" ||
        event.op === id && event.hash === hashBytes(mutation.body)) &&
      (event.origin === undefined || event.origin === client);
    if (!same) {
      const is = event === undefined ? "no rev" : show(event);
      const wish = `op ${id} of ${client} (${mutation.type} ${path})`;
      fail("lost write", `${wish} was told ${rev}, which is ${is}`);
    }
    if (rev! <= floor) {
      const what = `op ${id} has rev ${rev}, but ${floor} came before`;
      fail("order of time", what);
    }
    const other = this.#toldOf.get(rev!);
    if (other !== undefined) {
      fail("one rev, one write", `${rev} is told of ops ${other.id}, ${id}`);
    }
    this.#toldOf.set(rev!, write);
    if (mutation.type === "del") this.#mayFollow(mutation, event!);
    write.fate = "done";
    write.rev = rev!;
    this.#compareWithNeighbours(write);
  }

  /** The client is told that its write has failed, or may have. */
  failed(write: OnceWrite, code: ErrorCode): void {
    const { id, mutation, rev } = write;
    if (write.fate !== "pending") {
      fail("one answer", `op ${id} was ${write.fate}, now ${code}`);
    }
    const fate = FATES[code];
    if (fate === undefined) fail("an odd answer", `op ${id} is told ${code}`);
    write.fate = fate;
    if (fate === "unknown") return;
    if (rev !== 0) {
      fail("refused but done", `op ${id} took effect at ${rev}: ${code}`);
    }
    if (code === "REV_MISMATCH") this.#checkMismatch(write);
    if (mutation.type === "set") return;
    const tally = this.#tallyOf(write);
    tally.may--;
    checkTally(tally, `op ${id}, ${code}`);
  }

  /** When all is over: each has its answer, and the counters are right. */
  checkEnd(): void {
    const sums = new Map<Path, { acknowledged: number; maybe: number }>();
    for (const { id, mutation, fate } of this.#writes) {
      if (fate === "pending") fail("nothing hangs", `op ${id} has no answer`);
      if (mutation.type !== "set") continue;
      const { path } = mutation;
      if (!path.startsWith(COUNTER)) continue;
      const sum = sums.get(path) ?? { acknowledged: 0, maybe: 0 };
      sums.set(path, sum);
      if (fate === "done") sum.acknowledged++;
      else if (fate === "unknown") sum.maybe++;
    }
    for (const [path, { acknowledged, maybe }] of sums) {
      const count = this.#counts.get(path) ?? 0;
      if (count >= acknowledged && count <= acknowledged + maybe) continue;
      const right = `${acknowledged}, and ${maybe} perhaps`;
      fail("counters", `${path} is ${count}, it was raised ${right}`);
    }
  }

  /** The body of a counter is its write's number, and what it says. */
  #counted(event: Applied): void {
    const count = Number(event.text.split(" ")[1]);
    const before = this.#counts.get(event.path) ?? 0;
    if (count !== before + 1) {
      fail("counters", `${show(event)} says ${count} after ${before}`);
    }
    this.#counts.set(event.path, count);
  }

  /** At some rev between question and answer it must have been in the way. */
  #checkMismatch({ id, mutation, floor }: OnceWrite): void {
    if (mutation.type === "nop") fail("mismatch", `op ${id} is a nop`);
    for (let at = floor; at <= this.#canon.rev; at++) {
      if (!allows(mutation.rev, this.#canon.fileAt(mutation.path, at))) return;
    }
    fail("mismatch", `op ${id}: ${mutation.path} allowed rev ${mutation.rev}`);
  }

  #mayFollow(mutation: Mutation, event: Applied): void {
    if (mutation.type === "nop") return;
    const before = this.#canon.fileAt(mutation.path, event.rev - 1);
    if (allows(mutation.rev, before)) return;
    const there = `but there was rev ${before?.rev}`;
    const what = `${show(event)} with rev ${mutation.rev}, ${there}`;
    fail("compare and set", what);
  }

  /** What a client asked for first takes effect first. */
  #followsNeighbour(write: OnceWrite): void {
    const { id, rev, client } = write;
    const last = this.#lastOf.get(client);
    if (last !== undefined && last.id > id) {
      const what = `op ${last.id} at ${last.rev}, then op ${id} at ${rev}`;
      fail("order of a client", what);
    }
    this.#lastOf.set(client, write);
  }

  #compareWithNeighbours(write: OnceWrite): void {
    const { client, id, rev } = write;
    const others = this.#answered.get(client) ?? [];
    for (const other of others) {
      if ((other.id < id) === (other.rev < rev)) continue;
      const what = `op ${other.id} at ${other.rev}, op ${id} at ${rev}`;
      fail("order of a client", what);
    }
    others.push(write);
    if (others.length > COMPARED) others.shift();
    this.#answered.set(client, others);
  }

  #appliedNameless(event: Applied): void {
    if (event.kind === "set") {
      fail("no such write", `nobody asked for ${show(event)}`);
    }
    const tally = this.#tally(event.kind, event.path, event.origin!);
    tally.did++;
    checkTally(tally, show(event));
  }

  #tallyOf({ mutation, client }: OnceWrite): Tally {
    const path = mutation.type === "nop" ? "/" : mutation.path;
    return this.#tally(mutation.type, path, client);
  }

  #tally(kind: string, path: Path, client: string): Tally {
    const key = `${kind} ${path} ${client}`;
    let tally = this.#nameless.get(key);
    if (tally === undefined) {
      this.#nameless.set(key, tally = { may: 0, did: 0 });
    }
    return tally;
  }
}

function checkTally({ may, did }: Tally, what: string): void {
  if (did > may) fail("applied twice", `${did} of ${may} with ${what}`);
}

function allows(rev: Rev, file: Applied | undefined): boolean {
  return rev === CLOBBER || rev >= (file?.rev ?? 0);
}
