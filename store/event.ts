/**
 * What applying a mutation did, as watchers are told.
 *
 * @module
 */
import type { Rev } from "./history.ts";
import type { Path } from "./path.ts";

/** A change of the tree. One rev, one event. */
export interface StoreEvent {
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
