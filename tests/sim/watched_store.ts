/**
 * A store that is looked at: every event that it applies is shown to an
 * observer, and so is what it takes over from another node at once.
 *
 * @module
 */
import {
  compileGlob,
  type Refusal,
  type Rev,
  Store,
  type StoreEvent,
  type StoreOptions,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { hashBytes } from "./bytes.ts";
import type { Applied } from "./checkers/canon.ts";
import { fail } from "./violation.ts";

/** Told of all that a store does. */
export interface StoreObserver {
  /** It has applied an event. */
  applied(event: Applied): void;
  /** It has a state that it did not apply itself. */
  tookOver(store: WatchedStore): void;
}

const EVERYTHING = compileGlob("/**");
/** Bodies up to this length are shown as text: ids of nodes. */
const TEXT_MAX = 16;
const HASH_SIGN = 35;
const DIGIT_ZERO = 48;

const NOBODY: Waiter = { waitEnded() {}, revReached() {} };

/** A store, and who watches it. */
export class WatchedStore extends Store {
  readonly #observer: StoreObserver;
  #seen: Rev = 0;

  constructor(options: StoreOptions & { observer: StoreObserver }) {
    const { observer, ...rest } = options;
    super(rest);
    this.#observer = observer;
  }

  override apply(
    ...given: Parameters<Store["apply"]>
  ): ReturnType<Store["apply"]> {
    this.noticeJump();
    const outcome = super.apply(...given);
    if (this.rev > this.#seen) {
      this.#seen = this.rev;
      this.#observer.applied(this.eventAt(this.rev));
    }
    return outcome;
  }

  /** Notices what was not applied: the state of another node taken over. */
  noticeJump(): void {
    if (this.rev === this.#seen) return;
    if (this.rev < this.#seen) {
      fail("never back", `a store went from ${this.#seen} to ${this.rev}`);
    }
    this.#seen = this.rev;
    this.#observer.tookOver(this);
  }

  /** The event of a rev that is retained. */
  eventAt(rev: Rev): Applied {
    const wish = { glob: EVERYTHING, from: rev, ticket: 0 };
    const found = this.waits.start(new Wait(NOBODY, wish));
    if (found === undefined || "code" in found || found.rev !== rev) {
      fail("history", `rev ${rev} of ${this.firstRev} to ${this.rev} is lost`);
    }
    return appliedOf(found);
  }

  /** The files of the newest state: path, rev and hash of each. */
  *listFiles(): Generator<{ path: string; rev: Rev; hash: number }> {
    const { rev } = this;
    for (let offset = 0;; offset++) {
      const file = this.match(EVERYTHING, { offset, rev });
      if (file === undefined) return;
      yield {
        path: file.path,
        rev: file.rev,
        hash: hashBytes(file.bytes, file),
      };
    }
  }
}

/** Whether a wait was told of an event. */
export function isEvent(result: StoreEvent | Refusal): result is StoreEvent {
  return !("code" in result);
}

/** An event without the store's memory. */
export function appliedOf(event: StoreEvent): Applied {
  const { rev, path, kind, previousRev, body } = event;
  const { time, origin } = event as { time?: number; origin?: string };
  const { bytes, start, length } = body;
  return {
    rev,
    path,
    kind,
    previousRev,
    hash: kind === "set" ? hashBytes(bytes, body) : 0,
    op: path.startsWith("/ctl/") ? 0 : operationOf(bytes, start, length),
    text: length <= TEXT_MAX ? textOf(bytes, start, length) : "",
    time,
    origin: origin === "" ? undefined : origin,
  };
}

/** The body of an operation's value begins with `#NUMBER `. */
function operationOf(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || bytes[start] !== HASH_SIGN) return 0;
  let number = 0;
  for (let i = start + 1; i < start + length; i++) {
    const digit = bytes[i]! - DIGIT_ZERO;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return number;
}

function textOf(bytes: Uint8Array, start: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}
