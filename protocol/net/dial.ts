/**
 * From addresses to an open socket, in Deno and in Node.
 *
 * @module
 */
import type { Address, Notice } from "../mod.ts";
import type { ClientSocketLike, SocketOptions } from "./client_socket.ts";
import { openDenoSocket } from "./deno_socket.ts";
import { openNodeSocket } from "./node_socket.ts";

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
   * The history that is meant, as `status` names it; absent means that of the
   * first server. A server of another is none of the cluster's; where there are
   * only such, all fails with `LINEAGE`: after a restore or a recovery revs of
   * before mean nothing.
   */
  readonly lineage?: string;
  /**
   * Whether to try servers that it was not told of, too, as the cluster names
   * them in /ctl; they get the secret. Default true.
   */
  readonly discover?: boolean;
  /** Names the client as the origin of what it writes; up to 64 bytes. */
  readonly name?: string;
  /** Told when a server is lost or found, and when watches go on. */
  readonly onNotice?: (notice: Notice) => void;
}

/**
 * Opens a socket to one address, its TLS handshake done if it has one, with
 * what the runtime has: Deno's own sockets, or Node's.
 */
export function openSocket(
  address: Address,
  options: SocketOptions,
): Promise<ClientSocketLike> {
  return "Deno" in globalThis
    ? openDenoSocket(address, options)
    : openNodeSocket(address, options);
}

/** Why a socket could not be opened, in words: of Deno's errors and Node's. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { readonly code?: unknown };
  if (code === "ECONNREFUSED" || error.name === "ConnectionRefused") {
    return "nothing listens there (connection refused)";
  }
  if (error.name === "TimeoutError") return "no answer within the time-out";
  // Node's of a name with several addresses: it has one for each.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reasonOf).join(", ");
  }
  return error.message.trim();
}
