/**
 * What the client's logic needs of the world: sockets, time and chance come
 * from outside, so that the simulator drives the same code as programs do.
 *
 * @module
 */

/** An attempt to reach a server, and then the way to it. */
export interface Socket {
  /** There is output: take it soon, with {@linkcode SocketUser.takeOutput}. */
  hasOutput(): void;
  /** Ends it, open or not. Nothing more is told to its user. */
  close(): void;
}

/** Who uses a socket. Never called from within the call that opens it. */
export interface SocketUser {
  /** The server is reached. */
  opened(): void;
  /** Bytes have come; they are the caller's again after the call. */
  received(bytes: Uint8Array): void;
  /** It could not be opened, or has ended; the reason in words. */
  ended(why: string): void;
  /**
   * The bytes to be sent, possibly none. They stay as they are until the next
   * call, so call again only when they are sent.
   */
  takeOutput(): Uint8Array;
}

/** The world around a client. */
export interface Surroundings {
  /** Begins to open a socket to the server at HOST:PORT. */
  dial(address: string, user: SocketUser): Socket;
  /** Milliseconds from any beginning, never going back. */
  now(): number;
  /** From 0 to below 1. */
  random(): number;
  /** `ClientCore.tick` is to be called then, by `now`'s time, or soon after. */
  wakeAt(time: number): void;
  /** Something happened that a person may want to know. */
  notice(notice: Notice): void;
}

/** What may happen to a client that goes on by itself. */
export type Notice =
  | {
    /** A server is reached, and serves the history that is meant. */
    readonly type: "connected";
    readonly address: string;
  }
  | {
    /** The server is lost, or could not be reached: others are tried. */
    readonly type: "lost";
    readonly address: string;
    readonly why: string;
  }
  | {
    /** A watch goes on at another server, or the same again. */
    readonly type: "resumed";
    readonly glob: string;
    /** The first rev that it has not been told of. */
    readonly rev: number;
    readonly address: string;
  };
