/**
 * What applying a mutation did, as watchers are told.
 *
 * @module
 */
import type { Rev } from "./history.ts";
import type { Path } from "./path.ts";

/** When a mutation was asked for, and by whom. Applying looks at neither. */
export interface Stamp {
  /** By the proposer's clock, in whole milliseconds since 1970. */
  readonly time: number;
  /** The id of the node, or of the client. */
  readonly origin: string;
}

/** The stamp of a mutation that has none. */
export const NO_STAMP: Stamp = { time: 0, origin: "" };

/** A change of the tree. One rev, one event. */
export interface StoreEvent extends Stamp {
  readonly rev: Rev;
  /** The file that changed; the root where nothing did (a NOP). */
  readonly path: Path;
  readonly kind: "set" | "del" | "nop";
  /** The rev of the event before this one of the same file, or 0. */
  readonly previousRev: Rev;
  /** Where the file's new body lies; empty unless `kind` is "set". */
  readonly body: BodyView;
}

/**
 * A body in the store's own memory. Copy what is needed of it before the next
 * mutation is applied.
 */
export interface BodyView {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}
