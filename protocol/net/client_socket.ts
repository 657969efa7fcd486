/**
 * What the client library needs of a socket, and of how it is opened: the same
 * in Deno and in Node.
 *
 * @module
 */

/** How long opening a socket may take where nothing else is said, in ms. */
export const DEFAULT_TIMEOUT_MS = 5_000;
/** A timer of more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** An open socket, as the client library reads and writes it. */
export interface ClientSocketLike {
  /** Reads what there is, at least a byte; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes a part of it, and says how long that is. */
  write(bytes: Uint8Array): Promise<number>;
  /** Ends it at once; reads and writes under way fail. */
  close(): void;
}

/** How to open a socket. */
export interface SocketOptions {
  /** Whether to speak TLS; `caCerts` means it too. */
  readonly tls?: boolean;
  /** PEM texts of certificates to trust instead of the system's. */
  readonly caCerts?: readonly string[];
  /** Gives up opening when it is aborted; afterwards it changes nothing. */
  readonly signal?: AbortSignal;
  /** Milliseconds until giving up (else 5000); 0 means never. */
  readonly timeoutMs?: number;
}

/**
 * Opens something within the time of the options: the signal that `open` gets
 * is aborted when that is up, or when the caller gives up.
 *
 * By hand, because `AbortSignal.any` has leaked and lost signals in Node 20.
 */
export async function openInTime<T>(
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS }: SocketOptions,
  open: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ending = new AbortController();
  const giveUp = (): void => ending.abort(signal?.reason);
  const timer = timeoutMs > 0
    ? setTimeout(
      () => ending.abort(new DOMException("Timed out", "TimeoutError")),
      Math.min(timeoutMs, TIMER_MS_MAX),
    )
    : undefined;
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await open(ending.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Whether the options ask for TLS. */
export function asksForTls({ tls = false, caCerts }: SocketOptions): boolean {
  return tls || caCerts !== undefined;
}
