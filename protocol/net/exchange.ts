/**
 * The exchange of requests and answers on one socket: answers find their
 * requests by tag, in whatever order they come.
 *
 * @module
 */
import { decodeResponse, emptyRequest, encodeRequest } from "../mod.ts";
import { type ClientRequest, type ClientResponse, errorOf } from "../mod.ts";
import { FrameDecoder, type Verb, VERBS } from "../mod.ts";
import { WireReader, WireWriter } from "../mod.ts";
import { DoozerError, LIMITS } from "../../store/mod.ts";

/** How long to wait for an answer. */
export interface AskOptions {
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds until giving up; 0 means never. */
  readonly timeoutMs?: number;
}

/** A request that has no answer yet. */
interface Pending {
  readonly verb: Verb;
  readonly resolve: (response: ClientResponse) => void;
  readonly reject: (error: DoozerError) => void;
}

/** What is asked: the fields of a request, without its tag. */
export type Ask = Partial<Omit<ClientRequest, "tag" | "verb">>;

const TAG_MAX = 2 ** 31 - 1;
/** The tag of an answer that comes unasked; no request has it. */
const REFUSED_TAG = 0;
const WRITES: ReadonlySet<Verb> = new Set(["SET", "DEL", "NOP", "RECOVER"]);
const READ_BYTES = 16 << 10;
/** A timer of more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** What an exchange is told of its server and its requests. */
export interface ExchangeOptions {
  /** The server's address, as HOST:PORT. */
  readonly address: string;
  readonly timeoutMs: number;
  /** Told with every request that says nothing else. */
  readonly lineage?: string | undefined;
}

/** Asks and listens on one socket, which it owns. */
export class Exchange {
  /** The server's address, as HOST:PORT. */
  readonly address: string;
  readonly #socket: Deno.Conn;
  readonly #timeoutMs: number;
  readonly #lineage: string | undefined;
  readonly #pending: Map<number, Pending> = new Map();
  #output = new WireWriter();
  #spareOutput = new WireWriter();
  #sending = false;
  #lastTag = 0;
  #closed: DoozerError | undefined;

  constructor(socket: Deno.Conn, options: ExchangeOptions) {
    this.#socket = socket;
    this.address = options.address;
    this.#timeoutMs = options.timeoutMs;
    this.#lineage = options.lineage;
    this.#receiveAll();
  }

  /** Asks, and resolves to the answer, or rejects with its error. */
  ask(
    verb: Verb,
    ask: Ask,
    options: AskOptions,
  ): Promise<ClientResponse> {
    const { signal } = options;
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal?.aborted) return Promise.reject(abortedBefore(verb));
    const unfit = whyUnfit(ask);
    if (unfit !== undefined) return Promise.reject(unfit);
    const tag = this.#freeTag();
    encodeRequest(this.#output, {
      ...emptyRequest(),
      lineage: this.#lineage,
      ...ask,
      verb: VERBS[verb],
      tag,
    });
    const { promise, resolve, reject } = Promise.withResolvers<
      ClientResponse
    >();
    this.#pending.set(tag, { verb, resolve, reject });
    this.#send();
    return this.within(verb, promise, options)
      .finally(() => this.#pending.delete(tag));
  }

  /** The answer, unless the time is up or the signal given before it comes. */
  within(
    verb: Verb,
    answer: Promise<ClientResponse>,
    { signal, timeoutMs = this.#timeoutMs }: AskOptions,
  ): Promise<ClientResponse> {
    if (signal?.aborted) return Promise.reject(abortedBefore(verb));
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = (why: string) => reject(unanswered(verb, why));
    const abort = () => giveUp("it was aborted");
    const timer = timeoutMs > 0
      ? setTimeout(
        () => giveUp(`none came in ${timeoutMs} ms`),
        Math.min(timeoutMs, TIMER_MS_MAX),
      )
      : undefined;
    signal?.addEventListener("abort", abort, { once: true });
    return Promise.race([answer, late]).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    });
  }

  #freeTag(): number {
    do {
      this.#lastTag = this.#lastTag === TAG_MAX ? 1 : this.#lastTag + 1;
    } while (this.#pending.has(this.#lastTag));
    return this.#lastTag;
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    // What is asked in the same turn leaves in the same write.
    await Promise.resolve();
    try {
      while (this.#output.length > 0 && this.#closed === undefined) {
        const output = this.#output;
        this.#output = this.#spareOutput;
        this.#spareOutput = output;
        const bytes = output.written();
        for (let at = 0; at < bytes.length;) {
          at += await this.#socket.write(bytes.subarray(at));
        }
        output.clear();
      }
    } catch (error) {
      this.end(connectionLost(this.address, error));
    }
    this.#sending = false;
  }

  async #receiveAll(): Promise<void> {
    const input = new FrameDecoder();
    const reader = new WireReader();
    try {
      while (this.#closed === undefined) {
        const bytes = await this.#socket.read(input.space(READ_BYTES));
        if (bytes === null) throw new Error("the server ended it");
        input.filled(bytes);
        while (input.next()) {
          reader.reset(input.bytes, input);
          this.#settle(decodeResponse(reader));
        }
      }
    } catch (error) {
      this.end(connectionLost(this.address, error));
    }
  }

  #settle(response: ClientResponse): void {
    if (response.tag === REFUSED_TAG) return this.#refused(response);
    const pending = this.#pending.get(response.tag ?? 0);
    // An answer that nobody awaits any more: its request was given up.
    if (pending === undefined) return;
    this.#pending.delete(response.tag ?? 0);
    const error = errorOf(response);
    if (error === undefined) pending.resolve(response);
    else pending.reject(error);
  }

  /** The server would not have us: it has handled nothing that we sent. */
  #refused(response: ClientResponse): void {
    const error = errorOf(response);
    if (error === undefined) return;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.end(error);
  }

  /** Ends the connection. Requests under way fail with the reason. */
  end(reason: DoozerError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    try {
      this.#socket.close();
    } catch {
      // The socket is closed already, which is what we want.
    }
    for (const { verb, reject } of this.#pending.values()) {
      reject(WRITES.has(verb) ? unanswered(verb, reason.detail) : reason);
    }
    this.#pending.clear();
  }
}

/** Why the server would end the connection, or the encoder never its work. */
function whyUnfit(
  { path = "", value, rev = 0, minRev = 0 }: Ask,
): DoozerError | undefined {
  const length = value?.length ?? 0;
  if (length > LIMITS.valueBytes) {
    return tooLong(`The value has ${length} bytes`, LIMITS.valueBytes);
  }
  if (path.length > LIMITS.pathBytes) {
    return tooLong(`The path has ${path.length} bytes`, LIMITS.pathBytes);
  }
  for (const number of [rev, minRev]) {
    if (Number.isSafeInteger(number)) continue;
    return new DoozerError(
      "OTHER",
      `Cannot use the rev ${number}: it must be a whole number up to 2^53-1`,
    );
  }
  return undefined;
}

function tooLong(is: string, most: number): DoozerError {
  return new DoozerError("LIMIT", `${is}, the limit is ${most}`);
}

/** What a request without an answer means to the one who asked. */
function unanswered(verb: Verb, why: string): DoozerError {
  if (WRITES.has(verb)) {
    return new DoozerError(
      "UNKNOWN",
      `The answer to ${verb} did not come: ${why}; it may have taken effect`,
    );
  }
  return new DoozerError(
    verb === "WAIT" ? "TIMEOUT" : "UNAVAILABLE",
    `The answer to ${verb} did not come: ${why}`,
  );
}

function abortedBefore(verb: Verb): DoozerError {
  return new DoozerError("UNAVAILABLE", `${verb} was aborted before it began`);
}

function connectionLost(address: string, cause: unknown): DoozerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DoozerError(
    "UNAVAILABLE",
    `The connection to ${address} is lost: ${why}`,
    { cause },
  );
}
