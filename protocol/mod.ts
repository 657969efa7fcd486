/**
 * How the data is written in bytes and carried, without sockets.
 *
 * Pure, like the store: bytes in, bytes out. README.md is the specification.
 *
 * @module
 */
export * from "./access.ts";
export * from "./backups.ts";
export * from "./command.ts";
export * from "./connection.ts";
export * from "./crc32c.ts";
export * from "./data_file.ts";
export * from "./frame.ts";
export * from "./handshake.ts";
export * from "./hello.ts";
export * from "./image.ts";
export * from "./image_head.ts";
export * from "./log_batch.ts";
export * from "./log_record.ts";
export * from "./message.ts";
export * from "./outbox.ts";
export * from "./peer_codec.ts";
export {
  isNodeId,
  PEER_FIELDS,
  PEER_MESSAGES,
  PEER_VALUES_MAX,
} from "./peer_fields.ts";
export * from "./record.ts";
export * from "./request.ts";
export * from "./response.ts";
export * from "./snapshot_file.ts";
export * from "./status.ts";
export * from "./unread.ts";
export * from "./uri.ts";
export * from "./verbs.ts";
export * from "./wire.ts";
