/**
 * Sockets, and the client library.
 *
 * @module
 */
export {
  type ClientLinkOptions,
  type OnPeer,
  type TimeLimits,
} from "./client_link.ts";
export * from "./connect.ts";
export type { ClientSocket } from "./listener.ts";
export * from "./log.ts";
export * from "./peer_options.ts";
export { PeerLinks } from "./peers.ts";
export * from "./socket.ts";
export * from "./turn.ts";
