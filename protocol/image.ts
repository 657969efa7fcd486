/**
 * Images of a store as pieces of bytes: how one node gives another its state.
 *
 * An image is a list of entries, each a frame of protobuf fields: the header,
 * the head (bytes that mean something to the caller alone), the bases, the
 * revisions, the end. An entry is never split, so that each piece can be read
 * as it comes; a piece has some 256 KiB, or one entry that is larger. The end
 * carries a checksum over all bytes before it.
 *
 * @module
 */
import {
  assert,
  checkHeader,
  type ImageBase,
  type ImageVisitor,
  type ImportedStore,
  mixBytes,
  type Store,
  type StoreEvent,
  type StoreImage,
  StoreImporter,
} from "../store/mod.ts";
import {
  BASE,
  END,
  HEAD,
  HEADER,
  ImageEntry,
  REVISION,
} from "./image_entry.ts";
import { type EntryHeader, writeEnd, writeHeader } from "./image_entry.ts";
import { writeBase, writeHead, writeRevision } from "./image_entry.ts";
import { ProtocolError, WireReader, WireWriter } from "./wire.ts";

/** Of the format; another version's images are refused. */
const VERSION = 1;
/** A piece is complete when it has so many bytes, if nothing else is said. */
const PIECE_BYTES = 256 << 10;
/** The head holds a table of sessions and little else. */
const HEAD_BYTES_MAX = 64 << 20;

/** A part of an image's bytes. */
export interface ImagePiece {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Writes an image of the store as it is now. Close it in any case. */
export class ImageWriter implements ImageVisitor {
  readonly #image: StoreImage;
  readonly #head: Uint8Array;
  readonly #pieceBytes: number;
  readonly #writer: WireWriter;
  #headAt = 0;
  #checksum = 0;
  #begun = false;

  /** The head is kept as it is: it must not change. */
  constructor(
    store: Store,
    { head, pieceBytes = PIECE_BYTES }: {
      head: Uint8Array;
      pieceBytes?: number;
    },
  ) {
    this.#image = store.openImage();
    this.#head = head;
    this.#pieceBytes = pieceBytes;
    this.#writer = new WireWriter(pieceBytes + (pieceBytes >> 2));
  }

  /** The rev of which the image is. */
  get rev(): number {
    return this.#image.last;
  }

  /** The next piece; none where the image is lost, closed or at its end. */
  next(): ImagePiece | undefined {
    if (this.#image.lost) return undefined;
    this.#writer.clear();
    const begun = this.#begun;
    if (!begun) this.#writeHeader();
    if (!begun || this.#headAt < this.#head.length) {
      this.#writeHead();
      return this.#piece(false);
    }
    if (this.#image.next(this.#pieceBytes, this) === "more") {
      return this.#piece(false);
    }
    const piece = this.#piece(true);
    this.close();
    return piece;
  }

  /** Gives up what the store keeps for the image. */
  close(): void {
    this.#image.close();
  }

  /** For the image. */
  base(base: ImageBase): void {
    writeBase(this.#writer, base);
  }

  /** For the image. */
  revision(event: StoreEvent): void {
    writeRevision(this.#writer, event);
  }

  #writeHeader(): void {
    this.#begun = true;
    const { first, last, hash, files, liveBytes } = this.#image;
    const header = { version: VERSION, first, last, hash, files, liveBytes };
    writeHeader(this.#writer, header);
  }

  #writeHead(): void {
    const from = this.#headAt;
    const part = this.#head.subarray(from, from + this.#pieceBytes);
    if (part.length > 0) writeHead(this.#writer, part);
    this.#headAt += part.length;
  }

  #piece(last: boolean): ImagePiece {
    this.#checksum = checksumOf(this.#checksum, this.#writer.written());
    if (last) writeEnd(this.#writer, this.#checksum >>> 0);
    return { bytes: this.#writer.written().slice(), last };
  }
}

/** Reads an image piece by piece, and builds up what a store can adopt. */
export class ImageReader {
  readonly #reader = new WireReader();
  readonly #entry = new ImageEntry();
  #importer: StoreImporter | undefined;
  #heads: Uint8Array[] = [];
  #headBytes = 0;
  #checksum = 0;
  #last = 0;
  #ended = false;

  /**
   * Takes the next piece. After an error nothing more can be read.
   *
   * @throws {ProtocolError} where it is no piece that can come here.
   */
  add(bytes: Uint8Array, last: boolean): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#ended) fail("Bytes follow the end of an image");
      const end = this.#readEntry(bytes, at);
      if (this.#entry.type === END) this.#end(bytes.subarray(0, at));
      else this.#take(this.#entry);
      at = end;
    }
    if (!this.#ended) this.#checksum = checksumOf(this.#checksum, bytes);
    if (this.#ended !== last) {
      fail(
        `The image ${last ? "lacks its end" : "ends before its last piece"}`,
      );
    }
  }

  /** What the writer's caller gave it. */
  get head(): Uint8Array {
    const head = new Uint8Array(this.#headBytes);
    let at = 0;
    for (const part of this.#heads) {
      head.set(part, at);
      at += part.length;
    }
    return head;
  }

  /**
   * The whole, after the last piece.
   *
   * @throws {ProtocolError} where it is not what its header says.
   */
  finish(): ImportedStore {
    assert(this.#ended, "an image is finished after its last piece");
    const imported = this.#importer?.finish() ?? "The image has no header";
    return typeof imported === "string" ? fail(imported) : imported;
  }

  /** Reads one entry; returns where it ends. */
  #readEntry(bytes: Uint8Array, at: number): number {
    const start = at + 4;
    if (start > bytes.length) fail("A piece of an image ends in a length");
    const length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) |
      (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    const end = start + length;
    if (end > bytes.length) fail("A piece of an image ends in an entry");
    this.#reader.reset(bytes, { start, end });
    this.#entry.read(this.#reader);
    return end;
  }

  #take(entry: ImageEntry): void {
    const { type } = entry;
    // The header comes once and first, the head before the bases, and so on.
    const late = type < this.#last || (type === HEADER && this.#last !== 0);
    if (late || (type !== HEADER && this.#importer === undefined)) {
      fail(`Entry ${type} of an image follows entry ${this.#last}`);
    }
    this.#last = type;
    if (type === HEADER) this.#takeHeader(entry.header);
    else if (type === HEAD) this.#takeHead(entry.content());
    else if (type === BASE) complain(this.#importer!.base(entry.base()));
    else if (type === REVISION) {
      complain(this.#importer!.revision(entry.event()));
    } else fail(`Cannot read entry ${type} of an image`);
  }

  #takeHeader(header: EntryHeader): void {
    if (header.version !== VERSION) {
      const is = `The image has version ${header.version}`;
      fail(`${is}, this node reads ${VERSION}`);
    }
    complain(checkHeader(header));
    this.#importer = new StoreImporter({ ...header });
  }

  #takeHead(part: Uint8Array): void {
    this.#headBytes += part.length;
    if (this.#headBytes > HEAD_BYTES_MAX) {
      fail(`The head of the image exceeds ${HEAD_BYTES_MAX} bytes`);
    }
    this.#heads.push(part.slice());
  }

  #end(before: Uint8Array): void {
    const checksum = checksumOf(this.#checksum, before) >>> 0;
    if (checksum !== this.#entry.checksum) {
      fail(`The checksum of the image is ${checksum}, not as at its end`);
    }
    this.#ended = true;
  }
}

function checksumOf(checksum: number, bytes: Uint8Array): number {
  return mixBytes(checksum, { bytes, start: 0, length: bytes.length });
}

function complain(wrong: string | undefined): void {
  if (wrong !== undefined) fail(wrong);
}

function fail(message: string): never {
  throw new ProtocolError(message);
}
