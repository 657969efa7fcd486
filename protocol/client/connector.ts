/**
 * Keeps a client connected: dials one server after the other until one greets
 * it, looks whether the line is alive, and begins again when it is lost.
 *
 * A client means one history. The first lineage that a server names is the one
 * that it keeps to, unless it was told which; a server of another is no server
 * of this cluster, whatever it says.
 *
 * @module
 */
import { DoozerError, type ErrorCode } from "../../store/mod.ts";
import { encodeText } from "../wire.ts";
import { type Greeting, readGreeting } from "./greeting.ts";
import { Line, type LineUser } from "./line.ts";
import { Servers } from "./servers.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a client is told of itself. */
export interface ConnectorOptions {
  /** Servers as HOST:PORT, at least one, in the order to try them. */
  readonly addresses: readonly string[];
  /** Given to each server. */
  readonly secret?: string | undefined;
  /** The history that is meant; absent means the first that is met. */
  readonly lineage?: string | undefined;
  /**
   * So long a server may be silent that should say something, in
   * milliseconds; the same for greeting. Default 2000.
   */
  readonly silenceMs?: number | undefined;
  /**
   * So long opening a line may take, up to its greeting, in milliseconds;
   * longer each time that all servers have failed. Default `silenceMs`.
   */
  readonly openMs?: number | undefined;
}

/** Who is told how it stands. */
export interface ConnectorUser {
  /** There is a line that serves. */
  ready(line: Line, greeting: Greeting): void;
  /** It is no more; its takers know. */
  lost(): void;
  /** Every server has been tried in vain since the client was last served. */
  nobody(error: DoozerError): void;
}

/** How long a server may be silent, in milliseconds. */
export const SILENCE_MS = 2_000;

/** Up to here the time for opening grows. */
const OPEN_MS_MAX = 4_000;

/** Keeps a client connected. */
export class Connector implements LineUser {
  readonly servers: Servers;
  /** The history that is meant, once it is known. */
  lineage: string | undefined;
  readonly #surroundings: Surroundings;
  readonly #user: ConnectorUser;
  readonly #silenceMs: number;
  readonly #openMs: number;
  readonly #secrets: string[] = [];
  /** How often all servers have failed since one has served. */
  #rounds = 0;
  #line: Line | undefined;
  #isReady = false;
  #lines = 0;
  /** When the attempt that is under way, or the ping, must have succeeded. */
  #deadline = Infinity;
  /** When the line was dialled, and how long opening or greeting may take. */
  #dialledAt = 0;
  #openFor = 0;
  /** When to dial again. */
  #dialAt = Infinity;
  /** Servers of another history, since the client was last served. */
  readonly #strangers: Map<string, string> = new Map();
  /** When the server was asked whether it is there, while it has not said. */
  #pingedAt: number | undefined;
  /** Whether the line is ended because its server is not fit. */
  #isLeaving = false;
  #stopped = false;
  /** Whether a server has refused a secret that was given to it. */
  denied: DoozerError | undefined;

  constructor(
    options: ConnectorOptions,
    { surroundings, user }: { surroundings: Surroundings; user: ConnectorUser },
  ) {
    this.#surroundings = surroundings;
    this.#user = user;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    this.#openMs = options.openMs ?? this.#silenceMs;
    this.lineage = options.lineage;
    if (options.secret !== undefined) this.#secrets.push(options.secret);
    const random = () => surroundings.random();
    this.servers = new Servers(options.addresses, random);
  }

  /** The line that serves, if there is one. */
  get line(): Line | undefined {
    // One that ends still tells its takers so, and they may ask again.
    const serves = this.#isReady && !this.#stopped && !this.#line?.isEnded;
    return serves ? this.#line : undefined;
  }

  /** Begins. */
  start(): void {
    this.#dialNext();
  }

  /** Nothing is dialled or sent from now on. */
  retire(): void {
    this.#stopped = true;
    this.#dialAt = Infinity;
  }

  /** Ends for good. */
  stop(): void {
    this.retire();
    this.#line?.end("The client is closed");
  }

  /** The cluster names its servers: tried at once where none is there. */
  found(addresses: readonly string[]): void {
    this.servers.found(addresses, { serving: this.#line?.address ?? "" });
    if (this.#dialAt < Infinity) this.#dialNext();
  }

  /** Gives each server this secret, too, from the next line on. */
  remember(secret: string): void {
    if (!this.#secrets.includes(secret)) this.#secrets.push(secret);
  }

  /**
   * How many servers there are to choose from, this one included: others that
   * have failed lately are not thought to be better.
   */
  get choices(): number {
    const address = this.#line?.address ?? "";
    return 1 + this.servers.othersWorthTrying(address, this.#now);
  }

  /** The server that serves is not fit to: another is tried. */
  leave(why: string): void {
    const line = this.line;
    if (line === undefined) return;
    this.#isLeaving = true;
    line.end(why);
  }

  /** The server says that its history is another one. */
  isStranger(error: DoozerError): void {
    const line = this.line;
    if (line === undefined) return;
    this.#strangers.set(line.address, error.detail);
    this.leave(error.detail);
  }

  /**
   * Asks the server once more who it is: it tells its history only those who
   * may read. Tells `done` when it has said so; no one if the line is lost.
   */
  identify(done: () => void): void {
    const line = this.line;
    if (line === undefined) return;
    line.ask("HELLO", {}, {
      answered: (response) => {
        if (this.#isOurs(line, readGreeting(response))) done();
      },
      refused: done,
      lost() {},
    });
  }

  /** When to be called again, at the latest. */
  get due(): number {
    const line = this.line;
    if (line === undefined) return Math.min(this.#dialAt, this.#deadline);
    if (this.#pingedAt !== undefined) return this.#deadline;
    return line.isUsed ? line.quietSince + this.#patience(line) : Infinity;
  }

  /** Acts on what is due. */
  tick(): void {
    const now = this.#now;
    if (now >= this.#dialAt) this.#dialNext();
    const line = this.#line;
    if (line === undefined) return;
    if (now >= this.#deadline) {
      // Whatever it says, it is there; the answer comes behind that.
      const { heardAt } = line;
      if (heardAt > (this.#pingedAt ?? Infinity)) {
        this.#pingedAt = heardAt;
        this.#setDeadline(heardAt + this.#silenceMs / 2);
      } else {
        const limit = this.#isReady ? this.#silenceMs : this.#openFor;
        const ms = Math.round(limit);
        return line.end(`it has been silent for ${ms} ms`);
      }
    }
    if (!this.#isReady || this.#pingedAt !== undefined || !line.isUsed) return;
    if (now >= line.quietSince + this.#patience(line)) this.#ping(line);
  }

  /** What is awaited is looked after. */
  awaits(line: Line): void {
    if (line !== this.line) return;
    const { due } = this;
    if (due < Infinity) this.#surroundings.wakeAt(due);
  }

  opened(line: Line): void {
    // On a slow way the greeting takes as long as the way's opening did.
    const elapsed = this.#now - this.#dialledAt;
    const greeting = Math.max(this.#silenceMs, elapsed);
    this.#openFor = Math.min(this.#openFor, greeting);
    this.#setDeadline(this.#now + this.#openFor);
    for (const secret of this.#secrets) {
      line.ask("ACCESS", { value: encodeText(secret) }, {
        answered() {},
        refused: (error) => this.denied = error,
        lost() {},
      });
    }
    line.ask("HELLO", {}, {
      answered: (response) => this.#greeted(line, readGreeting(response)),
      refused: (error) => {
        // An original server: it has neither sessions nor watches.
        if (error.code === "UNKNOWN_VERB") this.#greeted(line, {});
        else line.end(error.detail);
      },
      lost() {},
    });
  }

  ended(line: Line, why: string): void {
    if (line !== this.#line) return;
    const { address } = line;
    const wasReady = this.#isReady;
    this.#line = undefined;
    this.#isReady = false;
    this.#pingedAt = undefined;
    this.#deadline = Infinity;
    const leaving = this.#isLeaving;
    this.#isLeaving = false;
    if (this.#stopped) return;
    if (leaving) this.servers.unfit(address, { now: this.#now, why });
    else this.servers.failed(address, { now: this.#now, why });
    this.#surroundings.notice({ type: "lost", address, why });
    if (wasReady) this.#user.lost();
    if (this.servers.allFailed) {
      this.#rounds++;
      this.#user.nobody(this.#nobodyServes());
    }
    this.#dialNext();
  }

  get #now(): number {
    return this.#surroundings.now();
  }

  #dialNext(): void {
    if (this.#stopped || this.#line !== undefined) return;
    const next = this.servers.next(this.#now);
    if ("at" in next) {
      this.#dialAt = next.at;
      if (next.at < Infinity) this.#surroundings.wakeAt(next.at);
      return;
    }
    this.#dialAt = Infinity;
    const { address } = next;
    const now = () => this.#surroundings.now();
    const line = new Line(this, { address, number: ++this.#lines, now });
    this.#line = line;
    const most = Math.max(OPEN_MS_MAX, this.#openMs);
    this.#openFor = Math.min(most, this.#openMs * 2 ** this.#rounds);
    this.#dialledAt = this.#now;
    this.#setDeadline(this.#now + this.#openFor);
    line.connect((address, user) => this.#surroundings.dial(address, user));
  }

  /** So long nothing need be heard before it is asked whether it is there. */
  #patience(line: Line): number {
    const factor = line.owesAnswers ? 0.5 : 1.5;
    return this.#silenceMs * factor;
  }

  #setDeadline(time: number): void {
    this.#deadline = time;
    this.#surroundings.wakeAt(time);
  }

  #greeted(line: Line, greeting: Greeting): void {
    if (line !== this.#line || !this.#isOurs(line, greeting)) return;
    this.#isReady = true;
    this.#rounds = 0;
    this.#deadline = Infinity;
    this.#strangers.clear();
    this.servers.good(line.address, this.#now);
    // Who hears of it may ask something at once.
    this.#user.ready(line, greeting);
    if (this.line !== line) return;
    this.#surroundings.notice({ type: "connected", address: line.address });
  }

  /** Whether the server may be of our history; if not, the line is ended. */
  #isOurs(line: Line, { lineage = "", extensions }: Greeting): boolean {
    if (lineage !== "") {
      this.lineage ??= lineage;
      if (lineage !== this.lineage) {
        this.#isOfOther(line, lineage);
        return false;
      }
    }
    // One that says none may yet become part of another. A server without
    // extensions knows no field for it.
    line.lineage = extensions === undefined ? undefined : this.lineage;
    return true;
  }

  #isOfOther(line: Line, lineage: string): void {
    const why = `its history is ${lineage}, the one that is meant is ` +
      this.lineage;
    this.#strangers.set(line.address, why);
    line.end(why);
  }

  #ping(line: Line): void {
    const now = this.#pingedAt = this.#now;
    this.#setDeadline(now + this.#silenceMs / 2 + line.wayMs);
    const done = () => {
      if (this.line !== line) return;
      this.#pingedAt = undefined;
      this.#deadline = Infinity;
    };
    line.ask("HELLO", {}, {
      answered: (response) => {
        done();
        this.#isOurs(line, readGreeting(response));
      },
      // One of the original says so much.
      refused: done,
      lost() {},
    });
  }

  #nobodyServes(): DoozerError {
    const isOther = this.#strangers.size > 0;
    const code: ErrorCode = isOther ? "LINEAGE" : "UNAVAILABLE";
    const { reasons } = this.servers;
    return new DoozerError(code, `No server can be reached: ${reasons}`);
  }
}
