/**
 * The server of clients: accepts them, and bounds what they take together.
 *
 * A client that does not read its answers has its requests left unread, one
 * that stays silent half-way through a frame or a handshake is cut off, one
 * too many is told so: nobody else notices either.
 *
 * @module
 */
import { Access, type Address, type Backend } from "../mod.ts";
import { formatAddress, type Secrets } from "../mod.ts";
import { BackupSlots, ResponseEncoder } from "../mod.ts";
import { UnreadAnswers, WireWriter } from "../mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { ClientLink, type OnPeer, type TimeLimits } from "./client_link.ts";
import { type ClientListener, type ClientSocket, listen } from "./listener.ts";
import type { Log } from "./log.ts";
import { LogBudget } from "./log_budget.ts";
import { readPeerStart } from "./peer_start.ts";
import type { Turn } from "./turn.ts";

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
  /** Takes over the connections of other nodes; they are no clients. */
  readonly onPeer?: OnPeer | undefined;
  /** Time limits other than the usual ones, for tests. */
  readonly timeLimits?: TimeLimits;
}

const TIME_LIMITS: TimeLimits = {
  handshakeMs: LIMITS.handshakeMs,
  frameMs: LIMITS.frameMs,
  sweepMs: 1_000,
};

/** Failures to accept, one after the other, that call for a pause. */
const ACCEPT_FAILURES_MAX = 1_000;
/** A listener that fails (out of descriptors, say) is tried again after. */
const ACCEPT_RETRY_MS = 100;

/** Sockets above the limit of clients, at most: there must be room for nodes. */
const ABOVE_MAX = 64;
/** What they may take to show that a node is there. */
const ABOVE_MS = 500;

/** Listens for clients and serves them. */
export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #access: Access;
  readonly #timeLimits: TimeLimits;
  readonly #unread = new UnreadAnswers();
  readonly #backups = new BackupSlots();
  readonly #warnings: LogBudget;
  readonly #listener: ClientListener;
  readonly #links: Set<ClientLink> = new Set();
  /** Sockets above the limit, which may be those of nodes. */
  readonly #above: Set<ClientSocket> = new Set();
  readonly #sweeper: ReturnType<typeof setInterval>;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Starts to listen; {@linkcode ready} tells when it does. */
  constructor(options: SocketServerOptions) {
    const { address, tls } = options;
    this.#options = options;
    this.#access = new Access(options.secrets);
    this.#timeLimits = options.timeLimits ?? TIME_LIMITS;
    this.#warnings = new LogBudget(options.log);
    this.#listener = listen({
      address,
      tls,
      handshakeMs: this.#timeLimits.handshakeMs,
      socketsMax: LIMITS.connections + ABOVE_MAX,
      onRefused: (client, reason) => {
        this.#warnings.warn("Refused the connection of {client}: {reason}", {
          client: formatAddress(client),
          reason,
        });
      },
    });
    this.#sweeper = setInterval(
      () => this.#sweep(),
      this.#timeLimits.sweepMs,
    );
    this.#acceptAll();
  }

  /** Resolves when it listens; rejects with the error where it cannot. */
  get ready(): Promise<void> {
    return this.#listener.ready;
  }

  /** Where clients find this server, once it is ready. */
  get address(): Address {
    return this.#listener.address;
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
    for (const socket of this.#above) socket.close();
  }

  async #acceptAll(): Promise<void> {
    try {
      await this.ready;
    } catch {
      return this.close(); // Whoever awaits `ready` learns why.
    }
    for (let failures = 0; !this.#closed;) {
      try {
        this.#serve(await this.#listener.accept());
        failures = 0;
      } catch (error) {
        if (this.#closed) return;
        await this.#acceptFailed(error, ++failures);
      }
    }
  }

  /**
   * A client that left before it was accepted is no reason to keep the others
   * waiting; a lack of descriptors or memory is, for a moment.
   */
  async #acceptFailed(error: unknown, failures: number): Promise<void> {
    const reason = String(error);
    this.#warnings.warn("Cannot accept a connection: {reason}", { reason });
    const lack = /EMFILE|ENFILE|ENOBUFS|ENOMEM|os error (12|23|24|105)\b/;
    if (!lack.test(reason) && failures < ACCEPT_FAILURES_MAX) return;
    await new Promise((done) => {
      this.#retry = setTimeout(done, ACCEPT_RETRY_MS);
    });
  }

  #serve(socket: ClientSocket): void {
    const client = formatAddress(socket.remoteAddr as Deno.NetAddr);
    const { log, onPeer } = this.#options;
    if (this.#links.size >= LIMITS.connections) {
      this.#serveAbove(socket, client);
      return;
    }
    const link = new ClientLink(socket, {
      client,
      log,
      warnings: this.#warnings,
      backend: this.#options.backend,
      access: this.#access,
      unread: this.#unread,
      backups: this.#backups,
      timeLimits: this.#timeLimits,
      turn: this.#options.turn,
      onInput: () => this.#boundInput(),
      onEnd: () => this.#links.delete(link),
      onPeer,
    });
    this.#links.add(link);
    log.debug("{client} is connected", { client });
    link.serve();
  }

  /** However many clients there are, they do not keep the nodes apart. */
  async #serveAbove(socket: ClientSocket, client: string): Promise<void> {
    const { onPeer } = this.#options;
    if (onPeer === undefined || this.#above.size >= ABOVE_MAX) {
      return this.#refuse(socket, client);
    }
    this.#above.add(socket);
    const first = await readPeerStart(socket, ABOVE_MS);
    this.#above.delete(socket);
    if (this.#closed) return;
    if (first === undefined) this.#refuse(socket, client);
    else onPeer(socket, first);
  }

  /** Tells a client that there are too many, and ends it. */
  #refuse(socket: ClientSocket, client: string): void {
    const open = this.#links.size;
    const limit = LIMITS.connections;
    this.#warnings.warn(
      "Refused the connection of {client}: {open} are open, the limit is " +
        "{limit}",
      { client, open, limit },
    );
    const writer = new WireWriter(256);
    const detail = `The node has ${open} connections, the limit is ${limit}`;
    // Tag 0: an answer that comes unasked, which ours takes for the end.
    new ResponseEncoder(writer).error(0, "LIMIT", detail);
    const close = () => socket.close();
    socket.write(writer.written()).then(close, close);
  }

  /** Incomplete requests of all clients are bounded: the slowest must go. */
  #boundInput(): void {
    let total = 0;
    let slowest: ClientLink | undefined;
    for (const link of this.#links) {
      if (link.partialBytes === 0) continue;
      total += link.partialBytes;
      if (slowest === undefined || link.partialSince < slowest.partialSince) {
        slowest = link;
      }
    }
    if (total <= LIMITS.partialBytesNode) return;
    slowest?.end(
      `All clients have ${total} bytes of incomplete requests, the limit is ` +
        `${LIMITS.partialBytesNode}; this one is slowest`,
    );
  }

  #sweep(): void {
    const now = performance.now();
    this.#warnings.renew();
    for (const link of this.#links) link.enforceDeadlines(now);
  }
}
