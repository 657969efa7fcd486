/**
 * The disk watch: what a node does whose disk is full, or does not answer.
 *
 * With a full disk nobody votes, but everybody reads. A leader lets another
 * cal lead where a quorum has space; else it leads on, so that linearizable
 * reads go on, and writes are refused at once, with the reason. All that waits is
 * written when there is space again, without anybody's help.
 *
 * @module
 */
import type { Election } from "./election.ts";
import type { Journal } from "./journal.ts";
import type { Members } from "./members.ts";
import { isQuorum } from "./quorum.ts";
import type { OwnCommands } from "./own_commands.ts";
import type { Replica } from "./replica.ts";
import type { Upkeep } from "./upkeep.ts";

/** What the watch needs of its surroundings. */
export interface DiskWatchOptions {
  readonly members: Members;
  readonly replica: Replica;
  readonly election: Election;
  readonly upkeep: Upkeep;
  readonly journal: Journal;
  readonly own: OwnCommands;
}

/** It is looked after every so many ticks. */
const WATCH_TICKS = 10;

/** One node's watch over its disk. */
export class DiskWatch {
  readonly #options: DiskWatchOptions;

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Time goes on. */
  tick(now: number): void {
    if (now % WATCH_TICKS !== 0) return;
    const { replica, journal, own } = this.#options;
    if (replica.leading && (journal.stuck || journal.full !== undefined)) {
      this.#letOthersLead();
    }
    own.refuseWrites(this.#reasonToRefuse());
  }

  /** The others decide without this node's vote; so one of them shall lead. */
  #letOthersLead(): void {
    const { members: { current }, replica, upkeep, journal } = this.#options;
    const { views } = this.#options.election;
    const able = current.filter((cal) =>
      cal !== replica.ballot.node && views.hasAnswered(cal) &&
      !views.isFull(cal)
    );
    // Else nobody could lead, and reads would stop, too.
    if (isQuorum(new Set(able), current) && upkeep.handOver()) return;
    if (journal.stuck && current.length > 1) replica.abdicate();
  }

  #reasonToRefuse(): string | undefined {
    const { replica, election, journal } = this.#options;
    if (replica.leading) return journal.full;
    const { round, node } = election.leader;
    return round > 0 && election.views.isFull(node)
      ? `The disk of the leading node "${node}" is full`
      : undefined;
  }
}
