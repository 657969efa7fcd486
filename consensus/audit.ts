/**
 * The audit: nodes compare the hashes of their states at equal slots.
 *
 * Two nodes that have applied the same slots must be equal. Where they are
 * not, one of them is broken in a way that nobody foresaw, and must not answer
 * anybody. The majority is believed: a node that it contradicts stops, and
 * where there is no majority the operator is told.
 *
 * @module
 */
import type { Contradicted, Heard, NodeId } from "../protocol/mod.ts";
import type { PeerMessage, Seqn } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";
import { compareBallots } from "./ballot.ts";
import type { Members } from "./members.ts";
import { isQuorum } from "./quorum.ts";
import type { Replica } from "./replica.ts";

/** Slots whose hashes are remembered; a power of two. */
const REMEMBERED = 4096;

/** What the audit needs of its surroundings. */
export interface AuditOptions {
  readonly id: NodeId;
  readonly members: Members;
  readonly replica: Replica;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** Nodes differ, and no majority tells who is right. */
  readonly onAlarm: (what: string) => void;
}

/** One node's part in the audit. */
export class Audit {
  readonly #options: AuditOptions;
  readonly #hashes = new Uint32Array(REMEMBERED);
  readonly #seqns = new Float64Array(REMEMBERED);
  /** Who agreed, or not, with this leader when last heard. */
  readonly #agrees: Map<NodeId, boolean> = new Map();

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** The slot is applied: this is the state's hash. */
  note(seqn: Seqn, hash: number): void {
    this.#seqns[seqn % REMEMBERED] = seqn;
    this.#hashes[seqn % REMEMBERED] = hash;
  }

  /** Leads no more, or anew: who agreed is asked again. */
  forget(): void {
    this.#agrees.clear();
  }

  /** Takes a message in. */
  receive(from: NodeId, message: PeerMessage): void {
    if (message.type === "heard") this.#compare(from, message);
    else if (message.type === "contradicted") this.#stopIfWrong(from, message);
  }

  #compare(from: NodeId, { ballot, applied, hash }: Heard): void {
    const { id, members, replica, post, onAlarm } = this.#options;
    if (!replica.leading || applied === 0) return;
    if (compareBallots(ballot, replica.ballot) !== 0) return;
    const own = this.#hashOf(applied);
    if (own === undefined) return;
    const agreed = this.#agrees.get(from);
    this.#agrees.set(from, own === hash);
    if (own === hash) return;
    const withUs = new Set([id]);
    const against = new Set<NodeId>();
    for (const [node, agrees] of this.#agrees) {
      (agrees ? withUs : against).add(node);
    }
    const { current } = members;
    if (isQuorum(withUs, current)) {
      post(from, { type: "contradicted", ballot, seqn: applied, hash: own });
    } else {
      assert(
        !isQuorum(against, current),
        "C18: a majority has the same state as this node",
      );
      if (agreed !== false) {
        onAlarm(`Node "${from}" differs from this one at slot ${applied}`);
      }
    }
  }

  #stopIfWrong(from: NodeId, { ballot, seqn, hash }: Contradicted): void {
    const { replica } = this.#options;
    if (ballot.node !== from) return;
    if (compareBallots(ballot, replica.promised) < 0) return;
    const own = this.#hashOf(seqn);
    assert(
      own === undefined || own === hash,
      `C18: a majority has the same state as this node, at slot ${seqn}`,
    );
  }

  #hashOf(seqn: Seqn): number | undefined {
    return this.#seqns[seqn % REMEMBERED] === seqn
      ? this.#hashes[seqn % REMEMBERED]
      : undefined;
  }
}
