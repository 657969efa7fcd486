/**
 * What waits to be sent to another node: one buffer fills while another is
 * sent, and there is a bound on both.
 *
 * @module
 */
import { encodePeerMessage, type PeerMessage, WireWriter } from "../mod.ts";
import { assert, LIMITS } from "../../store/mod.ts";

/** Large enough for most turns, so that its memory is used again. */
const INITIAL_BYTES = 64 << 10;
const HEADER_BYTES = 4;

/** The output of one link. */
export class PeerOutput {
  #filling = new WireWriter(INITIAL_BYTES);
  #sending = new WireWriter(INITIAL_BYTES);

  /** Bytes that wait to be taken. */
  get waiting(): number {
    return this.#filling.length;
  }

  /** Adds a message; tells whether there was room for it. */
  add(message: PeerMessage): boolean {
    const writer = this.#filling;
    const before = writer.length;
    if (before + this.#sending.length > LIMITS.peerQueueBytes) return false;
    encodePeerMessage(writer, message);
    assert(
      writer.length - before <= LIMITS.peerFrameBytes + HEADER_BYTES,
      "no message between nodes exceeds the limit of a frame",
    );
    return true;
  }

  /** Adds an empty frame, which says nothing but that there is somebody. */
  addNothing(): void {
    this.#filling.endFrame(this.#filling.beginFrame());
  }

  /** What waits, to be sent. Call {@linkcode sent} before taking more. */
  take(): Uint8Array {
    const taken = this.#filling;
    this.#filling = this.#sending;
    this.#sending = taken;
    return taken.written();
  }

  /** What was taken is sent: its memory is used again. */
  sent(): void {
    this.#sending.clear();
  }

  /** Gives all memory back. */
  drop(): void {
    this.#filling = this.#sending = new WireWriter(0);
  }
}
