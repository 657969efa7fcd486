/**
 * Durable words: what a node with a disk promises or accepts is on the disk
 * before it says so, and so is the ballot that it asks with. Seen from outside:
 * something was written after it heard, or decided, and was synced before it
 * speaks.
 *
 * @module
 */
import type {
  AcceptedValue,
  Ballot,
  NodeId,
  PeerMessage,
  Seqn,
} from "../../../protocol/mod.ts";
import { fail } from "../violation.ts";
import { compare, name, NONE } from "./ballots.ts";

/** How much of its log a node has written. */
export interface WrittenLog {
  /** Counts what was written. */
  readonly written: number;
  /** How much of that is on the disk. */
  readonly durable: number;
  /** Counts the syncs. */
  readonly syncs: number;
  /** Whether nothing is being written. */
  readonly idle: boolean;
}

/** What was on a disk when its node started. */
export interface Memory {
  readonly promised: Ballot;
  readonly accepted: readonly AcceptedValue[];
}

/** What one node has heard since it started, and how much was written then. */
interface Ears {
  readonly log: WrittenLog;
  readonly promised: Ballot;
  /** By what it is. */
  readonly heard: Map<string, number>;
  /** How many syncs there were when it proposed something first. */
  readonly proposed: Map<string, number>;
  /** What it proposed first since it ran last. */
  readonly fresh: Set<string>;
  /** Ballots that it thought of running with. */
  readonly own: Map<string, number>;
}

/** Holds what nodes say against what they have written. */
export class DurableWords {
  readonly #ears: Map<NodeId, Ears> = new Map();

  /** A node starts with what was on its disk. */
  started(
    id: NodeId,
    { log, memory }: { log: WrittenLog; memory: Memory | undefined },
  ): void {
    const heard = new Map<string, number>();
    for (const accepted of memory?.accepted ?? []) {
      heard.set(slotKey(accepted), -1);
    }
    const promised = memory?.promised ?? NONE;
    const own = new Map();
    const nothing = { proposed: new Map(), fresh: new Set<string>(), own };
    this.#ears.set(id, { log, promised, heard, ...nothing });
  }

  /** A message arrives at a node. */
  arrived(id: NodeId, message: PeerMessage): void {
    const ears = this.#ears.get(id);
    if (ears === undefined) return;
    if (message.type === "accept") {
      note(ears, slotKey(message));
    } else if (message.type === "prepare") note(ears, name(message.ballot));
  }

  /** A node sends a message. */
  sent(id: NodeId, message: PeerMessage): void {
    const ears = this.#ears.get(id);
    if (ears === undefined) return;
    const { type } = message;
    if (type === "accepted") {
      this.#isWritten(id, { ears, key: slotKey(message) });
    } else if (type === "promise") {
      if (compare(message.ballot, ears.promised) > 0) {
        this.#isWritten(id, { ears, key: name(message.ballot) });
      }
    } else if (type === "accept") {
      const { proposed, fresh, log } = ears;
      const key = slotKey(message);
      if (proposed.has(key)) return;
      proposed.set(key, log.syncs);
      fresh.add(key);
    } else if (type === "prevote") {
      ears.own.set(name(message.ballot), ears.log.written);
    } else if (type === "prepare") {
      this.#asks(id, { ears, ballot: message.ballot });
    }
  }

  /**
   * A node has done what there was to do. What it proposed may be written down
   * since long, when there was nobody to propose it to.
   */
  ran(id: NodeId): void {
    const ears = this.#ears.get(id);
    if (ears === undefined || ears.fresh.size === 0) return;
    if (ears.log.idle) {
      for (const key of ears.fresh) ears.proposed.set(key, -1);
    }
    ears.fresh.clear();
  }

  /** Whether a leader may count its own vote. */
  readonly isDurable = (
    id: NodeId,
    { seqn, ballot }: { seqn: Seqn; ballot: Ballot },
  ): boolean => {
    const ears = this.#ears.get(id);
    const since = ears?.proposed.get(slotKey({ seqn, ballot }));
    return since === undefined || ears!.log.syncs > since;
  };

  #asks(
    id: NodeId,
    { ears: { log, own }, ballot }: { ears: Ears; ballot: Ballot },
  ): void {
    const since = own.get(name(ballot));
    if (since === undefined || log.durable > since) return;
    fail("written first", `${id} asks with ${name(ballot)}, not written down`);
  }

  #isWritten(
    id: NodeId,
    { ears: { log, heard }, key }: { ears: Ears; key: string },
  ): void {
    const since = heard.get(key);
    if (since === undefined || log.durable > since) return;
    fail("written first", `${id} says ${key}, which is not written down`);
  }
}

function note({ heard, log: { written } }: Ears, key: string): void {
  if (!heard.has(key)) heard.set(key, written);
}

function slotKey({ seqn, ballot }: { seqn: Seqn; ballot: Ballot }): string {
  return `${seqn} at ${name(ballot)}`;
}
