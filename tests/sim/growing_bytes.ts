/**
 * Bytes that grow, as those of a file.
 *
 * @module
 */

const LEAST = 256;

/** The bytes of a file. What lies between two writes is zeros. */
export class GrowingBytes {
  #buffer = new Uint8Array(LEAST);
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** Puts bytes at a place, which may be beyond the end. */
  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, end));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
  }

  /** Cuts off what is beyond, if there is anything. */
  truncate(length: number): void {
    if (length >= this.#length) return;
    this.#buffer.fill(0, length, this.#length);
    this.#length = length;
  }

  /** A copy of some of them; fewer at the end. */
  read({ offset, length }: { offset: number; length: number }): Uint8Array {
    const end = Math.min(offset + length, this.#length);
    return this.#buffer.slice(Math.min(offset, end), end);
  }

  /** A copy of all. */
  all(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** Whether the other has the same. */
  equals(other: GrowingBytes): boolean {
    if (this.#length !== other.#length) return false;
    for (let at = 0; at < this.#length; at++) {
      if (this.#buffer[at] !== other.#buffer[at]) return false;
    }
    return true;
  }

  /** Another that is the same. */
  copy(): GrowingBytes {
    const copy = new GrowingBytes();
    copy.write(0, this.#buffer.subarray(0, this.#length));
    return copy;
  }
}
