/**
 * Keeps dialling the nodes that are registered, until there is a link.
 *
 * Each failure doubles the time to the next attempt, up to a bound, with some
 * chance in it, so that nodes which were cut off together do not come back
 * together.
 *
 * @module
 */
import type { NodeId } from "../mod.ts";

/** The time after a link ended, and after a failure, at most. */
export interface RedialTiming {
  readonly redialMs: number;
  readonly redialMaxMs: number;
}

/** What a redialler needs. */
export interface PeerRedialOptions {
  readonly timing: RedialTiming;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly isLinked: (peer: NodeId) => boolean;
  /** Dials; resolves once there is a link, or will be none. */
  readonly dial: (target: DialTarget) => Promise<void>;
}

/** Whom to dial, and where. */
export interface DialTarget {
  readonly id: NodeId;
  readonly addr: string;
}

interface Kept {
  addr: string;
  delayMs: number;
  dialling: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Dials, and dials again. */
export class PeerRedial {
  readonly #options: PeerRedialOptions;
  readonly #kept: Map<NodeId, Kept> = new Map();

  constructor(options: PeerRedialOptions) {
    this.#options = options;
  }

  /** Names the nodes to keep a link with: these, and no others. */
  keep(addrs: ReadonlyMap<NodeId, string>): void {
    for (const [id, kept] of this.#kept) {
      if (addrs.has(id)) continue;
      clearTimeout(kept.timer);
      this.#kept.delete(id);
    }
    for (const [id, addr] of addrs) {
      if (this.#kept.get(id)?.addr !== addr) this.#found({ id, addr });
    }
  }

  /** There is a link: a next failure is the first one again. */
  linked(id: NodeId): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    kept.delayMs = this.#options.timing.redialMs;
    clearTimeout(kept.timer);
    kept.timer = undefined;
  }

  /** There is no link any more. */
  unlinked(id: NodeId): void {
    const kept = this.#kept.get(id);
    if (kept !== undefined) this.#schedule(id, kept);
  }

  /** Dials nobody any more. */
  close(): void {
    this.keep(new Map());
  }

  /** The node is new, or has moved: it is dialled at once. */
  #found({ id, addr }: DialTarget): void {
    const known = this.#kept.get(id);
    const kept = known ??
      { addr, delayMs: 0, dialling: false, timer: undefined };
    kept.addr = addr;
    kept.delayMs = this.#options.timing.redialMs;
    this.#kept.set(id, kept);
    clearTimeout(kept.timer);
    this.#dial(id, kept);
  }

  #schedule(id: NodeId, kept: Kept): void {
    if (kept.timer !== undefined || kept.dialling) return;
    const { random, timing } = this.#options;
    const delayMs = kept.delayMs * (0.5 + random() / 2);
    kept.delayMs = Math.min(2 * kept.delayMs, timing.redialMaxMs);
    kept.timer = setTimeout(() => this.#dial(id, kept), delayMs);
  }

  async #dial(id: NodeId, kept: Kept): Promise<void> {
    kept.timer = undefined;
    const { isLinked, dial } = this.#options;
    if (kept.dialling || isLinked(id)) return;
    kept.dialling = true;
    await dial({ id, addr: kept.addr });
    kept.dialling = false;
    const wanted = this.#kept.get(id) === kept;
    if (wanted && !isLinked(id)) this.#schedule(id, kept);
  }
}
