/**
 * Addresses of clusters: `doozer:?ca=HOST:PORT&ca=...&cn=NAME&sk=SECRET`.
 *
 * `ca` is a server's address, any number of them; `cn` a cluster's name, to be
 * looked up in a name service; `sk` a secret; `tls=true` asks for TLS. A port
 * that is not said is 8046, as the original's documents promised.
 *
 * @module
 */
import { DoozerError } from "../store/mod.ts";

/** The port of a node that says no other. */
export const DEFAULT_PORT = 8046;

/** Where a client looks that is told nothing. */
export const DEFAULT_URI = `doozer:?ca=127.0.0.1:${DEFAULT_PORT}`;

/** Where something listens. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly hostname: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** What a URI says. */
export interface ClusterUri {
  readonly addresses: readonly Address[];
  readonly name: string | undefined;
  readonly secret: string | undefined;
  readonly tls: boolean;
}

/**
 * Reads a URI.
 *
 * @throws {DoozerError} `OTHER`, naming what is wrong with it.
 */
export function parseUri(uri: string): ClusterUri {
  if (!uri.startsWith("doozer:?")) {
    throw new DoozerError(
      "OTHER",
      `Cannot read the URI "${withoutSecret(uri)}": it must begin with ` +
        `"doozer:?", as in "${DEFAULT_URI}"`,
    );
  }
  const fields = new URLSearchParams(uri.slice("doozer:?".length));
  const known = ["ca", "cn", "sk", "tls"];
  for (const field of fields.keys()) {
    if (known.includes(field)) continue;
    throw new DoozerError(
      "OTHER",
      `Cannot read the URI "${withoutSecret(uri)}": the field "${field}" ` +
        `is none of ${known.join(", ")}`,
    );
  }
  return {
    addresses: fields.getAll("ca").map(parseAddress),
    name: fields.get("cn") ?? undefined,
    secret: fields.get("sk") ?? undefined,
    tls: fields.getAll("tls").map(parseTls).includes(true),
  };
}

/** A slip of the pen must not quietly mean that secrets go in the clear. */
function parseTls(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new DoozerError(
    "OTHER",
    `Cannot read the URI: its field "tls" must be true or false, not "${text}"`,
  );
}

/**
 * Reads `HOST`, `HOST:PORT`, `:PORT`, `[IPV6]` or `[IPV6]:PORT`. An absent
 * host is the loopback, an absent port the default one.
 *
 * @throws {DoozerError} `OTHER`, naming what is wrong with it.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*))(?::(\d{1,5}))?$/
    .exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || text === "" || port > 65535) {
    throw new DoozerError(
      "OTHER",
      `Cannot read the address "${text}": it must be HOST:PORT, ` +
        `as in "127.0.0.1:${DEFAULT_PORT}", with a port up to 65535`,
    );
  }
  return { hostname: match[1] ?? (match[2] || "127.0.0.1"), port };
}

/** Writes an address so that {@linkcode parseAddress} can read it. */
export function formatAddress(address: Address): string {
  const { hostname, port } = address;
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/** The URI as it may be shown: its secret is left out. */
export function withoutSecret(uri: string): string {
  return uri.replace(/(\bsk=)[^&]*/gi, "$1...");
}
