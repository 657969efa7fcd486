/**
 * A line: one connection to one server, as its client sees it, without the
 * socket. Requests leave with a tag, answers find whoever awaits them by it.
 *
 * @module
 */
import type { DoozerError } from "../../store/mod.ts";
import { ANSWER_BYTES_MAX } from "../event_bytes.ts";
import { FrameDecoder } from "../frame.ts";
import { type ClientRequest, emptyRequest, encodeRequest } from "../request.ts";
import { type Verb, VERBS } from "../request.ts";
import {
  type ClientResponse,
  decodeResponse,
  errorOf,
} from "../response_reader.ts";
import { ProtocolError, WireReader, WireWriter } from "../wire.ts";
import type { Socket, SocketUser } from "./surroundings.ts";

/** What is asked: the fields of a request, without its tag and verb. */
export type Ask = Partial<Omit<ClientRequest, "tag" | "verb">>;

/** Who takes the answers to a request. */
export interface Taker {
  /** An answer; it took so many bytes on the way. */
  answered(response: ClientResponse, bytes: number): void;
  /** The server refuses; nothing follows. */
  refused(error: DoozerError, response: ClientResponse): void;
  /** The line has ended: there will be no answer. */
  lost(): void;
}

/** Who is told what becomes of a line. */
export interface LineUser {
  opened(line: Line): void;
  /** Something is awaited, or awaited soon, that was not before. */
  awaits(line: Line): void;
  /** The line has ended, for that reason; its takers have been told. */
  ended(line: Line, why: string): void;
}

const TAG_MAX = 2 ** 31 - 1;
/** The tag of an answer that comes unasked; no request has it. */
const REFUSED_TAG = 0;
/** The bytes in front of a frame. */
const LENGTH_BYTES = 4;

/** On a slow way a large body takes its time, and nothing is heard meanwhile. */
const WAY_BYTES_PER_MS = 128;
const WAY_MS_MAX = 6_000;

interface Awaited {
  readonly taker: Taker;
  /** Whether more than one answer may come. */
  readonly stream: boolean;
  /** Whether the answer depends on what others do, and may take for ever. */
  readonly standing: boolean;
}

/** One connection to one server. */
export class Line implements SocketUser {
  /** The server's address, as HOST:PORT. */
  readonly address: string;
  /** Counts the lines of a client, from 1. */
  readonly number: number;
  readonly #user: LineUser;
  readonly #now: () => number;
  readonly #awaited: Map<number, Awaited> = new Map();
  readonly #input = new FrameDecoder({ bodyBytesMax: ANSWER_BYTES_MAX });
  readonly #reader = new WireReader();
  #output = new WireWriter();
  #taken = new WireWriter();
  #announced = false;
  #socket: Socket | undefined;
  #lastTag = 0;
  #owed = 0;
  #ended = false;
  /** When bytes have last come. */
  heardAt: number;
  /** Bytes that a slow way would still have to carry, at that time. */
  #onTheWay = 0;
  #drainedAt = 0;
  /** When it was last asked for something where nothing like it was owed. */
  #askedAt: number;
  /** Added to every request that says nothing else. */
  lineage: string | undefined;

  constructor(
    user: LineUser,
    own: { address: string; number: number; now: () => number },
  ) {
    this.#user = user;
    this.address = own.address;
    this.number = own.number;
    this.#now = own.now;
    this.heardAt = this.#askedAt = own.now();
  }

  /** Gives it its socket. */
  connect(dial: (address: string, user: SocketUser) => Socket): void {
    this.#socket = dial(this.address, this);
    if (this.#ended) this.#socket.close();
  }

  /** Whether it has ended. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether anything is awaited: the server should be looked after. */
  get isUsed(): boolean {
    return this.#awaited.size > 0;
  }

  /** Whether something is awaited that the server should answer soon. */
  get owesAnswers(): boolean {
    return this.#owed > 0;
  }

  /**
   * How long what was sent may still be on its way, in milliseconds: a slow way
   * is given its time, but not for ever.
   */
  get wayMs(): number {
    this.#drain();
    return Math.min(WAY_MS_MAX, this.#onTheWay / WAY_BYTES_PER_MS);
  }

  /** Since when nothing came that might have come. */
  get quietSince(): number {
    return Math.max(this.heardAt, this.#askedAt);
  }

  /** Asks for one answer; returns the tag. A line that has ended is lost. */
  ask(verb: Verb, ask: Ask, taker: Taker): number {
    const standing = verb === "WAIT";
    return this.#send(verb, ask, { taker, stream: false, standing });
  }

  /** Asks for answers until one is a refusal, or it is forgotten. */
  stream(verb: Verb, ask: Ask, taker: Taker): number {
    return this.#send(verb, ask, { taker, stream: true, standing: true });
  }

  /** Asks, and cares for no answer. */
  tell(verb: Verb, ask: Ask): void {
    this.ask(verb, ask, NOBODY);
  }

  /** Whatever comes with this tag is nobody's from now on. */
  forget(tag: number): void {
    const awaited = this.#awaited.get(tag);
    if (awaited === undefined) return;
    // The tag stays taken until the server has done with it.
    this.#awaited.set(tag, { ...awaited, taker: NOBODY });
  }

  /** Has the server forget a request that may stand for long. */
  cancel(tag: number): void {
    if (!this.#awaited.has(tag)) return;
    this.forget(tag);
    const done = () => this.#drop(tag);
    this.ask("CANCEL", { target: tag }, {
      answered: done,
      refused: done,
      lost() {},
    });
  }

  /** Ends it; whoever awaits an answer is told. */
  end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket?.close();
    const awaited = [...this.#awaited.values()];
    this.#awaited.clear();
    this.#owed = 0;
    for (const { taker } of awaited) taker.lost();
    this.#user.ended(this, why);
  }

  opened(): void {
    if (this.#ended) return;
    this.heardAt = this.#now();
    this.#user.opened(this);
  }

  ended(why: string): void {
    this.end(why);
  }

  received(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.heardAt = this.#now();
    try {
      for (let at = 0; at < bytes.length && !this.#ended;) {
        const space = this.#input.space(Math.min(bytes.length - at, PIECE));
        const length = Math.min(space.length, bytes.length - at);
        space.set(bytes.subarray(at, at + length));
        this.#input.filled(length);
        at += length;
        this.#takeFrames();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.end(`what it sends is no answer: ${error.message}`);
    }
  }

  takeOutput(): Uint8Array {
    this.#announced = false;
    const output = this.#output;
    this.#output = this.#taken;
    this.#output.clear();
    this.#taken = output;
    this.#drain();
    this.#onTheWay += output.length;
    return output.written();
  }

  #takeFrames(): void {
    while (!this.#ended && this.#input.next()) {
      const { start, end } = this.#input;
      this.#reader.reset(this.#input.bytes, { start, end });
      const response = decodeResponse(this.#reader);
      this.#settle(response, end - start + LENGTH_BYTES);
    }
  }

  #settle(response: ClientResponse, bytes: number): void {
    const tag = response.tag ?? REFUSED_TAG;
    const error = errorOf(response);
    if (tag === REFUSED_TAG) {
      // The server would not have us: it has handled nothing that we sent.
      if (error !== undefined) this.end(error.detail);
      return;
    }
    const awaited = this.#awaited.get(tag);
    if (awaited === undefined) return;
    if (error !== undefined || !awaited.stream) this.#drop(tag);
    if (error === undefined) awaited.taker.answered(response, bytes);
    else awaited.taker.refused(error, response);
  }

  #send(verb: Verb, ask: Ask, awaited: Awaited): number {
    const tag = this.#freeTag();
    if (this.#ended) {
      awaited.taker.lost();
      return tag;
    }
    this.#await(tag, awaited);
    encodeRequest(this.#output, {
      ...emptyRequest(),
      lineage: this.lineage,
      ...ask,
      verb: VERBS[verb],
      tag,
    });
    if (!this.#announced) {
      this.#announced = true;
      this.#socket?.hasOutput();
    }
    return tag;
  }

  #await(tag: number, awaited: Awaited): void {
    const { standing } = awaited;
    const isNews = standing ? this.#awaited.size === 0 : this.#owed === 0;
    this.#awaited.set(tag, awaited);
    if (!standing) this.#owed++;
    if (!isNews) return;
    this.#askedAt = this.#now();
    this.#user.awaits(this);
  }

  #drop(tag: number): void {
    const awaited = this.#awaited.get(tag);
    if (awaited === undefined) return;
    this.#awaited.delete(tag);
    if (!awaited.standing) this.#owed--;
  }

  #drain(): void {
    const now = this.#now();
    const gone = (now - this.#drainedAt) * WAY_BYTES_PER_MS;
    this.#onTheWay = Math.max(0, this.#onTheWay - gone);
    this.#drainedAt = now;
  }

  #freeTag(): number {
    do {
      this.#lastTag = this.#lastTag === TAG_MAX ? 1 : this.#lastTag + 1;
    } while (this.#awaited.has(this.#lastTag));
    return this.#lastTag;
  }
}

const PIECE = 64 << 10;

const NOBODY: Taker = { answered() {}, refused() {}, lost() {} };
