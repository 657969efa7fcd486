/**
 * From a URI to an open socket.
 *
 * @module
 */
import { type Address, formatAddress } from "../mod.ts";
import { DoozerError } from "../../store/mod.ts";

/** How long a request may take that says nothing else. */
export const DEFAULT_TIMEOUT_MS = 5_000;

/** Options of `connect`. */
export interface ConnectOptions {
  /** Milliseconds for connecting and for each request; 0 means no limit. */
  readonly timeoutMs?: number;
  /** Gives up connecting when it is aborted. */
  readonly signal?: AbortSignal;
  /** The secret to give; absent means the URI's `sk`. */
  readonly secret?: string;
  /** PEM texts of certificates to trust instead of the system's; means TLS. */
  readonly caCerts?: readonly string[];
  /** Where to look up a cluster that the URI only names (`cn`). */
  readonly bootUri?: string;
}

/** An open socket, and whose it is. */
export interface Dialled {
  readonly socket: Deno.Conn;
  readonly address: string;
}

/** Opens a socket to the first server that answers. */
export async function dial(
  addresses: readonly Address[],
  options: ConnectOptions & { readonly tls: boolean },
): Promise<Dialled> {
  const failures: string[] = [];
  for (const address of addresses) {
    const name = formatAddress(address);
    try {
      return { socket: await open(address, options), address: name };
    } catch (error) {
      failures.push(`${name}: ${reasonOf(error)}`);
      if (options.signal?.aborted) break;
    }
  }
  throw new DoozerError(
    "UNAVAILABLE",
    `No server can be reached: ${failures.join("; ")}`,
  );
}

async function open(
  address: Address,
  options: ConnectOptions & { readonly tls: boolean },
): Promise<Deno.Conn> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const signals = [
    ...options.signal === undefined ? [] : [options.signal],
    ...timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [],
  ];
  const signal = AbortSignal.any(signals);
  if (!options.tls && options.caCerts === undefined) {
    const socket = await Deno.connect({ ...address, signal });
    socket.setNoDelay(true);
    return socket;
  }
  const caCerts = options.caCerts === undefined
    ? {}
    : { caCerts: [...options.caCerts] };
  return await openTls({ ...address, ...caCerts }, signal);
}

/** Deno.connectTls takes no signal: a late socket is closed, not awaited. */
async function openTls(
  options: Deno.ConnectTlsOptions,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  // An abort that has been is no event to wait for.
  signal.throwIfAborted();
  const opening = Deno.connectTls(options).then(async (socket) => {
    try {
      await socket.handshake();
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    }
  });
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (error) {
    opening.then((socket) => socket.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "nothing listens there (connection refused)";
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "no answer within the time-out";
  }
  return error instanceof Error ? error.message : String(error);
}
