/**
 * Memory for batches of commands, used again where that is safe.
 *
 * A lone node applies a batch in the turn in which it is proposed, and nobody
 * else ever sees it: its memory is lent and given back (invariant C8). Where
 * there are peers a batch is copied out once, and belongs to whoever holds it.
 *
 * @module
 */
import { WireWriter } from "../protocol/mod.ts";

const INITIAL_BYTES = 64 << 10;
const SPARE_WRITERS = 4;

/** The batch that is being filled, and memory for the next. */
export class BatchPool {
  /** Takes the next command. */
  open: WireWriter = new WireWriter(INITIAL_BYTES);
  /** Weakly: a batch that is never given back goes when nobody holds it. */
  readonly #lent: WeakMap<Uint8Array, WireWriter> = new WeakMap();
  readonly #spare: WireWriter[] = [];

  /** Closes the batch that is open, and returns its bytes. */
  seal({ reuse }: { reuse: boolean }): Uint8Array {
    const writer = this.open;
    if (!reuse) {
      const bytes = writer.written().slice();
      writer.clear();
      return bytes;
    }
    const bytes = writer.written();
    this.#lent.set(bytes, writer);
    this.open = this.#spare.pop() ?? new WireWriter(INITIAL_BYTES);
    return bytes;
  }

  /** The batch is to be seen for longer: its memory is not used again (C8). */
  disown(batch: Uint8Array): void {
    this.#lent.delete(batch);
  }

  /** The batch, if it was lent here, is nowhere needed any more (C8). */
  giveBack(batch: Uint8Array): void {
    const writer = this.#lent.get(batch);
    if (writer === undefined) return;
    this.#lent.delete(batch);
    writer.clear();
    if (this.#spare.length < SPARE_WRITERS) this.#spare.push(writer);
  }
}
