/**
 * One client's connection, without its socket: bytes in, bytes out.
 *
 * It cuts what arrives into requests, asks the verb table what to do with each,
 * and writes answers into its output. Writes take effect in the order sent;
 * reads are answered at once from this node's copy, so they may overtake, but
 * for those that ask for more than this copy as it is (reads.ts).
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
import { DoozerError, LIMITS } from "../store/mod.ts";
import type { Outcome, Refusal, StoreEvent } from "../store/mod.ts";
import { type Access, ANONYMOUS, type Grant, type Right } from "./access.ts";
import type { Asker, Backend } from "./asker.ts";
import { Backup, type BackupSlots } from "./backups.ts";
import { FrameDecoder } from "./frame.ts";
import { HeldRequests, type Holder } from "./held_requests.ts";
import { asksForMore, OrderedReads, unknownWay } from "./reads.ts";
import type { OrderedRead } from "./reads.ts";
import { decodeRequest, emptyRequest } from "./request.ts";
import type { ClientRequest } from "./request.ts";
import { Outbox } from "./outbox.ts";
import type { ResponseEncoder } from "./response.ts";
import type { UnreadAnswers, Unreader } from "./unread.ts";
import { objection, otherLineage, VERB_TABLE } from "./verbs.ts";
import { ProtocolError, WireReader } from "./wire.ts";
import { answerWrite, type Write } from "./writes.ts";
import { type WriteOwner, Writes } from "./writes.ts";

/** What a connection needs to know of its surroundings. */
export interface ConnectionOptions {
  readonly backend: Backend;
  readonly access: Access;
  /** Shared by all connections of the node. */
  readonly unread: UnreadAnswers;
  /** The same. */
  readonly backups: BackupSlots;
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

/** The state of one client's connection. */
export class Connection implements Asker, Holder, Unreader, WriteOwner {
  /** What arrives is read into this. */
  readonly input: FrameDecoder = new FrameDecoder();
  readonly backend: Backend;
  readonly backup: Backup;
  readonly writes: Writes = new Writes(this);
  readonly held: HeldRequests;
  readonly #access: Access;
  readonly #allUnread: UnreadAnswers;
  readonly #onOutput: () => void;
  readonly #workPerTurn: number;
  readonly #reader = new WireReader();
  #request = emptyRequest();
  readonly #outbox = new Outbox();
  readonly #orderedReads = new OrderedReads(() => this.announceWork());
  #yielding = false;
  #grant: Grant = ANONYMOUS;
  /** The lineage that its client means, if it has said so. */
  #lineage: string | undefined;
  #outputAnnounced = false;
  #unread = 0;
  #closed = false;
  #failure: string | undefined;

  constructor(options: ConnectionOptions) {
    this.backend = options.backend;
    this.backup = new Backup(options.backend, options.backups);
    this.#access = options.access;
    this.#allUnread = options.unread;
    this.#onOutput = options.onOutput;
    this.#workPerTurn = options.workPerTurn ?? WORK_PER_TURN;
    this.held = new HeldRequests(this);
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
    return this.#choked || this.#inFlight >= LIMITS.requestsInFlight;
  }

  /** Whether requests are left for later, so that others have their turn. */
  get yielding(): boolean {
    return this.#yielding;
  }

  /** Whether answers are owed that will come without the client's doing. */
  get owesAnswers(): boolean {
    return this.#inFlight > 0 ||
      this.held.hasDue && this.#failure === undefined;
  }

  /** Whether it goes on telling once {@linkcode outputSent} is called. */
  get awaitsRoom(): boolean {
    return this.held.awaitsRoom;
  }

  /** Whether the client has proved that it may read. */
  get trusted(): boolean {
    return this.may("read");
  }

  /**
   * Handles the requests in the input, as far as the bounds allow. Call again
   * soon, but not at once, while {@linkcode yielding}.
   */
  process(): void {
    this.#yielding = false;
    const until = this.backend.store.work + this.#workPerTurn;
    do this.#workUntil(until); while (this.#orderedReads.ask(this.backend));
    if (!this.hasOutput) this.#outputAnnounced = false;
  }

  /**
   * Ends what has waited too long, and tells watches how far they are; `now`
   * in ms from any beginning. To be called from time to time.
   */
  expire(now: number): void {
    this.held.expire(now);
    this.backup.expire(now);
    this.announceOutput();
  }

  /**
   * The client sends nothing more: it gets what it is owed, and its watches,
   * which might have output for ever, end without a word.
   */
  inputEnded(): void {
    this.held.endWatches();
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
    this.held.roomAgain();
  }

  /** Ends the connection: frees all that it holds. Nothing is answered more. */
  close(): void {
    this.#closed = true;
    this.held.clear();
    this.#allUnread.forget(this);
    this.#orderedReads.clear();
    this.backup.close();
    this.#outbox.drop();
    this.#countUnread();
  }

  /** Marks the connection as one that must end. */
  fail(reason: string): void {
    this.#failure ??= reason;
    this.announceOutput();
  }

  // What the verb table calls.

  /** Where answers are written. */
  get answers(): ResponseEncoder {
    return this.#outbox.answers;
  }

  /** Whether the client has proved that it may do this. */
  may(right: Right): boolean {
    return this.#access.allows(this.#grant, right);
  }

  #refuse(tag: number | undefined, refusal: Refusal): void {
    this.answers.error(tag, refusal.code, refusal.detail);
  }

  /** Takes a secret; tells whether it is a right one. */
  giveSecret(secret: Uint8Array): boolean {
    const grant = this.#access.grantFor(this.#grant, secret);
    if (grant === undefined) return false;
    this.#grant = grant;
    return true;
  }

  // What calls when something has come of a request.

  /**
   * Whether the client may be sent more of what it did not just ask for. Where
   * all clients together leave much unread it is told when that is less.
   */
  get hasRoom(): boolean {
    return !this.#choked && this.#allUnread.hasRoomFor(this);
  }

  /** All clients together leave less unread. */
  roomAgain(): void {
    this.held.roomAgain();
  }

  /** Whether the client may know of the event. */
  maySee(_: StoreEvent): boolean {
    return this.may("read");
  }

  /**
   * Whether anything may still be told. What waits for a history that was
   * replaced ends the connection: its client comes again, and is told so.
   */
  mayTell(): boolean {
    return !this.#closed && this.#failure === undefined && !this.#hasStrayed();
  }

  /** Tells a write's outcome to the client. */
  writeSettled(write: Write, outcome: Outcome): void {
    // A connection that failed still owes the answers to what came before.
    if (this.#closed || this.#hasStrayed()) return;
    answerWrite(this.answers, write, outcome);
    this.announceOutput();
  }

  /** Answers were written that are to be sent. */
  announceOutput(): void {
    if (this.#closed) return;
    this.#countUnread();
    if (this.hasOutput || this.#failure !== undefined) this.announceWork();
  }

  /** There is output, or there will be once {@linkcode process} is called. */
  announceWork(): void {
    if (this.#closed || this.#outputAnnounced) return;
    this.#outputAnnounced = true;
    this.#onOutput();
  }

  /** Whether the client must read answers before it gets more. */
  get #choked(): boolean {
    return this.#outbox.held > LIMITS.unreadBytesSoft;
  }

  /** Requests whose answers will come without the client's doing. */
  get #inFlight(): number {
    return this.writes.inFlight + this.#orderedReads.length;
  }

  #workUntil(until: number): void {
    const { store } = this.backend;
    try {
      while (!this.#closed && !this.#choked && !this.#yielding) {
        if (!this.#workOnce()) return;
        this.#yielding = store.work > until;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.fail(error.message);
    }
  }

  /** Answers one request, or has it answered later, if there is one. */
  #workOnce(): boolean {
    const ordered = this.#orderedReads.next(this.writes.settled);
    if (ordered !== undefined) this.#answerInOrder(ordered);
    else if (this.#failure !== undefined) return false;
    else if (this.held.hasDue) this.#answer(this.held.takeDue()!);
    else if (this.paused || !this.#next()) return false;
    else this.#handle(this.#request);
    this.announceOutput();
    return true;
  }

  /** Reads the next whole request of the input, if there is one. */
  #next(): boolean {
    if (!this.input.next()) return false;
    this.#reader.reset(this.input.bytes, this.input);
    decodeRequest(this.#reader, this.#request);
    return true;
  }

  #handle(request: ClientRequest): void {
    const refusal = objection(this, request);
    if (refusal !== undefined) return this.#refuse(request.tag, refusal);
    const { reads } = VERB_TABLE.get(request.verb)!;
    if (reads && asksForMore(request)) this.#takeInOrder(request);
    else this.#answer(request);
  }

  #answer(request: ClientRequest): void {
    const refusal = otherLineage(this, request);
    if (refusal !== undefined) return this.#refuse(request.tag, refusal);
    // Another may stand in a request that asks which it is.
    const { lineage } = this.backend;
    const isNamed = lineage !== "" && request.lineage === lineage;
    if (isNamed && !this.#hasStrayed()) this.#lineage = lineage;
    const verb = VERB_TABLE.get(request.verb)!;
    // By this a client that goes to another node sees nothing older there.
    const says = verb.reads === true && asksForMore(request);
    if (says) this.answers.at = this.backend.store.rev;
    try {
      verb.handle(this, request);
    } catch (error) {
      if (!(error instanceof DoozerError)) throw error;
      this.answers.error(request.tag, error.code, error.detail);
    } finally {
      this.answers.at = undefined;
    }
  }

  /** Keeps a read, which is the connection's own request, for its turn. */
  #takeInOrder(request: ClientRequest): void {
    const refusal = unknownWay(request);
    if (refusal !== undefined) return this.#refuse(request.tag, refusal);
    // What is too long for a path is missing in every copy: not to be kept.
    const length = request.path?.length ?? 0;
    if (length > LIMITS.pathBytes) return this.#answer(request);
    this.#orderedReads.add(request, this.writes.begun);
    this.#request = emptyRequest();
  }

  #answerInOrder({ request, round }: OrderedRead): void {
    const { tag, minRev } = request;
    const refusal = round?.refusal;
    if (refusal !== undefined) return this.#refuse(tag, refusal);
    if (minRev === undefined || minRev <= this.backend.store.rev) {
      return this.#answer(request);
    }
    this.held.readLater(request, { rev: minRev, hurried: true });
  }

  /**
   * Ends a connection that awaits answers from a history that was replaced:
   * its client comes again, and is told so.
   */
  #hasStrayed(): boolean {
    const meant = this.#lineage;
    if (meant === undefined || meant === this.backend.lineage) return false;
    this.fail("The history that the client means was replaced");
    return true;
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
