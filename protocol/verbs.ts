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
import type { Rev } from "../store/mod.ts";
import type { Right } from "./access.ts";
import type { Connection } from "./connection.ts";
import { type ClientRequest, type Verb, VERBS } from "./request.ts";
import { EVENT_FLAGS } from "./response.ts";

/** One verb. */
export interface VerbEntry {
  readonly right: Right;
  /** Fields without which the answer is MISSING_ARG. */
  readonly needs: readonly ("path" | "rev" | "offset")[];
  handle(connection: Connection, request: ClientRequest): void;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const NO_BODY: BodyView = { bytes: EMPTY, start: 0, length: 0 };

const ENTRIES: Record<Verb, VerbEntry> = {
  GET: {
    right: "read",
    needs: ["path"],
    handle: (connection, request) => connection.readAt(request, get),
  },
  SET: { right: "write", needs: ["path", "rev"], handle: set },
  DEL: { right: "write", needs: ["path", "rev"], handle: del },
  REV: {
    right: "none",
    needs: [],
    handle({ answers, backend }, { tag }) {
      answers.rev(tag, backend.store.rev);
    },
  },
  WAIT: {
    right: "read",
    needs: ["path", "rev"],
    handle: (connection, request) => connection.wait(request, request.path!),
  },
  NOP: {
    right: "write",
    needs: [],
    handle: (connection, { tag }) => connection.propose(tag, { type: "nop" }),
  },
  WALK: { right: "read", needs: ["path", "offset"], handle: walk },
  GETDIR: {
    right: "read",
    needs: ["path", "offset"],
    handle: (connection, request) => connection.readAt(request, getdir),
  },
  STAT: {
    right: "read",
    needs: [],
    handle: (connection, request) => connection.readAt(request, stat),
  },
  SELF: {
    right: "none",
    needs: [],
    handle: ({ answers, backend }, { tag }) => answers.text(tag, backend.id),
  },
  ACCESS: { right: "none", needs: [], handle: access },
};

/** The verbs by their number on the wire. */
export const VERB_TABLE: ReadonlyMap<number, VerbEntry> = new Map(
  Object.entries(VERBS).map(([verb, number]) => [
    number,
    ENTRIES[verb as Verb],
  ]),
);

function get(connection: Connection, request: ClientRequest, rev: Rev): void {
  const { answers, backend } = connection;
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

function stat(connection: Connection, request: ClientRequest, rev: Rev): void {
  const { answers, backend } = connection;
  const path = request.path ?? "";
  const state = backend.store.get(path, rev);
  const len = state.type === "file"
    ? state.length
    : state.type === "directory"
    ? backend.store.countEntries(path, rev)
    : 0;
  answers.stat(request.tag, { rev: state.rev, len });
}

function getdir(
  connection: Connection,
  request: ClientRequest,
  rev: Rev,
): void {
  const { answers, backend } = connection;
  const { tag } = request;
  const path = request.path!;
  const state = backend.store.get(path, rev);
  if (state.type === "missing") return answers.error(tag, "NOENT");
  if (state.type === "file") return answers.error(tag, "NOTDIR");
  const name = backend.store.entry(path, { offset: request.offset!, rev });
  if (name === undefined) return answers.error(tag, "RANGE");
  answers.name(tag, name);
}

function walk(connection: Connection, request: ClientRequest): void {
  const glob = compileGlob(request.path!);
  connection.readAt(request, ({ answers, backend }, { tag, offset }, rev) => {
    const found = backend.store.match(glob, { offset: offset!, rev });
    if (found === undefined) return answers.error(tag, "RANGE");
    const { path } = found;
    const flags = EVENT_FLAGS.set;
    answers.event(tag, { flags, rev: found.rev, path, body: found });
  });
}

function set(connection: Connection, request: ClientRequest): void {
  const { tag } = request;
  const path = request.path!;
  const body = request.value ?? EMPTY;
  if (!isPath(path)) return connection.answers.error(tag, "BAD_PATH");
  if (body.length > LIMITS.valueBytes) {
    // The store would say the same, but only after the log had carried it.
    const detail = `The value has ${body.length} bytes, the limit is ` +
      `${LIMITS.valueBytes}`;
    return connection.answers.error(tag, "LIMIT", detail);
  }
  connection.propose(tag, { type: "set", path, rev: request.rev!, body });
}

function del(connection: Connection, request: ClientRequest): void {
  const { tag } = request;
  const path = request.path!;
  if (!isPath(path)) return connection.answers.error(tag, "BAD_PATH");
  connection.propose(tag, { type: "del", path, rev: request.rev! });
}

function access(connection: Connection, request: ClientRequest): void {
  const { answers } = connection;
  if (connection.giveSecret(request.value ?? EMPTY)) answers.done(request.tag);
  else answers.error(request.tag, "DENIED");
}
