/**
 * Opens sockets in Node, and gives them the shape that Deno's have.
 *
 * Node's modules are loaded at the first call: elsewhere nobody needs them.
 *
 * @module
 */
import type { Socket } from "node:net";
import type { Address } from "../mod.ts";
import { asksForTls, openInTime } from "./client_socket.ts";
import type { ClientSocketLike, SocketOptions } from "./client_socket.ts";

/** Opens a socket to one address, its TLS handshake done if it has one. */
export function openNodeSocket(
  address: Address,
  options: SocketOptions,
): Promise<ClientSocketLike> {
  return openInTime(options, async (signal) => {
    const begin = asksForTls(options) ? beginTls : beginTcp;
    const { socket, opened } = await begin(address, options);
    socket.setNoDelay(true);
    return await whenOpen(socket, { opened, signal });
  });
}

/** A socket that is being opened, and the event which says that it is open. */
interface Opening {
  readonly socket: Socket;
  readonly opened: "connect" | "secureConnect";
}

async function beginTcp({ hostname, port }: Address): Promise<Opening> {
  const { connect } = await import("node:net");
  return { socket: connect({ host: hostname, port }), opened: "connect" };
}

async function beginTls(
  { hostname, port }: Address,
  { caCerts }: SocketOptions,
): Promise<Opening> {
  const { isIP } = await import("node:net");
  const { connect } = await import("node:tls");
  const socket = connect({
    host: hostname,
    port,
    // A server is told the name by which it is called; an address is none.
    ...isIP(hostname) === 0 ? { servername: hostname } : {},
    ...caCerts === undefined ? {} : { ca: [...caCerts] },
  });
  return { socket, opened: "secureConnect" };
}

/** The open socket; where it fails or is given up, nothing is left of it. */
function whenOpen(
  socket: Socket,
  { opened, signal }: {
    readonly opened: Opening["opened"];
    readonly signal: AbortSignal;
  },
): Promise<ClientSocketLike> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(opened, succeed).off("error", fail).off("close", leave);
      signal.removeEventListener("abort", giveUp);
    };
    const succeed = (): void => {
      settle();
      resolve(new NodeSocket(socket));
    };
    const fail = (error: unknown): void => {
      settle();
      socket.on("error", () => {}); // Of what is given up already.
      socket.destroy();
      reject(error);
    };
    const leave = (): void => fail(new Error("the server ended it"));
    const giveUp = (): void => fail(signal.reason);
    socket.on(opened, succeed).on("error", fail).on("close", leave);
    signal.addEventListener("abort", giveUp);
    // An abort that has been is no event to wait for.
    if (signal.aborted) giveUp();
  });
}

/** A socket of Node's that is read and written like one of Deno's. */
class NodeSocket implements ClientSocketLike {
  readonly #socket: Socket;
  /** What was received beyond the room that a read had. */
  #rest: Uint8Array | undefined;
  #ended = false;
  #failure: Error | undefined;
  #onChange: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Without a listener for data Node stops receiving when it holds enough.
    socket.on("readable", () => this.#changed());
    socket.on("end", () => {
      this.#ended = true;
      this.#changed();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("The socket is closed")));
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

  /** All of it, and not before it has left: the caller may use it again. */
  write(bytes: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => {
        // Node calls what a closed socket had not sent a success.
        const failure = this.#failure ?? error;
        if (failure) reject(failure);
        else resolve(bytes.length);
      });
    });
  }

  close(): void {
    this.#fail(new Error("The socket is closed"));
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
    this.#changed();
  }

  #changed(): void {
    const wake = this.#onChange;
    this.#onChange = undefined;
    wake?.();
  }
}
