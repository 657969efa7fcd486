/**
 * The verb table: what each request needs, and how it is answered.
 *
 * A verb states the right that it needs and the fields that it cannot do
 * without; the connection checks both, in the original's order, before the
 * verb is handled. There is no entry without a right, so a new verb cannot be
 * open by oversight.
 *
 * @module
 */
import { type BodyView, compileGlob, isPath, LIMITS } from "../store/mod.ts";
import type { Mutation, Refusal, Rev } from "../store/mod.ts";
import type { Right } from "./access.ts";
import { sessionNameOf, sessionNumberOf } from "./asked_session.ts";
import type { Asker } from "./asker.ts";
import { encodeHelloAnswer } from "./hello_answer.ts";
import { listEntries, listFiles, wrongLimit } from "./lists.ts";
import { type ClientRequest, type Verb, VERBS } from "./request.ts";
import { EVENT_FLAGS } from "./response.ts";
import { encodeStatus } from "./status.ts";

/** A field that a verb may need. */
export type NeededField =
  | "tag"
  | "path"
  | "rev"
  | "offset"
  | "target"
  | "window";

/** One verb. */
export interface VerbEntry {
  readonly right: Right;
  /** Fields without which the answer is MISSING_ARG. */
  readonly needs: readonly NeededField[];
  /** Whether a node that has no state yet answers it, too. */
  readonly early?: true;
  /** Whether the fields `read` and `min_rev` say how it is to be answered. */
  readonly reads?: true;
  /** Whether it may be a command of a client's session. */
  readonly writes?: true;
  /** Whether the field `limit` asks for many entries, from 0 on by default. */
  readonly lists?: true;
  handle(asker: Asker, request: ClientRequest): void;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const NO_BODY: BodyView = { bytes: EMPTY, start: 0, length: 0 };

const ENTRIES: Record<Verb, VerbEntry> = {
  GET: {
    right: "read",
    needs: ["path"],
    reads: true,
    handle: (asker, request) => asker.held.readAt(request, get),
  },
  SET: { right: "write", needs: ["path", "rev"], writes: true, handle: set },
  DEL: { right: "write", needs: ["path", "rev"], writes: true, handle: del },
  REV: {
    right: "none",
    needs: [],
    reads: true,
    handle({ answers, backend }, { tag }) {
      answers.rev(tag, backend.store.rev);
    },
  },
  WAIT: {
    right: "read",
    needs: ["path", "rev"],
    handle: (asker, request) =>
      asker.held.wait(request, compileGlob(request.path!)),
  },
  NOP: {
    right: "write",
    needs: [],
    writes: true,
    handle: (asker, request) => order(asker, request, { type: "nop" }),
  },
  WALK: {
    right: "read",
    needs: ["path", "offset"],
    reads: true,
    lists: true,
    handle: walk,
  },
  GETDIR: {
    right: "read",
    needs: ["path", "offset"],
    reads: true,
    lists: true,
    handle: getdir,
  },
  STAT: {
    right: "read",
    needs: [],
    reads: true,
    handle: (asker, request) => asker.held.readAt(request, stat),
  },
  SELF: {
    right: "none",
    early: true,
    needs: [],
    handle: ({ answers, backend }, { tag }) => answers.text(tag, backend.id),
  },
  STATUS: {
    right: "read",
    early: true,
    needs: [],
    handle({ answers, backend }, { tag }) {
      answers.text(tag, encodeStatus(backend.status()));
    },
  },
  RECOVER: { right: "write", needs: [], handle: recover },
  BACKUP: { right: "read all", needs: ["offset"], reads: true, handle: backup },
  HELLO: {
    right: "none",
    early: true,
    needs: [],
    handle: (asker, { tag }) =>
      asker.answers.text(tag, encodeHelloAnswer(asker)),
  },
  SESSION: { right: "write", needs: [], writes: true, handle: session },
  WATCH: {
    right: "read",
    needs: ["tag", "path"],
    handle: (asker, request) =>
      asker.held.watch(request, compileGlob(request.path!)),
  },
  CANCEL: { right: "none", early: true, needs: ["target"], handle: cancel },
  CREDIT: {
    right: "none",
    early: true,
    needs: ["target", "window"],
    handle: credit,
  },
  ACCESS: { right: "none", early: true, needs: [], handle: access },
};

/** The verbs by their number on the wire. */
export const VERB_TABLE: ReadonlyMap<number, VerbEntry> = new Map(
  Object.entries(VERBS).map(([verb, number]) => [
    number,
    ENTRIES[verb as Verb],
  ]),
);

const NO_STATE = "This node has only just begun, and has no state yet";

/** Why the request is not to be handled, in the original's order. */
export function objection(
  asker: Asker,
  request: ClientRequest,
): Refusal | undefined {
  const verb = VERB_TABLE.get(request.verb);
  if (verb === undefined) return { code: "UNKNOWN_VERB" };
  if (!asker.may(verb.right)) return { code: "DENIED" };
  if (lacksField(verb, request)) return { code: "MISSING_ARG" };
  if (asker.backend.isOpen || verb.early) return undefined;
  return { code: "UNAVAILABLE", detail: NO_STATE };
}

function lacksField(verb: VerbEntry, request: ClientRequest): boolean {
  for (const field of verb.needs) {
    if (request[field] !== undefined) continue;
    if (field !== "offset" || !verb.lists) return true;
    if (request.limit === undefined) return true;
  }
  if (!verb.writes || request.session === undefined) return false;
  // Ids of sessions mean something in one history, as revs do.
  return request.number === undefined || request.lineage === undefined;
}

/** Why the request is not for the history that is here, if so. */
export function otherLineage(
  asker: Asker,
  { lineage: meant, verb }: ClientRequest,
): Refusal | undefined {
  const { lineage } = asker.backend;
  // A node that is not part of any history yet has none that differs; and a
  // secret says who asks, not about what; and a HELLO asks just that.
  if (meant === undefined || meant === lineage || lineage === "") return;
  if (verb === VERBS.ACCESS || verb === VERBS.HELLO) return;
  const is = asker.may("read") ? `is of lineage "${lineage}"` : "is another";
  const detail = `The history here ${is}, the request is for "${meant}": ` +
    "revs of the one mean nothing in the other, so read anew what you know";
  return { code: "LINEAGE", detail };
}

function get(asker: Asker, request: ClientRequest, rev: Rev): void {
  const { answers, backend } = asker;
  const state = backend.store.get(request.path!, rev);
  switch (state.type) {
    case "file":
      return answers.file(request.tag, { rev: state.rev, body: state });
    case "missing":
      return answers.file(request.tag, { rev: state.rev, body: NO_BODY });
    case "directory":
      return answers.error(request.tag, "ISDIR");
  }
}

function stat(asker: Asker, request: ClientRequest, rev: Rev): void {
  const { answers, backend } = asker;
  const path = request.path ?? "";
  const state = backend.store.get(path, rev);
  const len = state.type === "file"
    ? state.length
    : state.type === "directory"
    ? backend.store.countEntries(path, rev)
    : 0;
  answers.stat(request.tag, { rev: state.rev, len });
}

function getdir(asker: Asker, request: ClientRequest): void {
  const refusal = wrongLimit(request);
  if (refusal !== undefined) return refuse(asker, request, refusal);
  asker.held.readAt(request, getdirAt);
}

function getdirAt(asker: Asker, request: ClientRequest, rev: Rev): void {
  const { answers, backend } = asker;
  const { tag, limit } = request;
  const path = request.path!;
  const state = backend.store.get(path, rev);
  if (state.type === "missing") return answers.error(tag, "NOENT");
  if (state.type === "file") return answers.error(tag, "NOTDIR");
  if (limit !== undefined) return listEntries(asker, request, rev);
  const name = backend.store.entry(path, { offset: request.offset!, rev });
  if (name === undefined) return answers.error(tag, "RANGE");
  answers.name(tag, name);
}

function walk(asker: Asker, request: ClientRequest): void {
  const glob = compileGlob(request.path!);
  const refusal = wrongLimit(request);
  if (refusal !== undefined) return refuse(asker, request, refusal);
  asker.held.readAt(request, (asker, request, rev) => {
    const { answers, backend } = asker;
    const { tag, offset, limit } = request;
    if (limit !== undefined) return listFiles(asker, request, { glob, rev });
    const found = backend.store.match(glob, { offset: offset!, rev });
    if (found === undefined) return answers.error(tag, "RANGE");
    const { path } = found;
    const flags = EVENT_FLAGS.set;
    answers.event(tag, { flags, rev: found.rev, path, body: found });
  });
}

function set(asker: Asker, request: ClientRequest): void {
  const { tag } = request;
  const path = request.path!;
  const body = request.value ?? EMPTY;
  if (!isPath(path)) return refusePath(asker, request);
  if (body.length > LIMITS.valueBytes) {
    // The store would say the same, but only after the log had carried it.
    const detail = `The value has ${body.length} bytes, the limit is ` +
      `${LIMITS.valueBytes}`;
    return asker.answers.error(tag, "LIMIT", detail);
  }
  order(asker, request, { type: "set", path, rev: request.rev!, body });
}

function del(asker: Asker, request: ClientRequest): void {
  const path = request.path!;
  if (!isPath(path)) return refusePath(asker, request);
  order(asker, request, { type: "del", path, rev: request.rev! });
}

/** Has a mutation ordered; without one its session's number does nothing. */
function order(
  asker: Asker,
  request: ClientRequest,
  mutation: Mutation | undefined,
): void {
  const { tag, session } = request;
  if (mutation !== undefined && session === undefined) {
    return asker.writes.propose(tag, mutation);
  }
  const by = sessionNumberOf(request);
  if ("code" in by) return refuse(asker, request, by);
  asker.writes.proposeOnce(tag, mutation, by);
}

function session(asker: Asker, request: ClientRequest): void {
  const { tag, session, number, value } = request;
  if (session !== undefined) return order(asker, request, undefined);
  // It means a session, and does not say which.
  if (number !== undefined) return asker.answers.error(tag, "MISSING_ARG");
  const named = sessionNameOf(value);
  if ("code" in named) return refuse(asker, request, named);
  asker.writes.openSession(tag, named.name);
}

function cancel(asker: Asker, request: ClientRequest): void {
  const { tag, target } = request;
  if (asker.held.cancel(target!)) asker.answers.done(tag);
  else asker.answers.error(tag, "NOENT");
}

function credit(asker: Asker, request: ClientRequest): void {
  const { tag, target, window } = request;
  const refusal = asker.held.credit(target!, window!);
  if (refusal === undefined) asker.answers.done(tag);
  else refuse(asker, request, refusal);
}

function refuse(
  { answers }: Asker,
  { tag }: ClientRequest,
  { code, detail }: Refusal,
): void {
  answers.error(tag, code, detail);
}

/** A path that is only too long is told so, with both numbers. */
function refusePath({ answers }: Asker, request: ClientRequest): void {
  const { tag, path } = request;
  if (path!.length <= LIMITS.pathBytes) return answers.error(tag, "BAD_PATH");
  const detail = `The path has ${path!.length} bytes, the limit is ` +
    `${LIMITS.pathBytes}`;
  answers.error(tag, "LIMIT", detail);
}

function backup({ answers, backup }: Asker, request: ClientRequest): void {
  const { tag, offset } = request;
  const piece = backup.piece(offset!);
  if ("code" in piece) answers.error(tag, piece.code, piece.detail);
  else answers.piece(tag, piece);
}

function recover({ answers, backend }: Asker, { tag }: ClientRequest): void {
  const refusal = backend.recover();
  if (refusal === undefined) answers.done(tag);
  else answers.error(tag, refusal.code, refusal.detail);
}

function access(asker: Asker, request: ClientRequest): void {
  const { answers } = asker;
  if (asker.giveSecret(request.value ?? EMPTY)) answers.done(request.tag);
  else answers.error(request.tag, "DENIED");
}
