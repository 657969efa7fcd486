/**
 * A socket whose every step the test takes: what a read brings, and when a
 * write is done. For races that real sockets show once in a blue moon.
 *
 * @module
 */
import type { Backend } from "../../../protocol/mod.ts";
import { SocketServer, type Turn } from "../../../protocol/net/mod.ts";
import { KeptLog } from "./servers.ts";

/** The server's end of a socket. */
export class FakeConn {
  readonly remoteAddr: Deno.NetAddr = {
    transport: "tcp",
    hostname: "127.0.0.1",
    port: 1,
  };
  /** What was written, in one piece per write. */
  readonly written: Uint8Array[] = [];
  closed = false;
  readonly #reads: (Uint8Array | null)[] = [];
  #reader: (() => void) | undefined;
  #writes: ((error?: Error) => void)[] = [];

  /** The next read brings this; null is the end. */
  bring(bytes: Uint8Array | null): void {
    this.#reads.push(bytes);
    this.#reader?.();
  }

  /** The oldest write under way is done, or fails; tells if there is one. */
  finishWrite(error?: Error): boolean {
    const finish = this.#writes.shift();
    finish?.(error);
    return finish !== undefined;
  }

  /** What was brought is read even if the socket was closed meanwhile. */
  async read(room: Uint8Array): Promise<number | null> {
    while (this.#reads.length === 0) {
      await new Promise<void>((resolve) => this.#reader = resolve);
    }
    const bytes = this.#reads.shift()!;
    if (bytes === null) return null;
    room.set(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const copy = bytes.slice();
    const error = await new Promise<Error | undefined>((resolve) => {
      this.#writes.push(resolve);
    });
    if (error !== undefined) throw error;
    this.written.push(copy);
    return copy.length;
  }

  close(): void {
    this.closed = true;
  }
}

/** Serves this one socket, until it is closed; first, others go wrong. */
export function serveConn(
  conn: FakeConn,
  { backend, turn, failures = 0 }: {
    backend: Backend;
    turn: Turn;
    /** How many clients are reset before they are accepted. */
    failures?: number;
  },
): { server: SocketServer; log: KeptLog } {
  const { listen } = Deno;
  const log = new KeptLog();
  const waiting = [conn];
  let failed = 0;
  const listener = {
    addr: conn.remoteAddr,
    accept: () =>
      failed++ < failures
        ? Promise.reject(new Deno.errors.NotConnected("os error 107"))
        : Promise.resolve(waiting.pop() ?? new Promise(() => {})),
    close() {},
  };
  // Only while the server starts to listen.
  Deno.listen = (() => listener) as unknown as typeof Deno.listen;
  try {
    const server = new SocketServer({
      address: { hostname: "127.0.0.1", port: 0 },
      backend,
      secrets: {},
      turn,
      log,
      timeLimits: { handshakeMs: 60_000, frameMs: 60_000, sweepMs: 5 },
    });
    return { server, log };
  } finally {
    Deno.listen = listen;
  }
}
