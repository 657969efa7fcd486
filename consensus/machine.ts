/**
 * The machine: what the decided commands are applied to.
 *
 * It reads the log and its own state, nothing else, so that nodes which have
 * applied the same slots are equal, whatever the settings of each. Its state
 * is the tree, the sessions, the seats, and who leads.
 *
 * @module
 */
import { type Ballot, decodeBatch, encodeText } from "../protocol/mod.ts";
import type { ClearCommand, Command, FoundCommand } from "../protocol/mod.ts";
import { decodeText, type ImageHead } from "../protocol/mod.ts";
import type {
  LeadCommand,
  MutateCommand,
  NodeId,
  OpenCommand,
  RegisterCommand,
} from "../protocol/mod.ts";
import type { SeatCommand, Seqn, SkipCommand } from "../protocol/mod.ts";
import { assert, checksumOf, ClientSessions, CLOBBER } from "../store/mod.ts";
import { type ImportedStore, LIMITS, type Mutation } from "../store/mod.ts";
import { type Outcome, type Path, revAllows } from "../store/mod.ts";
import { type SessionNumber, Sessions, type Stamp } from "../store/mod.ts";
import type { Store } from "../store/mod.ts";
import { compareBallots, ZERO_BALLOT } from "./ballot.ts";
import type { DecidedSlot } from "./learner.ts";
import { isSeatPath, Members } from "./members.ts";

/**
 * What came of a command: that of its last mutation; or that it was not
 * applied because it was before (repeat), comes too early (gap), or belongs
 * to no session (unknown). These three are no outcomes: nobody is told.
 */
export type Applied = Outcome | "repeat" | "gap" | "unknown";

/** Called for each command of a slot that has been applied. */
export type AppliedVisitor = (command: Command, applied: Applied) => void;

/** The replicated state of a node. */
export class Machine {
  readonly store: Store;
  /** Of the nodes. */
  readonly sessions: Sessions = new Sessions();
  readonly clients: ClientSessions = new ClientSessions();
  readonly members: Members = new Members();
  /** The ballot of the latest leadership record. */
  leadership: Ballot = ZERO_BALLOT;
  /** The name of the cluster, "" before there is a state. */
  cluster = "";
  #applied: Seqn = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** The last slot that is applied. */
  get applied(): Seqn {
    return this.#applied;
  }

  /** Of all the state, to be compared between nodes at the same slot. */
  get hash(): number {
    const { round } = this.leadership;
    let hash = Math.imul(this.store.hash ^ this.sessions.hash, 0x9e3779b1);
    hash = Math.imul(hash ^ this.clients.hash, 0x27d4eb2f);
    hash = Math.imul(hash ^ this.store.rev, 0x85ebca6b) ^ round;
    return (hash ^ Math.imul(this.#applied, 0xc2b2ae35)) >>> 0;
  }

  /** Applies a decided slot, which must be the next. */
  apply(slot: DecidedSlot, visit: AppliedVisitor): void {
    decodeBatch(slot.value, (command) => visit(command, this.#run(command)));
    this.#applied = slot.seqn;
    this.members.slotApplied(slot.seqn);
  }

  /** The part of the state that is not in the store. */
  get head(): ImageHead {
    return {
      applied: this.#applied,
      leadership: this.leadership,
      cluster: this.cluster,
      sets: this.members.sets,
      seats: [...this.members.seats],
      sessions: this.sessions.all(),
      clients: this.clients.all(),
    };
  }

  /** Takes over another node's state, which has applied more. */
  adopt(head: ImageHead, store: ImportedStore): void {
    assert(head.applied > this.#applied, "C13: a node never goes back");
    this.store.adopt(store);
    const wrong = this.sessions.load(head.sessions) ??
      this.clients.load(head.clients);
    assert(wrong === undefined, `C13: what is taken over is whole: ${wrong}`);
    this.members.load(head);
    this.#applied = head.applied;
    this.leadership = head.leadership;
    this.cluster = head.cluster;
  }

  /**
   * A lost majority is given up: this node has the only seat, and all others
   * are gone. The one change that is not in the log; a new lineage begins.
   * A node that runs goes on with its session. Of one that does not `anew` ends
   * that, too: it is to register as it starts, whatever it remembers of before.
   * Sessions of clients end: what was told of their commands may not be here.
   */
  recover(
    id: NodeId,
    { time, parent, anew = false }: {
      time: number;
      parent: string;
      anew?: boolean;
    },
  ): void {
    const stamp = { time, origin: id };
    this.#write("/ctl/lineage/parent", parent, stamp);
    const own = this.members.seatOf(id) ?? [...this.members.seats.keys()][0];
    for (const path of [...this.members.seats.keys()]) {
      const holder = path === own ? id : "";
      if (this.members.seats.get(path) === holder) continue;
      this.#write(path, holder, stamp);
      this.members.noteSeat(path, holder);
    }
    for (const { id: session, owner } of this.sessions.all()) {
      if (owner === id && !anew) continue;
      this.sessions.end(session);
      this.#remove(this.#filesOf(owner), stamp);
    }
    this.clients.clear();
    this.members.force(id);
  }

  /** Whether a node has a session, and may have a seat. */
  readonly isRegistered = (id: NodeId): boolean =>
    this.sessions.ofOwner(id) !== undefined;

  #run(command: Command): Applied {
    switch (command.kind) {
      case "mutate":
        return this.#mutate(command);
      case "open":
        return this.#open(command);
      case "skip":
        return this.#skip(command);
      case "found":
        return this.#found(command);
      case "register":
        return this.#register(command);
      case "lead":
        return this.#lead(command);
      case "clear":
        return this.#clear(command);
      case "seat":
        return this.#seat(command);
    }
  }

  #mutate(command: MutateCommand): Applied {
    const { session, number, by, mutations } = command;
    const admission = this.sessions.admit(session, number);
    if (admission !== "apply") return admission;
    this.sessions.applied(session, number);
    const stamp = { time: command.time, origin: this.#originOf(command) };
    if (by === undefined) return this.#changeAll(mutations, stamp);
    const checksum = checksumOf(mutations);
    return this.#once(by, {
      checksum,
      apply: () => this.#changeAll(mutations, stamp),
    });
  }

  /** Who asked: as a client calls itself, else the node that it asked. */
  #originOf({ origin, session, by }: MutateCommand): string {
    if (origin !== "") return origin;
    const name = by === undefined ? "" : this.clients.nameOf(by.session) ?? "";
    return name === "" ? this.sessions.find(session)!.owner : name;
  }

  /**
   * C27: a command of a client's session takes effect once, through whichever
   * nodes it comes, and has one outcome.
   */
  #once(
    by: SessionNumber,
    { checksum, apply }: {
      checksum: number | undefined;
      apply: () => Outcome;
    },
  ): Outcome {
    const admission = this.clients.admit(by, checksum);
    if (admission === "apply") {
      return this.clients.applied(by, { checksum, outcome: apply() });
    }
    return "code" in admission ? admission : admission.outcome;
  }

  #open({ session, number, name }: OpenCommand): Applied {
    const admission = this.sessions.admit(session, number);
    if (admission !== "apply") return admission;
    this.sessions.applied(session, number);
    return this.clients.open(name);
  }

  /** C15: numbers that shall do nothing count all the same. */
  #skip(command: SkipCommand): Applied {
    const { session, number, last, by, checksum } = command;
    const known = this.sessions.find(session);
    if (known === undefined) return "unknown";
    // A part of the numbers may have been applied before.
    if (last <= known.last) return "repeat";
    if (number > known.last + 1) return "gap";
    for (let at = known.last + 1; at <= last; at++) {
      this.sessions.applied(session, at);
    }
    const { code, detail } = command;
    const refusal = { code, detail };
    // The leader has judged it; for its client this is what became of it.
    return by === undefined
      ? refusal
      : this.#once(by, { checksum, apply: () => refusal });
  }

  #found(command: FoundCommand): Applied {
    if (this.cluster !== "") return "repeat";
    const stamp = { time: command.time, origin: command.node };
    this.cluster = command.cluster;
    this.members.found(command.node);
    this.#write("/ctl/name", command.cluster, stamp);
    this.#writeRegistration(command, ["/ctl/cal/0", command.node]);
    return this.store.rev;
  }

  /**
   * A node that has begun anew gets a new session, which ends the old one: what
   * its memory before had under way is not the new one's. Its seat stays. Of
   * two that began as the same incarnation the first to come here is the one.
   */
  #register(command: RegisterCommand): Applied {
    const before = this.sessions.ofOwner(command.node);
    const known = before?.incarnation ?? 0;
    if (known >= command.incarnation) return "repeat";
    const { size } = this.sessions;
    if (before === undefined && size >= LIMITS.sessions) {
      const detail = `There are ${size} sessions, the limit is ` +
        `${LIMITS.sessions}`;
      return { code: "LIMIT", detail };
    }
    return this.#writeRegistration(command);
  }

  /** The files by which clients discover nodes, and the node's session. */
  #writeRegistration(
    command: RegisterCommand | FoundCommand,
    seat?: readonly [Path, NodeId],
  ): Outcome {
    const { node, addr, hostname, version, time } = command;
    const { incarnation, start } = command;
    const stamp = { time, origin: node };
    this.#renew(`/ctl/node/${node}/addr`, addr, stamp);
    this.#renew(`/ctl/node/${node}/hostname`, hostname, stamp);
    this.#renew(`/ctl/node/${node}/version`, version, stamp);
    if (seat !== undefined) {
      this.#write(...seat, stamp);
      this.members.noteSeat(...seat);
    }
    this.#renew(`/ctl/ns/${this.cluster}/${node}`, addr, stamp);
    this.#renew(`/ctl/node/${node}/writable`, "true", stamp);
    // C15: its place in the log. A slot has one registration at most.
    const session = { owner: node, incarnation, start };
    const refusal = this.sessions.open(this.#applied + 1, session);
    assert(refusal === undefined, "C15: there is room for a node's session");
    return this.store.rev;
  }

  /** Writes the file where it says something else: a rev is for a change. */
  #renew(path: Path, text: string, stamp: Stamp): void {
    if (textAt(this.store, path) !== text) this.#write(path, text, stamp);
  }

  #write(path: Path, text: string, stamp: Stamp): void {
    const body = encodeText(text);
    this.store.apply({ type: "set", path, rev: CLOBBER, body }, stamp);
  }

  /**
   * A record that was adopted from a leader that is long dead is no news: who
   * adopted it leads with a higher ballot.
   */
  #lead({ ballot }: LeadCommand): Applied {
    if (compareBallots(ballot, this.leadership) > 0) this.leadership = ballot;
    return this.store.rev;
  }

  /**
   * C14: what a leader decides of its own accord is void once another leads:
   * the record may have been adopted from a leader that is long dead.
   */
  #isStale(ballot: Ballot): boolean {
    return compareBallots(ballot, this.leadership) !== 0;
  }

  #clear({ ballot, node, time }: ClearCommand): Applied {
    if (this.#isStale(ballot)) return STALE;
    const stamp = { time, origin: ballot.node };
    const seat = this.members.seatOf(node);
    if (seat !== undefined) {
      const body = new Uint8Array(0);
      const emptied: Mutation = { type: "set", path: seat, rev: CLOBBER, body };
      const outcome = this.#change(emptied, stamp);
      if (typeof outcome !== "number") return outcome;
    }
    const registration = this.sessions.ofOwner(node);
    if (registration !== undefined) this.sessions.end(registration.id);
    this.#remove(this.#filesOf(node), stamp);
    return this.store.rev;
  }

  #remove(paths: readonly Path[], stamp: Stamp): void {
    for (const path of paths) {
      this.store.apply({ type: "del", path, rev: CLOBBER }, stamp);
    }
  }

  /** The files of a node's registration that exist now. */
  #filesOf(node: NodeId): Path[] {
    const directory = `/ctl/node/${node}`;
    const paths: Path[] = [];
    const { store } = this;
    const { rev } = store;
    const entries = store.countEntries(directory, rev);
    for (let offset = 0; offset < entries; offset++) {
      paths.push(`${directory}/${store.entry(directory, { offset, rev })}`);
    }
    paths.push(`/ctl/ns/${this.cluster}/${node}`);
    return paths.filter((path) => store.get(path).type === "file");
  }

  #seat({ ballot, time, mutations }: SeatCommand): Applied {
    if (this.#isStale(ballot)) return STALE;
    return this.#changeAll(mutations, { time, origin: ballot.node });
  }

  /** The outcome is that of the last; of none, 0: no rev was made. */
  #changeAll(mutations: readonly Mutation[], stamp: Stamp): Outcome {
    let outcome: Outcome = 0;
    for (const mutation of mutations) outcome = this.#change(mutation, stamp);
    return outcome;
  }

  #change(mutation: Mutation, stamp: Stamp): Outcome {
    return mutation.type !== "nop" && isSeatPath(mutation.path)
      ? this.#changeSeat(mutation, stamp)
      : this.store.apply(mutation, stamp);
  }

  #changeSeat(
    mutation: Exclude<Mutation, { type: "nop" }>,
    stamp: Stamp,
  ): Outcome {
    const { path, rev } = mutation;
    const { store, members } = this;
    const id = mutation.type === "set"
      ? decodeText(mutation.body, 0, mutation.body.length)
      : undefined;
    const { isRegistered } = this;
    const detail = members.refuses(path, { id, isRegistered });
    // Who wrote what has changed meanwhile is told that, as everywhere.
    if (detail !== undefined && revAllows(rev, store.get(path).rev)) {
      return { code: "SEAT", detail };
    }
    const outcome = store.apply(mutation, stamp);
    if (typeof outcome === "number") members.noteSeat(path, id);
    return outcome;
  }
}

/** What a file says, undefined where there is none. */
function textAt(store: Store, path: Path): string | undefined {
  const state = store.get(path);
  if (state.type !== "file") return undefined;
  return decodeText(state.bytes, state.start, state.start + state.length);
}

const STALE: Outcome = {
  code: "SEAT",
  detail: "Another node has come to lead since this was proposed",
};
