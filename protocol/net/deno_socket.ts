/**
 * Opens sockets in Deno: for the client library, and for links to peers.
 *
 * No other module that the client library loads may speak of `Deno`: in the
 * package for Node (packaging/npm) this one is left out, and the others are
 * checked without Deno's types.
 *
 * @module
 */
import type { Address } from "../mod.ts";
import { asksForTls, openInTime, type SocketOptions } from "./client_socket.ts";

/** Opens a socket to one address, its TLS handshake done if it has one. */
export function openDenoSocket(
  address: Address,
  options: SocketOptions,
): Promise<Deno.Conn> {
  return openInTime(options, async (signal) => {
    const tcp = await Deno.connect({ ...address, signal });
    tcp.setNoDelay(true);
    return asksForTls(options)
      ? await startTls(tcp, { ...options, signal, address })
      : givenUp(tcp, signal);
  });
}

/** The handshake takes no signal: the socket is closed under it. */
async function startTls(
  tcp: Deno.TcpConn,
  { signal, address, caCerts }: SocketOptions & {
    readonly signal: AbortSignal;
    readonly address: Address;
  },
): Promise<Deno.TlsConn> {
  const socket = await Deno.startTls(tcp, {
    hostname: address.hostname,
    ...caCerts === undefined ? {} : { caCerts: [...caCerts] },
  });
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

/** The socket, unless the abort came just as it was open. */
function givenUp(tcp: Deno.TcpConn, signal: AbortSignal): Deno.TcpConn {
  if (!signal.aborted) return tcp;
  tcp.close();
  throw signal.reason;
}
