/**
 * Questions: requests that change nothing, or that are asked once.
 *
 * A question that changes nothing is asked again, of another server, where its
 * answer is lost, or where the server cannot answer; until its time is over or
 * every server has refused. Others, and what changes something, fail with the
 * line they were asked on.
 *
 * @module
 */
import type { DoozerError } from "../../store/mod.ts";
import type { Verb } from "../request.ts";
import type { ClientResponse } from "../response_reader.ts";
import type { Connector } from "./connector.ts";
import { isChange, mayElsewhere, tooLate } from "./failures.ts";
import { unanswered, whyUnfit } from "./failures.ts";
import type { Ask, Line, Taker } from "./line.ts";

/** Who asks. */
export interface Asker {
  answered(response: ClientResponse): void;
  failed(error: DoozerError): void;
}

/** What is asked. */
export interface Question {
  readonly verb: Verb;
  readonly ask: Ask;
  /** When to give up, in milliseconds from now; 0: never. */
  readonly timeoutMs: number;
  /** Whether it is good for one line only, and never asked again. */
  readonly once?: boolean;
}

/** A question under way. */
export interface Asked {
  /** Nobody wants to know any more; the reason in words. */
  giveUp(why: string): void;
}

/** Questions on one line that await their answer, at most. */
const ASKED_MAX = 500;

/** All questions of a client. */
export class Questions {
  readonly #connector: Connector;
  readonly #now: () => number;
  readonly #wakeAt: (time: number) => void;
  readonly #open: Set<OpenQuestion> = new Set();
  /** Those that are yet to be asked, but for WAITs. */
  readonly #waiting: Set<OpenQuestion> = new Set();
  /** The same: WAITs, which go as soon as there is a line. */
  readonly #waits: Set<OpenQuestion> = new Set();
  /** Questions, but for those that may stand for ever, on the line now. */
  #asked = 0;

  constructor(
    connector: Connector,
    own: { now: () => number; wakeAt: (time: number) => void },
  ) {
    this.#connector = connector;
    this.#now = own.now;
    this.#wakeAt = own.wakeAt;
  }

  /** Asks, now or when there is a line. */
  ask(question: Question, asker: Asker): Asked {
    const unfit = whyUnfit(question.ask);
    if (unfit !== undefined) {
      asker.failed(unfit);
      return { giveUp() {} };
    }
    const { timeoutMs } = question;
    const deadline = timeoutMs > 0 ? this.#now() + timeoutMs : Infinity;
    const open = new OpenQuestion(question, { asker, deadline });
    this.#open.add(open);
    this.#unasked(open).add(open);
    this.#wakeAt(deadline);
    this.pump();
    return { giveUp: (why) => this.#giveUp(open, why) };
  }

  /** Asks what waits, as far as there is room. */
  pump(): void {
    const { line } = this.#connector;
    if (line === undefined) return;
    for (const open of this.#waits) this.#send(open, line);
    for (const open of this.#waiting) {
      if (this.#asked >= ASKED_MAX) return;
      this.#send(open, line);
    }
  }

  /** When the next one gives up. */
  get due(): number {
    let due = Infinity;
    for (const { deadline } of this.#open) due = Math.min(due, deadline);
    return due;
  }

  /** Gives up those whose time is over. */
  tick(now: number): void {
    for (const open of this.#open) {
      if (now < open.deadline) continue;
      const { question: { timeoutMs }, whyLate } = open;
      this.#giveUp(open, tooLate(timeoutMs, whyLate));
    }
  }

  /** All fail. */
  failAll(error: DoozerError): void {
    for (const open of [...this.#open]) {
      const unsure = open.wasAsked && isChange(open.question.verb);
      this.#withdraw(open);
      const why = error.detail;
      this.#fail(open, unsure ? this.#unanswered(open, why) : error);
    }
  }

  /** Every server was tried in vain: those who give up say so. */
  noteNobody({ detail }: DoozerError): void {
    for (const open of this.#waiting) open.whyLate = detail;
    for (const open of this.#waits) open.whyLate = detail;
  }

  #unasked({ question: { verb } }: OpenQuestion): Set<OpenQuestion> {
    return verb === "WAIT" ? this.#waits : this.#waiting;
  }

  #send(open: OpenQuestion, line: Line): void {
    const { verb, ask } = open.question;
    const counts = verb !== "WAIT";
    this.#unasked(open).delete(open);
    if (counts) this.#asked++;
    const taken = () => {
      open.line = undefined;
      if (counts) this.#asked--;
    };
    const taker: Taker = {
      answered: (response) => {
        taken();
        this.#end(open)?.answered(response);
        this.pump();
      },
      refused: (error) => {
        taken();
        this.#refused(open, error);
        this.pump();
      },
      lost: () => {
        taken();
        this.#lost(open, line);
      },
    };
    open.line = line;
    open.wasAsked = true;
    open.tag = line.ask(verb, ask, taker);
  }

  #refused(open: OpenQuestion, error: DoozerError): void {
    const { once, question: { verb } } = open;
    if (error.code === "LINEAGE" && verb !== "ACCESS") {
      if (once) this.#fail(open, error);
      else this.#waitAgain(open, error);
      return this.#connector.isStranger(error);
    }
    const nowhereElse = this.#connector.choices === 1;
    if (once || nowhereElse || !mayElsewhere(error.code)) {
      return this.#fail(open, error);
    }
    this.#waitAgain(open, error);
    this.#connector.leave(error.detail);
  }

  #lost(open: OpenQuestion, { address }: Line): void {
    const why = `The connection to ${address} is lost`;
    open.whyLate = why;
    if (!open.once) this.#waitAgain(open);
    else this.#fail(open, this.#unanswered(open, why));
  }

  #waitAgain(open: OpenQuestion, error?: DoozerError): void {
    if (!this.#open.has(open)) return;
    if (error !== undefined) open.whyLate = error.detail;
    this.#unasked(open).add(open);
  }

  #giveUp(open: OpenQuestion, why: string): void {
    if (!this.#open.has(open)) return;
    this.#withdraw(open);
    this.#fail(open, this.#unanswered(open, why));
  }

  /** The server need not answer any more, either. */
  #withdraw(open: OpenQuestion): void {
    const { line, tag, question: { verb, ask } } = open;
    if (line === undefined || line.isEnded) return;
    // What may stand on the server for ever is taken back.
    const stands = verb === "WAIT" || ask.rev !== undefined;
    if (stands) line.cancel(tag);
    else line.forget(tag);
    if (verb !== "WAIT") this.#asked--;
    open.line = undefined;
  }

  #unanswered(open: OpenQuestion, why: string): DoozerError {
    const { verb } = open.question;
    return unanswered(verb, { why, handedOut: open.wasAsked });
  }

  #fail(open: OpenQuestion, error: DoozerError): void {
    this.#end(open)?.failed(error);
  }

  #end(open: OpenQuestion): Asker | undefined {
    this.#unasked(open).delete(open);
    return this.#open.delete(open) ? open.asker : undefined;
  }
}

class OpenQuestion {
  readonly question: Question;
  readonly asker: Asker;
  /** When to give up, by the surroundings' time. */
  readonly deadline: number;
  /** Whether it is never asked again; so is what might be done twice. */
  readonly once: boolean;
  /** The line that it was asked on, while it is awaited there. */
  line: Line | undefined;
  tag = 0;
  wasAsked = false;
  /** Why it still waits, for when it gives up. */
  whyLate: string | undefined;

  constructor(
    question: Question,
    { asker, deadline }: { asker: Asker; deadline: number },
  ) {
    this.question = question;
    this.asker = asker;
    this.deadline = deadline;
    this.once = (question.once ?? false) || isChange(question.verb);
  }
}
