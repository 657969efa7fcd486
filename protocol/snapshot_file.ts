/**
 * The pieces of an image in a file: each a length and a CRC32C of four bytes
 * each, the most significant byte first, and so many bytes.
 *
 * @module
 */
import { crc32c } from "./crc32c.ts";
import type { Damage } from "./data_file.ts";
import { ProtocolError } from "./wire.ts";

const HEAD_BYTES = 8;
/** Far above the largest piece: one entry with the largest body. */
const PIECE_BYTES_MAX = 64 << 20;

/** What is written before a piece. */
export function pieceHead(piece: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, piece.length);
  view.setUint32(4, crc32c(piece));
  return head;
}

/** A file that is read a part at a time. */
export interface ByteSource {
  /** How many bytes there are. */
  readonly size: number;
  /** Some of them. */
  read(range: { offset: number; length: number }): Uint8Array;
}

/**
 * Hands the pieces of a file to `visit`, in order, from `offset` on; `last`
 * where the file ends after the piece. What `visit` throws as a ProtocolError
 * is taken for damage of the piece; whether the last one was to be the last
 * only the image itself can tell.
 */
export function readPieces(
  source: ByteSource,
  options: {
    offset: number;
    visit: (piece: Uint8Array, last: boolean) => void;
  },
): Damage | undefined {
  let { offset } = options;
  if (offset >= source.size) return { offset, why: "the file has no pieces" };
  while (offset < source.size) {
    const piece = readPiece(source, offset);
    if ("why" in piece) return piece;
    const next = offset + HEAD_BYTES + piece.length;
    try {
      options.visit(piece, next === source.size);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { offset, why: sentence(error.message) };
    }
    offset = next;
  }
  return undefined;
}

function readPiece(source: ByteSource, offset: number): Uint8Array | Damage {
  const start = offset + HEAD_BYTES;
  const left = source.size - start;
  const head = source.read({ offset, length: HEAD_BYTES });
  if (head.length < HEAD_BYTES) {
    return { offset, why: "the file ends within the head of a piece" };
  }
  const view = new DataView(head.buffer, head.byteOffset);
  const length = view.getUint32(0);
  const crc = view.getUint32(4);
  if (length > PIECE_BYTES_MAX) {
    const why = `a piece has ${length} bytes, the limit is ${PIECE_BYTES_MAX}`;
    return { offset, why };
  }
  if (length > left) {
    return { offset, why: `a piece has ${length} bytes, the file has ${left}` };
  }
  const piece = source.read({ offset: start, length });
  if (piece.length < length) {
    return { offset, why: "the file ends within a piece" };
  }
  if (crc32c(piece) !== crc) {
    return { offset, why: "the checksum of a piece does not fit" };
  }
  return piece;
}

/** As damage is told: it stands behind the name of the file. */
function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
