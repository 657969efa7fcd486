/**
 * Hashes and copies of bytes.
 *
 * @module
 */
import {
  decodePeerMessage,
  encodePeerMessage,
  type PeerMessage,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";

const HASHED_WHOLE = 2048;

/** A hash of the bytes; of long ones, of their ends and samples between. */
export function hashBytes(
  bytes: Uint8Array,
  from: { start: number; length: number } = { start: 0, length: bytes.length },
): number {
  const { start, length } = from;
  const end = start + length;
  let hash = Math.imul(length ^ 0x811c9dc5, 0x01000193);
  const whole = Math.min(end, start + HASHED_WHOLE);
  for (let i = start; i < whole; i++) {
    hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  }
  for (let i = whole; i < end; i += 257) {
    hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  }
  if (end > whole) hash = Math.imul(hash ^ bytes[end - 1]!, 0x01000193);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** A message as it arrives: nothing in it is the sender's memory. */
export function copyMessage(message: PeerMessage): PeerMessage {
  return copy(message) as PeerMessage;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copy);
  const copied: Record<string, unknown> = {};
  for (const key in value) {
    copied[key] = copy((value as Record<string, unknown>)[key]);
  }
  return copied;
}

/** A message as it arrives over a wire. */
export function throughBytes(message: PeerMessage): PeerMessage {
  const writer = new WireWriter(1024);
  encodePeerMessage(writer, message);
  const bytes = writer.written();
  const reader = new WireReader();
  reader.reset(bytes, { start: FRAME_HEADER_BYTES, end: bytes.length });
  return decodePeerMessage(reader);
}

const FRAME_HEADER_BYTES = 4;
