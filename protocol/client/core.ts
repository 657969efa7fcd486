/**
 * The client: what it does, without sockets, clocks and promises.
 *
 * It joins the parts: the connector keeps a line to some server; questions,
 * writes and watches go over it, and over the next one when it is lost.
 *
 * @module
 */
import { DoozerError, type Rev } from "../../store/mod.ts";
import { READ_WAYS, type Verb } from "../request.ts";
import type { ClientResponse } from "../response_reader.ts";
import { Connector, type ConnectorOptions } from "./connector.ts";
import type { ConnectorUser } from "./connector.ts";
import type { Greeting } from "./greeting.ts";
import type { Ask, Line } from "./line.ts";
import { type Asked, type Asker, Questions } from "./questions.ts";
import { Subscription, type WatchOrder } from "./subscription.ts";
import type { WatchTaker } from "./subscription.ts";
import type { Surroundings } from "./surroundings.ts";
import { Writer } from "./writer.ts";
import type { WriteAsker, WriteOrder, Written } from "./write_command.ts";

/** How a client is set up. */
export interface CoreOptions extends ConnectorOptions {
  /** Names the client as the origin of what it writes; up to 64 bytes. */
  readonly name?: string | undefined;
}

/** Who is told how the client stands. */
export interface CoreUser {
  /** A server serves it; told each time that it is connected. */
  ready(greeting: Greeting): void;
  /** Every server was tried in vain since it was last served. */
  nobody(error: DoozerError): void;
}

/** A read, or another request that changes nothing but its connection. */
export interface CoreQuestion {
  readonly verb: Verb;
  readonly ask: Ask;
  /** In milliseconds; 0: never. */
  readonly timeoutMs: number;
  /** Whether it is good for one connection only, and never asked again. */
  readonly once?: boolean;
}

/** The logic of one client. */
export class ClientCore implements ConnectorUser {
  readonly #user: CoreUser;
  readonly #surroundings: Surroundings;
  readonly #connector: Connector;
  readonly #questions: Questions;
  readonly #writer: Writer;
  readonly #subscriptions: Set<Subscription> = new Set();
  #seen: Rev = 0;
  #closed: DoozerError | undefined;

  constructor(
    options: CoreOptions,
    { surroundings, user }: { surroundings: Surroundings; user: CoreUser },
  ) {
    this.#user = user;
    this.#surroundings = surroundings;
    const now = () => surroundings.now();
    const wakeAt = (time: number) => this.#wakeAt(time);
    this.#connector = new Connector(options, { surroundings, user: this });
    this.#questions = new Questions(this.#connector, { now, wakeAt });
    const { name = "" } = options;
    this.#writer = new Writer(this.#connector, { name, now, wakeAt });
  }

  /** The highest rev that it has seen: it never sees an older state again. */
  get seen(): Rev {
    return this.#seen;
  }

  /** The address of the server that serves it, or served it last. */
  get address(): string {
    return this.#address;
  }

  /** The history that it means, once it is known. */
  get lineage(): string | undefined {
    return this.#connector.lineage;
  }

  /** Why a server has refused the secret that it was given, if one has. */
  get denied(): DoozerError | undefined {
    return this.#connector.denied;
  }

  /** The servers that it knows. */
  get servers(): readonly string[] {
    return this.#connector.servers.addresses;
  }

  /** Begins to connect. */
  start(): void {
    this.#connector.start();
  }

  /**
   * The cluster names its servers: they are tried from now on, and those that
   * it named before are not, unless they were told.
   */
  found(addresses: readonly string[]): void {
    this.#connector.found(addresses);
  }

  /** Gives this secret to every server from the next connection on. */
  remember(secret: string): void {
    this.#connector.remember(secret);
  }

  /** Asks, of whichever server there is. */
  ask(question: CoreQuestion, asker: Asker): Asked {
    if (this.#closed !== undefined) return refuse(asker, this.#closed);
    const { verb, ask } = question;
    return this.#questions.ask({
      ...question,
      ask: this.#monotonic(verb, ask),
    }, {
      answered: (response) => {
        this.#noteRev(verb, response);
        asker.answered(response);
      },
      failed: (error) => asker.failed(error),
    });
  }

  /** Writes, once. */
  write(order: WriteOrder, asker: WriteAsker): Written {
    if (this.#closed !== undefined) return refuse(asker, this.#closed);
    return this.#writer.write(order, {
      written: (rev) => {
        if (rev !== undefined) this.#saw(rev);
        asker.written(rev);
      },
      failed: (error) => asker.failed(error),
    });
  }

  /** Watches, until the subscription is cancelled or fails. */
  watch(order: WatchOrder, taker: WatchTaker): Subscription {
    const subscription = new Subscription(order, {
      taker,
      options: {
        connector: this.#connector,
        questions: this.#questions,
        seen: () => this.#seen,
        onSeen: (rev) => this.#saw(rev),
        onEnd: () => this.#subscriptions.delete(subscription),
        onResumed: ({ address }, rev) => {
          const { glob } = order;
          this.#surroundings.notice({ type: "resumed", glob, rev, address });
        },
      },
    });
    this.#subscriptions.add(subscription);
    if (this.#closed !== undefined) subscription.fail(this.#closed);
    else subscription.start();
    return subscription;
  }

  /** Acts on what is due. */
  tick(): void {
    if (this.#closed !== undefined) return;
    this.#connector.tick();
    const now = this.#surroundings.now();
    this.#questions.tick(now);
    this.#writer.tick(now);
    const due = Math.min(this.#questions.due, this.#writer.due);
    this.#wakeAt(Math.min(due, this.#connector.due));
  }

  /** Ends all: what is under way fails. */
  close(): void {
    if (this.#closed !== undefined) return;
    this.#closed = new DoozerError("CLOSED", "The client is closed");
    this.#connector.retire();
    this.#failAll(this.#closed);
    this.#connector.stop();
  }

  ready(line: Line, greeting: Greeting): void {
    this.#address = line.address;
    const plain = !(greeting.extensions?.includes("session") ?? false);
    this.#writer.ready({ plain });
    this.#questions.pump();
    for (const subscription of this.#subscriptions) subscription.pump();
    if (this.#closed === undefined) this.#user.ready(greeting);
  }

  lost(): void {
    for (const subscription of this.#subscriptions) subscription.lost();
    this.#writer.lost();
  }

  nobody(error: DoozerError): void {
    if (this.#closed !== undefined) return;
    this.#user.nobody(error);
    // Another history does not become ours again: nothing is worth waiting for.
    if (error.code === "LINEAGE") return this.#failAll(error);
    this.#questions.noteNobody(error);
    this.#writer.noteNobody(error);
  }

  #address = "";

  #failAll(error: DoozerError): void {
    this.#questions.failAll(error);
    this.#writer.failAll(error);
    for (const subscription of [...this.#subscriptions]) {
      subscription.fail(error);
    }
  }

  /** A local read sees at least what was seen before, at whatever server. */
  #monotonic(verb: Verb, ask: Ask): Ask {
    const isRead = MONOTONIC.has(verb) && ask.rev === undefined;
    if (!isRead || ask.read === READ_WAYS.linearizable) return ask;
    const { minRev = 0 } = ask;
    // What is no rev is refused, not hidden behind a greater one.
    if (!Number.isSafeInteger(minRev)) return ask;
    return { ...ask, minRev: Math.max(this.#seen, minRev) };
  }

  /** Each rev in an answer to a read is one that the server has reached. */
  #noteRev(verb: Verb, { rev, at }: ClientResponse): void {
    if (at !== undefined) this.#saw(at);
    const isState = MONOTONIC.has(verb) || verb === "WAIT";
    if (rev !== undefined && isState) this.#saw(rev);
  }

  #saw(rev: Rev): void {
    this.#seen = Math.max(this.#seen, rev);
  }

  #wakeAt(time: number): void {
    if (time < Infinity) this.#surroundings.wakeAt(time);
  }
}

const MONOTONIC: ReadonlySet<Verb> = new Set<Verb>([
  "GET",
  "STAT",
  "REV",
  "WALK",
  "GETDIR",
]);

function refuse(
  asker: { failed(error: DoozerError): void },
  error: DoozerError,
): { giveUp(why: string): void } {
  asker.failed(error);
  return { giveUp() {} };
}
