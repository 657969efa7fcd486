/**
 * The waits of a client that stand on the server.
 *
 * A WAIT cannot be taken back: one that its caller has given up stays on the
 * server until its event comes. So the next wait on the same glob takes it
 * over, and a program that waits in a loop with a time-out holds one, not one
 * more each time until the server refuses them.
 *
 * @module
 */
import type { ClientResponse } from "../mod.ts";
import type { Rev } from "../../store/mod.ts";
import type { AskOptions, Exchange } from "./exchange.ts";

/** A WAIT that was sent. */
interface Standing {
  readonly from: Rev;
  readonly answer: Promise<ClientResponse>;
}

/** Asks WAITs, and takes over those that were given up. */
export class StandingWaits {
  readonly #exchange: Exchange;
  readonly #byGlob: Map<string, Standing> = new Map();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** The first event of the glob on or after the rev. */
  async first(
    glob: string,
    rev: Rev,
    options: AskOptions,
  ): Promise<ClientResponse> {
    for (;;) {
      const { answer } = this.#stand(glob, rev);
      const response = await this.#exchange.within("WAIT", answer, options);
      // One that was taken over may tell of an event that is too old.
      if ((response.rev ?? rev) >= rev) return response;
    }
  }

  #stand(glob: string, rev: Rev): Standing {
    const standing = this.#byGlob.get(glob);
    if (standing !== undefined && standing.from <= rev) return standing;
    const bounds = { timeoutMs: 0 };
    const answer = this.#exchange.ask("WAIT", { path: glob, rev }, bounds);
    const added = { from: rev, answer };
    this.#byGlob.set(glob, added);
    const forget = () => {
      if (this.#byGlob.get(glob) === added) this.#byGlob.delete(glob);
    };
    answer.then(forget, forget);
    return added;
  }
}
