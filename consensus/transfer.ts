/**
 * Transfer: how a node that lacks too much gets another's whole state.
 *
 * The one that lacks it asks for a piece, then for the next: so it sets the
 * pace, and other messages find their way between any two pieces. What it got
 * takes effect at once, when the last piece is there.
 *
 * @module
 */
import type { Fetch, NodeId, PeerMessage, Piece } from "../protocol/mod.ts";
import { decodeImageHead, type ImageHead } from "../protocol/mod.ts";
import { ImageReader, ImageWriter, ProtocolError } from "../protocol/mod.ts";
import type { ImagePiece } from "../protocol/mod.ts";
import { type ImportedStore, Sessions, type Store } from "../store/mod.ts";
import { wrongTable } from "../store/mod.ts";

/** What transfers need of their surroundings. */
export interface TransferOptions {
  readonly store: Store;
  readonly post: (to: NodeId, message: PeerMessage) => void;
  /** The part of this node's state that is not in its store, as bytes. */
  readonly head: () => Uint8Array;
  /** A whole state has come. */
  readonly install: (state: { head: ImageHead; store: ImportedStore }) => void;
}

/** Images that are handed out at the same time. */
const IMAGES_MAX = 4;
/** An image that nobody asks for is closed after so many ticks. */
const IMAGE_TICKS = 500;
/** A piece that does not come is asked for again after so many ticks. */
const PIECE_TICKS = 50;
/** So often, then another peer is asked. */
const ASKED_MAX = 6;

/** An image that is handed out. */
interface Outgoing {
  readonly number: number;
  readonly writer: ImageWriter;
  index: number;
  piece: ImagePiece;
  usedAt: number;
}

/** An image that comes in. */
interface Incoming {
  readonly from: NodeId;
  readonly reader: ImageReader;
  /** 0 until the first piece tells. */
  image: number;
  index: number;
  askedAt: number;
  asked: number;
}

/** A node's transfers, in both directions. */
export class Transfer {
  readonly #options: TransferOptions;
  readonly #outgoing: Map<NodeId, Outgoing> = new Map();
  #incoming: Incoming | undefined;
  #lastImage = 0;
  #now = 0;
  /** How many states were taken over. */
  installed = 0;

  constructor(options: TransferOptions) {
    this.#options = options;
  }

  /** Whether a state is on its way here. */
  get receiving(): boolean {
    return this.#incoming !== undefined;
  }

  /** Asks a peer for its state, unless one is on its way. */
  start(from: NodeId): void {
    if (this.#incoming !== undefined) return;
    const reader = new ImageReader();
    const asked = { askedAt: this.#now, asked: 0 };
    this.#incoming = { from, reader, image: 0, index: 0, ...asked };
    this.#ask();
  }

  /** Takes a message in. */
  receive(from: NodeId, message: PeerMessage): void {
    if (message.type === "fetch") this.#handOut(from, message);
    else if (message.type === "piece") this.#take(from, message);
  }

  /** A link is closed: its transfers are void. */
  linkDown(peer: NodeId): void {
    this.#close(peer);
    if (this.#incoming?.from === peer) this.#incoming = undefined;
  }

  /** Time goes on. */
  tick(now: number): void {
    this.#now = now;
    for (const [peer, { usedAt }] of this.#outgoing) {
      if (now - usedAt > IMAGE_TICKS) this.#close(peer);
    }
    const incoming = this.#incoming;
    if (incoming === undefined) return;
    if (now - incoming.askedAt < PIECE_TICKS) return;
    if (incoming.asked >= ASKED_MAX) this.#incoming = undefined;
    else this.#ask();
  }

  #ask(): void {
    const incoming = this.#incoming!;
    const { from, image, index } = incoming;
    incoming.askedAt = this.#now;
    incoming.asked++;
    this.#options.post(from, { type: "fetch", image, index });
  }

  #handOut(to: NodeId, { image, index }: Fetch): void {
    const outgoing = image === 0 ? this.#open(to) : this.#outgoing.get(to);
    if (outgoing === undefined || (image !== 0 && outgoing.number !== image)) {
      return this.#sayGone(to, { image, index });
    }
    outgoing.usedAt = this.#now;
    if (index === outgoing.index + 1 && !outgoing.piece.last) {
      const piece = outgoing.writer.next();
      if (piece === undefined) {
        this.#close(to);
        return this.#sayGone(to, { image, index });
      }
      outgoing.piece = piece; // It may be asked for again.
      outgoing.index = index;
    }
    if (index !== outgoing.index) return; // An old question, come late.
    const { number, piece } = outgoing;
    this.#options.post(to, { type: "piece", image: number, index, ...piece });
  }

  #open(to: NodeId): Outgoing | undefined {
    this.#close(to);
    for (const [peer, { piece }] of this.#outgoing) {
      // It was handed out whole; its last piece will hardly be missed.
      if (this.#outgoing.size >= IMAGES_MAX && piece.last) this.#close(peer);
    }
    if (this.#outgoing.size >= IMAGES_MAX) return undefined;
    const { store, head } = this.#options;
    const writer = new ImageWriter(store, { head: head() });
    const piece = writer.next();
    if (piece === undefined) return undefined;
    const number = ++this.#lastImage;
    const outgoing = { number, writer, index: 0, piece, usedAt: this.#now };
    this.#outgoing.set(to, outgoing);
    return outgoing;
  }

  #sayGone(
    to: NodeId,
    { image, index }: { image: number; index: number },
  ): void {
    const bytes = new Uint8Array(0);
    this.#options.post(to, { type: "piece", image, index, last: false, bytes });
  }

  #close(peer: NodeId): void {
    this.#outgoing.get(peer)?.writer.close();
    this.#outgoing.delete(peer);
  }

  #take(from: NodeId, piece: Piece): void {
    const incoming = this.#incoming;
    if (incoming === undefined || incoming.from !== from) return;
    if (piece.index !== incoming.index) return;
    if (incoming.image !== 0 && piece.image !== incoming.image) return;
    if (piece.bytes.length === 0) {
      this.#incoming = undefined;
      return;
    }
    incoming.image = piece.image;
    incoming.index++;
    incoming.asked = 0;
    try {
      incoming.reader.add(piece.bytes, piece.last);
      if (piece.last) this.#install(incoming.reader);
      else this.#ask();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#incoming = undefined; // Another try, perhaps of another peer.
    }
  }

  #install(reader: ImageReader): void {
    this.#incoming = undefined;
    const head = decodeImageHead(reader.head);
    const wrong = new Sessions().load(head.sessions) ??
      wrongTable(head.clients);
    if (wrong !== undefined) throw new ProtocolError(wrong);
    const store = reader.finish();
    this.installed++;
    this.#options.install({ head, store });
  }
}
