/**
 * The data model: what the tree is, and what a mutation does to it.
 *
 * Pure: no clock, no chance, no I/O, so that every node computes the same.
 *
 * @module
 */
export * from "./client_sessions.ts";
export {
  checksumOf,
  type ClientSession,
  type ClientTable,
  type FirstOutcome,
  wrongTable,
} from "./client_table.ts";
export type { AskedRev } from "./asked_revs.ts";
export * from "./error.ts";
export * from "./event.ts";
export * from "./glob.ts";
export { mixBytes, mixNumber, mixText, mixWord } from "./hash.ts";
export type { NodeNumber, Rev } from "./history.ts";
export * from "./image.ts";
export * from "./importer.ts";
export * from "./limits.ts";
export * from "./mutation.ts";
export * from "./path.ts";
export * from "./session.ts";
export { copyBytes, type Run } from "./slabs.ts";
export * from "./store.ts";
export type {
  DirectoryState,
  FileState,
  MissingState,
  State,
} from "./versions.ts";
export * from "./wait.ts";
export * from "./waits.ts";
export * from "./watch.ts";
