/**
 * Ids that are never used again: of nodes, and of lineages.
 *
 * @module
 */

const ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LENGTH = 16;

/** A random id of 80 bits, as the original's. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte) => ID_CHARACTERS[byte % 32]).join("");
}
