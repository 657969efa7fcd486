/**
 * Attachment: a node's belonging to its cluster, from registration to leave.
 *
 * It asks whoever leads to be registered, and again where it finds that it was
 * cleared: a node that was cut off comes back as an observer by itself. When it
 * goes it hands over first what it has.
 *
 * @module
 */
import type { NodeId, PeerMessage } from "../protocol/mod.ts";
import type { Election } from "./election.ts";
import type { Machine } from "./machine.ts";
import type { About } from "./node_options.ts";
import type { OwnCommands } from "./own_commands.ts";
import { HOPS } from "./reads.ts";
import type { Replica } from "./replica.ts";
import type { Upkeep } from "./upkeep.ts";

/** What attachment needs of its surroundings. */
export interface AttachmentOptions {
  readonly id: NodeId;
  readonly about: About;
  readonly machine: Machine;
  readonly replica: Replica;
  readonly election: Election;
  readonly own: OwnCommands;
  readonly upkeep: Upkeep;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** How often the node has begun with its memory; once, unless told. */
  readonly incarnation?: number;
  /** Drawn as it began; 0, unless told. */
  readonly start?: number;
  /** Whether it may register: this start is written down. */
  readonly mayAttach?: () => boolean;
  /** The id that it had before, and gave up for this one; or "". */
  readonly replaces?: NodeId | "";
  /** Whether it will be there again: then it keeps its place. */
  readonly durable?: boolean;
}

/** A node that is not registered asks to be after every so many ticks. */
const ATTACH_TICKS = 10;
/** One that wants to go is in more of a hurry. */
const LEAVE_TICKS = 2;

/** One node's belonging to its cluster. */
export class Attachment {
  readonly #options: AttachmentOptions;
  readonly #incarnation: number;
  readonly #start: number;
  readonly #replaces: NodeId | "";
  /** Called when the node may go; undefined while it stays. */
  #leaving: (() => void) | undefined;
  #left = false;

  constructor(options: AttachmentOptions) {
    this.#options = options;
    this.#incarnation = options.incarnation ?? 1;
    this.#start = options.start ?? 0;
    this.#replaces = options.replaces ?? "";
  }

  /** Time goes on. */
  tick(now: number): void {
    const every = this.#leaving === undefined ? ATTACH_TICKS : LEAVE_TICKS;
    if (now % every === 0) this.#askLeader();
  }

  /**
   * Hands over leadership and seat, then calls `done`. A node that will be
   * there again keeps its seat and its entries: nobody has to let it go.
   */
  leave(done: () => void): void {
    const { id, machine: { members }, own } = this.#options;
    const { election, replica, upkeep, durable = false } = this.#options;
    this.#leaving = done;
    election.beQuiet();
    if (durable) {
      if (replica.leading) upkeep.handOver();
      return this.#go();
    }
    const alone = members.current.length === 1 && members.isCal(id);
    if (own.session === 0 || alone) return this.#go();
    if (replica.leading) upkeep.handOver();
    this.#askLeader();
  }

  /** The leader says that nobody needs this node any more. */
  farewell(): void {
    if (this.#leaving !== undefined) this.#go();
  }

  /**
   * Takes note of how this node's session is now. One of another incarnation,
   * or of another start that was counted as the same, is not its own: its
   * numbers were given to other commands.
   */
  noteSession(): void {
    const { id, machine: { sessions }, own } = this.#options;
    const found = sessions.ofOwner(id);
    const isOwn = found?.incarnation === this.#incarnation &&
      found.start === this.#start;
    const session = isOwn ? found : undefined;
    if (own.session !== 0 && session?.id !== own.session) {
      // What comes next under this session is unknown to all.
      own.ended();
    }
    if (own.session === 0 && session !== undefined) own.opened(session.id);
  }

  /** Asks to be registered, or to be let go. */
  #askLeader(): void {
    const { id, about, election, own, post } = this.#options;
    const { replica, upkeep, mayAttach = () => true } = this.#options;
    // Whoever could lead instead may only just have been heard again.
    if (this.#leaving !== undefined && replica.leading) upkeep.handOver();
    const way = election.wayToLeader;
    if (way === undefined) return;
    if (this.#leaving !== undefined) {
      const leave = { type: "leave", hops: HOPS, node: id } as const;
      if (!this.#left && way !== id) post(way, leave);
    } else if (own.session === 0 || this.#isBehindOthers || this.#isTwice) {
      // Else the next start may count as the same, and register no more.
      if (!mayAttach()) return;
      const { addr, hostname, version } = about;
      const begun = { incarnation: this.#incarnation, start: this.#start };
      const registration = { node: id, addr, hostname, version, ...begun };
      const replaces = this.#replaces;
      // To itself, too: a survivor that had been cleared may lead.
      post(way, { type: "attach", hops: HOPS, ...registration, replaces });
    }
  }

  /** The id that it gave up has its place still. */
  get #isTwice(): boolean {
    const { machine } = this.#options;
    return this.#replaces !== "" && machine.isRegistered(this.#replaces);
  }

  /** The leader has to hear of this node by way of another. */
  get #isBehindOthers(): boolean {
    const { election } = this.#options;
    return election.wayToLeader !== election.leader.node;
  }

  #go(): void {
    if (this.#left) return;
    this.#left = true;
    this.#leaving?.();
  }
}
