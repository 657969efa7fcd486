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
import type { Refusal, Rev } from "../store/mod.ts";
import type { Mutation, Outcome, Store } from "../store/mod.ts";
import type { Right } from "./access.ts";
import type { Backup } from "./backups.ts";
import { type ClientRequest, type Verb, VERBS } from "./request.ts";
import { EVENT_FLAGS, type ResponseEncoder } from "./response.ts";
import { encodeStatus, type NodeStatus } from "./status.ts";

/** Who is told what became of a proposal. */
export interface Reply {
  settled(outcome: Outcome): void;
}

/** Who is told whether a linearizable read may be answered. */
export interface ReadReply {
  /** The node's copy holds all that the read must see. */
  confirmed(): void;
  /** It cannot be known, or took too long. */
  refused(refusal: Refusal): void;
}

/** The node behind a connection. */
export interface Backend {
  /** The node's id. */
  readonly id: string;
  /** The node's copy, for reading. */
  readonly store: Store;
  /**
   * Has a mutation ordered, after those proposed before. What it needs of the
   * mutation it copies before it returns; it never settles before that.
   */
  propose(mutation: Mutation, reply: Reply): void;
  /**
   * Tells, at once or later, when this node's copy holds every write that was
   * acknowledged anywhere before the call. Whoever is told only takes note: the
   * store may be in the middle of a write.
   */
  confirmRead(reply: ReadReply): void;
  /** Whether the node has a state to serve; one that has only begun has none. */
  readonly isOpen: boolean;
  /** Of the unbroken history that the node is part of; "" before it is. */
  readonly lineage: string;
  /** What the node knows of itself and its cluster. */
  status(): NodeStatus;
  /**
   * The part of its state that is not in its store, as of now, as bytes; a
   * node without it cannot be backed up.
   */
  head?(): Uint8Array;
  /**
   * Begins a new lineage from this node's state, where the majority is lost
   * for ever; or tells why not.
   */
  recover(): Refusal | undefined;
  /**
   * Milliseconds that a read may wait for its `min_rev`; absent means
   * {@linkcode LIMITS}`.minRevMs`.
   */
  readonly minRevMs?: number | undefined;
}

/** A read at a rev that can be read now. */
export type ReadAt = (
  asker: Asker,
  request: ClientRequest,
  rev: Rev,
) => void;

/** The connection that asks, as the verbs see it. */
export interface Asker {
  readonly backend: Backend;
  /** Where answers are written. */
  readonly answers: ResponseEncoder;
  /** The backup that this connection makes. */
  readonly backup: Backup;
  /** Whether it has earned the right. */
  may(right: Right): boolean;
  /** Reads at the request's rev: now, when it comes, or never. */
  readAt(request: ClientRequest, read: ReadAt): void;
  /** Waits for the first event of the glob from the request's rev on. */
  wait(request: ClientRequest, glob: string): void;
  /** Proposes a mutation, to be answered with the tag. */
  propose(tag: number | undefined, mutation: Mutation): void;
  /** Takes a secret; tells whether it is a right one. */
  giveSecret(secret: Uint8Array): boolean;
}

/** A field that a verb may need. */
export type NeededField = "path" | "rev" | "offset";

/** One verb. */
export interface VerbEntry {
  readonly right: Right;
  /** Fields without which the answer is MISSING_ARG. */
  readonly needs: readonly NeededField[];
  /** Whether a node that has no state yet answers it, too. */
  readonly early?: true;
  /** Whether the fields `read` and `min_rev` say how it is to be answered. */
  readonly reads?: true;
  handle(asker: Asker, request: ClientRequest): void;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const NO_BODY: BodyView = { bytes: EMPTY, start: 0, length: 0 };

const ENTRIES: Record<Verb, VerbEntry> = {
  GET: {
    right: "read",
    needs: ["path"],
    reads: true,
    handle: (asker, request) => asker.readAt(request, get),
  },
  SET: { right: "write", needs: ["path", "rev"], handle: set },
  DEL: { right: "write", needs: ["path", "rev"], handle: del },
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
    handle: (asker, request) => asker.wait(request, request.path!),
  },
  NOP: {
    right: "write",
    needs: [],
    handle: (asker, { tag }) => asker.propose(tag, { type: "nop" }),
  },
  WALK: {
    right: "read",
    needs: ["path", "offset"],
    reads: true,
    handle: walk,
  },
  GETDIR: {
    right: "read",
    needs: ["path", "offset"],
    reads: true,
    handle: (asker, request) => asker.readAt(request, getdir),
  },
  STAT: {
    right: "read",
    needs: [],
    reads: true,
    handle: (asker, request) => asker.readAt(request, stat),
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
  for (const field of verb.needs) {
    if (request[field] === undefined) return { code: "MISSING_ARG" };
  }
  if (asker.backend.isOpen || verb.early) return undefined;
  return { code: "UNAVAILABLE", detail: NO_STATE };
}

/** Why the request is not for the history that is here, if so. */
export function otherLineage(
  asker: Asker,
  { lineage: meant, verb }: ClientRequest,
): Refusal | undefined {
  const { lineage } = asker.backend;
  // A node that is not part of any history yet has none that differs; and a
  // secret says who asks, not about what.
  if (meant === undefined || meant === lineage || lineage === "") return;
  if (verb === VERBS.ACCESS) return;
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

function getdir(
  asker: Asker,
  request: ClientRequest,
  rev: Rev,
): void {
  const { answers, backend } = asker;
  const { tag } = request;
  const path = request.path!;
  const state = backend.store.get(path, rev);
  if (state.type === "missing") return answers.error(tag, "NOENT");
  if (state.type === "file") return answers.error(tag, "NOTDIR");
  const name = backend.store.entry(path, { offset: request.offset!, rev });
  if (name === undefined) return answers.error(tag, "RANGE");
  answers.name(tag, name);
}

function walk(asker: Asker, request: ClientRequest): void {
  const glob = compileGlob(request.path!);
  asker.readAt(request, ({ answers, backend }, { tag, offset }, rev) => {
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
  asker.propose(tag, { type: "set", path, rev: request.rev!, body });
}

function del(asker: Asker, request: ClientRequest): void {
  const { tag } = request;
  const path = request.path!;
  if (!isPath(path)) return refusePath(asker, request);
  asker.propose(tag, { type: "del", path, rev: request.rev! });
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
