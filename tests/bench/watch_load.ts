/**
 * Watches over sockets, and what they are told.
 *
 * Every event is read as far as its tag, its revs and the first bytes of its
 * body, and checked: the events of a watch come in order, and each names the
 * rev of the one before, so none is missing. The rest is passed over, so that
 * those who watch cost little beside the server that they measure.
 *
 * @module
 */
import {
  type ClientRequest,
  emptyRequest,
  encodeRequest,
  FrameDecoder,
  VERBS,
  WireReader,
  WireWriter,
} from "../../protocol/mod.ts";

/** Where to watch, and with how many connections. */
export interface WatchLoadOptions {
  /** HOST:PORT; the connections are spread over them. */
  readonly addrs: readonly string[];
  readonly connections: number;
}

/** What to watch. */
export interface WatchWish {
  /** How many watches, on all connections together. */
  readonly watches: number;
  /** The glob of watch number `i`. */
  readonly glob: (i: number) => string;
  /** They are told of what comes after this rev. */
  readonly after: number;
}

/** Connections that watch. */
export class WatchLoad implements Disposable {
  readonly #links: WatchLink[] = [];

  /** Connects. */
  static async open(options: WatchLoadOptions): Promise<WatchLoad> {
    const { addrs, connections } = options;
    const load = new WatchLoad();
    try {
      for (let i = 0; i < connections; i++) {
        load.#links.push(await WatchLink.open(addrs[i % addrs.length]!));
      }
      return load;
    } catch (error) {
      load[Symbol.dispose]();
      throw error;
    }
  }

  /** Starts watches; resolves when all have said that they do. */
  async watch({ watches, glob, after }: WatchWish): Promise<void> {
    const links = this.#links;
    for (let i = 0; i < watches; i++) {
      links[i % links.length]!.add({ path: glob(i), rev: after + 1 });
    }
    await Promise.all(links.map((link) => link.start()));
  }

  /** How many events were told so far. */
  get events(): number {
    return this.#links.reduce((sum, link) => sum + link.events, 0);
  }

  /**
   * Resolves when so many events were told.
   *
   * @throws {Error} where a watch has ended, was told of something twice or
   *   out of order, or not of everything within ten seconds after this call.
   */
  async told(events: number): Promise<void> {
    for (const deadline = performance.now() + 10_000; this.events < events;) {
      for (const { failure } of this.#links) if (failure) throw failure;
      if (performance.now() > deadline) {
        throw new Error(`${this.events} of ${events} events were told`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** From sending to being told, in ms, of all events; see {@linkcode stamp}. */
  latencies(): Float64Array {
    const all = this.#links.flatMap(({ latencies }) => latencies);
    return Float64Array.from(all).sort();
  }

  /** Ends all connections. */
  [Symbol.dispose](): void {
    for (const link of this.#links) link.close();
  }
}

const STAMP = new DataView(new ArrayBuffer(8));

/** Writes the time into the first 8 bytes of a body, to be told by watches. */
export function stamp(body: Uint8Array): void {
  STAMP.setFloat64(0, performance.now());
  body.set(new Uint8Array(STAMP.buffer));
}

/** Sends one request after the other, and awaits its answer. */
export class Asker implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #input = new FrameDecoder();
  readonly #output = new WireWriter();
  readonly #reader = new WireReader();

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects to HOST:PORT. */
  static async open(addr: string): Promise<Asker> {
    return new Asker(await connect(addr));
  }

  /** The `rev` of the answer, or 0. */
  async ask(request: Partial<ClientRequest>): Promise<number> {
    encodeRequest(this.#output, { ...emptyRequest(), ...request, tag: 1 });
    await writeAll(this.#socket, this.#output);
    while (!this.#input.next()) await readMore(this.#socket, this.#input);
    this.#reader.reset(this.#input.bytes, this.#input);
    const told = readTold(this.#reader);
    if (told.refused) throw new Error(`Refused: ${told.detail}`);
    return told.rev;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** One connection's watches, by their tags from 1 on. */
class WatchLink {
  readonly latencies: number[] = [];
  events = 0;
  failure: Error | undefined;
  readonly #socket: Deno.TcpConn;
  readonly #input = new FrameDecoder();
  readonly #output = new WireWriter();
  readonly #reader = new WireReader();
  /** The rev that each watch was told of last; of tag 0, none. */
  readonly #last: number[] = [0];
  #marks = 0;
  #started = Promise.withResolvers<void>();
  #closed = false;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    this.#readAll().catch((error) => {
      if (this.#closed) return;
      this.failure = error;
      this.#started.reject(error);
    });
  }

  static async open(addr: string): Promise<WatchLink> {
    return new WatchLink(await connect(addr));
  }

  add({ path, rev }: { path: string; rev: number }): void {
    const tag = this.#last.push(rev - 1) - 1;
    const verb = VERBS.WATCH;
    encodeRequest(this.#output, { ...emptyRequest(), verb, tag, path, rev });
  }

  async start(): Promise<void> {
    await writeAll(this.#socket, this.#output);
    if (this.#marks < this.#last.length - 1) await this.#started.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }

  async #readAll(): Promise<void> {
    while (true) {
      await readMore(this.#socket, this.#input);
      const now = performance.now();
      while (this.#input.next()) {
        this.#reader.reset(this.#input.bytes, this.#input);
        this.#take(readTold(this.#reader), now);
      }
    }
  }

  #take(told: Told, now: number): void {
    const { tag, rev, previous } = told;
    if (told.refused) throw new Error(`Watch ${tag} ended: ${told.detail}`);
    if (!told.isEvent) {
      if (++this.#marks === this.#last.length - 1) this.#started.resolve();
      return;
    }
    const last = this.#last[tag]!;
    // The file was written before the first of them was started.
    if (rev <= last || previous !== last) {
      throw new Error(`Watch ${tag}: ${rev} (after ${previous}) after ${last}`);
    }
    this.#last[tag] = rev;
    this.events++;
    this.latencies.push(now - told.sentAt);
  }
}

/** What an answer says. One object, used again: this is the hot path. */
interface Told {
  tag: number;
  rev: number;
  previous: number;
  isEvent: boolean;
  sentAt: number;
  refused: boolean;
  detail: string;
}

const TOLD: Told = {
  tag: 0,
  rev: 0,
  previous: 0,
  isEvent: false,
  sentAt: 0,
  refused: false,
  detail: "",
};

function readTold(reader: WireReader): Told {
  TOLD.rev = TOLD.previous = TOLD.sentAt = 0;
  TOLD.isEvent = TOLD.refused = false;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 1 * 8) TOLD.tag = reader.int32();
    else if (tag === 3 * 8) TOLD.rev = reader.int64();
    else if (tag === 16 * 8) TOLD.previous = reader.int64();
    else if (tag === 6 * 8 + 2) readStamp(reader);
    else if (tag === 100 * 8) TOLD.refused = reader.int32() !== 0;
    else if (tag === 101 * 8 + 2) TOLD.detail = reader.text();
    else {
      TOLD.isEvent ||= tag === 5 * 8 + 2;
      reader.skip(tag);
    }
  }
  return TOLD;
}

function readStamp(reader: WireReader): void {
  reader.skipBytes();
  if (reader.length < 8) return;
  for (let i = 0; i < 8; i++) {
    STAMP.setUint8(i, reader.bytes[reader.start + i]!);
  }
  TOLD.sentAt = STAMP.getFloat64(0);
}

async function connect(addr: string): Promise<Deno.TcpConn> {
  const [hostname = "", port] = addr.split(":");
  const socket = await Deno.connect({ hostname, port: Number(port) });
  socket.setNoDelay(true);
  return socket;
}

async function readMore(socket: Deno.Conn, input: FrameDecoder): Promise<void> {
  const bytes = await socket.read(input.space(64 << 10));
  if (bytes === null) throw new Error("The server ended the connection");
  input.filled(bytes);
}

async function writeAll(socket: Deno.Conn, output: WireWriter): Promise<void> {
  const bytes = output.written();
  for (let at = 0; at < bytes.length;) {
    at += await socket.write(bytes.subarray(at));
  }
  output.clear();
}
