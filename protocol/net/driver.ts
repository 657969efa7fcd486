/**
 * The world around a client: sockets, time and chance as they are.
 *
 * The client's logic is in protocol/client/, and knows none of them; here its
 * sockets are opened, read and written, and it is woken when it wants to be.
 *
 * @module
 */
import { type Notice, parseAddress, type Socket } from "../mod.ts";
import type { SocketUser, Surroundings } from "../mod.ts";
import type { ClientSocketLike } from "./client_socket.ts";
import { openSocket, reasonOf } from "./dial.ts";

/** How sockets are opened, and who is told what happens. */
export interface DriverOptions {
  readonly tls: boolean;
  readonly caCerts?: readonly string[] | undefined;
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}

/** A timer of more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
const READ_BYTES = 64 << 10;

/** The surroundings of one client. */
export class Driver implements Surroundings {
  readonly #options: DriverOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wakesAt = Infinity;
  #stopped = false;
  /** Called when it is time; set before the client begins. */
  onWake: () => void = () => {};

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  dial(address: string, user: SocketUser): Socket {
    const { tls, caCerts } = this.#options;
    const trust = caCerts === undefined ? {} : { caCerts };
    return new DrivenSocket(user, (signal) =>
      // The client ends what takes too long.
      openSocket(parseAddress(address), {
        tls,
        ...trust,
        signal,
        timeoutMs: 0,
      }));
  }

  now(): number {
    return performance.now();
  }

  random(): number {
    return Math.random();
  }

  wakeAt(time: number): void {
    if (time >= this.#wakesAt || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#wakesAt = time;
    const ms = Math.max(0, Math.min(TIMER_MS_MAX, time - this.now()));
    this.#timer = setTimeout(() => {
      this.#wakesAt = Infinity;
      this.onWake();
    }, ms);
  }

  notice(notice: Notice): void {
    const { onNotice } = this.#options;
    // What it throws is its own affair, and must not stop the client half-way.
    if (onNotice !== undefined) queueMicrotask(() => onNotice(notice));
  }

  /** No more timers. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}

/** A socket that moves bytes for its user. */
class DrivenSocket implements Socket {
  readonly #user: SocketUser;
  readonly #opening = new AbortController();
  #socket: ClientSocketLike | undefined;
  #sending = false;
  #closed = false;

  constructor(
    user: SocketUser,
    open: (signal: AbortSignal) => Promise<ClientSocketLike>,
  ) {
    this.#user = user;
    this.#run(open);
  }

  hasOutput(): void {
    if (this.#sending || this.#socket === undefined) return;
    this.#sending = true;
    // What is asked in the same turn leaves in the same write.
    queueMicrotask(() => this.#send());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#opening.abort();
    try {
      this.#socket?.close();
    } catch {
      // The socket is closed already, which is what we want.
    }
  }

  async #run(
    open: (signal: AbortSignal) => Promise<ClientSocketLike>,
  ): Promise<void> {
    try {
      const socket = await open(this.#opening.signal);
      this.#socket = socket;
      if (this.#closed) return socket.close();
      this.#user.opened();
      await this.#receive(socket);
    } catch (error) {
      this.#end(reasonOf(error));
    }
  }

  async #receive(socket: ClientSocketLike): Promise<void> {
    const bytes = new Uint8Array(READ_BYTES);
    while (!this.#closed) {
      const length = await socket.read(bytes);
      if (this.#closed) return;
      if (length === null) return this.#end("the server ended it");
      this.#user.received(bytes.subarray(0, length));
    }
  }

  async #send(): Promise<void> {
    try {
      while (!this.#closed) {
        const output = this.#user.takeOutput();
        if (output.length === 0) break;
        for (let at = 0; at < output.length && !this.#closed;) {
          at += await this.#socket!.write(output.subarray(at));
        }
      }
    } catch (error) {
      this.#end(reasonOf(error));
    }
    this.#sending = false;
  }

  #end(why: string): void {
    if (this.#closed) return;
    this.close();
    this.#user.ended(why);
  }
}
