/**
 * A way to a node that a test can cut: what goes through is passed on, until
 * the test says otherwise.
 *
 * @module
 */

const decoder = new TextDecoder("latin1");

/** A listener in front of a node. */
export class Proxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  /** The node's HOST:PORT. */
  target: string;
  readonly #open: Set<Deno.Conn> = new Set();
  readonly #running: Promise<void>[] = [];
  /** While false, whoever comes is sent away at once. */
  admits = true;
  /**
   * A request with this text in it reaches the node, but its answer is lost,
   * and the connection with it.
   */
  losesAnswerTo: string | undefined;
  /** From a request with this text on, nothing reaches the node. */
  losesRequest: string | undefined;

  constructor(target: string) {
    this.target = target;
    this.#running.push(this.#accept());
  }

  /** HOST:PORT. */
  get addr(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** How many connections go through it now. */
  get connections(): number {
    return this.#open.size / 2;
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of [...this.#open]) this.#close(socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const socket of this.#listener) {
      if (this.admits) this.#running.push(this.#join(socket));
      else socket.close();
    }
  }

  async #join(client: Deno.Conn): Promise<void> {
    const [hostname = "", port] = this.target.split(":");
    const node = await Deno.connect({ hostname, port: Number(port) });
    this.#open.add(client).add(node);
    let answers = true;
    const up = this.#pass(client, (bytes) => {
      const text = decoder.decode(bytes);
      const { losesAnswerTo, losesRequest } = this;
      if (losesRequest !== undefined && text.includes(losesRequest)) {
        return new Promise(() => {});
      }
      if (losesAnswerTo !== undefined && text.includes(losesAnswerTo)) {
        this.losesAnswerTo = undefined;
        answers = false;
      }
      return writeAll(node, bytes);
    });
    const down = this.#pass(node, async (bytes) => {
      // The node has answered: it has done what it was asked to.
      if (!answers) throw new Error("The answer is lost");
      await writeAll(client, bytes);
    });
    await Promise.race([up, down]);
    this.#close(client);
    this.#close(node);
  }

  async #pass(
    from: Deno.Conn,
    give: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const buffer = new Uint8Array(64 << 10);
    try {
      for (;;) {
        const length = await from.read(buffer);
        if (length === null) return;
        await give(buffer.subarray(0, length));
      }
    } catch {
      // A side has gone, or the test wants it so: the other one follows.
    }
  }

  #close(socket: Deno.Conn): void {
    if (this.#open.delete(socket)) socket.close();
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await to.write(bytes.subarray(at));
  }
}
