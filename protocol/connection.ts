/**
 * One client's connection, without its socket: bytes in, bytes out.
 *
 * It cuts what arrives into requests, asks the verb table what to do with each,
 * and writes answers into its output. Writes take effect in the order sent;
 * reads are answered at once from this node's copy, so they may overtake.
 *
 * Nothing a client sends throws past here: what is not a message ends the
 * connection, with the reason in {@linkcode Connection.failure}.
 *
 * What a client makes us hold is bounded: requests in flight, waits, answers
 * it does not read. At the soft bounds its requests are left unread, so that
 * it feels it through TCP; at the hard ones the connection ends.
 *
 * @module
 */
import { compileGlob, DoozerError, LIMITS, Wait } from "../store/mod.ts";
import type { ErrorCode, Mutation, Outcome } from "../store/mod.ts";
import type { Refusal, Rev } from "../store/mod.ts";
import type { StoreEvent, Waiter } from "../store/mod.ts";
import { type Access, ANONYMOUS, type Grant } from "./access.ts";
import { FrameDecoder } from "./frame.ts";
import { decodeRequest, emptyRequest } from "./request.ts";
import type { ClientRequest } from "./request.ts";
import { EVENT_FLAGS, ResponseEncoder } from "./response.ts";
import type { Asker, Backend, NeededField, ReadAt, Reply } from "./verbs.ts";
import { VERB_TABLE } from "./verbs.ts";
import { ProtocolError, WireReader, WireWriter } from "./wire.ts";

/**
 * Answers that clients of one node have not read. Above the node's bound the
 * client ends that has gone without reading for longest: were it the one that
 * crosses the bound, a few who never read would have all others cut off.
 */
export class UnreadAnswers {
  /** Of all clients together, in bytes. */
  total = 0;
  /** Those above the soft bound, the one that is so for longest first. */
  readonly #slow: Set<Connection> = new Set();

  /** The connection leaves another number of bytes unread than before. */
  changed(connection: Connection, before: number): void {
    const { unread } = connection;
    this.total += unread - before;
    // Less than before: it has read, so it goes to the end.
    if (unread < before) this.#slow.delete(connection);
    if (unread > LIMITS.unreadBytesSoft) this.#slow.add(connection);
    if (this.total > LIMITS.unreadBytesNode) this.#endSlowest();
  }

  #endSlowest(): void {
    for (const slowest of this.#slow) {
      const { total } = this;
      if (total <= LIMITS.unreadBytesNode) return;
      // What has failed counts no more: this deletes it from the set.
      slowest.fail(
        `All clients leave ${total} bytes of answers unread, the limit is ` +
          `${LIMITS.unreadBytesNode}; this one has not read for longest`,
      );
    }
  }
}

/** What a connection needs to know of its surroundings. */
export interface ConnectionOptions {
  readonly backend: Backend;
  readonly access: Access;
  /** Shared by all connections of the node. */
  readonly unread: UnreadAnswers;
  /** Called when there is output to send, once until it is taken. */
  readonly onOutput: () => void;
}

/** A request that waits for a rev to come. */
interface FutureRead {
  readonly request: ClientRequest;
  readonly rev: Rev;
}

/** The state of one client's connection. */
export class Connection implements Waiter, Asker {
  /** What arrives is read into this. */
  readonly input: FrameDecoder = new FrameDecoder();
  readonly backend: Backend;
  readonly #access: Access;
  readonly #allUnread: UnreadAnswers;
  readonly #onOutput: () => void;
  readonly #reader = new WireReader();
  readonly #request = emptyRequest();
  readonly #answers: ResponseEncoder;
  readonly #waits: Map<number, { tag: number | undefined; wait: Wait }> =
    new Map();
  readonly #futureReads: Map<number, FutureRead> = new Map();
  #output = new WireWriter();
  #sending = new WireWriter();
  #grant: Grant = ANONYMOUS;
  #writesInFlight = 0;
  #nextTicket = 1;
  #outputAnnounced = false;
  #unread = 0;
  #closed = false;
  #failure: string | undefined;

  constructor(options: ConnectionOptions) {
    this.backend = options.backend;
    this.#access = options.access;
    this.#allUnread = options.unread;
    this.#onOutput = options.onOutput;
    this.#answers = new ResponseEncoder(this.#output);
  }

  /** Why the connection must end, if it must. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** How many bytes of answers the client has not read, until it fails. */
  get unread(): number {
    return this.#unread;
  }

  /** Whether there is output to send. */
  get hasOutput(): boolean {
    return this.#output.length > 0;
  }

  /** Whether requests are left unread until the client has read answers. */
  get paused(): boolean {
    return this.#output.length + this.#sending.length >
        LIMITS.unreadBytesSoft ||
      this.#writesInFlight >= LIMITS.requestsInFlight;
  }

  /** Whether answers are owed that will come without the client's doing. */
  get owesAnswers(): boolean {
    return this.#writesInFlight > 0;
  }

  /** Whether the client has proved that it may read. */
  get trusted(): boolean {
    return this.#access.allows(this.#grant, "read");
  }

  /** Handles the requests in the input, as far as the bounds allow. */
  process(): void {
    try {
      while (
        this.#failure === undefined && !this.#closed && !this.paused &&
        this.input.next()
      ) {
        this.#reader.reset(this.input.bytes, this.input);
        decodeRequest(this.#reader, this.#request);
        this.#handle(this.#request);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(error.message);
    }
  }

  /** Takes the output to send it. Call {@linkcode outputSent} when it is. */
  takeOutput(): Uint8Array {
    const taken = this.#output;
    this.#output = this.#sending;
    this.#sending = taken;
    this.#answers.writer = this.#output;
    this.#outputAnnounced = false;
    return taken.written();
  }

  /** What {@linkcode takeOutput} gave is sent: its memory is used again. */
  outputSent(): void {
    this.#sending.clear();
    this.#countUnread();
  }

  /** Ends the connection: frees all that it holds. Nothing is answered more. */
  close(): void {
    this.#closed = true;
    const { waits } = this.backend.store;
    for (const { wait } of this.#waits.values()) waits.cancel(wait);
    for (const { rev } of this.#futureReads.values()) {
      waits.forgetRev(rev, this);
    }
    this.#waits.clear();
    this.#futureReads.clear();
    this.#output = this.#sending = new WireWriter(0);
    this.#answers.writer = this.#output;
    this.#countUnread();
  }

  /** Marks the connection as one that must end. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.#announceOutput();
  }

  // What the verb table calls.

  /** The answers; call {@linkcode answered} after writing one. */
  get answers(): ResponseEncoder {
    return this.#answers;
  }

  /** Answers that it cannot be done. */
  refuse(tag: number | undefined, refusal: Refusal): void {
    this.#answers.error(tag, refusal.code, refusal.detail);
  }

  /** Takes a secret; tells whether it is a right one. */
  giveSecret(secret: Uint8Array): boolean {
    const grant = this.#access.grantFor(this.#grant, secret);
    if (grant === undefined) return false;
    this.#grant = grant;
    return true;
  }

  /** Proposes a mutation, to be answered with the request's tag. */
  propose(tag: number | undefined, mutation: Mutation): void {
    this.#writesInFlight++;
    this.backend.propose(mutation, new WriteReply(this, tag, mutation.type));
  }

  /** Tells a write's outcome to the client. */
  writeSettled(
    write: { tag: number | undefined; type: Mutation["type"] },
    outcome: Outcome,
  ): void {
    this.#writesInFlight--;
    if (this.#closed) return;
    if (typeof outcome !== "number") this.refuse(write.tag, outcome);
    else if (write.type === "set") this.#answers.rev(write.tag, outcome);
    else this.#answers.done(write.tag);
    this.#announceOutput();
  }

  /** Reads at the request's rev: now, when it comes, or too late. */
  readAt(
    request: ClientRequest,
    read: ReadAt,
  ): void {
    const { store } = this.backend;
    // A rev below 1 means 1, as in the original.
    const rev = request.rev === undefined
      ? store.rev
      : Math.max(1, request.rev);
    if (rev > store.rev) this.#readLater(request, rev);
    else if (rev < store.firstRev && store.rev > 0) {
      this.refuse(request.tag, { code: "TOO_LATE" });
    } else read(this, request, rev);
  }

  /** Waits for the first event of the request's glob from its rev on. */
  wait(request: ClientRequest, text: string): void {
    const glob = compileGlob(text);
    if (this.#waits.size >= LIMITS.waitsPerConnection) {
      return this.refuse(request.tag, tooMany("waits", this.#waits.size));
    }
    const ticket = this.#nextTicket++;
    const from = Math.max(1, request.rev!);
    const wait = new Wait(this, { glob, from, ticket });
    const { waits } = this.backend.store;
    const result = waits.start(wait);
    if (result === undefined) {
      this.#waits.set(ticket, { tag: request.tag, wait });
    } else this.#answerWait(request.tag, result);
  }

  // What the store calls.

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    const held = this.#waits.get(ticket);
    if (held === undefined) return;
    this.#waits.delete(ticket);
    if (this.#failure !== undefined) return;
    this.#answerWait(held.tag, result);
    this.#announceOutput();
  }

  revReached(ticket: number): void {
    const read = this.#futureReads.get(ticket);
    if (read === undefined) return;
    this.#futureReads.delete(ticket);
    if (this.#failure !== undefined) return;
    this.#handle(read.request);
    this.#announceOutput();
  }

  #handle(request: ClientRequest): void {
    const verb = VERB_TABLE.get(request.verb);
    try {
      if (verb === undefined) {
        this.#answers.error(request.tag, "UNKNOWN_VERB");
      } else if (!this.#access.allows(this.#grant, verb.right)) {
        this.#answers.error(request.tag, "DENIED");
      } else if (lacks(request, verb.needs)) {
        this.#answers.error(request.tag, "MISSING_ARG");
      } else verb.handle(this, request);
    } catch (error) {
      if (!(error instanceof DoozerError)) throw error;
      this.#answers.error(request.tag, error.code, error.detail);
    }
    this.#announceOutput();
  }

  #readLater(request: ClientRequest, rev: Rev): void {
    if (this.#futureReads.size >= LIMITS.requestsInFlight) {
      const held = this.#futureReads.size;
      return this.refuse(request.tag, tooMany("reads of revs to come", held));
    }
    const ticket = this.#nextTicket++;
    const copy = { ...request, value: undefined };
    // Too long for a path of ours: the empty one is missing just the same.
    if (copy.path !== undefined && copy.path.length > LIMITS.pathBytes) {
      copy.path = "";
    }
    this.#futureReads.set(ticket, { request: copy, rev });
    this.backend.store.waits.whenRev(rev, { waiter: this, ticket });
  }

  #answerWait(
    tag: number | undefined,
    result: StoreEvent | Refusal,
  ): void {
    if ("code" in result) return this.refuse(tag, result);
    const { kind, rev, path, body } = result;
    this.#answers.event(tag, { flags: EVENT_FLAGS[kind], rev, path, body });
  }

  #announceOutput(): void {
    if (this.#closed) return;
    this.#countUnread();
    if (this.#outputAnnounced) return;
    if (this.#output.length === 0 && this.#failure === undefined) return;
    this.#outputAnnounced = true;
    this.#onOutput();
  }

  /** Ends a connection that leaves too much unread, alone or with others. */
  #countUnread(): void {
    const held = this.#output.length + this.#sending.length;
    if (held > LIMITS.unreadBytesHard) {
      this.#failure ??= `The client leaves ${held} bytes of answers unread, ` +
        `the limit is ${LIMITS.unreadBytesHard}`;
    }
    const before = this.#unread;
    this.#unread = this.#failure === undefined ? held : 0;
    this.#allUnread.changed(this, before);
  }
}

/** Carries a write's outcome back to its connection. */
class WriteReply implements Reply {
  readonly #connection: Connection;
  readonly tag: number | undefined;
  readonly type: Mutation["type"];

  constructor(
    connection: Connection,
    tag: number | undefined,
    type: Mutation["type"],
  ) {
    this.#connection = connection;
    this.tag = tag;
    this.type = type;
  }

  settled(outcome: Outcome): void {
    this.#connection.writeSettled(this, outcome);
  }
}

function lacks(
  request: ClientRequest,
  needs: readonly NeededField[],
): boolean {
  for (const field of needs) if (request[field] === undefined) return true;
  return false;
}

function tooMany(what: string, held: number): Refusal {
  const code: ErrorCode = "LIMIT";
  const limit = what === "waits"
    ? LIMITS.waitsPerConnection
    : LIMITS.requestsInFlight;
  return {
    code,
    detail: `The connection has ${held} ${what}, the limit is ${limit}`,
  };
}
