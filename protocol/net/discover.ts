/**
 * Discovery: the servers that a client was not told of, it reads in /ctl.
 *
 * @module
 */
import { type ClientCore, parseAddress } from "../mod.ts";
import { DoozerError } from "../../store/mod.ts";
import type { Client } from "./client.ts";

/** Where each node has written where it serves. */
const ADDRESSES = "/ctl/node/*/addr";

/**
 * Adds the servers of the cluster to those that the client tries. It is a help
 * and no more: who may not read, or is cut off meanwhile, goes without.
 */
export async function discover(
  client: Client,
  core: ClientCore,
): Promise<void> {
  const isLocal = isLoopback(core.address);
  try {
    const found: string[] = [];
    const files = client.walk(ADDRESSES, { read: "local" });
    for await (const { value } of files) {
      const address = new TextDecoder().decode(value);
      // What calls itself local is so for its own machine.
      if (isAddress(address) && (isLocal || !isLoopback(address))) {
        found.push(address);
      }
    }
    // Who names none, for whatever reason, does not say that there are none.
    if (found.length > 0) core.found(found);
  } catch (error) {
    if (!(error instanceof DoozerError)) throw error;
  }
}

function isAddress(text: string): boolean {
  try {
    return parseAddress(text).port > 0;
  } catch {
    return false;
  }
}

function isLoopback(address: string): boolean {
  return /^(127\.|localhost:|\[::1\])/.test(address);
}
