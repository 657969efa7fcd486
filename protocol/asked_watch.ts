/**
 * What a WATCH asks for, read from its request and checked.
 *
 * @module
 */
import { type EventKind, type Glob, LIMITS } from "../store/mod.ts";
import type { Refusal, Rev } from "../store/mod.ts";
import { type ClientRequest, WANTS, WANTS_KNOWN } from "./request.ts";

/** The most bytes that a WATCH or a CREDIT may allow to be sent. */
export const WINDOW_MAX: number = 2 ** 31;

/** What a watch is to do. */
export interface AskedWatch {
  readonly glob: Glob;
  /** The first rev that counts, from 1. */
  readonly from: Rev;
  /** The kinds of event that count. */
  readonly kinds: readonly EventKind[];
  /** Whether what the file was before is told, too. */
  readonly previous: boolean;
  /** Bytes of events that may be sent at first; absent means any number. */
  readonly window: number | undefined;
  /** Milliseconds between two progress marks; absent means none. */
  readonly progressMs: number | undefined;
  /** Bits of WANTS. */
  readonly want: number;
}

/** What the request asks for; `rev` is that of the tree. */
export function askedWatchOf(
  request: ClientRequest,
  { glob, rev }: { glob: Glob; rev: Rev },
): AskedWatch | Refusal {
  const { window, progress, want = 0 } = request;
  const refusal = window === undefined ? undefined : wrongWindow(window);
  if (refusal !== undefined) return refusal;
  if (want < 0 || want > WANTS_KNOWN) return unknownWant(want);
  const from = request.rev === undefined
    ? rev + 1
    // A rev below 1 means 1, as in a WAIT.
    : Math.max(1, request.rev);
  const progressMs = progress === undefined
    ? undefined
    : Math.max(LIMITS.progressMs, progress);
  const kinds = kindsOf(want);
  const previous = (want & WANTS.previous) !== 0;
  return { glob, from, kinds, previous, window, progressMs, want };
}

function kindsOf(want: number): EventKind[] {
  const kinds: EventKind[] = [];
  if ((want & WANTS.noSet) === 0) kinds.push("set");
  if ((want & WANTS.noDel) === 0) kinds.push("del");
  if ((want & WANTS.noNop) === 0) kinds.push("nop");
  return kinds;
}

/** Why so many bytes cannot be allowed, if so. */
export function wrongWindow(window: number): Refusal | undefined {
  if (window >= 1 && window <= WINDOW_MAX) return undefined;
  const detail = `Cannot allow ${window} bytes: field 20 (window) is from 1 ` +
    `to ${WINDOW_MAX}`;
  return { code: "OTHER", detail };
}

/** A newer client may want what we do not know. */
function unknownWant(want: number): Refusal {
  const detail = `Cannot watch with want ${want}: field 22 (want) has bits ` +
    `from 0 to ${WANTS_KNOWN}`;
  return { code: "OTHER", detail };
}
