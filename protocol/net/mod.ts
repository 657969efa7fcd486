/**
 * Sockets, and the client library.
 *
 * @module
 */
export * from "./connect.ts";
export * from "./log.ts";
export * from "./socket.ts";
export * from "./turn.ts";
