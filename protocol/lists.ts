/**
 * Lists, many entries to an answer: WALK and GETDIR with a limit.
 *
 * An answer holds what fits, and names the rev that the list is of, so that
 * the next one goes on in the same list whatever is written meanwhile. How
 * much one answer may hold, and how much may be looked at for it, is bounded;
 * it has one entry at least, so that its client gets on.
 *
 * @module
 */
import { LIMITS } from "../store/mod.ts";
import type { BodyView, Glob, Path, Refusal, Rev } from "../store/mod.ts";
import type { Asker } from "./asker.ts";
import type { ClientRequest } from "./request.ts";
import { WireWriter } from "./wire.ts";

/** So much is looked at for one answer, beside the list itself. */
const WORK_PER_ANSWER = 16_384;
/** What an entry's tag and length take in an answer, at most. */
const ENTRY_HEAD_BYTES = 8;

/** An entry as it is sent. */
interface Entry {
  readonly path: Path;
  readonly rev: Rev;
  readonly body?: BodyView;
  readonly len?: number;
}

/** The entries of the answer that is being made. */
const ENTRIES = new WireWriter();
/** The entry that is being written. */
const ENTRY = new WireWriter(1024);

/** Why so many entries cannot be asked for, if so. */
export function wrongLimit({ limit }: ClientRequest): Refusal | undefined {
  if (limit === undefined || limit >= 1) return undefined;
  const detail = `Cannot list ${limit} entries: field 27 (limit) is at least 1`;
  return { code: "OTHER", detail };
}

/** Answers WALK: the files that match, from the request's offset on. */
export function listFiles(
  asker: Asker,
  request: ClientRequest,
  { glob, rev }: { glob: Glob; rev: Rev },
): void {
  const { store } = asker.backend;
  answerList(asker, { request, rev }, (offset) => {
    const found = store.match(glob, { offset, rev });
    if (found === undefined) return undefined;
    return { path: found.path, rev: found.rev, body: found };
  });
}

/** Answers GETDIR: the directory's entries, from the request's offset on. */
export function listEntries(
  asker: Asker,
  request: ClientRequest,
  rev: Rev,
): void {
  const { store } = asker.backend;
  const path = request.path!;
  const above = path === "/" ? "" : path;
  answerList(asker, { request, rev }, (offset) => {
    const name = store.entry(path, { offset, rev });
    if (name === undefined) return undefined;
    const child = `${above}/${name}`;
    const state = store.get(child, rev);
    const len = state.type === "file"
      ? state.length
      : store.countEntries(child, rev);
    return { path: name, rev: state.rev, len };
  });
}

function answerList(
  { answers, backend }: Asker,
  { request, rev }: { request: ClientRequest; rev: Rev },
  entryAt: (offset: number) => Entry | undefined,
): void {
  const { tag, offset: from = 0, limit } = request;
  if (from < 0) return answers.error(tag, "RANGE");
  const most = Math.min(limit!, LIMITS.listEntries);
  const until = backend.store.work + WORK_PER_ANSWER;
  ENTRIES.clear();
  let last = false;
  for (let count = 0;; count++) {
    const entry = entryAt(from + count);
    last = entry === undefined;
    if (entry === undefined || count >= most) break;
    writeEntry(entry);
    if (count > 0 && !fits()) break;
    const { length } = ENTRY;
    ENTRIES.bytes(21, { bytes: ENTRY.written(), start: 0, length });
    // The next may lie in a costly place: the client asks again.
    if (backend.store.work > until) break;
  }
  const { length } = ENTRIES;
  const entries = { bytes: ENTRIES.written(), start: 0, length };
  answers.list(tag, { rev, last, entries });
}

function writeEntry({ path, rev, body, len }: Entry): void {
  ENTRY.clear();
  ENTRY.text(1, path);
  ENTRY.integer(2, rev);
  if (body !== undefined) ENTRY.bytes(3, body);
  if (len !== undefined) ENTRY.integer(4, len);
}

function fits(): boolean {
  const bytes = ENTRIES.length + ENTRY_HEAD_BYTES + ENTRY.length;
  return bytes <= LIMITS.listPieceBytes;
}
