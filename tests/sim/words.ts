/**
 * Messages in a few words, for traces.
 *
 * @module
 */
import type { Ballot, PeerMessage } from "../../protocol/mod.ts";

/** Ids are long: their first two letters tell them apart in a trace. */
export function shortId(id: string): string {
  return id.slice(0, 2);
}

/** A message as one line: its type, then its fields. */
export function showMessage(message: PeerMessage): string {
  const parts: string[] = [message.type];
  for (const [name, value] of Object.entries(message)) {
    if (name === "type" || value === 0 || value === false) continue;
    parts.push(`${name} ${showValue(value)}`);
  }
  return parts.join(" ");
}

function showValue(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) {
    return value.length > 3
      ? `(${value.length})`
      : `[${value.map(showValue).join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) return String(value);
  if ("round" in value && "node" in value) return showBallot(value as Ballot);
  return Object.values(value).map(showValue).join("/");
}

/** A ballot as ROUND.NODE. */
export function showBallot({ round, node }: Ballot): string {
  return round === 0 ? "-" : `${round}.${shortId(node)}`;
}
