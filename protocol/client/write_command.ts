/**
 * A write on its way: what is asked, who wants to know, and how far it is.
 *
 * @module
 */
import { DoozerError, ERROR_CODES, isPath, type Rev } from "../../store/mod.ts";
import { unanswered, whyUnfit } from "./failures.ts";
import type { Ask, Line } from "./line.ts";

/** Who wants to know what came of a write. */
export interface WriteAsker {
  /** It took effect, and made that rev; absent at a server of the original. */
  written(rev: Rev | undefined): void;
  failed(error: DoozerError): void;
}

/** What is to be written. */
export interface WriteOrder {
  readonly verb: "SET" | "DEL" | "NOP";
  readonly ask: Ask;
  /** When to tell its asker something, in milliseconds from now; 0: never. */
  readonly timeoutMs: number;
}

/** A write under way. */
export interface Written {
  /** Nobody wants to know any more; the reason in words. */
  giveUp(why: string): void;
}

/** A write under way, with its number. */
export class WriteCommand {
  readonly order: WriteOrder;
  /** What is sent, whatever becomes of the asker's memory. */
  ask: Ask;
  readonly asker: WriteAsker;
  /** When its asker is told something, by the surroundings' time. */
  readonly deadline: number;
  /** In its session; 0 before it is handed out. */
  number = 0;
  /** The line that it was sent on, while its answer is awaited there. */
  line: Line | undefined;
  tag = 0;
  /** Whether it may have taken effect in an attempt whose answer was lost. */
  maybe = false;
  /** Whether its asker was told something. */
  told = false;
  /** Whether its number is to be ordered to do nothing. */
  empty = false;
  resolved = false;
  whyLate: string | undefined;

  constructor(
    order: WriteOrder,
    { asker, deadline }: { asker: WriteAsker; deadline: number },
  ) {
    const { value } = order.ask;
    this.order = order;
    this.ask = value === undefined
      ? order.ask
      : { ...order.ask, value: new Uint8Array(value) };
    this.asker = asker;
    this.deadline = deadline;
  }

  /** Whatever it was to do, it shall not do it any more. */
  makeEmpty(): void {
    this.empty = true;
    this.ask = {};
  }

  /** Whether it may have taken effect, or may yet. */
  get isUnsure(): boolean {
    return this.maybe || this.line !== undefined;
  }

  /** Tells its asker that it took effect, unless it was told something. */
  succeed(rev: Rev | undefined): void {
    if (this.told) return;
    this.told = true;
    this.asker.written(rev);
  }

  /** Tells its asker the error, unless it was told something. */
  fail(error: DoozerError): void {
    if (this.told) return;
    this.told = true;
    this.asker.failed(error);
  }

  /** The same where it is not known whether it took effect. */
  failUnknown(why: string): void {
    const { verb } = this.order;
    this.fail(unanswered(verb, { why, handedOut: true }));
  }
}

/** Why a server would refuse it without ordering its number. */
export function whyUnfitWrite(
  { verb, ask }: WriteOrder,
): DoozerError | undefined {
  const { path = "" } = ask;
  const unfit = whyUnfit(ask);
  if (unfit !== undefined || verb === "NOP" || isPath(path)) return unfit;
  return new DoozerError("BAD_PATH", ERROR_CODES.BAD_PATH);
}
