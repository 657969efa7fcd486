/**
 * How the data is written in bytes and carried, without sockets.
 *
 * Pure, like the store: bytes in, bytes out. README.md is the specification.
 *
 * @module
 */
export * from "./access.ts";
export { WINDOW_MAX } from "./asked_watch.ts";
export * from "./asker.ts";
export * from "./backups.ts";
export * from "./client/core.ts";
export { SILENCE_MS } from "./client/connector.ts";
export type { Ask as ClientAsk } from "./client/line.ts";
export type {
  Subscription,
  WatchOrder,
  WatchTaker,
} from "./client/subscription.ts";
export * from "./client/surroundings.ts";
export type { WriteAsker, WriteOrder } from "./client/write_command.ts";
export * from "./command.ts";
export * from "./connection.ts";
export * from "./crc32c.ts";
export * from "./data_file.ts";
export { ANSWER_BYTES_MAX } from "./event_bytes.ts";
export * from "./frame.ts";
export * from "./handshake.ts";
export * from "./hello.ts";
export { EXTENSIONS } from "./hello_answer.ts";
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
export {
  BACKUP_FLAGS,
  EVENT_FLAGS,
  LIST_FLAGS,
  MARK_FLAGS,
  ResponseEncoder,
} from "./response.ts";
export * from "./response_reader.ts";
export * from "./snapshot_file.ts";
export * from "./status.ts";
export * from "./unread.ts";
export * from "./uri.ts";
export * from "./verbs.ts";
export * from "./wire.ts";
