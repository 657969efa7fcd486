/**
 * One connection with another node: handshake, then messages both ways.
 *
 * Who is there is known once the handshake has ended well; until then nothing
 * of what comes in leaves this file, little memory is used for it, and there
 * is a limit of time.
 *
 * @module
 */
import { FrameDecoder, Handshake, HELLO_BYTES, PeerDecoder } from "../mod.ts";
import type { HandshakeRole, Hello, LinkRefusal, NodeId } from "../mod.ts";
import { type PeerMessage, ProtocolError } from "../mod.ts";
import { WireReader, WireWriter } from "../mod.ts";
import { assert, LIMITS } from "../../store/mod.ts";
import { isBrokenConnection } from "./client_link.ts";
import type { ClientSocket } from "./listener.ts";
import { PeerOutput } from "./peer_output.ts";
import type { PeerSecret } from "./peer_secret.ts";
import type { Flushable, Turn } from "./turn.ts";

/** Bytes that a read makes room for, at least. */
const READ_BYTES = 64 << 10;
const HELLO_READ_BYTES = 4 << 10;

/** What a link needs. */
export interface PeerLinkOptions {
  readonly role: HandshakeRole;
  /** What this node says of itself. */
  readonly hello: Hello;
  /** Where the other side is, for people. */
  readonly address: string;
  readonly secret: PeerSecret;
  readonly isOwnNonce: (nonce: Uint8Array) => boolean;
  /** How long the handshake may take. */
  readonly handshakeMs: number;
  readonly turn: Turn;
  /** The handshake has ended well. */
  readonly onUp: (link: PeerLink) => void;
  /** Something has arrived, before it is looked at. */
  readonly onHeard: (link: PeerLink) => void;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  /** It is over; called once. */
  readonly onEnd: (link: PeerLink, end: LinkEnd) => void;
}

/** How a link ended. */
export interface LinkEnd {
  /** Why, to stand behind a colon. */
  readonly reason: string;
  /** Whether one of the two broke the protocol, or refused. */
  readonly isFault: boolean;
}

/** One connection with another node. */
export class PeerLink implements Flushable {
  readonly address: string;
  readonly role: HandshakeRole;
  readonly #socket: ClientSocket;
  readonly #options: PeerLinkOptions;
  readonly #handshake: Handshake;
  readonly #input = new FrameDecoder({ bodyBytesMax: LIMITS.peerFrameBytes });
  readonly #reader = new WireReader();
  readonly #decoder = new PeerDecoder();
  readonly #output = new PeerOutput();
  #announced = false;
  #sending = false;
  #ended = false;
  #heardAt = performance.now();
  #spokenAt = performance.now();

  constructor(socket: ClientSocket, options: PeerLinkOptions) {
    const { role, hello, secret, isOwnNonce, address } = options;
    this.address = address;
    this.role = role;
    this.#socket = socket;
    this.#options = options;
    this.#handshake = new Handshake({
      role,
      hello,
      hasSecret: secret.isSet,
      isLocal: isLoopback(socket.remoteAddr),
      isOwnNonce,
    });
  }

  /** Whether messages can be sent. */
  get isUp(): boolean {
    return this.#handshake.phase === "up" && !this.#ended;
  }

  /** What this node has said of itself. */
  get hello(): Hello {
    return this.#options.hello;
  }

  /** What the other side says of itself; proved if `isAuthenticated`. */
  get peer(): Hello | undefined {
    return this.#handshake.peer;
  }

  /** Whether the other side has proved who it is. */
  get isAuthenticated(): boolean {
    return this.#handshake.authenticated;
  }

  /** Why the handshake was refused, by either side. */
  get refusal(): LinkRefusal | undefined {
    return this.#handshake.refusal;
  }

  /** The id of the node that was proved to be there. */
  get peerId(): NodeId {
    assert(this.isAuthenticated, "who is there is known once it is proved");
    return this.#handshake.peer!.id;
  }

  /** When something came in last, in ms of performance.now(). */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** When something was sent last, likewise. */
  get spokenAt(): number {
    return this.#spokenAt;
  }

  /** Shakes hands and reads, to the end. `first` was read already. */
  async serve(first?: Uint8Array): Promise<void> {
    const { handshakeMs } = this.#options;
    const timer = setTimeout(() => {
      this.#fault(`the handshake has not ended within ${handshakeMs} ms`);
    }, handshakeMs);
    try {
      if (first !== undefined) this.#input.push(first);
      await this.#shakeHands();
    } catch (error) {
      this.#broke(error);
    } finally {
      clearTimeout(timer);
    }
    if (this.isUp) await this.#serveUp();
  }

  /** Sends a message at the end of the turn; tells whether there was room. */
  send(message: PeerMessage): boolean {
    if (this.#ended) return false;
    if (!this.#output.add(message)) return false;
    this.#announce();
    return true;
  }

  /** Lets the other side know that there is somebody. */
  sendNothing(): void {
    if (this.#ended || this.#output.waiting > 0) return;
    this.#output.addNothing();
    this.#announce();
  }

  /** Sends what there is to send, unless that is under way. */
  flush(): void {
    this.#announced = false;
    if (this.#ended || this.#sending) return;
    this.#sendAll().catch((error) => this.#broke(error));
  }

  /** Ends it. */
  end(reason: string): void {
    this.#end({ reason, isFault: false });
  }

  #fault(reason: string): void {
    this.#end({ reason, isFault: true });
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#output.drop();
    try {
      this.#socket.close();
    } catch {
      // The socket is closed already, which is what we want.
    }
    this.#options.onEnd(this, end);
  }

  async #shakeHands(): Promise<void> {
    const handshake = this.#handshake;
    const writer = new WireWriter(1024);
    handshake.start(writer);
    for (;;) {
      await this.#write(writer.written());
      writer.clear();
      if (handshake.phase === "up" || this.#ended) return;
      if (handshake.phase === "refused") {
        return this.#fault(handshake.refusal!.text);
      }
      if (handshake.phase === "keys") {
        const proofs = await this.#options.secret.prove(
          handshake.transcripts(),
        );
        handshake.giveProofs(proofs, writer);
      } else {
        handshake.receive(await this.#readHello(), writer);
      }
    }
  }

  /** Reads one message of the handshake, in memory that is a stranger's. */
  async #readHello(): Promise<Uint8Array> {
    const input = this.#input;
    for (;;) {
      const found = input.next();
      const bytes = found ? input.end - input.start : input.waiting;
      if (bytes > HELLO_BYTES) {
        throw new ProtocolError(
          `A message of the handshake has ${bytes} bytes or more, the limit ` +
            `is ${HELLO_BYTES}`,
        );
      }
      if (found) return input.bytes.subarray(input.start, input.end);
      const read = await this.#socket.read(input.space(HELLO_READ_BYTES));
      if (read === null) {
        throw new Deno.errors.UnexpectedEof("it left in the handshake");
      }
      input.filled(read);
    }
  }

  async #serveUp(): Promise<void> {
    try {
      this.#options.onUp(this);
    } catch (error) {
      return this.#options.turn.fail(error);
    }
    try {
      while (!this.#ended && this.#takeAll()) {
        const input = this.#input;
        const read = await this.#socket.read(input.space(READ_BYTES));
        if (read === null) return this.end("it has closed the connection");
        input.filled(read);
        this.#heardAt = performance.now();
      }
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Hands on what has arrived; tells whether to read on. */
  #takeAll(): boolean {
    const { onHeard, onMessage, turn } = this.#options;
    const input = this.#input;
    const from = this.peerId;
    onHeard(this);
    while (!this.#ended && input.next()) {
      if (input.start === input.end) continue;
      this.#reader.reset(input.bytes, input);
      const message = this.#decoder.decode(this.#reader);
      try {
        onMessage(from, message);
      } catch (error) {
        turn.fail(error);
        return false;
      }
    }
    return !this.#ended;
  }

  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    this.#options.turn.hasUrgentOutput(this);
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    this.#spokenAt = performance.now();
    while (this.#output.waiting > 0 && !this.#ended) {
      await this.#write(this.#output.take());
      this.#output.sent();
    }
    this.#sending = false;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#ended;) {
      const rest = at === 0 ? bytes : bytes.subarray(at);
      at += await this.#socket.write(rest);
    }
  }

  /** Tells a link that broke from a bug of ours, which stops the node. */
  #broke(error: unknown): void {
    if (this.#ended) return;
    if (error instanceof ProtocolError) this.#fault(error.message);
    else if (isBrokenConnection(error)) this.end(messageOf(error));
    else this.#options.turn.fail(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the address is one of this machine's own, for itself alone. */
function isLoopback(address: Deno.Addr): boolean {
  if (!("hostname" in address)) return false;
  const { hostname } = address;
  return hostname === "::1" || /^(::ffff:)?127\./i.test(hostname);
}
