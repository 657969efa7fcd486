/**
 * The server's end of a line: a real connection of a real node, served as
 * protocol/net/client_link.ts does it, by the process that it belongs to.
 *
 * @module
 */
import {
  Access,
  type Backend,
  BackupSlots,
  Connection,
} from "../../../protocol/mod.ts";
import { UnreadAnswers } from "../../../protocol/mod.ts";
import type { Rev } from "../../../store/mod.ts";
import { type Agenda, MILLISECOND } from "../agenda.ts";
import type { Process } from "../process.ts";
import type { Subject } from "../subject.ts";

/** What the node had when it sent something. */
export interface Sender {
  readonly process: Process;
  readonly rev: Rev;
  readonly firstRev: Rev;
}

/** The way back to the client. */
export interface Client {
  /** Bytes for it; tell when they are with it. */
  send(bytes: Uint8Array, by: { sender: Sender; sent: () => void }): void;
  /** The server has ended the line. */
  endedByServer(why: string): void;
}

/** What all connections of a process share. */
interface Shared {
  readonly unread: UnreadAnswers;
  readonly backups: BackupSlots;
}

const OPEN_TO_ALL = new Access({});
const SHARED: WeakMap<Process, Shared> = new WeakMap();
/** How often a connection looks at what has waited too long. */
export const SWEEP_EVERY = 250 * MILLISECOND;

/** Whether clients can be served by a node: by one that cheats they cannot. */
export function serves(node: Subject): node is Subject & Backend {
  return "proposeOnce" in node;
}

/** The server's end of a line. */
export class ServerEnd {
  readonly process: Process;
  readonly #agenda: Agenda;
  readonly #client: Client;
  readonly #connection: Connection;
  /** What the connection has not room for yet. */
  readonly #unfed: Uint8Array[] = [];
  #sending = false;
  #working = false;
  #ended = false;

  /** To be made while the process takes an input. */
  constructor(process: Process, own: { agenda: Agenda; client: Client }) {
    this.process = process;
    this.#agenda = own.agenda;
    this.#client = own.client;
    this.#connection = new Connection({
      backend: process.node as Subject & Backend,
      access: OPEN_TO_ALL,
      ...sharedOf(process),
      onOutput: () => this.#workSoon(),
    });
    this.#sweepLater();
  }

  /** Bytes have come; to be called while the process takes an input. */
  received(piece: Uint8Array): void {
    if (this.#ended) return;
    this.#unfed.push(piece);
    this.#work();
  }

  /** The line is no more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.close();
  }

  #work(): void {
    const connection = this.#connection;
    if (this.#ended) return;
    connection.process();
    while (this.#unfed.length > 0 && this.#isHungry) {
      connection.input.push(this.#unfed.shift()!);
      connection.process();
    }
    // Others have their turn.
    if (connection.yielding) this.#workSoon();
    this.#send();
  }

  /** The client feels it that nothing is read. */
  get #isHungry(): boolean {
    const { paused, yielding, failure } = this.#connection;
    return !paused && !yielding && failure === undefined;
  }

  #workSoon(): void {
    if (this.#working || this.#ended) return;
    this.#working = true;
    this.process.afterwards(() => {
      this.#working = false;
      this.#work();
    });
  }

  #send(): void {
    const connection = this.#connection;
    if (this.#sending) return;
    if (!connection.hasOutput) {
      if (connection.failure === undefined) return;
      this.end();
      return this.#client.endedByServer(connection.failure);
    }
    this.#sending = true;
    const { store } = this.process;
    const { rev, firstRev } = store;
    const sender = { process: this.process, rev, firstRev };
    // What was taken is used again only when it is sent.
    const sent = () => this.process.input(() => this.#sent());
    this.#client.send(connection.takeOutput(), { sender, sent });
  }

  #sent(): void {
    if (this.#ended) return;
    this.#sending = false;
    this.#connection.outputSent();
    this.#work();
  }

  #sweepLater(): void {
    this.#agenda.after(SWEEP_EVERY, () => {
      const { process } = this;
      if (this.#ended || !process.alive) return;
      if (!process.paused) process.input(() => this.#sweep());
      this.#sweepLater();
    });
  }

  #sweep(): void {
    if (this.#ended) return;
    const { rate } = this.process;
    this.#connection.expire(this.#agenda.now * rate / MILLISECOND);
  }
}

function sharedOf(process: Process): Shared {
  let shared = SHARED.get(process);
  if (shared === undefined) {
    shared = { unread: new UnreadAnswers(), backups: new BackupSlots() };
    SHARED.set(process, shared);
  }
  return shared;
}
