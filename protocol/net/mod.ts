/**
 * Sockets, and the client library.
 *
 * @module
 */
export { type ClientLinkOptions, type TimeLimits } from "./client_link.ts";
export * from "./connect.ts";
export * from "./log.ts";
export * from "./socket.ts";
export * from "./turn.ts";
