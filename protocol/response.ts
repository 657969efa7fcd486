/**
 * Responses: what a server answers, and how it is written.
 *
 * A response is written straight into its connection's output, its fields in
 * ascending order. Old clients dereference fields without looking whether they
 * are there, so each verb's answer has exactly the fields that it always had.
 *
 * Codes that the original did not have travel as OTHER, with the code in front
 * of the detail: an old client sees an OTHER, as it always might.
 *
 * @module
 */
import {
  type BodyView,
  ERROR_CODES,
  type ErrorCode,
  type Refusal,
  type StoreEvent,
} from "../store/mod.ts";
import { encodeText, type WireWriter } from "./wire.ts";

/** The flags of an event's answer, by its kind. */
export const EVENT_FLAGS = { nop: 0, set: 4, del: 8 } as const;

/** The flags of a backup's answer: whether the piece is the last one. */
export const BACKUP_FLAGS = { more: 0, last: 1 } as const;

/** The flags of a list's answer: whether the list ends with it. */
export const LIST_FLAGS = { more: 0, last: 1 } as const;

/** The flags of a watch's mark, which has no path: it tells of no change. */
export const MARK_FLAGS = 0;

/** Error codes that have a number of their own on the wire. */
export const ERROR_NUMBERS: Partial<Record<ErrorCode, number>> = {
  TAG_IN_USE: 1,
  UNKNOWN_VERB: 2,
  READONLY: 3,
  TOO_LATE: 4,
  REV_MISMATCH: 5,
  BAD_PATH: 6,
  MISSING_ARG: 7,
  RANGE: 8,
  NOTDIR: 20,
  ISDIR: 21,
  NOENT: 22,
};
const OTHER_NUMBER = 127;

/** What the original wrote after OTHER, where a code of ours stands for it. */
export const PERMISSION_DENIED = "permission denied";

/** Writes responses as frames. */
export class ResponseEncoder {
  /** Where the next response goes. */
  writer: WireWriter;
  /**
   * The rev of the state that is read. Set while a read is answered that asks
   * for more than this copy as it is, and told with its answer, an error too;
   * watches never tell it.
   */
  at: number | undefined;

  constructor(writer: WireWriter) {
    this.writer = writer;
  }

  /** Answers with the tag alone: DEL, NOP, ACCESS. */
  done(tag: number | undefined): void {
    const start = this.#begin(tag);
    this.#end(start);
  }

  /** Answers SET and REV. */
  rev(tag: number | undefined, rev: number): void {
    const start = this.#begin(tag);
    this.writer.integer(3, rev);
    this.#end(start);
  }

  /** Answers GET; a missing file has rev 0 and an empty body. */
  file(
    tag: number | undefined,
    file: { rev: number; body: BodyView },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(3, file.rev);
    this.writer.bytes(6, file.body);
    this.#end(start);
  }

  /** Answers STAT. */
  stat(tag: number | undefined, stat: { rev: number; len: number }): void {
    const start = this.#begin(tag);
    this.writer.integer(3, stat.rev);
    this.writer.integer(8, stat.len);
    this.#end(start);
  }

  /** Answers WAIT and WALK. */
  event(
    tag: number | undefined,
    event: { flags: number; rev: number; path: string; body: BodyView },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(2, event.flags);
    this.writer.integer(3, event.rev);
    this.writer.text(5, event.path);
    this.writer.bytes(6, event.body);
    this.#end(start);
  }

  /** Answers WAIT with its event, or that there will be none. */
  waited(tag: number | undefined, result: StoreEvent | Refusal): void {
    if ("code" in result) return this.error(tag, result.code, result.detail);
    const { kind, rev, path, body } = result;
    this.event(tag, { flags: EVENT_FLAGS[kind], rev, path, body });
  }

  /** Answers GETDIR: the name of an entry. */
  name(tag: number | undefined, name: string): void {
    const start = this.#begin(tag);
    this.writer.text(5, name);
    this.#end(start);
  }

  /** Answers BACKUP: a piece of the image of that rev. */
  piece(
    tag: number | undefined,
    { rev, bytes, last }: { rev: number; bytes: Uint8Array; last: boolean },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(2, last ? BACKUP_FLAGS.last : BACKUP_FLAGS.more);
    this.writer.integer(3, rev);
    this.writer.bytes(6, { bytes, start: 0, length: bytes.length });
    this.#end(start);
  }

  /** Answers SELF. */
  text(tag: number | undefined, text: string): void {
    const bytes = encodeText(text);
    const start = this.#begin(tag);
    this.writer.bytes(6, { bytes, start: 0, length: bytes.length });
    this.#end(start);
  }

  /** Answers SESSION: the id of the session that was opened. */
  session(tag: number | undefined, session: number): void {
    const start = this.#begin(tag);
    this.writer.integer(20, session);
    this.#end(start);
  }

  /** Answers WALK and GETDIR with many entries, written as fields 21. */
  list(
    tag: number | undefined,
    { rev, last, entries }: { rev: number; last: boolean; entries: BodyView },
  ): void {
    const start = this.#begin(tag);
    this.writer.integer(2, last ? LIST_FLAGS.last : LIST_FLAGS.more);
    this.writer.integer(3, rev);
    this.writer.fields(entries);
    this.#end(start);
  }

  /** Answers WATCH with an event, whose fields behind the tag are written. */
  watched(tag: number, event: BodyView): void {
    const start = this.#begin(tag);
    this.writer.fields(event);
    this.writer.endFrame(start);
  }

  /** Answers WATCH: its client was told of all up to this rev. */
  mark(tag: number, rev: number): void {
    const start = this.#begin(tag);
    this.writer.integer(2, MARK_FLAGS);
    this.writer.integer(3, rev);
    this.writer.endFrame(start);
  }

  /** Answers WATCH for the last time; `resume` is the first rev not told. */
  watchEnded(tag: number, refusal: Refusal, resume: number): void {
    const start = this.#begin(tag);
    if (refusal.code === "TOO_LATE") this.writer.integer(3, resume);
    this.#endWithError(start, refusal.code, refusal.detail);
  }

  /** Answers that it cannot be done. */
  error(tag: number | undefined, code: ErrorCode, detail?: string): void {
    const start = this.#begin(tag);
    this.#sayAt();
    this.#endWithError(start, code, detail);
  }

  #endWithError(start: number, code: ErrorCode, detail?: string): void {
    const number = ERROR_NUMBERS[code];
    this.writer.integer(100, number ?? OTHER_NUMBER);
    if (number === undefined) {
      this.writer.text(101, otherDetail(code, detail));
    }
    this.writer.endFrame(start);
  }

  /** Ends an answer whose fields are all below 22. */
  #end(start: number): void {
    this.#sayAt();
    this.writer.endFrame(start);
  }

  #sayAt(): void {
    if (this.at !== undefined) this.writer.integer(22, this.at);
  }

  #begin(tag: number | undefined): number {
    const start = this.writer.beginFrame();
    if (tag !== undefined) this.writer.integer(1, tag);
    return start;
  }
}

function otherDetail(code: ErrorCode, detail: string | undefined): string {
  switch (code) {
    case "DENIED":
      return PERMISSION_DENIED;
    case "BAD_GLOB":
    case "OTHER":
      return detail ?? ERROR_CODES[code];
    default:
      return `${code}: ${detail ?? ERROR_CODES[code]}`;
  }
}
