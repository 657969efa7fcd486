/**
 * The writer: has each write take effect exactly once, whatever is lost.
 *
 * Writes travel in a session, numbered in the order in which they were asked
 * for. One whose answer is lost is sent again under its number, through
 * whichever server there is; the session sees to it that it takes effect once,
 * and tells what came of it the first time. (Ongaro, "Consensus: Bridging
 * Theory and Practice", 2014, section 6.3.)
 *
 * A number that was handed out is never used for anything else, and is sent
 * until it is known what came of it, even where nobody waits for that any
 * more: those after it wait for it. One that certainly never took effect, and
 * whose asker was told so, is ordered to do nothing.
 *
 * @module
 */
import { DoozerError, type ErrorCode, LIMITS } from "../../store/mod.ts";
import type { Rev } from "../../store/mod.ts";
import type { ClientResponse } from "../response_reader.ts";
import { encodeText } from "../wire.ts";
import type { Connector } from "./connector.ts";
import { mayElsewhere, tooLate, unanswered } from "./failures.ts";
import type { Line } from "./line.ts";
import { whyUnfitWrite, WriteCommand } from "./write_command.ts";
import type { WriteAsker, WriteOrder, Written } from "./write_command.ts";

/**
 * What a command may come to that was applied. Any other refusal is the
 * server's alone, and says nothing of the command's number.
 */
const OUTCOMES: ReadonlySet<ErrorCode> = new Set([
  "REV_MISMATCH",
  "BAD_PATH",
  "ISDIR",
  "NOTDIR",
  "LIMIT",
  "SEAT",
]);

/**
 * Where commands came too early, or cannot be ordered now, they are sent again
 * after this, and after longer where that does not help. In milliseconds.
 */
const RETRY_MS = 20;
const RETRY_MS_MAX = 200;

/** The writes of a client. */
export class Writer {
  readonly #connector: Connector;
  readonly #name: string;
  readonly #now: () => number;
  readonly #wakeAt: (time: number) => void;
  /** In the order of their numbers; those without one are the last. */
  #queue: WriteCommand[] = [];
  #session: number | undefined;
  #opening = false;
  #lastNumber = 0;
  /** The outcomes up to this number are known. */
  #acknowledged = 0;
  /** The line's server knows no sessions. */
  #plain = false;
  /** Nothing is sent before. */
  #pausedUntil = 0;
  /** How many pauses there were since a command was resolved. */
  #pauses = 0;

  constructor(
    connector: Connector,
    own: {
      name: string;
      now: () => number;
      wakeAt: (time: number) => void;
    },
  ) {
    this.#connector = connector;
    this.#name = own.name;
    this.#now = own.now;
    this.#wakeAt = own.wakeAt;
  }

  /** How many commands have a number, and no known outcome. */
  get unresolved(): number {
    return this.#queue.filter(({ number }) => number > 0).length;
  }

  /** Writes, now or when there is a line. The body is copied. */
  write(order: WriteOrder, asker: WriteAsker): Written {
    const unfit = whyUnfitWrite(order);
    if (unfit !== undefined) {
      asker.failed(unfit);
      return { giveUp() {} };
    }
    const { timeoutMs } = order;
    const deadline = timeoutMs > 0 ? this.#now() + timeoutMs : Infinity;
    const command = new WriteCommand(order, { asker, deadline });
    this.#queue.push(command);
    this.#wakeAt(deadline);
    this.pump();
    return { giveUp: (why) => this.#giveUp(command, why) };
  }

  /** There is a line; `plain` where its server knows no sessions. */
  ready({ plain }: { plain: boolean }): void {
    this.#opening = false;
    this.#pausedUntil = 0;
    this.#plain = plain;
    // What has a number may have taken effect: not to be sent without it.
    if (plain) this.#endSession("The server reached now knows no sessions");
    this.pump();
  }

  /** The line is lost: what was sent on it may have taken effect. */
  lost(): void {
    this.#opening = false;
  }

  /** Sends what is to be sent, in order, as far as there is room. */
  pump(): void {
    const { line } = this.#connector;
    if (line === undefined || this.#queue.length === 0) return;
    if (this.#plain) return this.#pumpPlain(line);
    if (this.#now() < this.#pausedUntil) return;
    if (this.#session === undefined) return this.#open(line);
    for (const command of this.#queue) {
      if (command.line !== undefined || command.resolved) continue;
      if (command.number === 0) {
        const last = this.#acknowledged + LIMITS.sessionWindow;
        if (this.#lastNumber >= last) return;
        command.number = ++this.#lastNumber;
      }
      this.#send(command, line);
    }
  }

  /** When to be called again, at the latest. */
  get due(): number {
    let due = this.#pausedUntil > this.#now() ? this.#pausedUntil : Infinity;
    for (const { told, deadline } of this.#queue) {
      if (!told) due = Math.min(due, deadline);
    }
    return due;
  }

  /** Tells those whose time is over. */
  tick(now: number): void {
    for (const command of [...this.#queue]) {
      if (command.told || now < command.deadline) continue;
      const { order: { timeoutMs }, whyLate } = command;
      this.#giveUp(command, tooLate(timeoutMs, whyLate));
    }
    this.pump();
  }

  /** Every server was tried in vain: those who give up say so. */
  noteNobody({ detail }: DoozerError): void {
    for (const command of this.#queue) {
      if (command.line === undefined) command.whyLate = detail;
    }
  }

  /** All are told, and nothing of them is sent any more. */
  failAll(error: DoozerError): void {
    const queue = this.#queue;
    this.#queue = [];
    this.#forgetSession();
    for (const { line, tag } of queue) line?.forget(tag);
    for (const command of queue) {
      if (command.isUnsure) command.failUnknown(error.detail);
      else command.fail(error);
    }
  }

  #open(line: Line): void {
    if (this.#opening) return;
    this.#opening = true;
    const open = () => {
      line.ask("SESSION", { value: encodeText(this.#name) }, {
        answered: ({ session }) => this.#opened(session, line),
        refused: (error) => {
          this.#opening = false;
          this.#notOpened(error);
        },
        lost: () => this.#opening = false,
      });
    };
    // Commands of a session must say which history they mean.
    if (line.lineage === undefined) this.#connector.identify(open);
    else open();
  }

  #opened(session: number | undefined, line: Line): void {
    this.#opening = false;
    // A server that has only just become part of a history is asked again.
    if (line.lineage === undefined || session === undefined) this.#pause();
    else this.#session = session;
    this.pump();
  }

  #notOpened(error: DoozerError): void {
    const { code, detail } = error;
    if (code === "LINEAGE") return this.#connector.isStranger(error);
    const elsewhere = mayElsewhere(code) || code === "UNKNOWN";
    // No command was sent: a session that is not known harms nobody.
    const told = elsewhere ? new DoozerError("UNAVAILABLE", detail) : error;
    const { choices } = this.#connector;
    for (const command of this.#queue) command.whyLate = detail;
    if (elsewhere && choices > 1) return this.#connector.leave(detail);
    const refused = this.#queue;
    this.#queue = [];
    for (const command of refused) command.fail(told);
  }

  #send(command: WriteCommand, line: Line): void {
    const { order: { verb }, ask, number } = command;
    const by = {
      session: this.#session!,
      number,
      acknowledged: this.#acknowledged,
    };
    command.line = line;
    const taker = {
      answered: ({ rev }: ClientResponse) => {
        command.line = undefined;
        this.#resolve(command, () => command.succeed(rev));
      },
      refused: (error: DoozerError) => {
        command.line = undefined;
        this.#refused(command, error);
      },
      lost: () => {
        command.line = undefined;
        command.maybe = true;
        command.whyLate = `The connection to ${line.address} is lost`;
      },
    };
    command.tag = command.empty
      ? line.ask("SESSION", by, taker)
      : line.ask(verb, { ...ask, ...by }, taker);
  }

  #refused(command: WriteCommand, error: DoozerError): void {
    const { code } = error;
    if (code === "LINEAGE") return this.#connector.isStranger(error);
    if (code === "SESSION") return this.#sessionIsOver(error);
    if (code === "GAP") return this.#tooEarly(command, error);
    if (code === "NUMBER") return this.#misfits(command, error);
    if (code === "UNKNOWN") command.maybe = true;
    if (mayElsewhere(code) || code === "UNKNOWN") {
      return this.#notHere(command, error);
    }
    if (OUTCOMES.has(code)) {
      return this.#resolve(command, () => command.fail(error));
    }
    // The server alone has refused it: its number is still to be ordered.
    if (command.empty) return this.#sessionIsOver(error);
    command.makeEmpty();
    // An attempt before this one is not undone by the refusal.
    if (command.maybe) command.failUnknown(error.detail);
    else command.fail(error);
    this.pump();
  }

  /** This server cannot, or does not know; another may. */
  #notHere(command: WriteCommand, { detail }: DoozerError): void {
    const { choices } = this.#connector;
    command.whyLate = detail;
    if (!command.told && choices > 1) return this.#connector.leave(detail);
    // What else goes over the line is not disturbed for what nobody awaits, or
    // where no other server is thought to be better.
    this.#pause();
    // What may have taken effect is known only once some server has answered:
    // it is sent again until its time is over.
    if (command.told || command.maybe) return;
    command.makeEmpty();
    command.fail(new DoozerError("UNAVAILABLE", detail));
  }

  /** One before it is missing: that one goes first. */
  #tooEarly(command: WriteCommand, error: DoozerError): void {
    const first = this.#queue.find(({ resolved }) => !resolved);
    // All before it were applied, so the session is not what it was.
    if (first === command) return this.#sessionIsOver(error);
    this.#pause();
  }

  #misfits(command: WriteCommand, error: DoozerError): void {
    // Its number was applied, as what it was before it was emptied.
    if (command.empty) return this.#resolve(command, () => {});
    // Whatever it is that the server has, it is not what was sent.
    command.maybe = true;
    this.#sessionIsOver(error);
  }

  /**
   * What is on its way may be applied: only that a session has ended shows that
   * nothing of it is.
   */
  #doubtAll(): void {
    for (const command of this.#queue) {
      if (command.line !== undefined) command.maybe = true;
    }
  }

  #sessionIsOver({ code, detail }: DoozerError): void {
    // The next one may end as soon.
    this.#pause();
    if (code !== "SESSION") this.#doubtAll();
    this.#endSession(detail);
    this.pump();
  }

  /**
   * What came of a command whose answer was lost nobody knows. One that was
   * sent once, on this line, came after the session's end, or was refused: it
   * was not applied, and goes into the next session.
   */
  #endSession(why: string): void {
    const unsure: WriteCommand[] = [];
    const rest: WriteCommand[] = [];
    for (const command of this.#queue) {
      if (command.number > 0) {
        command.line?.forget(command.tag);
        command.line = undefined;
        command.number = 0;
        if (command.told || command.resolved) continue;
      }
      (command.maybe ? unsure : rest).push(command);
    }
    this.#queue = rest;
    this.#forgetSession();
    for (const command of unsure) command.failUnknown(why);
  }

  #forgetSession(): void {
    this.#session = undefined;
    this.#lastNumber = 0;
    this.#acknowledged = 0;
  }

  /** Sends nothing for a while: what is refused at once is not helped. */
  #pause(): void {
    const now = this.#now();
    if (now < this.#pausedUntil) return;
    const ms = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** this.#pauses++);
    this.#pausedUntil = now + ms;
    this.#wakeAt(this.#pausedUntil);
  }

  #giveUp(command: WriteCommand, why: string): void {
    if (command.told) return;
    const handedOut = command.isUnsure;
    if (!handedOut && command.number === 0) this.#remove(command);
    // What has not taken effect by now shall not do so later.
    else command.makeEmpty();
    command.fail(unanswered(command.order.verb, { why, handedOut }));
  }

  /** It is known what came of it; `tell` says so. */
  #resolve(command: WriteCommand, tell: () => void): void {
    command.resolved = true;
    this.#pauses = 0;
    while (this.#queue[0]?.resolved) {
      this.#acknowledged = this.#queue.shift()!.number;
    }
    tell();
    this.pump();
  }

  #remove(command: WriteCommand): void {
    const at = this.#queue.indexOf(command);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  /** A server of the original: what is lost there is unknown. */
  #pumpPlain(line: Line): void {
    for (const command of [...this.#queue]) {
      if (command.line !== undefined) continue;
      const { order: { verb }, ask } = command;
      const end = (error?: DoozerError, rev?: Rev) => {
        command.line = undefined;
        this.#remove(command);
        if (error !== undefined) command.fail(error);
        else command.succeed(rev);
      };
      command.line = line;
      command.tag = line.ask(verb, ask, {
        answered: ({ rev }) => end(undefined, rev),
        refused: (error) => end(error),
        lost: () => {
          const why = `The connection to ${line.address} is lost`;
          end(unanswered(verb, { why, handedOut: true }));
        },
      });
    }
  }
}
