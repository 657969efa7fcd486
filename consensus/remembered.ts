/**
 * What is remembered of the memories of others, so that an old one that comes
 * back, or an empty one, is known and its votes are not counted.
 *
 * A disk that was restored from a copy has forgotten promises that were made
 * and values that were accepted; whoever counted its votes could decide a slot
 * twice. Its owner cannot know. But it claims less than its peers have heard
 * of it before, and so they can tell it.
 *
 * @module
 */
import type { Claim, NodeId } from "../protocol/mod.ts";
import { assert } from "../store/mod.ts";

/** What a node claims that begins with nothing, or keeps nothing. */
export const FIRST_CLAIM: Claim = { incarnation: 1, start: 0, position: 0 };

/** What remembering needs of its surroundings. */
export interface RememberedOptions {
  /** This node's own claim as it started: its position is what it found. */
  readonly own: Claim;
  /** More is known of a node than before: to be written down by and by. */
  readonly onNews?: (node: NodeId, claim: Claim) => void;
  /** Whether a node is one of the cluster: it is never forgotten. */
  readonly isRegistered?: (node: NodeId) => boolean;
}

/** Whether a claim is all that was heard of a node, or less. */
export type Judgement = "good" | "older";

/** So many nodes that are not registered are remembered: the newest. */
const OTHERS_MAX = 1000;

/** What one node remembers of the others. */
export class Remembered {
  /** This node's own claim as it started. */
  readonly own: Claim;
  readonly #options: RememberedOptions;
  readonly #claims: Map<NodeId, Claim> = new Map();
  /** Who has made a good claim over the link that there is now. */
  readonly #vetted: Set<NodeId> = new Set();

  constructor(options: RememberedOptions) {
    this.#options = options;
    this.own = options.own;
    assert(isClaim(this.own), "C23: a claim counts from incarnation 1");
  }

  /**
   * Judges what a node claims of its memory, and takes note of it. Where it has
   * begun anew, what counts is its position then: from an old one it would soon
   * reach the one that is known, with other promises.
   */
  judge(
    from: NodeId,
    claim: Claim,
    { began = claim.position }: { began?: number } = {},
  ): Judgement {
    const known = this.#claims.get(from);
    if (known !== undefined && !follows(known, { ...claim, began })) {
      this.#vetted.delete(from);
      return "older";
    }
    this.#vetted.add(from);
    this.#note(from, claim);
    return "good";
  }

  /** Whether a node's votes count: it has made a good claim over its link. */
  isVetted(from: NodeId): boolean {
    return this.#vetted.has(from);
  }

  /** There is a new link: perhaps of a process that knows less. */
  linkUp(from: NodeId): void {
    this.#vetted.delete(from);
  }

  /** The link is gone. */
  linkDown(from: NodeId): void {
    this.#vetted.delete(from);
  }

  /** A vote shows how far its node's memory is. */
  noteVote(from: NodeId, position: number): void {
    assert(this.isVetted(from), "C23: only votes of the vetted count");
    const known = this.#claims.get(from);
    if (known === undefined || position <= known.position) return;
    this.#note(from, { ...known, position });
  }

  /** What is remembered of a node. */
  whatOf(from: NodeId): Claim | undefined {
    return this.#claims.get(from);
  }

  /** What was written down of a node, before this node started. */
  restore(node: NodeId, claim: Claim): void {
    const known = this.#claims.get(node);
    const began = claim.position;
    if (known !== undefined && !follows(known, { ...claim, began })) return;
    this.#set(node, claim);
  }

  /** All that is remembered, in the order in which it was first heard. */
  all(): (readonly [NodeId, Claim])[] {
    return [...this.#claims];
  }

  /**
   * Whether what somebody remembers of this node shows that this node's memory
   * is an old one. What is known of an earlier incarnation, or of this one,
   * does not: it may have been on its way for long.
   */
  isOutdated(remembered: Claim): boolean {
    const { own } = this;
    if (remembered.incarnation > own.incarnation) return true;
    if (remembered.incarnation === own.incarnation) {
      return remembered.start !== own.start;
    }
    return remembered.position > own.position;
  }

  #note(node: NodeId, claim: Claim): void {
    const known = this.#claims.get(node);
    const position = Math.max(claim.position, known?.position ?? 0);
    const { incarnation } = claim;
    const isNews = known?.incarnation !== incarnation ||
      known.position !== position;
    if (!isNews) return;
    const noted = { ...claim, position };
    this.#set(node, noted);
    this.#options.onNews?.(node, noted);
  }

  #set(node: NodeId, claim: Claim): void {
    const known = this.#claims.get(node);
    assert(isClaim(claim), "C23: a claim counts from incarnation 1");
    assert(
      known === undefined || known.incarnation < claim.incarnation ||
        known.incarnation === claim.incarnation &&
          known.position <= claim.position,
      "C23: what is remembered of a node never becomes less",
    );
    this.#claims.set(node, claim);
    if (known === undefined) this.#forgetStrangers();
  }

  /** Nodes come and go, and each has a new id: not all can stay for ever. */
  #forgetStrangers(): void {
    if (this.#claims.size <= OTHERS_MAX) return;
    const { isRegistered = () => false } = this.#options;
    const others = [...this.#claims.keys()]
      .filter((node) => !isRegistered(node));
    const surplus = Math.max(0, others.length - OTHERS_MAX);
    for (const node of others.slice(0, surplus)) this.#claims.delete(node);
  }
}

/** Whether a node that claimed the one may claim the other now. */
function follows(known: Claim, claim: Claim & { began: number }): boolean {
  const { incarnation, start, began } = claim;
  return incarnation === known.incarnation
    ? start === known.start
    : incarnation > known.incarnation && began >= known.position;
}

function isClaim({ incarnation, position }: Claim): boolean {
  return Number.isSafeInteger(incarnation) && incarnation >= 1 &&
    Number.isSafeInteger(position) && position >= 0;
}
