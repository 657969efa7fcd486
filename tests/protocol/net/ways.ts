/**
 * A node that is reached through two proxies, and directly; and what tests of
 * clients ask most.
 *
 * @module
 */
import { assertRejects } from "@std/assert";
import {
  type Client,
  connect,
  type ConnectOptions,
} from "../../../protocol/net/mod.ts";
import { DoozerError, type ErrorCode } from "../../../store/mod.ts";
import { Proxy } from "./proxy.ts";
import { type LocalNode, serveNode } from "./servers.ts";

/** Longer than anything takes on a machine that has much to do. */
const PATIENT: ConnectOptions = { timeoutMs: 60_000, discover: false };

/** A node and the ways to it. */
export interface Ways {
  readonly node: LocalNode;
  readonly first: Proxy;
  readonly second: Proxy;
  /** Past the proxies. */
  readonly direct: Client;
}

/** A client that knows these servers only. */
export function connectTo(
  addrs: readonly string[],
  options: ConnectOptions = {},
): Promise<Client> {
  const uri = `doozer:?${addrs.map((addr) => `ca=${addr}`).join("&")}`;
  return connect(uri, { ...PATIENT, ...options });
}

/** Starts a node with two proxies before it. */
export async function withTwoWays(
  use: (ways: Ways) => Promise<void>,
  options: { historyRevs?: number } = {},
): Promise<void> {
  await using node = await serveNode(options);
  await using first = new Proxy(node.addr);
  await using second = new Proxy(node.addr);
  using direct = await connectTo([node.addr]);
  await use({ node, first, second, direct });
}

/** The code of the error that it must come to. */
export async function codeOf(asked: Promise<unknown>): Promise<ErrorCode> {
  return (await assertRejects(() => asked, DoozerError)).code;
}

/** A body as text. */
export function text(value: Uint8Array): string {
  return new TextDecoder().decode(value);
}
