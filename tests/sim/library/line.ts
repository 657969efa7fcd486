/**
 * A line: a client's socket, the two ways of it, and the server's end.
 *
 * It may end for both, for one of them, soon or late; it may go silent in one
 * direction without a word. What was under way to the server when its client
 * closed it may still be done there, as with TCP.
 *
 * @module
 */
import type { Socket, SocketUser } from "../../../protocol/mod.ts";
import { type Agenda, type Micros, MILLISECOND, SECOND } from "../agenda.ts";
import type { Process } from "../process.ts";
import type { Random } from "../random.ts";
import { type Client, type Sender, ServerEnd } from "./server_end.ts";
import { Stream } from "./stream.ts";
import type { ClientWays } from "./ways.ts";

/** What a line needs. */
export interface LineOptions {
  readonly agenda: Agenda;
  readonly random: Random;
  readonly ways: ClientWays;
  /** The host that is dialled. */
  readonly host: number;
  /** The process there, if there is one. */
  readonly processAt: (host: number) => Process | undefined;
  readonly user: SocketUser;
  /** Called before the client is given what that node sent. */
  readonly onReceive: (sender: Sender, bytes: number) => void;
  /** The client has done with it. */
  readonly onClosed: () => void;
  /** The server has done with it, too. */
  readonly onEnd: () => void;
}

/** A host on which nothing listens says so, or nothing. */
const REFUSES = 0.8;
/** What was sent before the line was closed still arrives. */
const LINGERS = 0.85;
/** The server does not learn soon that its client is gone. */
const FORGOTTEN = 0.15;
/** Then it finds out after so long. */
const KEPT: Micros = 3 * SECOND;

/** One line. */
export class SimLine implements Socket, Client {
  readonly host: number;
  readonly #options: LineOptions;
  readonly #out: Stream;
  readonly #in: Stream;
  #server: ServerEnd | undefined;
  /** The process that took it, alive or not. */
  #process: Process | undefined;
  #open = false;
  #flushing = false;
  /** Whether the client has done with it. */
  #closed = false;
  /** Whether bytes of the client may still arrive. */
  #discards = false;

  constructor(options: LineOptions) {
    const { agenda, random, ways, host } = options;
    this.#options = options;
    this.host = host;
    this.#out = new Stream({ agenda, random, way: ways.to(host) });
    this.#in = new Stream({ agenda, random, way: ways.from(host) });
    this.#out.carry(() => this.#knock());
  }

  hasOutput(): void {
    if (!this.#open || this.#flushing || this.#closed) return;
    this.#flushing = true;
    const { agenda, random } = this.#options;
    // What is asked in the same turn leaves in the same write.
    agenda.after(random.below(50), () => {
      this.#flushing = false;
      if (!this.#closed) this.#flush();
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed();
    const { agenda, random } = this.#options;
    if (!random.chance(LINGERS)) this.#discards = true;
    const end = () => this.#endServer();
    agenda.after(KEPT, end);
    if (!random.chance(FORGOTTEN)) this.#out.carry(end);
  }

  // What becomes of it from outside.

  /** It breaks: each side hears of it for itself, or does not. */
  break(why: string): void {
    const { agenda, random } = this.#options;
    this.#out.hushed = true;
    this.#in.hushed = true;
    agenda.after(this.#drawNotice() ?? KEPT, () => this.#endServer());
    const notice = this.#drawNotice();
    if (notice === undefined || this.#closed) return;
    agenda.after(random.below(50) + notice, () => this.#end(why));
  }

  /** It goes silent in one direction, or in both; nobody hears of that. */
  hush(): void {
    const { random } = this.#options;
    const draw = random.float();
    if (draw < 0.6) this.#out.hushed = true;
    if (draw > 0.3) this.#in.hushed = true;
  }

  /** A process has ended; its hosts may say so. */
  processEnded(process: Process): void {
    if (this.#process !== process) return;
    this.#server = undefined;
    const notice = this.#drawNotice();
    const { agenda } = this.#options;
    if (notice === undefined) return;
    agenda.after(notice, () => {
      this.#in.carry(() => this.#end("the connection was reset"));
    });
  }

  // What the server's end calls.

  send(bytes: Uint8Array, by: { sender: Sender; sent: () => void }): void {
    this.#in.send(bytes.slice(), (piece, last) => {
      if (!this.#closed) {
        this.#options.onReceive(by.sender, piece.length);
        this.#options.user.received(piece);
      }
      if (last) by.sent();
    });
  }

  endedByServer(why: string): void {
    this.#server = undefined;
    this.#in.carry(() => this.#end(`the server ended it: ${why}`));
  }

  /** The host hears that somebody wants to connect. */
  #knock(): void {
    const { host, random, processAt, agenda } = this.#options;
    const process = processAt(host);
    if (process === undefined) {
      if (!random.chance(REFUSES)) return;
      return this.#in.carry(() => this.#end("the connection was refused"));
    }
    this.#process = process;
    process.input(() => {
      if (this.#closed) return;
      this.#server = new ServerEnd(process, { agenda, client: this });
    });
    // The machine does so, also where the process stands still.
    this.#in.carry(() => this.#opened());
  }

  #opened(): void {
    if (this.#closed) return;
    this.#open = true;
    this.#options.user.opened();
  }

  #flush(): void {
    const output = this.#options.user.takeOutput();
    if (output.length === 0) return;
    this.#out.send(output.slice(), (piece) => this.#arrived(piece));
  }

  #arrived(piece: Uint8Array): void {
    if (this.#discards) return;
    const process = this.#process!;
    if (!process.alive) {
      return this.#in.carry(() => this.#end("the connection was reset"));
    }
    process.input(() => this.#server?.received(piece));
  }

  #endServer(): void {
    this.#options.onEnd();
    this.#process?.input(() => {
      this.#server?.end();
      this.#server = undefined;
    });
  }

  /** The client is told that it has ended. */
  #end(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed();
    this.#options.agenda.after(KEPT, () => this.#endServer());
    this.#options.user.ended(why);
  }

  /** When a side hears that it is over: soon, late, or never. */
  #drawNotice(): Micros | undefined {
    const { random } = this.#options;
    const draw = random.float();
    if (draw < 0.15) return undefined;
    return draw < 0.7
      ? random.below(3 * MILLISECOND)
      : random.below(1500 * MILLISECOND);
  }
}
