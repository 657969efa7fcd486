/**
 * How the data is written in bytes and carried, without sockets.
 *
 * Pure, like the store: bytes in, bytes out. README.md is the specification.
 *
 * @module
 */
export * from "./access.ts";
export * from "./connection.ts";
export * from "./frame.ts";
export * from "./message.ts";
export * from "./outbox.ts";
export * from "./record.ts";
export * from "./request.ts";
export * from "./response.ts";
export * from "./unread.ts";
export * from "./uri.ts";
export * from "./verbs.ts";
export * from "./wire.ts";
