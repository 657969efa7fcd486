/**
 * Tells from the first bytes of a connection whether a node is there.
 *
 * @module
 */
import { senderOf } from "../mod.ts";
import type { ClientSocket } from "./listener.ts";

/** Far more than is needed to tell, and less than anybody minds. */
const READ_BYTES = 4 << 10;

/** What a node has sent; undefined where it is none, or is not in time. */
export async function readPeerStart(
  socket: ClientSocket,
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs);
  try {
    return await Promise.race([readStart(socket), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function readStart(
  socket: ClientSocket,
): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(READ_BYTES);
  let length = 0;
  try {
    while (senderOf(bytes.subarray(0, length)) === undefined) {
      const read = await socket.read(bytes.subarray(length));
      if (read === null) return undefined;
      length += read;
    }
  } catch {
    return undefined; // It is gone, or too late and closed.
  }
  const start = bytes.subarray(0, length);
  return senderOf(start) === "peer" ? start : undefined;
}
