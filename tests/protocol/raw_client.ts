/**
 * A client of a socket and the other codec (raw_codec.ts), for tests only.
 *
 * @module
 */
import { AskedReads, concatBytes, decodeRawResponse } from "./raw_codec.ts";
import { frameRequest } from "./raw_codec.ts";
import type { RawAnswer, RawRequest, RawResponse } from "./raw_codec.ts";

export * from "./raw_codec.ts";

/** How long an answer may take: a bound for failing, never waited for. */
const ANSWER_MS = 20_000;

/** A socket that sends requests and reads answers, one at a time. */
export class RawClient implements Disposable {
  readonly conn: Deno.TcpConn;
  /** Whether it may be sent fields that old clients do not know. */
  extended = false;
  /** Which reads may be answered with `at`; tell it of those in bytes. */
  readonly asked: AskedReads = new AskedReads();
  #chunk = new Uint8Array(64 << 10);
  #buffer: Uint8Array = new Uint8Array(0);

  private constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  /** Connects to `HOST:PORT`. */
  static async connect(addr: string): Promise<RawClient> {
    const colon = addr.lastIndexOf(":");
    const hostname = addr.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
    const port = Number(addr.slice(colon + 1));
    return new RawClient(await Deno.connect({ hostname, port }));
  }

  /** Sends requests in one write. */
  send(...requests: readonly RawRequest[]): Promise<void> {
    for (const request of requests) this.asked.sent(request);
    return this.sendBytes(concatBytes(requests.map(frameRequest)));
  }

  /** Sends bytes as they are. */
  async sendBytes(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) at += await this.conn.write(bytes.subarray(at));
  }

  /** The next answer; null when the server has closed the connection. */
  async receive(): Promise<RawAnswer | null> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.close();
    }, ANSWER_MS);
    try {
      return await this.#readFrame();
    } catch (error) {
      if (late) throw new Error(`No answer came within ${ANSWER_MS} ms`);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends one request and reads the next answer. */
  async ask(request: RawRequest): Promise<RawResponse> {
    await this.send(request);
    const answer = await this.receive();
    if (answer === null) throw new Error("The server closed the connection");
    return answer.response;
  }

  /** Ends writing; reading goes on. */
  closeWrite(): Promise<void> {
    return this.conn.closeWrite();
  }

  /** Closes the connection; closing twice is fine. */
  close(): void {
    try {
      this.conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #readFrame(): Promise<RawAnswer | null> {
    if (!await this.#fill(4)) return null;
    const length = new DataView(this.#buffer.buffer).getInt32(
      this.#buffer.byteOffset,
    );
    if (!await this.#fill(4 + length)) {
      throw new Error(`The server closed inside a frame of ${length} bytes`);
    }
    const body = this.#buffer.slice(4, 4 + length);
    this.#buffer = this.#buffer.subarray(4 + length);
    const answer = decodeRawResponse(body, { extended: this.extended });
    this.asked.came(answer.response);
    return answer;
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#buffer.length < length) {
      const count = await this.#readChunk();
      if (count === null) return false;
      const came = this.#chunk.subarray(0, count);
      this.#buffer = concatBytes([this.#buffer, came]);
    }
    return true;
  }

  async #readChunk(): Promise<number | null> {
    try {
      return await this.conn.read(this.#chunk);
    } catch (error) {
      // A server that closes with our bytes unread resets the connection.
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    }
  }
}
