/**
 * The watches of the library's clients: every event that matches is told once,
 * in order, as it was, and not before the node that tells it has applied it;
 * marks are true; and a snapshot that stands for events which are gone is the
 * state at its rev, from which it goes on.
 *
 * @module
 */
import { EVENT_FLAGS, WANTS } from "../../../protocol/mod.ts";
import type { ClientResponse, ListEntry } from "../../../protocol/mod.ts";
import type { Glob, Rev } from "../../../store/mod.ts";
import { hashBytes } from "../bytes.ts";
import { fail } from "../violation.ts";
import { type Applied, type Canon, show } from "./canon.ts";

/** What was watched. */
export interface AskedStream {
  readonly glob: Glob;
  /** The first rev that counts; undefined: a snapshot comes first. */
  readonly from: Rev | undefined;
  /** Bits of WANTS. */
  readonly want: number;
}

/** The node that tells it, as it was when it did. */
export interface Teller {
  readonly rev: Rev;
  /** No node that was heard before kept less of its history. */
  readonly firstRev: Rev;
}

/** An event as a client gets it. */
export type ToldEvent = Pick<
  ClientResponse,
  | "flags"
  | "rev"
  | "path"
  | "value"
  | "prevRev"
  | "prevValue"
  | "time"
  | "origin"
>;

/** What one watch was told. */
export class Stream {
  readonly #canon: Canon;
  readonly #asked: AskedStream;
  /** The first rev that it was not told of; undefined before a snapshot. */
  #next: Rev | undefined;
  /** The snapshot that is under way. */
  #files: ListEntry[] | undefined;
  #snapshotAt: Rev = 0;
  /** How many events it was told of. */
  events = 0;
  /** How many snapshots stood for events. */
  snapshots = 0;

  constructor(canon: Canon, asked: AskedStream) {
    this.#canon = canon;
    this.#asked = asked;
    this.#next = asked.from;
  }

  /** The first rev that it was not told of. */
  get next(): Rev | undefined {
    return this.#next;
  }

  /** It is told of an event. */
  event(told: ToldEvent, by: Teller): void {
    const { rev = 0, path = "" } = told;
    const next = this.#expectEvents(`rev ${rev}`);
    if (rev > by.rev) {
      fail("told before applied", `rev ${rev} by a node at ${by.rev}`);
    }
    if (rev < next) {
      fail("watch", `${this.#name} is told of ${rev}, ${next} is next`);
    }
    const right = this.#canon.at(rev);
    const what = `${this.#name} is told of rev ${rev} ${path}`;
    if (right === undefined) fail("watch", `${what}, which is nothing`);
    this.#checkEvent(told, { right, what });
    this.#missesNone(rev - 1, `before ${show(right)}`);
    if (!this.#matches(right)) fail("watch", `${what}, which is not watched`);
    this.#next = rev + 1;
    this.events++;
  }

  /** It is told that it knows all events up to the rev. */
  progress(rev: Rev, by: Teller): void {
    const next = this.#expectEvents(`a mark at ${rev}`);
    if (rev < next) fail("marks", `${this.#name}: ${rev}, ${next} is next`);
    if (rev > by.rev) {
      fail("marks", `${this.#name}: ${rev} by a node at ${by.rev}`);
    }
    this.#missesNone(rev, `before the mark at ${rev}`);
    this.#next = rev + 1;
  }

  /** A snapshot begins. */
  snapshot(
    { rev, from }: { rev: Rev; from: Rev | undefined },
    by: Teller,
  ): void {
    const next = this.#next;
    const what = `${this.#name} gets rev ${rev} as a snapshot`;
    if (rev > by.rev) fail("snapshots", `${what} by a node at ${by.rev}`);
    if (next !== undefined) {
      if (from !== next) fail("snapshots", `${what} for ${from}, not ${next}`);
      if (rev < next - 1) fail("snapshots", `${what}, but knows ${next - 1}`);
      if (next >= by.firstRev) {
        fail("snapshots", `${what}, though ${by.firstRev} on is kept`);
      }
    }
    this.#snapshotAt = rev;
    this.#files = [];
  }

  /** A file of it. */
  file(entry: ListEntry): void {
    if (this.#files === undefined) {
      fail("snapshots", `${this.#name} gets ${entry.path} of none`);
    }
    this.#files.push(entry);
  }

  /** The snapshot is whole. */
  current(rev: Rev): void {
    const files = this.#files;
    if (files === undefined || rev !== this.#snapshotAt) {
      fail("snapshots", `${this.#name} ends rev ${rev}, which is none`);
    }
    this.#files = undefined;
    checkFiles(this.#canon, { files, glob: this.#asked.glob, rev });
    this.#next = rev + 1;
    this.snapshots++;
  }

  /** It has ended because history has gone on without it. */
  endedLate(by: Pick<Teller, "firstRev">): void {
    const next = this.#next;
    if (next !== undefined && next < by.firstRev) return;
    const kept = `${by.firstRev} on is kept`;
    fail("watch", `${this.#name} is too late for ${next}, though ${kept}`);
  }

  /** Whether it was told of all up to the rev, and that it was. */
  knows(rev: Rev): boolean {
    return this.#next !== undefined && this.#next > rev;
  }

  get #name(): string {
    return this.#asked.glob.text;
  }

  #expectEvents(what: string): Rev {
    const next = this.#next;
    if (this.#files === undefined && next !== undefined) return next;
    fail("snapshots", `${this.#name} is told of ${what} in the middle of one`);
  }

  /** It must have been told of all that matches up to there. */
  #missesNone(to: Rev, when: string): void {
    for (let rev = Math.max(1, this.#next!); rev <= to; rev++) {
      const event = this.#canon.at(rev);
      if (event === undefined || !this.#matches(event)) continue;
      fail("watch", `${this.#name} was not told of ${show(event)} ${when}`);
    }
  }

  #matches({ path, kind }: Applied): boolean {
    const { glob, want } = this.#asked;
    const unwanted = { set: WANTS.noSet, del: WANTS.noDel, nop: WANTS.noNop };
    return (want & unwanted[kind]) === 0 && glob.matches(path);
  }

  #checkEvent(
    told: ToldEvent,
    { right, what }: { right: Applied; what: string },
  ): void {
    const { want } = this.#asked;
    const same = told.path === right.path &&
      told.flags === EVENT_FLAGS[right.kind] &&
      ((want & WANTS.noBody) === 0
        ? hashOf(told.value, right.kind) === right.hash
        : told.value === undefined);
    if (!same) fail("watch", `${what}, which is ${show(right)}`);
    if ((want & WANTS.stamp) !== 0) {
      const stamped = told.time === right.time && told.origin === right.origin;
      const was = `from ${told.origin} at ${told.time}, it is ${show(right)}`;
      if (!stamped) fail("watch", `${what} ${was}`);
    }
    if (right.kind !== "nop") this.#checkBefore(told, { right, what });
  }

  #checkBefore(
    { prevRev, prevValue }: ToldEvent,
    { right: { path, rev }, what }: { right: Applied; what: string },
  ): void {
    const last = this.#canon.lastOf(path, rev - 1);
    const forgot = prevRev === 0 && last?.kind === "del";
    if (prevRev !== (last?.rev ?? 0) && !forgot) {
      fail("previous rev", `${what}, after ${prevRev}, not ${last?.rev}`);
    }
    if ((this.#asked.want & WANTS.previous) === 0) return;
    const file = last?.kind === "set" ? last : undefined;
    const hash = prevValue === undefined ? undefined : hashBytes(prevValue);
    if (hash !== file?.hash) {
      const is = file === undefined ? "no file" : show(file);
      fail("previous body", `${what}, after ${hash}, it was ${is}`);
    }
  }
}

/** What a client was told of as all files at a rev must be all files. */
export function checkFiles(
  canon: Canon,
  { files, glob, rev }: {
    files: readonly ListEntry[];
    glob: Glob;
    rev: Rev;
  },
): void {
  const paths = new Set<string>();
  for (const { path, rev: fileRev, value } of files) {
    paths.add(path);
    const file = canon.fileAt(path, rev);
    const same = file !== undefined && glob.matches(path) &&
      file.rev === fileRev && file.hash === hashOf(value, "set");
    if (same) continue;
    const is = file === undefined ? "no file" : show(file);
    fail("snapshots", `${path} has rev ${fileRev} at ${rev}, it was ${is}`);
  }
  if (paths.size !== files.length) {
    fail("snapshots", `${glob.text} at ${rev} has a file twice`);
  }
  for (const path of canon.paths) {
    if (paths.has(path) || !glob.matches(path)) continue;
    if (canon.fileAt(path, rev) === undefined) continue;
    fail("snapshots", `${glob.text} at ${rev} lacks ${path}`);
  }
}

/** As the order of events has it: what was removed has no body. */
function hashOf(value: Uint8Array | undefined, kind: string): number {
  if (kind === "set") return value === undefined ? -1 : hashBytes(value);
  return value === undefined || value.length === 0 ? 0 : -1;
}
