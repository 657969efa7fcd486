/**
 * Upkeep: what the leader does of its own accord, and for nodes that ask it.
 *
 * It registers nodes that attach, gives them free seats, clears seats and
 * entries of those that are gone, and lets others go. All of that is commands
 * in the log that carry its ballot, and are void once another leads.
 *
 * It also judges changes of seats, its own and those that clients want: none
 * may be made while too few are alive to have it take effect.
 *
 * @module
 */
import { type Attach, encodeText } from "../protocol/mod.ts";
import { type Command, decodeText } from "../protocol/mod.ts";
import type { FoundCommand, Leave, MutateCommand } from "../protocol/mod.ts";
import type { NodeId, PeerMessage, Seqn } from "../protocol/mod.ts";
import type { Path } from "../store/mod.ts";
import { Absences } from "./absences.ts";
import { ALPHA, isSeatPath, SEATS } from "./members.ts";
import type { Election } from "./election.ts";
import type { Machine } from "./machine.ts";
import { isQuorum } from "./quorum.ts";
import type { Replica } from "./replica.ts";

/** What upkeep needs of its surroundings. */
export interface UpkeepOptions {
  readonly id: NodeId;
  readonly machine: Machine;
  readonly replica: Replica;
  readonly election: Election;
  readonly peers: ReadonlySet<NodeId>;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Wall clock, for the time of events only. */
  readonly now: () => number;
  /** A node that is silent for so many ticks is cleared; 0 means never. */
  readonly seatTimeoutTicks: number;
  /** Up to where this node's own state is durable; else all it has applied. */
  readonly durableApplied?: () => Seqn;
}

/** Chores are looked after every so many ticks. */
const CHORE_TICKS = 5;

/** The leader's chores. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  /** Commands to propose, in order. */
  #queue: Command[] = [];
  /** What is proposed and not applied yet. */
  readonly #inFlight: Set<string> = new Set();
  readonly #absences: Absences;
  /** Addresses of the nodes that the founder awaits, to give them seats. */
  #companions: readonly string[] = [];
  /** Nodes that have asked to go. */
  readonly #leaving: Set<NodeId> = new Set();

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#absences = new Absences(options);
  }

  /** Whether this node leads, and its leadership record is applied (C21). */
  get serving(): boolean {
    const { replica, machine: { leadership } } = this.#options;
    const { round, node } = replica.ballot;
    return replica.leading && leadership.round === round &&
      leadership.node === node;
  }

  /** Whether there is something to propose. */
  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** The next command to propose. */
  next(): Command | undefined {
    return this.#queue.shift();
  }

  /** Leads no more: what it had in mind is void. */
  deposed(): void {
    this.#queue = [];
    this.#inFlight.clear();
    this.#absences.forgetAll();
    this.#leaving.clear();
  }

  /** A command is applied, perhaps one of this leader's. */
  applied(command: Command): void {
    if (command.kind === "clear" || command.kind === "register") {
      this.#absences.forget(command.node);
    }
    if (this.#inFlight.size === 0) return;
    if (command.kind === "mutate") {
      if (this.#inFlight.has("seats") && changesSeats(command)) {
        this.#inFlight.delete("seats");
      }
    } else if (command.kind === "seat") this.#inFlight.delete("seats");
    else if (command.kind === "clear") {
      this.#inFlight.delete("seats");
      this.#inFlight.delete(command.node);
    } else if (command.kind === "register") {
      this.#inFlight.delete(command.node);
    }
  }

  /** A node wants to be registered; perhaps again, having begun anew. */
  attach(message: Attach): void {
    const { node, addr, hostname, version, replaces } = message;
    const { incarnation, start } = message;
    const { machine: { sessions }, now } = this.#options;
    if (replaces !== node) this.#absences.noteReplaced(replaces);
    const known = sessions.ofOwner(node)?.incarnation ?? 0;
    if (known >= incarnation) return;
    const about = { node, addr, hostname, version, incarnation, start };
    this.#leaving.delete(node);
    this.#propose(node, { kind: "register", ...about, time: now() });
  }

  /** A node wants to go; it asks until it is told that it may. */
  leave(from: NodeId, { node }: Leave): void {
    const { machine, post } = this.#options;
    if (this.#isDispensable(node)) {
      post(from, { type: "farewell", hops: 1, node });
    } else if (machine.isRegistered(node)) {
      this.#leaving.add(node);
      this.#clear(node);
    }
  }

  /** There is a link to a node: it has not been replaced. */
  linkUp(node: NodeId): void {
    this.#absences.linkUp(node);
  }

  /** Something of a node has come by way of another. */
  noteRelayed(node: NodeId): void {
    this.#absences.noteRelayed(node);
  }

  /** Time goes on. */
  tick(now: number): void {
    // Once they vote nobody is awaited any more, whoever leads.
    if (this.#options.machine.members.current.length > 1) this.#companions = [];
    if (now % CHORE_TICKS !== 0 || !this.serving) return;
    if (this.#stepDownIfRemoved()) return;
    this.#absences.begin();
    for (const { owner } of this.#options.machine.sessions.all()) {
      this.#look(owner);
    }
    if (this.awaitsCompanions) this.#seatCompanions();
    else this.#fillSeats();
  }

  /**
   * Why a change of seats that a client wants must not be proposed now; or
   * undefined. C12: who is live must hold a quorum of every set of cals in
   * force, to come, and that results.
   */
  refusesSeats(command: Command): string | undefined {
    if (command.kind !== "mutate") return undefined;
    const changes = new Map<Path, NodeId>();
    for (const mutation of command.mutations) {
      if (mutation.type === "nop" || !isSeatPath(mutation.path)) continue;
      const { body } = mutation.type === "set" ? mutation : { body: EMPTY };
      changes.set(mutation.path, decodeText(body, 0, body.length));
    }
    const { members } = this.#options.machine;
    const { isRegistered } = this.#options.machine;
    for (const [path, id] of changes) {
      // What is wrong by itself is refused, and why, where it is applied.
      const wrong = members.refuses(path, { id, isRegistered }) !== undefined;
      if (wrong && !members.pending) changes.delete(path);
    }
    const cals = members.calsAfter(changes);
    const before = members.calsAfter(new Map());
    const same = cals.length === before.length &&
      cals.every((id) => before.includes(id));
    if (same) return undefined;
    if (!this.serving || this.#inFlight.has("seats") || members.pending) {
      return "An earlier change of seats has not taken effect yet: try again";
    }
    // No cal at all is refused where the command is applied.
    if (cals.length > 0 && !this.#isSafe(cals)) {
      return "Too few nodes answer to change who votes: wait for them";
    }
    const fresh = cals.find((id) => !before.includes(id) && !this.#holds(id));
    if (fresh !== undefined) {
      return `Node "${fresh}" does not hold the state yet: try again`;
    }
    this.#inFlight.add("seats");
    return undefined;
  }

  /** Whether the founder still waits for those that it founds with. */
  get awaitsCompanions(): boolean {
    // Once they vote, another of them may lead, and this node not know why.
    return this.#companions.length > 0 &&
      this.#options.machine.members.current.length <= 1;
  }

  /** The addresses of those of them that are not attached and live yet. */
  get missingCompanions(): readonly string[] {
    const there = this.#heirs().map((heir) => this.#absences.addrOf(heir));
    return this.#companions.filter((addr) => !there.includes(addr));
  }

  /** The first command of a cluster, and who else shall have a seat at once. */
  found(command: FoundCommand, companions: readonly string[]): void {
    this.#queue.push(command);
    this.expect(companions);
  }

  /** Clients are served when the nodes at these addresses have seats. */
  expect(companions: readonly string[]): void {
    this.#companions = companions;
  }

  /** The cal, not this node, that has applied most and is live. */
  get successor(): NodeId | undefined {
    const { id, machine: { members }, election, peers } = this.#options;
    let best: NodeId | undefined;
    for (const cal of members.current) {
      const { views } = election;
      if (cal === id || !peers.has(cal) || !views.hasAnswered(cal)) continue;
      if (views.isFull(cal)) continue; // It could not vote for itself.
      const most = best === undefined ? -1 : election.views.appliedOf(best);
      if (election.views.appliedOf(cal) > most) best = cal;
    }
    return best;
  }

  /** Steps down in favour of another cal; tells whether there is one. */
  handOver(): boolean {
    const { replica, post } = this.#options;
    const to = this.successor;
    if (!replica.leading || to === undefined) return false;
    const { ballot } = replica;
    replica.abdicate();
    post(to, { type: "handover", ballot });
    return true;
  }

  /**
   * Whether a node has no vote and no entries left, and a quorum of those that
   * have a vote holds every slot in which it had one, and would do so after a
   * restart: else its going could leave slots undecided for ever (C22, C24).
   */
  #isDispensable(node: NodeId): boolean {
    const { machine: { members }, machine } = this.#options;
    return !machine.isRegistered(node) && !members.isCal(node) &&
      !members.pending && this.#haveOldSlots();
  }

  #haveOldSlots(): boolean {
    const { machine: { members }, id, election, replica } = this.#options;
    const { durableApplied = () => replica.applied } = this.#options;
    const old = members.sets[0]!.from - 1;
    const have = members.current.filter((cal) => {
      const { views } = election;
      return (cal === id ? durableApplied() : views.durableOf(cal)) >= old;
    });
    return isQuorum(new Set(have), members.current);
  }

  #propose(about: string, command: Command): void {
    if (!this.serving || this.#inFlight.has(about)) return;
    this.#inFlight.add(about);
    this.#queue.push(command);
  }

  /** A quorum of every set that matters must be live. */
  #isSafe(resulting: readonly NodeId[]): boolean {
    const { machine: { members, sessions }, election, id } = this.#options;
    const live = new Set([id]);
    for (const { owner } of sessions.all()) {
      if (election.views.hasAnswered(owner)) live.add(owner);
    }
    return isQuorum(live, resulting) &&
      members.sets.every(({ cals }) => isQuorum(live, cals));
  }

  /** Sees to a node that is gone, or wants to go. */
  #look(node: NodeId): void {
    if (node === this.#options.id) return;
    const leaves = this.#leaving.has(node);
    if (!leaves && !this.#absences.isGone(node)) return;
    // Who still speaks by way of others keeps its entries, if not its vote.
    const lives = !leaves && this.#absences.livesBehindOthers(node);
    const seat = this.#options.machine.members.seatOf(node);
    if (!lives || seat !== undefined) this.#replaceOrClear(node, lives);
  }

  #replaceOrClear(node: NodeId, lives: boolean): void {
    const { members } = this.#options.machine;
    const seat = members.seatOf(node);
    if (seat === undefined) return this.#clear(node);
    const heir = this.#heirs()[0];
    if (heir === undefined && !lives) return this.#clear(node);
    const holder = heir ?? "";
    const cals = members.calsAfter(new Map([[seat, holder]]));
    if (members.pending || cals.length === 0 || !this.#isSafe(cals)) return;
    this.#seat(seat, holder);
  }

  #clear(node: NodeId): void {
    const { machine: { members, sessions }, replica, now } = this.#options;
    const seat = members.seatOf(node);
    if (sessions.ofOwner(node) === undefined && seat === undefined) return;
    if (seat !== undefined) {
      const rest = members.calsAfter(new Map([[seat, ""]]));
      if (members.pending || rest.length === 0 || !this.#isSafe(rest)) return;
      if (this.#inFlight.has("seats") || this.#inFlight.has(node)) return;
      this.#inFlight.add("seats");
    }
    const { ballot } = replica;
    this.#propose(node, { kind: "clear", ballot, node, time: now() });
  }

  /** Gives a free seat to an attached node that has caught up. */
  #fillSeats(): void {
    const { members } = this.#options.machine;
    if (members.pending || this.#inFlight.has("seats")) return;
    const heir = this.#heirs()[0];
    if (heir === undefined) return;
    for (const [path, holder] of members.seats) {
      if (holder !== "") continue;
      if (!this.#isSafe(members.calsAfter(new Map([[path, heir]])))) return;
      return this.#seat(path, heir);
    }
  }

  /** Seats all companions in one command, when all are there. */
  #seatCompanions(): void {
    const { machine: { members }, replica, now } = this.#options;
    const heirs = this.#heirs().filter((heir) =>
      this.#companions.includes(this.#absences.addrOf(heir))
    );
    if (heirs.length < this.#companions.length || members.pending) return;
    const mutations = heirs.map((heir, at) => {
      const path = `${SEATS}/${at + 1}`;
      return { type: "set", path, rev: 0, body: encodeText(heir) } as const;
    });
    const { ballot } = replica;
    this.#propose("seats", { kind: "seat", ballot, time: now(), mutations });
  }

  /** Gives a seat to a node, or to nobody. */
  #seat(path: Path, node: NodeId | ""): void {
    const { machine: { store }, replica, now } = this.#options;
    const body = encodeText(node);
    // An ordinary compare-and-set: who wrote the seat meanwhile wins.
    const { rev } = store.get(path);
    const mutations = [{ type: "set", path, rev, body }] as const;
    const { ballot } = replica;
    this.#propose("seats", { kind: "seat", ballot, time: now(), mutations });
  }

  /** Nodes that could have a seat: live, durably caught up, and without one. */
  #heirs(): NodeId[] {
    const { machine: { members, sessions }, election, replica } = this.#options;
    const { views } = election;
    return sessions.all().map(({ owner }) => owner).filter((owner) =>
      members.seatOf(owner) === undefined && !this.#leaving.has(owner) &&
      !this.#absences.isGone(owner) && views.hasAnswered(owner) &&
      this.#holds(owner) && views.durableOf(owner) + ALPHA >= replica.applied
    );
  }

  /** C24: a vote is for who has a state, after a restart, too. */
  #holds(node: NodeId): boolean {
    const { id, election } = this.#options;
    return node === id || election.views.durableOf(node) > 0;
  }

  /**
   * Serves on without a seat until a quorum of the new cals has every slot of
   * the set that it was in; then lets one of them lead.
   */
  #stepDownIfRemoved(): boolean {
    const { id, machine: { members }, replica } = this.#options;
    if (members.current.includes(id)) return false;
    if (!this.#haveOldSlots()) return false;
    if (!this.handOver()) replica.abdicate();
    return true;
  }
}

/** Whether a client's command is about seats. */
export function changesSeats({ mutations }: MutateCommand): boolean {
  return mutations.some((mutation) =>
    mutation.type !== "nop" && isSeatPath(mutation.path)
  );
}

const EMPTY: Uint8Array = new Uint8Array(0);
