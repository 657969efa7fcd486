/**
 * Listeners for clients, plain or TLS, of one shape.
 *
 * TLS goes over node:tls. `Deno.listenTls` keeps the descriptor of a client
 * that is cut off in its handshake, or while it does not read, until the
 * client itself lets go, so that a few thousand silent ones would use up all
 * descriptors; node:tls destroys a socket at once.
 *
 * @module
 */
import type { AddressInfo, Socket } from "node:net";
import process from "node:process";
import type { Server, TLSSocket } from "node:tls";
import type { Address } from "../mod.ts";

/** A client's socket. */
export interface ClientSocket {
  readonly remoteAddr: Deno.Addr;
  /** Reads what there is; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part, and says how long it is. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it at once; reads and writes under way fail. */
  close(): void;
}

/** Hands out clients' sockets. */
export interface ClientListener {
  /** Resolves when it listens; rejects where it cannot. */
  readonly ready: Promise<void>;
  /** Where it listens, once it is ready. */
  readonly address: Address;
  /** The next client, its handshake done. */
  accept(): Promise<ClientSocket>;
  close(): void;
}

/** How to listen. */
export interface ListenOptions {
  readonly address: Address;
  /** PEM texts. Without them, plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** From accepting to the end of the handshake, in milliseconds. */
  readonly handshakeMs: number;
  /** TLS sockets at once, those in their handshake included. */
  readonly socketsMax: number;
  /** Learns whose handshake failed, and why. */
  readonly onRefused: (client: Address, reason: string) => void;
}

/** Starts to listen. */
export function listen(options: ListenOptions): ClientListener {
  const { address, tls } = options;
  if (tls === undefined) return new DenoListener(Deno.listen({ ...address }));
  const listener = new NodeTlsListener({ ...options, tls });
  // Deno before 2.5 has a node:tls of its own kind, which lacks most of it.
  if (listener.works) return listener;
  return new DenoListener(Deno.listenTls({ ...address, ...tls }));
}

class DenoListener implements ClientListener {
  readonly ready = Promise.resolve();
  readonly #listener: Deno.Listener;

  constructor(listener: Deno.Listener) {
    this.#listener = listener;
  }

  get address(): Address {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return { hostname, port };
  }

  async accept(): Promise<ClientSocket> {
    const socket = await this.#listener.accept();
    try {
      tune(socket);
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  close(): void {
    this.#listener.close();
  }
}

function tune(socket: Deno.Conn): void {
  if (!("setNoDelay" in socket)) return;
  const tcp = socket as Deno.TcpConn;
  // Answers leave in one write each turn: nothing gains from Nagle's delay.
  tcp.setNoDelay(true);
  // A machine that went down leaves no other trace: waits may be long.
  tcp.setKeepAlive(true);
}

/** Loaded only where it is used: it takes some megabytes. */
function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}

/** How long a silent client's machine may be gone unnoticed. */
const KEEP_ALIVE_MS = 60_000;

class NodeTlsListener implements ClientListener {
  readonly ready: Promise<void>;
  readonly #server: Server;
  readonly #accepted: TlsClientSocket[] = [];
  readonly #raw: Set<Socket> = new Set();
  readonly #options: ListenOptions;
  #awaiting: PromiseWithResolvers<ClientSocket> | undefined;

  constructor(options: ListenOptions & { tls: { cert: string; key: string } }) {
    this.#options = options;
    this.#server = nodeTls().createServer({
      ...options.tls,
      handshakeTimeout: options.handshakeMs,
      allowHalfOpen: true,
    }, (socket) => this.#secured(socket));
    if (this.works) checkPair(options.tls);
    this.ready = this.works ? this.#start(options.address) : Promise.resolve();
  }

  /** Whether this Deno's node:tls is up to it. */
  get works(): boolean {
    return this.#server instanceof process.getBuiltinModule("node:net").Server;
  }

  get address(): Address {
    const { address, port } = this.#server.address() as AddressInfo;
    return { hostname: address, port };
  }

  accept(): Promise<ClientSocket> {
    const accepted = this.#accepted.shift();
    if (accepted !== undefined) return Promise.resolve(accepted);
    this.#awaiting = Promise.withResolvers();
    return this.#awaiting.promise;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#raw) socket.destroy();
    this.#awaiting?.reject(new Deno.errors.BadResource("Listener closed"));
  }

  #start({ hostname, port }: Address): Promise<void> {
    const server = this.#server;
    server.on("connection", (socket: Socket) => this.#connected(socket));
    // A failed or late handshake leaves its socket open, unless it is told.
    server.on("tlsClientError", (error, socket) => {
      const { remoteAddress: hostname = "", remotePort: port = 0 } = socket;
      this.#options.onRefused({ hostname, port }, error.message);
      socket.destroy();
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: hostname, port }, () => {
        server.off("error", reject);
        server.on("error", () => {}); // Of one client, who is gone.
        resolve();
      });
    });
  }

  #connected(socket: Socket): void {
    const { socketsMax, onRefused } = this.#options;
    if (this.#raw.size >= socketsMax) {
      const { remoteAddress: hostname = "", remotePort: port = 0 } = socket;
      const open = this.#raw.size;
      onRefused(
        { hostname, port },
        `${open} are open, the limit is ${socketsMax}`,
      );
      socket.destroy();
      return;
    }
    this.#raw.add(socket);
    socket.on("close", () => this.#raw.delete(socket));
    socket.on("error", () => socket.destroy());
  }

  #secured(socket: TLSSocket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const accepted = new TlsClientSocket(socket);
    const awaiting = this.#awaiting;
    this.#awaiting = undefined;
    if (awaiting === undefined) this.#accepted.push(accepted);
    else awaiting.resolve(accepted);
  }
}

/**
 * Throws where certificate and key do not fit: node:tls would take them, and
 * then fail each client. This reads both as a server would, and opens nothing.
 */
function checkPair(tls: { cert: string; key: string }): void {
  Deno.createHttpClient(tls).close();
}

/** A TLSSocket that is read and written like a Deno.Conn. */
class TlsClientSocket implements ClientSocket {
  readonly remoteAddr: Deno.NetAddr;
  readonly #socket: TLSSocket;
  #rest: Uint8Array | undefined;
  #ended = false;
  #failure: Error | undefined;
  #onChange: (() => void) | undefined;
  #failWrite: ((error: Error) => void) | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.remoteAddr = {
      transport: "tcp",
      hostname: socket.remoteAddress ?? "",
      port: socket.remotePort ?? 0,
    };
    socket.on("readable", () => this.#changed());
    socket.on("end", () => {
      this.#ended = true;
      this.#changed();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Deno.errors.ConnectionReset()));
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (true) {
      const chunk = this.#rest ?? this.#socket.read() as Uint8Array | null;
      if (chunk !== null) return this.#take(chunk, into);
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#onChange = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#failWrite = reject;
      this.#socket.write(bytes, (error) => {
        if (error) reject(error);
        else resolve(bytes.length);
      });
    });
  }

  close(): void {
    this.#fail(new Deno.errors.BadResource("Socket closed"));
    this.#socket.destroy();
  }

  #take(chunk: Uint8Array, into: Uint8Array): number {
    const taken = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, taken));
    this.#rest = taken < chunk.length ? chunk.subarray(taken) : undefined;
    return taken;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#failWrite?.(this.#failure);
    this.#changed();
  }

  #changed(): void {
    const wake = this.#onChange;
    this.#onChange = undefined;
    wake?.();
  }
}
