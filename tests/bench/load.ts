/**
 * Load over sockets: each connection keeps a number of requests outstanding.
 *
 * All answers found in one read are replaced by as many requests in one write,
 * so that the load costs little beside the server that it measures.
 *
 * @module
 */
import {
  type ClientRequest,
  emptyRequest,
  encodeRequest,
  FrameDecoder,
  WireWriter,
} from "../../protocol/mod.ts";

/** What to ask, and how hard. */
export interface LoadOptions {
  /** HOST:PORT. */
  readonly addr: string;
  readonly connections: number;
  /** Requests outstanding on all connections together. */
  readonly outstanding: number;
  /** Requests in all; with `seconds` the lesser. */
  readonly requests?: number;
  readonly seconds?: number;
  /** Makes the request number `i`. */
  readonly request: (i: number) => Partial<ClientRequest>;
}

/** What was measured. */
export interface LoadResult {
  readonly perSecond: number;
  /** Median and 99th percentile from sending to answer, in microseconds. */
  readonly p50: number;
  readonly p99: number;
}

interface Progress {
  asked: number;
  answered: number;
  readonly latencies: number[];
  readonly until: number;
  readonly most: number;
}

/** Runs the load and waits for the last answer. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const start = performance.now();
  const progress: Progress = {
    asked: 0,
    answered: 0,
    latencies: [],
    until: start + (options.seconds ?? Infinity) * 1_000,
    most: options.requests ?? Infinity,
  };
  await Promise.all(
    Array.from({ length: options.connections }, () => drive(options, progress)),
  );
  const seconds = (performance.now() - start) / 1_000;
  const sorted = Float64Array.from(progress.latencies).sort();
  const at = (share: number) =>
    1_000 * (sorted[sorted.length * share | 0] ?? 0);
  return {
    perSecond: progress.answered / seconds,
    p50: at(0.5),
    p99: at(0.99),
  };
}

async function drive(options: LoadOptions, progress: Progress): Promise<void> {
  const [hostname = "", port] = options.addr.split(":");
  using socket = await Deno.connect({ hostname, port: Number(port) });
  socket.setNoDelay(true);
  const input = new FrameDecoder();
  const output = new WireWriter();
  const own = Math.max(
    1,
    Math.floor(options.outstanding / options.connections),
  );
  let outstanding = 0;
  for (let room = own; room > 0 || outstanding > 0;) {
    const sentAt = performance.now();
    for (; room > 0 && mayAsk(progress, sentAt); room--, outstanding++) {
      const request = options.request(progress.asked++);
      encodeRequest(output, { ...emptyRequest(), ...request, tag: 1 });
    }
    await writeAll(socket, output);
    if (outstanding === 0) return;
    const bytes = await socket.read(input.space(64 << 10));
    if (bytes === null) throw new Error("The server ended the connection");
    input.filled(bytes);
    let answered = 0;
    while (input.next()) answered++;
    const latency = performance.now() - sentAt;
    for (let i = 0; i < answered; i++) progress.latencies.push(latency);
    progress.answered += answered;
    outstanding -= answered;
    room = mayAsk(progress, sentAt) ? answered : 0;
  }
}

function mayAsk(progress: Progress, now: number): boolean {
  return progress.asked < progress.most && now < progress.until;
}

async function writeAll(socket: Deno.Conn, output: WireWriter): Promise<void> {
  const bytes = output.written();
  for (let at = 0; at < bytes.length;) {
    at += await socket.write(bytes.subarray(at));
  }
  output.clear();
}
