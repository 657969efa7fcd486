/**
 * Parts: a promise that is too much for one message, cut into several.
 *
 * @module
 */
import type { AcceptedValue, PeerMessage } from "../protocol/mod.ts";

/** Values that one part holds, in bytes; a single one may be more. */
const PART_BYTES = 1 << 20;

/** The messages that carry the answer: one, but for a large promise. */
export function splitPromise<Message extends PeerMessage>(
  message: Message,
): PeerMessage[] {
  if (message.type !== "promise") return [message];
  const { ballot, from, accepted, total, position } = message;
  const parts: AcceptedValue[][] = [[]];
  let bytes = 0;
  for (const value of accepted) {
    if (bytes > 0 && bytes + value.value.length > PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts[parts.length - 1]!.push(value);
    bytes += value.value.length;
  }
  return parts.map((part) => ({
    type: "promise",
    ballot,
    from,
    accepted: part,
    total,
    position,
  }));
}
