/**
 * A node that does what a test tells it, right or wrong, one step at a time.
 *
 * @module
 */
import {
  encodePeerMessage,
  FrameDecoder,
  Handshake,
  type Hello,
  type PeerMessage,
  WireReader,
  WireWriter,
} from "../../../protocol/mod.ts";
import { decodePeerMessage } from "../../../protocol/mod.ts";
import { PeerSecret } from "../../../protocol/net/peer_secret.ts";
import { LIMITS } from "../../../store/mod.ts";
import { closeQuietly } from "./servers.ts";

/** What it says of itself, unless told otherwise. */
export const RAW_HELLO: Omit<Hello, "nonce"> = {
  versions: { min: 1, max: 1 },
  id: "ZZZZZZZZZZZZZZZZ",
  cluster: "c",
  lineage: "L1",
  addr: "127.0.0.1:1",
  purpose: "link",
  expects: "",
  list: [],
};

/** What is particular about a raw peer. */
export interface RawPeerOptions {
  readonly hello?: Partial<Hello>;
  readonly secret?: string;
}

/** The other end of a link. */
export class RawPeer implements Disposable {
  readonly conn: Deno.TcpConn;
  /** All that was sent, in one piece per send. */
  readonly sent: Uint8Array[] = [];
  readonly handshake: Handshake;
  readonly #secret: PeerSecret;
  readonly #input = new FrameDecoder({ bodyBytesMax: LIMITS.peerFrameBytes });
  readonly #writer = new WireWriter();

  constructor(
    conn: Deno.TcpConn,
    options: RawPeerOptions & { readonly role?: "dialler" | "acceptor" } = {},
  ) {
    this.conn = conn;
    this.#secret = new PeerSecret(options.secret);
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    this.handshake = new Handshake({
      role: options.role ?? "dialler",
      hello: { ...RAW_HELLO, nonce, ...options.hello },
      hasSecret: this.#secret.isSet,
      isLocal: true,
      isOwnNonce: () => false,
    });
  }

  /** Connects, and says nothing yet. */
  static async connect(
    addr: string,
    options: RawPeerOptions = {},
  ): Promise<RawPeer> {
    const [hostname = "", port] = addr.split(":");
    const conn = await Deno.connect({ hostname, port: Number(port) });
    conn.setNoDelay(true);
    return new RawPeer(conn, options);
  }

  /** Connects, and shakes hands. */
  static async link(
    addr: string,
    options: RawPeerOptions = {},
  ): Promise<RawPeer> {
    const peer = await RawPeer.connect(addr, options);
    const phase = await peer.shakeHands();
    if (phase !== "up") throw new Error(`Not up: ${phase}`);
    return peer;
  }

  /** Begins the handshake. */
  async begin(): Promise<void> {
    this.handshake.start(this.#writer);
    await this.#flush();
  }

  /** Reads one message of the handshake, and answers it. */
  async step(): Promise<void> {
    const body = await this.readFrame();
    if (body === null) throw new Error("The connection has ended");
    this.handshake.receive(body, this.#writer);
    if (this.handshake.phase === "keys") {
      const proofs = await this.#secret.prove(this.handshake.transcripts());
      this.handshake.giveProofs(proofs, this.#writer);
    }
    await this.#flush();
  }

  /** Shakes hands to the end; returns how that was. */
  async shakeHands(): Promise<string> {
    const { handshake } = this;
    await this.begin();
    while (handshake.phase !== "up" && handshake.phase !== "refused") {
      await this.step();
    }
    return handshake.phase;
  }

  /** Sends a message. */
  async send(message: PeerMessage): Promise<void> {
    encodePeerMessage(this.#writer, message);
    await this.#flush();
  }

  /** Sends any bytes. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    this.sent.push(bytes.slice());
    for (let at = 0; at < bytes.length;) {
      at += await this.conn.write(bytes.subarray(at));
    }
  }

  /** The next frame's body; null at the end. */
  async readFrame(): Promise<Uint8Array | null> {
    const input = this.#input;
    while (!input.next()) {
      let read: number | null;
      try {
        read = await this.conn.read(input.space(64 << 10));
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionReset) return null;
        throw error;
      }
      if (read === null) return null;
      input.filled(read);
    }
    return input.bytes.slice(input.start, input.end);
  }

  /** The next message, keep-alives passed over; null at the end. */
  async receive(): Promise<PeerMessage | null> {
    for (;;) {
      const body = await this.readFrame();
      if (body === null) return null;
      if (body.length === 0) continue;
      const reader = new WireReader();
      reader.reset(body, { start: 0, end: body.length });
      return decodePeerMessage(reader);
    }
  }

  /** Reads whatever comes, to the end. */
  async readToTheEnd(): Promise<void> {
    while (await this.readFrame() !== null);
  }

  [Symbol.dispose](): void {
    closeQuietly(this.conn);
  }

  async #flush(): Promise<void> {
    const bytes = this.#writer.written();
    if (bytes.length > 0) await this.sendBytes(bytes);
    this.#writer.clear();
  }
}
