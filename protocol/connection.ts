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
 * it feels it through TCP; at the hard ones the connection ends. What it makes
 * us do at once is bounded, too: after each list that has to be made, the
 * others have their turn.
 *
 * @module
 */
import { compileGlob, DoozerError, LIMITS, Wait } from "../store/mod.ts";
import type { Mutation, Outcome, Refusal, Rev } from "../store/mod.ts";
import type { StoreEvent, Waiter } from "../store/mod.ts";
import { type Access, ANONYMOUS, type Grant } from "./access.ts";
import { FrameDecoder } from "./frame.ts";
import { decodeRequest, emptyRequest } from "./request.ts";
import type { ClientRequest } from "./request.ts";
import { Outbox } from "./outbox.ts";
import { EVENT_FLAGS, type ResponseEncoder } from "./response.ts";
import type { UnreadAnswers, Unreader } from "./unread.ts";
import type { Asker, Backend, NeededField, ReadAt, Reply } from "./verbs.ts";
import { VERB_TABLE } from "./verbs.ts";
import { ProtocolError, WireReader } from "./wire.ts";

/** What a connection needs to know of its surroundings. */
export interface ConnectionOptions {
  readonly backend: Backend;
  readonly access: Access;
  /** Shared by all connections of the node. */
  readonly unread: UnreadAnswers;
  /** Entries and events that its requests may look at in one turn. */
  readonly workPerTurn?: number;
  /**
   * Called when there is output to send, once until it is taken, and when
   * {@linkcode Connection.process} has something to do without further input.
   */
  readonly onOutput: () => void;
}

/** Some milliseconds: what others may have to wait for one client's reads. */
const WORK_PER_TURN = 16_384;

/** A request that waits for a rev to come. */
interface FutureRead {
  readonly request: ClientRequest;
  readonly rev: Rev;
}

/** The state of one client's connection. */
export class Connection implements Waiter, Asker, Unreader {
  /** What arrives is read into this. */
  readonly input: FrameDecoder = new FrameDecoder();
  readonly backend: Backend;
  readonly #access: Access;
  readonly #allUnread: UnreadAnswers;
  readonly #onOutput: () => void;
  readonly #workPerTurn: number;
  readonly #reader = new WireReader();
  readonly #request = emptyRequest();
  readonly #outbox = new Outbox();
  readonly #waits: Map<number, { tag: number | undefined; wait: Wait }> =
    new Map();
  readonly #futureReads: Map<number, FutureRead> = new Map();
  /** Reads whose rev has come. */
  #due: ClientRequest[] = [];
  #yielding = false;
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
    this.#workPerTurn = options.workPerTurn ?? WORK_PER_TURN;
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
    return this.#outbox.waiting > 0;
  }

  /** Whether requests are left unread until the client has read answers. */
  get paused(): boolean {
    return this.#outbox.held > LIMITS.unreadBytesSoft ||
      this.#writesInFlight >= LIMITS.requestsInFlight;
  }

  /** Whether requests are left for later, so that others have their turn. */
  get yielding(): boolean {
    return this.#yielding;
  }

  /** Whether answers are owed that will come without the client's doing. */
  get owesAnswers(): boolean {
    return this.#writesInFlight > 0 ||
      this.#due.length > 0 && this.#failure === undefined;
  }

  /** Whether the client has proved that it may read. */
  get trusted(): boolean {
    return this.#access.allows(this.#grant, "read");
  }

  /**
   * Handles the requests in the input, as far as the bounds allow. Call again
   * soon, but not at once, while {@linkcode yielding}.
   */
  process(): void {
    this.#yielding = false;
    const { store } = this.backend;
    const until = store.work + this.#workPerTurn;
    try {
      while (
        this.#failure === undefined && !this.#closed && !this.paused &&
        !this.#yielding
      ) {
        const due = this.#due.shift() ?? this.#next();
        if (due === undefined) return;
        this.#handle(due);
        this.#yielding = store.work > until;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(error.message);
    }
  }

  /** Takes the output to send it. Call {@linkcode outputSent} when it is. */
  takeOutput(): Uint8Array {
    this.#outputAnnounced = false;
    return this.#outbox.take();
  }

  /** What {@linkcode takeOutput} gave is sent: its memory is used again. */
  outputSent(): void {
    this.#outbox.sent();
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
    this.#due = [];
    this.#outbox.drop();
    this.#countUnread();
  }

  /** Marks the connection as one that must end. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.#announceOutput();
  }

  // What the verb table calls.

  /** Where answers are written. */
  get answers(): ResponseEncoder {
    return this.#outbox.answers;
  }

  /** Answers that it cannot be done. */
  refuse(tag: number | undefined, refusal: Refusal): void {
    this.answers.error(tag, refusal.code, refusal.detail);
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
    else if (write.type === "set") this.answers.rev(write.tag, outcome);
    else this.answers.done(write.tag);
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
    const most = LIMITS.waitsPerConnection;
    if (this.#waits.size >= most) {
      return this.refuse(request.tag, tooMany("waits", most));
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
    // The store is in the middle of a write: answered when that is done.
    if (this.#due.push(read.request) === 1) this.#onOutput();
  }

  /** The next whole request of the input. */
  #next(): ClientRequest | undefined {
    if (!this.input.next()) return undefined;
    this.#reader.reset(this.input.bytes, this.input);
    decodeRequest(this.#reader, this.#request);
    return this.#request;
  }

  #handle(request: ClientRequest): void {
    const verb = VERB_TABLE.get(request.verb);
    try {
      if (verb === undefined) {
        this.answers.error(request.tag, "UNKNOWN_VERB");
      } else if (!this.#access.allows(this.#grant, verb.right)) {
        this.answers.error(request.tag, "DENIED");
      } else if (lacks(request, verb.needs)) {
        this.answers.error(request.tag, "MISSING_ARG");
      } else verb.handle(this, request);
    } catch (error) {
      if (!(error instanceof DoozerError)) throw error;
      this.answers.error(request.tag, error.code, error.detail);
    }
    this.#announceOutput();
  }

  #readLater(request: ClientRequest, rev: Rev): void {
    const most = LIMITS.requestsInFlight;
    if (this.#futureReads.size >= most) {
      return this.refuse(request.tag, tooMany("reads of revs to come", most));
    }
    const ticket = this.#nextTicket++;
    const copy = { ...request, value: undefined };
    // Too long for a path of ours: the empty one is missing just the same.
    if (copy.path !== undefined && copy.path.length > LIMITS.pathBytes) {
      copy.path = "";
    }
    const bytes = copy.path?.length ?? 0;
    const asked = { waiter: this, ticket, bytes };
    const refusal = this.backend.store.waits.whenRev(rev, asked);
    if (refusal !== undefined) return this.refuse(request.tag, refusal);
    this.#futureReads.set(ticket, { request: copy, rev });
  }

  #answerWait(
    tag: number | undefined,
    result: StoreEvent | Refusal,
  ): void {
    if ("code" in result) return this.refuse(tag, result);
    const { kind, rev, path, body } = result;
    this.answers.event(tag, { flags: EVENT_FLAGS[kind], rev, path, body });
  }

  #announceOutput(): void {
    if (this.#closed) return;
    this.#countUnread();
    if (this.#outputAnnounced) return;
    if (!this.hasOutput && this.#failure === undefined) return;
    this.#outputAnnounced = true;
    this.#onOutput();
  }

  /** Ends a connection that leaves too much unread, alone or with others. */
  #countUnread(): void {
    const { held } = this.#outbox;
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

function tooMany(what: string, most: number): Refusal {
  const detail = `The connection has ${most} ${what}, the limit is ${most}`;
  return { code: "LIMIT", detail };
}
