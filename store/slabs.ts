/**
 * Memory for file bodies: pages of equal slots, one set of pages per size.
 *
 * One Uint8Array per body would cost more than the body itself and leave dead
 * buffers for the garbage collector to find late (measured: 330 MiB where
 * slots need 77). A body lives in a slot that is freed by hand and reused at
 * once, so memory follows what is held, not how fast it changes.
 *
 * @module
 */
import { assert } from "./error.ts";

/** Names a stored body; {@linkcode NO_BODY} names none. */
export type BodyRef = number;

/** The ref of an empty body, which takes no memory. */
export const NO_BODY: BodyRef = 0;

const PAGE_BYTES = 256 << 10;
/** Slots of 16 bytes, the smallest, fill a page; so a ref has 32 bits. */
const SLOTS_MAX = 1 << 14;
const PAGES_MAX = 2 ** 32 / SLOTS_MAX;
const SHARED_BYTES_MAX = 32 << 10;
const FREE_LIST_END = 0xffff;

interface Page {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly slotBytes: number;
  readonly slots: number;
  readonly sizeClass: number;
  used: number;
  /** Slots from here on were never used. */
  fresh: number;
  /** The first freed slot; each freed slot begins with the next one's number. */
  freed: number;
}

/** Slot sizes: steps of 16 up to 128, then eight steps per doubling. */
const SLOT_SIZES: readonly number[] = slotSizes();

function slotSizes(): number[] {
  const sizes: number[] = [];
  for (let size = 16; size <= SHARED_BYTES_MAX;) {
    sizes.push(size);
    size += size < 128 ? 16 : 2 ** (Math.floor(Math.log2(size)) - 3);
  }
  return sizes;
}

/** The size class of each length, in units of 16 bytes. */
const CLASS_OF_LENGTH = new Uint8Array(SHARED_BYTES_MAX / 16 + 1);
for (let unit = 0, at = 0; unit < CLASS_OF_LENGTH.length; unit++) {
  while (SLOT_SIZES[at]! < unit * 16) at++;
  CLASS_OF_LENGTH[unit] = at;
}

/** The bodies of all files and revisions. */
export class Slabs {
  readonly #pages: (Page | undefined)[] = [undefined];
  readonly #unusedNumbers: number[] = [];
  /** Per size class, the pages that have room. */
  readonly #roomy: Page[][] = SLOT_SIZES.map(() => []);
  #heldBytes = 0;

  /** Bytes of all pages, used or not. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Copies a body in. Free it exactly once. */
  store(body: Uint8Array): BodyRef {
    const length = body.length;
    if (length === 0) return NO_BODY;
    const page = length > SHARED_BYTES_MAX
      ? this.#addPage(-1, length)
      : this.#roomyPage(CLASS_OF_LENGTH[(length + 15) >> 4]!);
    const slot = takeSlot(page);
    if (page.used === page.slots && page.sizeClass >= 0) {
      this.#roomy[page.sizeClass]!.pop();
    }
    copyBytes(body, { from: 0, length, to: page.bytes }, slot * page.slotBytes);
    return page.number * SLOTS_MAX + slot;
  }

  /** Gives a body's memory back. */
  free(ref: BodyRef): void {
    if (ref === NO_BODY) return;
    const page = this.#pageOf(ref);
    if (page.sizeClass < 0) return this.#dropPage(page);
    const roomy = this.#roomy[page.sizeClass]!;
    if (page.used === page.slots) roomy.push(page);
    giveSlot(page, ref % SLOTS_MAX);
    if (page.used === 0 && roomy.length > 1) {
      roomy.splice(roomy.indexOf(page), 1);
      this.#dropPage(page);
    }
  }

  /** The memory that holds the body, which starts at {@linkcode startOf}. */
  bytesOf(ref: BodyRef): Uint8Array {
    return ref === NO_BODY ? EMPTY : this.#pageOf(ref).bytes;
  }

  /** Where in {@linkcode bytesOf} the body starts. */
  startOf(ref: BodyRef): number {
    if (ref === NO_BODY) return 0;
    return (ref % SLOTS_MAX) * this.#pageOf(ref).slotBytes;
  }

  #pageOf(ref: BodyRef): Page {
    const page = this.#pages[Math.floor(ref / SLOTS_MAX)];
    assert(page !== undefined, "a body's ref names a page that is held");
    return page;
  }

  #roomyPage(sizeClass: number): Page {
    const roomy = this.#roomy[sizeClass]!;
    const page = roomy[roomy.length - 1];
    if (page !== undefined) return page;
    const added = this.#addPage(sizeClass, SLOT_SIZES[sizeClass]!);
    roomy.push(added);
    return added;
  }

  #addPage(sizeClass: number, slotBytes: number): Page {
    const number = this.#unusedNumbers.pop() ?? this.#pages.length;
    assert(number < PAGES_MAX, "the limits keep the pages below 2^18");
    const slots = sizeClass < 0 ? 1 : Math.floor(PAGE_BYTES / slotBytes);
    const bytes = new Uint8Array(slots * slotBytes);
    const page: Page = {
      number,
      bytes,
      slotBytes,
      slots,
      sizeClass,
      used: 0,
      fresh: 0,
      freed: FREE_LIST_END,
    };
    this.#pages[number] = page;
    this.#heldBytes += bytes.length;
    return page;
  }

  #dropPage(page: Page): void {
    this.#pages[page.number] = undefined;
    this.#unusedNumbers.push(page.number);
    this.#heldBytes -= page.bytes.length;
  }
}

const EMPTY = new Uint8Array(0);

function takeSlot(page: Page): number {
  page.used++;
  if (page.freed === FREE_LIST_END) return page.fresh++;
  const slot = page.freed;
  const at = slot * page.slotBytes;
  page.freed = page.bytes[at]! | (page.bytes[at + 1]! << 8);
  return slot;
}

function giveSlot(page: Page, slot: number): void {
  const at = slot * page.slotBytes;
  page.bytes[at] = page.freed & 0xff;
  page.bytes[at + 1] = page.freed >> 8;
  page.freed = slot;
  page.used--;
}

/** A run of bytes to copy, and where to. */
export interface Run {
  readonly from: number;
  readonly length: number;
  readonly to: Uint8Array;
}

/** Below this, a loop beats `set`, which first needs a view of the run. */
const LOOP_BYTES_MAX = 48;

/** Copies a run of `source` to the position `at` of `run.to`. */
export function copyBytes(source: Uint8Array, run: Run, at: number): void {
  const { from, length, to } = run;
  if (length > LOOP_BYTES_MAX) {
    to.set(
      length === source.length ? source : source.subarray(from, from + length),
      at,
    );
    return;
  }
  for (let i = 0; i < length; i++) to[at + i] = source[from + i]!;
}
