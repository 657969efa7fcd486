/**
 * Reads that keep their place: those of a connection that ask to be
 * linearizable, or for at least a rev.
 *
 * Such a read overtakes neither the writes sent before it nor others of its
 * kind: it is answered once these writes are settled and, if it is to be
 * linearizable, the node has confirmed that its copy is recent enough. All
 * linearizable reads that came together share one confirmation, which is asked
 * for only after they came.
 *
 * @module
 */
import type { Refusal } from "../store/mod.ts";
import { type ClientRequest, READ_WAYS } from "./request.ts";
import type { Backend, ReadReply } from "./asker.ts";

/** Answered reads that are kept before the others move up. */
const TAKEN_MAX = 1024;

/** A read, and what it waits for. */
export interface OrderedRead {
  readonly request: ClientRequest;
  /** How many writes of the connection came before it. */
  readonly after: number;
  /** Absent where the node's copy will do as it is. */
  readonly round: ReadRound | undefined;
}

/** Whether a read asks for more than the node's copy as it is. */
export function asksForMore({ read, minRev }: ClientRequest): boolean {
  return read !== undefined && read !== READ_WAYS.local || minRev !== undefined;
}

/** Why it cannot be read so: a newer client may know ways that we do not. */
export function unknownWay({ read }: ClientRequest): Refusal | undefined {
  const { local, linearizable } = READ_WAYS;
  if (read === undefined || read === local || read === linearizable) {
    return undefined;
  }
  const detail = `Cannot read in the way ${read}: field 17 (read) is 0 for ` +
    "local or 1 for linearizable";
  return { code: "OTHER", detail };
}

/** One confirmation, for all the reads that came together. */
export class ReadRound implements ReadReply {
  /** Why none of them can be answered, if so. */
  refusal: Refusal | undefined;
  /** Whether they can be answered, or refused. */
  ended = false;
  /** Called when that is so, unless it is so at once. */
  onEnd: (() => void) | undefined;

  confirmed(): void {
    this.#end();
  }

  refused(refusal: Refusal): void {
    if (!this.ended) this.refusal = refusal;
    this.#end();
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    this.onEnd?.();
  }
}

/** The reads of a connection that keep their place. */
export class OrderedReads {
  readonly #onReady: () => void;
  #queue: (OrderedRead | undefined)[] = [];
  #from = 0;
  /** For the reads that come now; it is yet to be asked for. */
  #open: ReadRound | undefined;

  /** `onReady` is told when a read may have become ready by itself. */
  constructor(onReady: () => void) {
    this.#onReady = onReady;
  }

  /** How many have no answer yet. */
  get length(): number {
    return this.#queue.length - this.#from;
  }

  /** Takes a read that came after so many writes. Keeps the request. */
  add(request: ClientRequest, after: number): void {
    // It lies in the connection's input, and no read needs it.
    request.value = undefined;
    const linearizable = request.read === READ_WAYS.linearizable;
    const round = linearizable ? this.#open ??= new ReadRound() : undefined;
    this.#queue.push({ request, after, round });
  }

  /** Asks the node to confirm what came; tells whether that is done at once. */
  ask(backend: Backend): boolean {
    const round = this.#open;
    if (round === undefined) return false;
    this.#open = undefined;
    backend.confirmRead(round);
    if (!round.ended) round.onEnd = this.#onReady;
    return round.ended;
  }

  /** The first read, once it can be answered; so many writes are settled. */
  next(settled: number): OrderedRead | undefined {
    const read = this.#queue[this.#from];
    if (read === undefined || read.after > settled) return undefined;
    if (read.round?.ended === false) return undefined;
    this.#queue[this.#from++] = undefined;
    if (this.length === 0) this.clear();
    else if (this.#from >= TAKEN_MAX) {
      this.#queue = this.#queue.slice(this.#from);
      this.#from = 0;
    }
    return read;
  }

  /** Forgets all. */
  clear(): void {
    this.#queue.length = 0;
    this.#from = 0;
    this.#open = undefined;
  }
}
