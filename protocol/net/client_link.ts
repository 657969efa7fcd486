/**
 * One client's socket and its connection: moves bytes between the two.
 *
 * The connection knows the protocol; here is when to read, when to write, when
 * to leave a client unread, and when to end it.
 *
 * @module
 */
import { type Access, type Backend, Connection, senderOf } from "../mod.ts";
import type { BackupSlots, UnreadAnswers } from "../mod.ts";
import type { ClientSocket } from "./listener.ts";
import type { Log } from "./log.ts";
import type { LogBudget } from "./log_budget.ts";
import type { Flushable, Turn } from "./turn.ts";

/** How long clients may keep us waiting, in milliseconds. */
export interface TimeLimits {
  /** From accepting to the end of the TLS handshake, or to a secret. */
  readonly handshakeMs: number;
  /** From one frame to the next, once that has begun. */
  readonly frameMs: number;
  /** How often the limits are looked after. */
  readonly sweepMs: number;
}

/** Up to here the input of a connection is not counted. */
const PARTIAL_BYTES_MIN = 64 << 10;
/** Bytes that a read makes room for, at least. */
const READ_BYTES = 8 << 10;

const NOTHING: Uint8Array = new Uint8Array(0);

/** What a link needs of its server. */
export interface ClientLinkOptions {
  readonly client: string;
  readonly log: Log;
  readonly backend: Backend;
  readonly access: Access;
  readonly unread: UnreadAnswers;
  readonly backups: BackupSlots;
  readonly timeLimits: TimeLimits;
  readonly turn: Turn;
  readonly warnings: LogBudget;
  /** Called when a large request has grown. */
  readonly onInput: () => void;
  readonly onEnd: () => void;
  /** Takes over where a node is there, and no client; called after `onEnd`. */
  readonly onPeer?: OnPeer | undefined;
}

/** Takes over a socket, and what was read from it. */
export type OnPeer = (socket: ClientSocket, firstBytes: Uint8Array) => void;

/** One client's socket and its connection. */
export class ClientLink implements Flushable {
  readonly #socket: ClientSocket;
  readonly #options: ClientLinkOptions;
  readonly #connection: Connection;
  readonly #openedAt = performance.now();
  /** Since when a frame is incomplete, and how many came before it. */
  #partial = { since: performance.now(), frames: 0 };
  #handshaking: boolean;
  #isClient: boolean;
  #sending = false;
  /** What is being sent, as far as the socket has not taken it. */
  #output = NOTHING;
  #readEnded = false;
  #ended = false;
  #onProgress: (() => void) | undefined;
  /** Whether the next requests wait for this client's turn. */
  #queued = false;

  constructor(socket: ClientSocket, options: ClientLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#handshaking = "handshake" in socket;
    this.#isClient = options.onPeer === undefined;
    this.#connection = new Connection({
      backend: options.backend,
      access: options.access,
      unread: options.unread,
      backups: options.backups,
      onOutput: () => options.turn.hasOutput(this),
    });
  }

  /** Reads until the client ends, or must be ended. */
  async serve(): Promise<void> {
    try {
      if (this.#handshaking) {
        await (this.#socket as unknown as Deno.TlsConn).handshake();
        this.#handshaking = false;
      }
      await this.#readAll();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Sends what there is to send, unless that is under way. */
  flush(): void {
    if (this.#ended) return;
    this.#work();
    if (this.#sending) return;
    try {
      this.#send();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Ends the connection; the reason is logged unless the client left. */
  end(reason?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const { client, log, warnings, onEnd } = this.#options;
    this.#connection.close();
    this.#onProgress?.();
    try {
      this.#socket.close();
    } catch {
      // The socket is closed already, which is what we want.
    }
    onEnd();
    if (reason === undefined) return log.debug("{client} has left", { client });
    warnings.warn("Ended the connection of {client}: {reason}", {
      client,
      reason,
    });
  }

  /** Bytes of a request that is large and not complete. */
  get partialBytes(): number {
    const { capacity, waiting } = this.#connection.input;
    return waiting > 0 && capacity > PARTIAL_BYTES_MIN ? capacity : 0;
  }

  /** When the last request was complete, in ms of performance.now(). */
  get partialSince(): number {
    return this.#partial.since;
  }

  /** Ends a client that has kept us waiting for too long. */
  enforceDeadlines(now: number): void {
    const connection = this.#connection;
    const { handshakeMs, frameMs } = this.#options.timeLimits;
    if (connection.failure !== undefined) return this.end(connection.failure);
    connection.expire(now);
    const unproved = this.#handshaking || !connection.trusted;
    if (unproved && now - this.#openedAt > handshakeMs) {
      const what = this.#handshaking ? "its TLS handshake" : "a secret";
      return this.end(`It has not given ${what} in ${handshakeMs} ms`);
    }
    const { frames, waiting } = connection.input;
    if (waiting === 0 || connection.paused || frames !== this.#partial.frames) {
      this.#partial = { since: now, frames };
    } else if (now - this.#partial.since > frameMs) {
      this.end(`It has not finished a frame in ${frameMs} ms`);
    }
  }

  async #readAll(): Promise<void> {
    const connection = this.#connection;
    const { input } = connection;
    while (!this.#ended && connection.failure === undefined) {
      const bytes = await this.#socket.read(input.space(READ_BYTES));
      if (bytes === null) break;
      input.filled(bytes);
      if (this.#handOver()) return;
      this.#work();
      if (this.partialBytes > 0) this.#options.onInput();
      // The client feels it through TCP that we do not read on.
      while ((connection.paused || connection.yielding) && !this.#ended) {
        await this.#progress();
        // What was left undone may be the last that the client sends.
        this.#work();
      }
    }
    if (input.waiting > 0 && !this.#ended) {
      connection.fail("The client has left in the middle of a frame");
    }
    this.#readEnded = true;
    connection.inputEnded();
    this.#endIfDone();
  }

  /** Hands the socket over if a node is there; a few bytes tell. */
  #handOver(): boolean {
    if (this.#isClient) return false;
    const { input } = this.#connection;
    // Nothing was taken out yet: no request is complete before it is known.
    const sender = senderOf(input.bytes.subarray(0, input.waiting));
    this.#isClient = sender === "client";
    if (sender !== "peer") return false;
    this.#ended = true;
    const first = input.bytes.slice(0, input.waiting);
    const { onEnd, onPeer } = this.#options;
    this.#connection.close();
    onEnd();
    onPeer?.(this.#socket, first);
    return true;
  }

  /** Sends what there is to send, if there is; else nothing is under way. */
  #send(): void {
    const connection = this.#connection;
    this.#sending = connection.hasOutput && !this.#ended;
    if (this.#sending) {
      this.#output = connection.takeOutput();
      this.#write();
    } else {
      this.#wakeReader();
      this.#endIfDone();
    }
  }

  /**
   * No async function: a thousand clients may be told of one event, and what
   * each of their writes would leave behind is a third of the garbage.
   */
  #write(): void {
    this.#socket.write(this.#output).then(this.#wrote, this.#failed);
  }

  /** So many bytes were written. */
  readonly #wrote = (bytes: number): void => {
    try {
      if (bytes < this.#output.length) {
        this.#output = this.#output.subarray(bytes);
        return this.#write();
      }
      this.#output = NOTHING;
      // A socket that takes all at once would keep us telling of the past, one
      // piece after the other, before anybody else was heard.
      if (this.#connection.awaitsRoom) this.#options.turn.later(this.#sent);
      else this.#sent();
    } catch (error) {
      this.#broke(error);
    }
  };

  /** What was taken to be sent is sent. */
  readonly #sent = (): void => {
    if (this.#ended) return;
    try {
      // It reads on before a watch, which has room again, takes that room: or
      // whoever catches up could not say a word until that was done.
      this.#wakeReader();
      this.#connection.outputSent();
      this.#work();
      this.#send();
    } catch (error) {
      this.#broke(error);
    }
  };

  readonly #failed = (error: unknown): void => this.#broke(error);

  /** Works off requests; what is left for later, after the others' turn. */
  #work(): void {
    if (this.#queued || this.#ended) return;
    try {
      this.#connection.process();
    } catch (error) {
      this.#broke(error);
    }
    if (!this.#connection.yielding) return;
    this.#queued = true;
    this.#options.turn.later(() => {
      this.#queued = false;
      this.flush();
      this.#wakeReader();
    });
  }

  /** Resolves when output was sent, or it is this client's turn again. */
  #progress(): Promise<void> {
    return new Promise((resolve) => this.#onProgress = resolve);
  }

  #wakeReader(): void {
    const wake = this.#onProgress;
    this.#onProgress = undefined;
    wake?.();
  }

  /**
   * A client that only stopped sending still gets what it is owed. One that
   * failed, too, unless that takes longer than until the next sweep.
   */
  #endIfDone(): void {
    const connection = this.#connection;
    if (connection.hasOutput || this.#sending) return;
    if (connection.owesAnswers) return;
    if (connection.failure !== undefined) this.end(connection.failure);
    else if (this.#readEnded) this.end();
  }

  /** Tells a link that broke from a bug of ours, which stops the node. */
  #broke(error: unknown): void {
    if (this.#ended) return;
    if (isBrokenConnection(error)) this.end(String(error));
    else this.#options.turn.fail(error);
  }
}

/** Whether the error says that the other side or the link is gone. */
export function isBrokenConnection(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.InvalidData ||
    error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BadResource ||
    (error instanceof Error && "code" in error);
}
