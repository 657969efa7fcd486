/**
 * Backups that clients pull piece by piece.
 *
 * The first piece opens an image of the store, the others come out of it one
 * after the other, as fast as the client asks. Until it has the last one the
 * store keeps history that it would forget, so backups are few, and one that
 * nobody asks for is closed.
 *
 * @module
 */
import { LIMITS, type Refusal, type Rev, type Store } from "../store/mod.ts";
import { ImageWriter } from "./image.ts";

/** What is backed up. */
export interface BackupSource {
  readonly store: Store;
  /** The part of the state that is not in the store, as of now, as bytes. */
  head?(): Uint8Array;
}

/** A piece of a backup. */
export interface BackupPart {
  readonly bytes: Uint8Array;
  readonly last: boolean;
  /** The rev of which the whole is. */
  readonly rev: Rev;
}

/** How many backups are made of a node: shared by all its connections. */
export class BackupSlots {
  #taken = 0;

  /** Takes one, if there is one left. */
  take(): boolean {
    if (this.#taken >= LIMITS.backups) return false;
    this.#taken++;
    return true;
  }

  /** Gives one back. */
  free(): void {
    this.#taken--;
  }
}

/** The one backup that a connection may have open. */
export class Backup {
  readonly #source: BackupSource;
  readonly #slots: BackupSlots;
  #writer: ImageWriter | undefined;
  /** The piece that comes next, or how many the last backup had. */
  #next = 0;
  /** Whether the last backup was handed out to its end. */
  #whole = false;
  /** Since when nobody asks, as far as {@linkcode expire} tells. */
  #idleSince: number | undefined;

  constructor(source: BackupSource, slots: BackupSlots) {
    this.#source = source;
    this.#slots = slots;
  }

  /** The piece in this place; 0 begins anew, with the state of now. */
  piece(index: number): BackupPart | Refusal {
    const refusal = index === 0 ? this.#open() : this.#misplaced(index);
    if (refusal !== undefined) return refusal;
    const writer = this.#writer!;
    const piece = writer.next();
    if (piece === undefined) {
      this.close();
      return LOST;
    }
    this.#idleSince = undefined;
    this.#next++;
    if (piece.last) {
      this.close();
      this.#whole = true;
    }
    return { ...piece, rev: writer.rev };
  }

  /** Closes what nobody has asked for too long; `now` in ms from anywhere. */
  expire(now: number): void {
    if (this.#writer === undefined) return;
    this.#idleSince ??= now;
    if (now - this.#idleSince > LIMITS.backupMs) this.close();
  }

  /** Gives it up, if one is open. */
  close(): void {
    if (this.#writer === undefined) return;
    this.#writer.close();
    this.#writer = undefined;
    this.#slots.free();
  }

  #open(): Refusal | undefined {
    this.close();
    this.#next = 0;
    this.#whole = false;
    const head = this.#source.head?.();
    if (head === undefined) return NO_HEAD;
    if (!this.#slots.take()) return TOO_MANY;
    this.#idleSince = undefined;
    this.#writer = new ImageWriter(this.#source.store, { head });
    return undefined;
  }

  #misplaced(index: number): Refusal | undefined {
    const next = this.#next;
    if (this.#writer !== undefined) {
      if (index === next) return undefined;
      const detail = `Cannot give piece ${index} of the backup: it comes in ` +
        `order, and the next one is ${next}`;
      return { code: "OTHER", detail };
    }
    // Whoever asks for some pieces ahead learns so that there are no more.
    return this.#whole && index >= next ? { code: "RANGE" } : NOT_OPEN;
  }
}

const AGAIN = "begin it again";

const LOST: Refusal = {
  code: "UNAVAILABLE",
  detail: "The backup is lost, for it took too long: writes have made more " +
    `than ${LIMITS.overdraftBytes} bytes of history (overdraftBytes) beyond ` +
    `what is kept; ${AGAIN}`,
};

const NOT_OPEN: Refusal = {
  code: "UNAVAILABLE",
  detail: "No backup is open on this connection: one that is not asked for " +
    `its next piece in ${LIMITS.backupMs} ms is closed; ${AGAIN}`,
};

const NO_HEAD: Refusal = {
  code: "UNAVAILABLE",
  detail: "This node cannot be backed up now: ask another",
};

const TOO_MANY: Refusal = {
  code: "LIMIT",
  detail: `${LIMITS.backups} backups of this node are being made, the limit ` +
    `is ${LIMITS.backups}`,
};
