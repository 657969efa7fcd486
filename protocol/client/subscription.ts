/**
 * A subscription: a watch that goes on, whatever becomes of its server.
 *
 * It remembers up to which rev it has told its taker, and begins there on the
 * next line: no event is missed, none is told twice. Where the history that is
 * left begins later, it says so, tells what there is now, and goes on from
 * there. What the taker has not taken is bounded by the window: the server
 * sends no more than that ahead.
 *
 * @module
 */
import { DoozerError, type Rev } from "../../store/mod.ts";
import { WINDOW_MAX } from "../asked_watch.ts";
import { LIST_FLAGS } from "../response.ts";
import type { ClientResponse } from "../response_reader.ts";
import type { ListEntry } from "../response_reader.ts";
import type { Connector } from "./connector.ts";
import { mayElsewhere, whyUnfit } from "./failures.ts";
import type { Line, Taker } from "./line.ts";
import type { Asked, Questions } from "./questions.ts";

/** Who takes what a watch tells. It may call the client back. */
export interface WatchTaker {
  /** An event; it holds so many bytes of the window until they are taken. */
  event(event: ClientResponse, bytes: number): void;
  /** All events up to that rev were told. */
  progress(rev: Rev): void;
  /**
   * Events from `from` to `rev` are not to be had. The files as of `rev` follow;
   * what was told of them by a snapshot before that was not whole is void.
   */
  snapshot(told: { rev: Rev; from: Rev | undefined }): void;
  /** A file of the snapshot, in tree order. */
  file(entry: ListEntry, bytes: number): void;
  /** The snapshot is whole. Events after it follow. */
  current(rev: Rev): void;
  /** It has ended. */
  failed(error: DoozerError): void;
}

/** What is watched. */
export interface WatchOrder {
  readonly glob: string;
  /** The first rev that counts; absent: begin with a snapshot. */
  readonly from: Rev | undefined;
  /** Bits of WANTS. */
  readonly want: number;
  /** Bytes that may be sent ahead of what is taken. */
  readonly windowBytes: number;
  /** Milliseconds between two marks. */
  readonly progressMs: number;
  /** Whether a snapshot stands for what is not to be had any more. */
  readonly snapshots: boolean;
}

/** What a subscription needs of its client. */
export interface SubscriptionOptions {
  readonly connector: Connector;
  readonly questions: Questions;
  /** It goes on at the server of that line. */
  readonly onResumed: (line: Line, rev: Rev) => void;
  /** It was told of a rev. */
  readonly onSeen: (rev: Rev) => void;
  /** The highest rev that the client has seen. */
  readonly seen: () => Rev;
  /** It has ended, by itself or not. */
  readonly onEnd: () => void;
}

/** Entries of a snapshot that are asked for at once. */
const PIECE_ENTRIES = 1024;
/** What an entry of a snapshot is counted with beside path and body. */
const ENTRY_BYTES = 16;

/** One watch of a client. */
export class Subscription {
  readonly #order: WatchOrder;
  readonly #taker: WatchTaker;
  readonly #options: SubscriptionOptions;
  /** The first rev that was not told; undefined: a snapshot comes first. */
  #next: Rev | undefined;
  #line: Line | undefined;
  #tag = 0;
  /** Whether it was ever watched, so that the next time is a resumption. */
  #hasBegun = false;
  /** Told and not taken, in bytes. */
  #untaken = 0;
  /** Taken, and the server does not know yet. */
  #owedCredit = 0;
  #listing: Listing | undefined;
  /** The first rev that was lost, where a snapshot stands for events. */
  #lostFrom: Rev | undefined;
  /** Whether it was watched, and its line was lost. */
  #resuming = false;
  /** Whether a piece of a snapshot is being told. */
  #telling = false;
  #ended = false;

  constructor(
    order: WatchOrder,
    { taker, options }: { taker: WatchTaker; options: SubscriptionOptions },
  ) {
    this.#order = order;
    this.#taker = taker;
    this.#options = options;
    this.#next = order.from;
  }

  /** Begins, now or when there is a line. */
  start(): void {
    const { glob, from, want, progressMs, windowBytes } = this.#order;
    const unfit = whyUnfit({
      path: glob,
      rev: from,
      want,
      progress: progressMs,
      window: windowBytes,
    }) ?? whyNoWindow(windowBytes);
    if (unfit !== undefined) this.fail(unfit);
    else this.pump();
  }

  /** Goes on where there is a line, and it has none. */
  pump(): void {
    const { line } = this.#options.connector;
    if (this.#ended || this.#telling || line === undefined) return;
    if (this.#line !== undefined || !this.#hasRoom) return;
    if (this.#next !== undefined) this.#watch(line, this.#next);
    else this.#list();
  }

  /** So many bytes that were told have been taken. */
  taken(bytes: number): void {
    this.#untaken = Math.max(0, this.#untaken - bytes);
    this.#owedCredit += bytes;
    const line = this.#line;
    if (line === undefined) return this.pump();
    if (this.#ended || this.#owedCredit * 2 < this.#order.windowBytes) return;
    line.tell("CREDIT", { target: this.#tag, window: this.#owedCredit });
    this.#owedCredit = 0;
  }

  /** Ends it: nothing more is told. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listing?.asked?.giveUp("it was given up");
    this.#line?.cancel(this.#tag);
    this.#line = undefined;
    this.#options.onEnd();
  }

  /** Ends it with an error. */
  fail(error: DoozerError): void {
    if (this.#ended) return;
    this.cancel();
    this.#taker.failed(error);
  }

  /** Otherwise each line would tell one event more that nobody takes. */
  get #hasRoom(): boolean {
    return this.#untaken < this.#order.windowBytes;
  }

  #watch(line: Line, rev: Rev): void {
    const { glob, want, progressMs, windowBytes } = this.#order;
    this.#line = line;
    this.#owedCredit = 0;
    const taker: Taker = {
      answered: (response, bytes) => this.#told(response, { bytes, line }),
      refused: (error) => {
        this.#line = undefined;
        this.#refused(error);
      },
      lost: () => this.#line = undefined,
    };
    this.#tag = line.stream("WATCH", {
      path: glob,
      rev,
      want,
      progress: progressMs,
      // What is not taken yet holds a part of it.
      window: windowBytes - this.#untaken,
    }, taker);
  }

  #told(
    response: ClientResponse,
    { bytes, line }: { bytes: number; line: Line },
  ): void {
    if (this.#ended || line !== this.#line) return;
    const { rev, path } = response;
    const next = this.#next!;
    if (rev === undefined) return;
    if (path === undefined) return this.#mark(rev, line);
    // A server that says something twice, or goes back, is none.
    if (rev < next) {
      const why = `it tells of rev ${rev} where ${next} or a later one is next`;
      return this.#options.connector.leave(why);
    }
    this.#next = rev + 1;
    this.#untaken += bytes;
    this.#options.onSeen(rev);
    this.#taker.event(response, bytes);
  }

  #mark(rev: Rev, line: Line): void {
    if (!this.#hasBegun) this.#hasBegun = true;
    else if (this.#resuming) this.#options.onResumed(line, this.#next!);
    this.#resuming = false;
    // The first one only says that it is watched.
    if (rev < this.#next!) return;
    this.#next = rev + 1;
    this.#options.onSeen(rev);
    this.#taker.progress(rev);
  }

  /** The line is lost. */
  lost(): void {
    this.#line = undefined;
    this.#resuming = this.#hasBegun;
  }

  #refused(error: DoozerError): void {
    const { connector } = this.#options;
    const { code } = error;
    if (code === "LINEAGE") return connector.isStranger(error);
    if (code === "TOO_LATE" && this.#order.snapshots) {
      this.#lostFrom = this.#next;
      this.#next = undefined;
      return this.#list();
    }
    // As where no server is to be reached: it goes on when one is there. One
    // that has too many watches already has no room for those of the others.
    const isFull = code === "LIMIT" && this.#resuming;
    if (mayElsewhere(code) || isFull) connector.leave(error.detail);
    else this.fail(error);
  }

  /** Asks for the next piece of the snapshot, if there is room for it. */
  #list(): void {
    const { glob } = this.#order;
    const listing = this.#listing ??= { rev: undefined, offset: 0 };
    if (listing.asked !== undefined || !this.#hasRoom) return;
    const { rev, offset } = listing;
    const floor = Math.max(this.#options.seen(), this.#lostFrom ?? 0);
    const way = rev === undefined ? { minRev: floor } : { rev };
    const ask = { path: glob, offset, limit: PIECE_ENTRIES, ...way };
    const asked = this.#options.questions.ask(
      { verb: "WALK", ask, timeoutMs: 0 },
      {
        answered: (response) => {
          listing.asked = undefined;
          this.#listed(listing, response);
        },
        failed: (error) => {
          listing.asked = undefined;
          this.#notListed(error);
        },
      },
    );
    // It may be answered at once where it is refused.
    if (this.#listing === listing && !this.#ended) listing.asked = asked;
  }

  #listed(listing: Listing, response: ClientResponse): void {
    if (this.#ended) return;
    const { rev, flags, entries = [] } = response;
    const isLast = flags === LIST_FLAGS.last;
    const isOther = listing.rev !== undefined && listing.rev !== rev;
    if (rev === undefined || isOther || entries.length === 0 && !isLast) {
      const what = "The server's answer to WALK is no piece of the list";
      return this.fail(new DoozerError("OTHER", what));
    }
    const isFirst = listing.rev === undefined;
    listing.rev = rev;
    listing.offset += entries.length;
    this.#options.onSeen(rev);
    this.#telling = true;
    if (isFirst) this.#taker.snapshot({ rev, from: this.#lostFrom });
    for (const entry of entries) this.#file(entry);
    this.#telling = false;
    if (!isLast) return this.pump();
    this.#listing = undefined;
    this.#lostFrom = undefined;
    this.#next = rev + 1;
    if (!this.#ended) this.#taker.current(rev);
    this.pump();
  }

  #file(entry: ListEntry): void {
    if (this.#ended) return;
    const { path, value } = entry;
    const bytes = path.length + (value?.length ?? 0) + ENTRY_BYTES;
    this.#untaken += bytes;
    this.#taker.file(entry, bytes);
  }

  #notListed(error: DoozerError): void {
    if (this.#ended) return;
    const { code, detail } = error;
    if (code === "TOO_LATE") {
      // History has left the pinned rev behind: begins again at a later one.
      this.#listing = undefined;
      this.pump();
    } else if (mayElsewhere(code)) this.#options.connector.leave(detail);
    else this.fail(error);
  }
}

function whyNoWindow(bytes: number): DoozerError | undefined {
  if (bytes >= 1 && bytes <= WINDOW_MAX) return undefined;
  const what = `Cannot use the window ${bytes}: it must be from 1 to ` +
    `${WINDOW_MAX} bytes`;
  return new DoozerError("OTHER", what);
}

/** A snapshot that is being read. */
interface Listing {
  /** The rev of all its pieces, once the first is there. */
  rev: Rev | undefined;
  offset: number;
  asked?: Asked | undefined;
}
