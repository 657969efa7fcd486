/**
 * Asking with promises: what the client's logic answers by callbacks.
 *
 * @module
 */
import type {
  ClientAsk as Ask,
  ClientCore,
  ClientResponse,
  Verb,
} from "../mod.ts";
import type { WriteOrder } from "../mod.ts";
import { DoozerError, type Rev } from "../../store/mod.ts";
import { Deferred } from "./deferred.ts";

/** How long to wait for an answer. */
export interface AskOptions {
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds until giving up; 0 means never. */
  readonly timeoutMs?: number;
}

/** What is asked, and how often. */
export interface Request {
  readonly verb: Verb;
  readonly ask: Ask;
  /** Whether it is good for one connection only. */
  readonly once?: boolean;
}

/** Asks things of one client. */
export class Asking {
  readonly core: ClientCore;
  readonly #timeoutMs: number;

  /** `timeoutMs` is for what is asked without a time of its own. */
  constructor(core: ClientCore, { timeoutMs }: { timeoutMs: number }) {
    this.core = core;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks; rejects with the refusal, or when the time is over. */
  ask(request: Request, options: AskOptions): Promise<ClientResponse> {
    const { timeoutMs = this.#timeoutMs } = options;
    return this.#begin(
      request.verb,
      options,
      ({ resolve, reject }) =>
        this.core.ask({ ...request, timeoutMs }, {
          answered: resolve,
          failed: reject,
        }),
    );
  }

  /** Writes; resolves to the rev that it made, where the server tells it. */
  write(
    order: Omit<WriteOrder, "timeoutMs">,
    options: AskOptions,
  ): Promise<Rev | undefined> {
    const { timeoutMs = this.#timeoutMs } = options;
    return this.#begin(
      order.verb,
      options,
      ({ resolve, reject }) =>
        this.core.write({ ...order, timeoutMs }, {
          written: resolve,
          failed: reject,
        }),
    );
  }

  #begin<T>(
    verb: Verb,
    { signal }: AskOptions,
    begin: (promise: Deferred<T>) => { giveUp(why: string): void },
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedBefore(verb, signal));
    const answer = new Deferred<T>();
    const under = begin(answer);
    if (signal === undefined) return answer.promise;
    const abort = () => under.giveUp("it was aborted");
    signal.addEventListener("abort", abort, { once: true });
    return answer.promise.finally(() =>
      signal.removeEventListener("abort", abort)
    );
  }
}

/** It was aborted before anything was sent. */
export function abortedBefore(
  verb: Verb,
  { reason: cause }: AbortSignal,
): DoozerError {
  const waits = verb === "WAIT" || verb === "WATCH";
  const what = `${verb} was aborted before it began`;
  return new DoozerError(waits ? "TIMEOUT" : "UNAVAILABLE", what, { cause });
}
