/**
 * A proxy between clients and a server, which sees every request and answer,
 * and does with them what a test tells it to: a bad network on purpose.
 *
 * @module
 */
import {
  ANSWER_BYTES_MAX,
  type ClientRequest,
  type ClientResponse,
  decodeRequest,
  decodeResponse,
  emptyRequest,
  FrameDecoder,
  type Verb,
  VERBS,
  WireReader,
} from "../../../protocol/mod.ts";
import { closeQuietly } from "./servers.ts";

/**
 * What to do with a frame: `pass` it on, `swallow` it, or `cut` the connection
 * before it; `tear` passes the first half of it on, then cuts.
 */
export type Verdict = "pass" | "swallow" | "cut" | "tear";

/** A request on its way to the server. */
export interface SeenRequest {
  readonly verb: Verb;
  readonly request: Readonly<ClientRequest>;
}

/** An answer on its way to the client. */
export interface SeenAnswer {
  /** What it answers. */
  readonly verb: Verb;
  readonly response: ClientResponse;
  /** Its bytes, those of the length included. */
  readonly bytes: number;
}

const READ_BYTES = 64 << 10;
const LENGTH_BYTES = 4;

const NAMES: ReadonlyMap<number, Verb> = new Map(
  Object.entries(VERBS).map(([name, number]) => [number, name as Verb]),
);

/** A proxy before one server. */
export class Proxy implements AsyncDisposable {
  readonly #target: Deno.ConnectOptions;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #links: Set<Link> = new Set();
  readonly #accepting: Promise<void>;
  /** Verbs that clients have sent through it, in order. */
  readonly verbs: Verb[] = [];
  /** Whether it ends connections as soon as they are made. */
  refuses = false;
  /** What becomes of requests, and of answers. */
  onRequest: (seen: SeenRequest) => Verdict = () => "pass";
  onAnswer: (seen: SeenAnswer) => Verdict = () => "pass";

  /** Passes on to the server at HOST:PORT. */
  constructor(addr: string) {
    const [hostname = "", port] = addr.split(":");
    this.#target = { hostname, port: Number(port) };
    this.#accepting = this.#accept();
  }

  /** HOST:PORT. */
  get addr(): string {
    const { hostname, port } = this.#listener.addr as Deno.NetAddr;
    return `${hostname}:${port}`;
  }

  /** Resolves when no connection goes through it. */
  async idle(): Promise<void> {
    while (this.#links.size > 0) {
      await Promise.all([...this.#links].map(({ ended }) => ended));
    }
  }

  /** Ends every connection, and refuses others until told otherwise. */
  cut({ refuses = true } = {}): void {
    this.refuses = refuses;
    for (const link of this.#links) link.close();
  }

  /** Connections stay, and nothing comes through. */
  silence(): void {
    this.onRequest = this.onAnswer = () => "swallow";
  }

  /** Cuts once, when such an answer is on its way; then it refuses. */
  loseAnswer(to: Verb, how: "cut" | "tear" = "cut"): void {
    this.onAnswer = ({ verb }) => {
      if (verb !== to) return "pass";
      this.refuses = true;
      this.onAnswer = () => "pass";
      return how;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const all: Promise<void>[] = [];
    for await (const client of this.#listener) {
      if (this.refuses) closeQuietly(client);
      else all.push(this.#serve(client));
    }
    await Promise.all(all);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const link = new Link(client, this);
    this.#links.add(link);
    link.ended = link.serve(this.#target)
      .finally(() => this.#links.delete(link));
    await link.ended;
  }
}

/** One connection through a proxy. */
class Link {
  readonly #client: Deno.TcpConn;
  readonly #proxy: Proxy;
  readonly #asked: Map<number, Verb> = new Map();
  readonly #reader = new WireReader();
  #server: Deno.TcpConn | undefined;
  /** Resolves when both sides have ended. */
  ended: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(client: Deno.TcpConn, proxy: Proxy) {
    this.#client = client;
    this.#proxy = proxy;
  }

  /** Passes on until either side has ended. */
  async serve(target: Deno.ConnectOptions): Promise<void> {
    try {
      this.#server = await Deno.connect(target);
    } catch {
      // Who is behind the proxy is gone; its client sees it as well.
      return this.close();
    }
    if (this.#closed) return closeQuietly(this.#server);
    for (const side of [this.#client, this.#server]) side.setNoDelay(true);
    await Promise.all([
      this.#pass(this.#client, this.#server, (body) => this.#judge(body)),
      this.#pass(this.#server, this.#client, (body) => this.#weigh(body)),
    ]);
  }

  /** Ends both sides. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeQuietly(this.#client);
    if (this.#server !== undefined) closeQuietly(this.#server);
  }

  async #pass(
    from: Deno.Conn,
    to: Deno.Conn,
    judge: (body: Uint8Array) => Verdict,
  ): Promise<void> {
    const input = new FrameDecoder({ bodyBytesMax: ANSWER_BYTES_MAX });
    const chunk = new Uint8Array(READ_BYTES);
    try {
      for (;;) {
        const length = await from.read(chunk);
        if (length === null || this.#closed) break;
        input.push(chunk.subarray(0, length));
        if (!await this.#passFrames(input, to, judge)) break;
      }
    } catch (error) {
      // A connection that is cut under a read or a write.
      if (!isCut(error)) throw error;
    }
    this.close();
  }

  /** Passes on what is whole; whether the connection goes on. */
  async #passFrames(
    input: FrameDecoder,
    to: Deno.Conn,
    judge: (body: Uint8Array) => Verdict,
  ): Promise<boolean> {
    while (input.next()) {
      const frame = input.bytes.slice(input.start - LENGTH_BYTES, input.end);
      const verdict = judge(frame.subarray(LENGTH_BYTES));
      if (verdict === "swallow") continue;
      if (verdict === "cut") return false;
      const end = verdict === "tear" ? frame.length >> 1 : frame.length;
      await writeAll(to, frame.subarray(0, end));
      if (verdict === "tear") return false;
    }
    return true;
  }

  #judge(body: Uint8Array): Verdict {
    const request = emptyRequest();
    this.#reader.reset(body, { start: 0, end: body.length });
    decodeRequest(this.#reader, request);
    const verb = NAMES.get(request.verb)!;
    this.#asked.set(request.tag!, verb);
    this.#proxy.verbs.push(verb);
    return this.#proxy.onRequest({ verb, request });
  }

  #weigh(body: Uint8Array): Verdict {
    this.#reader.reset(body, { start: 0, end: body.length });
    const response = decodeResponse(this.#reader);
    const verb = this.#asked.get(response.tag!)!;
    const bytes = body.length + LENGTH_BYTES;
    return this.#proxy.onAnswer({ verb, response, bytes });
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await to.write(bytes.subarray(at));
  }
}

function isCut(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.BrokenPipe;
}
