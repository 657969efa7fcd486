/**
 * The address a node listens on.
 *
 * @module
 */

import { type Address, DEFAULT_PORT, parseAddress } from "../protocol/mod.ts";
import { DoozerError } from "../store/mod.ts";
import { UsageError } from "./usage_error.ts";

/** Where a node listens that is told nothing: this machine only. */
const DEFAULT_ADDRESS: Address = { hostname: "127.0.0.1", port: DEFAULT_PORT };

/**
 * Reads an address. Without a host it is this machine only: a node must not
 * be open to the world by an omission.
 */
export function readAddress(text: string | undefined): Address {
  if (text === undefined) return DEFAULT_ADDRESS;
  // To the grammar it is a host.
  if (/^\d+$/.test(text)) {
    throw new UsageError(
      `Cannot use the address "${text}": it has no host; did you mean ` +
        `":${text}"?`,
      'See "doozer help serve"',
    );
  }
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof DoozerError)) throw error;
    throw new UsageError(error.detail, 'See "doozer help serve"');
  }
}

/** Whether only this machine can reach the host. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase();
  return host === "localhost" || host === "::1" ||
    /^(::ffff:)?127(\.\d{1,3}){3}$/.test(host);
}
