/**
 * The answers that wait to be sent: one buffer fills while another is sent.
 *
 * What is being sent must not change, and what is answered meanwhile must go
 * somewhere; so there are two, which change places.
 *
 * @module
 */
import { ResponseEncoder } from "./response.ts";
import { WireWriter } from "./wire.ts";

/** One connection's answers. */
export class Outbox {
  /** Writes answers into the buffer that fills. */
  readonly answers: ResponseEncoder;
  #filling = new WireWriter();
  #sending = new WireWriter();

  constructor() {
    this.answers = new ResponseEncoder(this.#filling);
  }

  /** Bytes that wait to be taken. */
  get waiting(): number {
    return this.#filling.length;
  }

  /** Bytes that wait, and bytes that are being sent. */
  get held(): number {
    return this.#filling.length + this.#sending.length;
  }

  /** What waits, to be sent. Call {@linkcode sent} before taking more. */
  take(): Uint8Array {
    const taken = this.#filling;
    this.#filling = this.#sending;
    this.#sending = taken;
    this.answers.writer = this.#filling;
    return taken.written();
  }

  /** What was taken is sent: its memory is used again. */
  sent(): void {
    this.#sending.clear();
  }

  /** Gives all memory back; what is answered from now on goes nowhere. */
  drop(): void {
    this.#filling = this.#sending = new WireWriter(0);
    this.answers.writer = this.#filling;
  }
}
