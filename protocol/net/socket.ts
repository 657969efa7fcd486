/**
 * Sockets for clients: accepts, reads, writes, and sets the time limits.
 *
 * Each client has a {@linkcode Connection}, which knows the protocol; here is
 * only what moves its bytes. A client that does not read its answers has its
 * requests left unread, one that stays silent half-way through a frame or a
 * handshake is cut off: nobody else notices either.
 *
 * @module
 */
import { Access, type Address, type Backend } from "../mod.ts";
import { Connection, formatAddress, type Secrets } from "../mod.ts";
import { UnreadAnswers } from "../mod.ts";
import { LIMITS } from "../../store/mod.ts";
import type { Log } from "./log.ts";
import type { Flushable, Turn } from "./turn.ts";

/** What a server of clients needs. */
export interface SocketServerOptions {
  /** Where to listen; port 0 lets the kernel choose. */
  readonly address: Address;
  /** PEM texts. Without them, plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly backend: Backend;
  readonly secrets: Secrets;
  readonly turn: Turn;
  readonly log: Log;
  /** Time limits other than the usual ones, for tests. */
  readonly timeLimits?: TimeLimits;
}

/** How long clients may keep us waiting, in milliseconds. */
export interface TimeLimits {
  /** From accepting to the end of the TLS handshake, or to a secret. */
  readonly handshakeMs: number;
  /** From one frame to the next, once that has begun. */
  readonly frameMs: number;
  /** How often the limits are looked after. */
  readonly sweepMs: number;
}

const TIME_LIMITS: TimeLimits = {
  handshakeMs: LIMITS.handshakeMs,
  frameMs: LIMITS.frameMs,
  sweepMs: 1_000,
};

/** Bytes that a read makes room for, at least. */
const READ_BYTES = 8 << 10;
/** A listener that fails (out of descriptors, say) is tried again after. */
const ACCEPT_RETRY_MS = 100;

/** Listens for clients and serves them. */
export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #access: Access;
  readonly #timeLimits: TimeLimits;
  readonly #unread = new UnreadAnswers();
  readonly #listener: Deno.Listener;
  readonly #links: Set<ClientLink> = new Set();
  readonly #sweeper: ReturnType<typeof setInterval>;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Starts to listen.
   *
   * @throws {Deno.errors.AddrInUse} and other errors of the socket.
   */
  constructor(options: SocketServerOptions) {
    const { address, tls } = options;
    this.#options = options;
    this.#access = new Access(options.secrets);
    this.#timeLimits = options.timeLimits ?? TIME_LIMITS;
    this.#listener = tls === undefined
      ? Deno.listen({ ...address })
      : Deno.listenTls({ ...address, cert: tls.cert, key: tls.key });
    this.#sweeper = setInterval(
      () => this.#sweep(),
      this.#timeLimits.sweepMs,
    );
    this.#acceptAll();
  }

  /** Where clients find this server. */
  get address(): Address {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return { hostname, port };
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#links.size;
  }

  /** Stops listening and ends all connections. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweeper);
    clearTimeout(this.#retry);
    this.#listener.close();
    for (const link of this.#links) link.end();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        // One client's failure, or a lack that may pass: never the end.
        this.#options.log.warn("Cannot accept a connection: {reason}", {
          reason: String(error),
        });
        await new Promise((done) => {
          this.#retry = setTimeout(done, ACCEPT_RETRY_MS);
        });
      }
    }
  }

  #serve(socket: Deno.Conn): void {
    const client = formatAddress(socket.remoteAddr as Deno.NetAddr);
    const { log } = this.#options;
    if (this.#links.size >= LIMITS.connections) {
      log.warn(
        "Refused the connection of {client}: {open} are open, the limit is " +
          "{limit}",
        { client, open: this.#links.size, limit: LIMITS.connections },
      );
      socket.close();
      return;
    }
    const link = new ClientLink(socket, {
      client,
      log,
      backend: this.#options.backend,
      access: this.#access,
      unread: this.#unread,
      timeLimits: this.#timeLimits,
      turn: this.#options.turn,
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    log.debug("{client} is connected", { client });
    if ("setNoDelay" in socket) {
      const tcp = socket as Deno.TcpConn;
      // Answers leave in one write each turn: nothing gains from Nagle's delay.
      tcp.setNoDelay(true);
      // A machine that went down leaves no other trace: waits may be long.
      tcp.setKeepAlive(true);
    }
    link.serve();
  }

  #sweep(): void {
    const now = performance.now();
    for (const link of this.#links) link.enforceDeadlines(now);
  }
}

interface ClientLinkOptions {
  readonly client: string;
  readonly log: Log;
  readonly backend: Backend;
  readonly access: Access;
  readonly unread: UnreadAnswers;
  readonly timeLimits: TimeLimits;
  readonly turn: Turn;
  readonly onEnd: () => void;
}

/** One client's socket and its connection. */
class ClientLink implements Flushable {
  readonly #socket: Deno.Conn;
  readonly #options: ClientLinkOptions;
  readonly #connection: Connection;
  readonly #openedAt = performance.now();
  /** Since when a frame is incomplete, and how many came before it. */
  #partial = { since: 0, frames: -1 };
  #handshaking: boolean;
  #sending = false;
  #readEnded = false;
  #ended = false;
  #onSent: (() => void) | undefined;

  constructor(socket: Deno.Conn, options: ClientLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#handshaking = "handshake" in socket;
    this.#connection = new Connection({
      backend: options.backend,
      access: options.access,
      unread: options.unread,
      onOutput: () => options.turn.hasOutput(this),
    });
  }

  /** Reads until the client ends, or must be ended. */
  async serve(): Promise<void> {
    try {
      if (this.#handshaking) {
        await (this.#socket as Deno.TlsConn).handshake();
        this.#handshaking = false;
      }
      await this.#readAll();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Sends what there is to send, unless that is under way. */
  flush(): void {
    if (this.#ended || this.#sending) return;
    this.#sendAll().catch((error) => this.#broke(error));
  }

  /** Ends the connection; the reason is logged unless the client left. */
  end(reason?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const { client, log, onEnd } = this.#options;
    this.#connection.close();
    this.#onSent?.();
    try {
      this.#socket.close();
    } catch {
      // The socket is closed already, which is what we want.
    }
    onEnd();
    if (reason === undefined) log.debug("{client} has left", { client });
    else {log.warn("Ended the connection of {client}: {reason}", {
        client,
        reason,
      });}
  }

  /** Ends a client that has kept us waiting for too long. */
  enforceDeadlines(now: number): void {
    const connection = this.#connection;
    const { handshakeMs, frameMs } = this.#options.timeLimits;
    if (connection.failure !== undefined) return this.end(connection.failure);
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
      connection.process();
      // The client feels it through TCP that we do not read on.
      while (connection.paused && !this.#ended) {
        await this.#sent();
        // What was left unread may be the last that the client sends.
        connection.process();
      }
    }
    if (input.waiting > 0 && !this.#ended) {
      connection.fail("The client has left in the middle of a frame");
    }
    this.#readEnded = true;
    this.#endIfDone();
  }

  async #sendAll(): Promise<void> {
    const connection = this.#connection;
    this.#sending = true;
    while (connection.hasOutput && !this.#ended) {
      const output = connection.takeOutput();
      for (let at = 0; at < output.length;) {
        const rest = at === 0 ? output : output.subarray(at);
        at += await this.#socket.write(rest);
      }
      connection.outputSent();
      connection.process();
      this.#wakeReader();
    }
    this.#sending = false;
    this.#wakeReader();
    this.#endIfDone();
  }

  /** Resolves when output was sent, or there is none. */
  #sent(): Promise<void> {
    return new Promise((resolve) => this.#onSent = resolve);
  }

  #wakeReader(): void {
    const wake = this.#onSent;
    this.#onSent = undefined;
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

/** Whether the error says that the peer or the link is gone, or misbehaved. */
function isBrokenConnection(error: unknown): boolean {
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
