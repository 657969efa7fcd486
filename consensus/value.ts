/**
 * Values: what the slots of the log hold, a batch of commands as bytes.
 *
 * The roles keep views of a value, not copies. So its memory must not change
 * from when it is proposed until the acceptor, which holds on to it longest,
 * lets go of it (invariant C8).
 *
 * @module
 */

import { type Command, decodeBatch, ProtocolError } from "../protocol/mod.ts";
import { AssertionError } from "../store/mod.ts";

/** The value of a slot in which nothing is to be done. */
export const NO_COMMANDS: Uint8Array = new Uint8Array(0);

/** Whether two values are the same bytes. */
export function sameValue(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Whether the bytes are a batch of commands that this version knows. Hands them
 * to `visit`, up to where they are none.
 */
export function isBatch(
  bytes: Uint8Array,
  visit: (command: Command) => void = () => {},
): boolean {
  try {
    decodeBatch(bytes, visit);
    return true;
  } catch (error) {
    const known = error instanceof ProtocolError ||
      error instanceof AssertionError;
    if (!known) throw error;
    return false;
  }
}
