/**
 * The one order of events: the first node that applies a rev says what it is,
 * all others must agree. Also the model of the tree: what each path was at any
 * rev, by its own simple rules.
 *
 * @module
 */
import type { Path, Rev } from "../../../store/mod.ts";
import { fail } from "../violation.ts";

/** An event as a node applied it. */
export interface Applied {
  readonly rev: Rev;
  readonly path: Path;
  readonly kind: "set" | "del" | "nop";
  readonly previousRev: Rev;
  /** Of the body. */
  readonly hash: number;
  /** The operation that the body names, or 0. */
  readonly op: number;
  /** The body where it is short, for seats. */
  readonly text: string;
  /** The proposer's time, if events tell it. */
  readonly time: number | undefined;
  /** The node that took the command, if events tell it. */
  readonly origin: string | undefined;
}

/** Who applied it, for the checks that depend on what it still knows. */
export interface Applier {
  readonly name: string;
  readonly firstRev: Rev;
}

/** The order of events, and the tree they make. */
export class Canon {
  readonly #events: Applied[] = [];
  readonly #byPath: Map<Path, Applied[]> = new Map();

  /** The last rev that anybody has applied. */
  get rev(): Rev {
    return this.#events.length;
  }

  /** The event of a rev. */
  at(rev: Rev): Applied | undefined {
    return this.#events[rev - 1];
  }

  /** All paths that were ever written. */
  get paths(): Iterable<Path> {
    return this.#byPath.keys();
  }

  /** A node applied an event; returns whether it is the first to do so. */
  apply(event: Applied, by: Applier): boolean {
    const known = this.at(event.rev);
    if (known !== undefined) {
      this.#compare(event, { known, by });
      return false;
    }
    if (event.rev !== this.rev + 1) {
      fail("one order", `${by.name} has rev ${event.rev}, after ${this.rev}`);
    }
    this.#checkPrevious(event, by);
    this.#events.push(event);
    if (event.kind !== "nop") this.#chainOf(event.path).push(event);
    return true;
  }

  /** The last event of the path at or before the rev. */
  lastOf(path: Path, rev: Rev): Applied | undefined {
    const chain = this.#byPath.get(path);
    if (chain === undefined) return undefined;
    let low = 0;
    let high = chain.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (chain[middle]!.rev <= rev) low = middle + 1;
      else high = middle;
    }
    return chain[low - 1];
  }

  /** What the path held at the rev: the event that wrote it, if it existed. */
  fileAt(path: Path, rev: Rev): Applied | undefined {
    const last = this.lastOf(path, rev);
    return last?.kind === "set" ? last : undefined;
  }

  /** The first event from `from` to `to` that matches. */
  firstMatch(
    matches: (path: Path) => boolean,
    range: { from: Rev; to: Rev },
  ): Applied | undefined {
    for (let rev = Math.max(1, range.from); rev <= range.to; rev++) {
      const event = this.#events[rev - 1];
      if (event !== undefined && matches(event.path)) return event;
    }
    return undefined;
  }

  #chainOf(path: Path): Applied[] {
    let chain = this.#byPath.get(path);
    if (chain === undefined) this.#byPath.set(path, chain = []);
    return chain;
  }

  #compare(
    event: Applied,
    { known, by }: { known: Applied; by: Applier },
  ): void {
    const same = event.path === known.path && event.kind === known.kind &&
      event.hash === known.hash && event.time === known.time &&
      event.origin === known.origin;
    if (!same) {
      const [here, there] = [show(event), show(known)];
      fail("one order", `${by.name} has ${here}, others have ${there}`);
    }
    if (event.kind !== "nop") this.#checkPrevious(event, by);
  }

  /** A node that forgot a deleted file says 0, as if it had never been. */
  #checkPrevious(event: Applied, by: Applier): void {
    if (event.kind === "nop") return;
    const last = this.lastOf(event.path, event.rev - 1);
    const right = last?.rev ?? 0;
    if (event.previousRev === right) return;
    const forgot = event.previousRev === 0 && last?.kind === "del" &&
      last.rev <= by.firstRev;
    if (forgot) return;
    fail(
      "previous rev",
      `${by.name} says ${event.previousRev} in ${show(event)}, it is ${right}`,
    );
  }
}

/** An event in a few words. */
export function show(event: Applied): string {
  const { rev, kind, path, op, hash, time, origin } = event;
  const what = op !== 0 ? ` op ${op}` : ` #${hash.toString(16)}`;
  const from = origin === undefined ? "" : ` from ${origin}`;
  const when = time === undefined ? "" : ` at ${time}`;
  return `rev ${rev} ${kind} ${path}${
    kind === "set" ? what : ""
  }${from}${when}`;
}
