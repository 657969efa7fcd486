/**
 * Says on standard error what becomes of the servers while a command goes on
 * by itself, so that a person knows why nothing comes, and is not told twice.
 *
 * @module
 */

import type { Notice } from "../protocol/net/mod.ts";
import type { Io } from "./io.ts";
import type { JsonFields } from "./output.ts";

/** What was said is not said again for so long, in milliseconds. */
const QUIET_MS = 60_000;

/** Where the talk goes, and how it learns about the client. */
export interface NoticesOptions {
  readonly io: Pick<Io, "say">;
  /** Whether to say it as JSON, an object per line. */
  readonly json: boolean;
  /** Milliseconds from any beginning. */
  readonly now?: () => number;
}

/** The talk of one command. */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #now: () => number;
  /** When each line was said last. */
  readonly #said: Map<string, number> = new Map();
  /** Who could not be reached since a server has last served, and why. */
  readonly #failed: Map<string, string> = new Map();
  #serving: string | undefined;
  #hasServed = false;
  #saidNobody = false;
  /** Whether a loss was said that is not made good yet, as far as was said. */
  #owesGoodNews = false;
  #losses = 0;
  /**
   * The rev that the command waits from: then it goes on as soon as a server
   * is there. A watch tells by itself when it goes on, and from where.
   */
  waitsFrom: number | undefined;
  /** The servers that are tried. */
  servers: () => readonly string[] = () => [];

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether a server was lost since the command has begun. */
  get hasLost(): boolean {
    return this.#losses > 0;
  }

  /** Takes what the client library tells. */
  take(notice: Notice): void {
    const { type, address } = notice;
    if (type === "lost") return this.#lost(address, notice.why);
    if (type === "resumed") return this.#goesOn(address, notice.rev);
    this.#serving = address;
    this.#hasServed = true;
    this.#saidNobody = false;
    this.#failed.clear();
    if (this.waitsFrom !== undefined) this.#goesOn(address, this.waitsFrom);
  }

  /** Events are not to be had any more; a snapshot stands for them. */
  eventsLost({ from, to }: { from: number; to: number }): void {
    this.#say(
      `the events from rev ${from} to ${to} are lost: the servers do not ` +
        "keep them any more; all files as they are now follow",
      { notice: "events_lost", from, to },
    );
  }

  #lost(address: string, why: string): void {
    // Before anything has served, the error says all of it.
    if (!this.#hasServed) return;
    this.#failed.set(address, why);
    if (address === this.#serving) {
      this.#serving = undefined;
      this.#losses++;
      const others = this.servers().length > 1;
      this.#sayRarely(
        `lost ${address}: ${why}; trying ${others ? "others" : "again"}`,
        { notice: "lost", address, why },
      );
      return;
    }
    if (!this.#saidNobody) this.#sayNobody();
  }

  #sayNobody(): void {
    const servers = this.servers();
    if (!servers.every((address) => this.#failed.has(address))) return;
    const reasons = servers.map((address) => ({
      address,
      why: this.#failed.get(address) ?? "",
    }));
    const text = reasons.map(({ address, why }) => `${address}: ${why}`);
    this.#saidNobody = this.#sayRarely(
      `no server can be reached, trying on: ${text.join("; ")}`,
      { notice: "unreachable", servers: reasons },
    );
  }

  #goesOn(address: string, rev: number): void {
    if (!this.#owesGoodNews) return;
    this.#owesGoodNews = false;
    this.#say(
      `goes on at ${address} from rev ${rev}`,
      { notice: "resumed", address, rev },
    );
  }

  /** Whether it was said. */
  #sayRarely(text: string, fields: JsonFields): boolean {
    const now = this.#now();
    const last = this.#said.get(text) ?? -Infinity;
    if (now - last < QUIET_MS) return false;
    for (const [line, at] of this.#said) {
      if (now - at >= QUIET_MS) this.#said.delete(line);
    }
    this.#said.set(text, now);
    this.#owesGoodNews = true;
    this.#say(text, fields);
    return true;
  }

  #say(text: string, fields: JsonFields): void {
    const { io, json } = this.#options;
    io.say(json ? `${JSON.stringify(fields)}\n` : `doozer: ${text}\n`);
  }
}
