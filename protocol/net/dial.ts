/**
 * From a URI to an open socket.
 *
 * @module
 */
import { type Address, formatAddress } from "../mod.ts";
import { DoozerError } from "../../store/mod.ts";

/** How long connecting may take where nothing else is said. */
export const DEFAULT_TIMEOUT_MS = 5_000;

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * Milliseconds for connecting (else 5000) and for each request (else 7000);
   * 0 means no limit.
   */
  readonly timeoutMs?: number;
  /** Gives up connecting when it is aborted. */
  readonly signal?: AbortSignal;
  /** The secret to give; absent means the URI's `sk`. */
  readonly secret?: string;
  /** PEM texts of certificates to trust instead of the system's; means TLS. */
  readonly caCerts?: readonly string[];
  /** Where to look up a cluster that the URI only names (`cn`). */
  readonly bootUri?: string;
  /**
   * The history that is meant, as `status` names it: where the server's is
   * another, every request is refused with `LINEAGE`. After a restore or a
   * recovery revs of before mean nothing; only who names it is told.
   */
  readonly lineage?: string;
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
      const socket = await openSocket(address, options);
      return { socket, address: name };
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

/** Opens a socket to one address, its TLS handshake done if it has one. */
export async function openSocket(
  address: Address,
  options: ConnectOptions & { readonly tls: boolean },
): Promise<Deno.Conn> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const signals = [
    ...options.signal === undefined ? [] : [options.signal],
    ...timeoutMs > 0 ? [AbortSignal.timeout(timeoutMs)] : [],
  ];
  const signal = AbortSignal.any(signals);
  const socket = await Deno.connect({ ...address, signal });
  socket.setNoDelay(true);
  const { tls, caCerts } = options;
  if (!tls && caCerts === undefined) return socket;
  return await startTls(socket, {
    signal,
    hostname: address.hostname,
    ...caCerts === undefined ? {} : { caCerts: [...caCerts] },
  });
}

/** The handshake takes no signal: the socket is closed under it. */
async function startTls(
  tcp: Deno.TcpConn,
  { signal, ...options }: Deno.StartTlsOptions & { signal: AbortSignal },
): Promise<Deno.TlsConn> {
  const socket = await Deno.startTls(tcp, options);
  let open = true;
  const close = () => {
    if (open) socket.close();
    open = false;
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    // An abort that has been is no event to wait for.
    signal.throwIfAborted();
    await socket.handshake();
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    close();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

/** Why a socket could not be opened, in words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "nothing listens there (connection refused)";
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return "no answer within the time-out";
  }
  return error instanceof Error ? error.message : String(error);
}
