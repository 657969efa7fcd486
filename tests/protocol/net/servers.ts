/**
 * Servers for the tests of sockets: a real node, a socket server over a node
 * that settles when it is told to, and one that follows a script.
 *
 * @module
 */
import { type RunningNode, startNode } from "../../../cli/start.ts";
import { formatAddress, type Secrets } from "../../../protocol/mod.ts";
import {
  SocketServer,
  type SocketServerOptions,
  type TimeLimits,
  Turn,
} from "../../../protocol/net/mod.ts";
import type { Store } from "../../../store/mod.ts";
import { FakeBackend } from "../fake_backend.ts";
import { KeptLog } from "./kept_log.ts";

export { KeptLog } from "./kept_log.ts";

/** Long enough for all that a test does. */
const NEVER: TimeLimits = {
  handshakeMs: 600_000,
  frameMs: 600_000,
  sweepMs: 600_000,
};

/** A socket server and what is behind it. */
export interface FakeNode extends Disposable {
  readonly server: SocketServer;
  /** HOST:PORT. */
  readonly addr: string;
  readonly backend: FakeBackend;
  readonly log: KeptLog;
  /** What must stop a node: bugs of ours. */
  readonly failures: unknown[];
}

/** Listens before a node that settles when it is told to. */
export async function serveFake(
  options: {
    timeLimits?: Partial<TimeLimits>;
    secrets?: Secrets;
    tls?: SocketServerOptions["tls"];
    store?: Store;
  } = {},
): Promise<FakeNode> {
  const failures: unknown[] = [];
  const turn = new Turn((error) => failures.push(error));
  const backend = new FakeBackend(options.store);
  backend.confirmsAtOnce = true;
  const log = new KeptLog();
  const server = new SocketServer({
    address: { hostname: "127.0.0.1", port: 0 },
    backend,
    secrets: options.secrets ?? {},
    turn,
    log,
    tls: options.tls,
    timeLimits: { ...NEVER, ...options.timeLimits },
  });
  await server.ready;
  // What a node does in its turns for those who are behind.
  const { waits } = backend.store;
  waits.onBehind = turn.wanted;
  turn.drive({
    run: () => waits.catchUp(1_000),
    get busy() {
      return waits.behind;
    },
  });
  const addr = formatAddress(server.address);
  const stop = () => {
    server.close();
    turn.stop();
  };
  return { server, addr, backend, log, failures, [Symbol.dispose]: stop };
}

/** A real node in this process. */
export interface LocalNode extends AsyncDisposable {
  readonly id: string;
  /** HOST:PORT. */
  readonly addr: string;
  /** As clients write it. */
  readonly uri: string;
  readonly log: KeptLog;
}

/** Starts a real node. */
export async function serveNode(
  options: {
    secrets?: Secrets;
    tls?: SocketServerOptions["tls"];
    historyRevs?: number;
    clusterName?: string;
    advertise?: string;
  } = {},
): Promise<LocalNode> {
  const log = new KeptLog();
  const node: RunningNode = await startNode({
    hostname: "127.0.0.1",
    port: 0,
    advertise: options.advertise,
    clusterName: options.clusterName ?? "local",
    historyRevs: options.historyRevs ?? 100_000,
    pulseSeconds: 0,
    beginning: { how: "found" },
    seatTimeoutSeconds: 60,
    requestTimeoutSeconds: 5,
    secrets: options.secrets ?? {},
    tls: options.tls,
    log,
  });
  const { id, addr } = node;
  const uri = `doozer:?ca=${addr}`;
  const stop = () => node.stop();
  return { id, addr, uri, log, [Symbol.asyncDispose]: stop };
}

/** A server that follows a script. */
export interface ScriptedServer extends AsyncDisposable {
  /** HOST:PORT. */
  readonly addr: string;
  /** As clients write it. */
  readonly uri: string;
}

/** Listens, and plays the script to each client that connects. */
export function serveScript(
  script: (conn: Deno.TcpConn) => Promise<void> | void,
): ScriptedServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.TcpConn[] = [];
  const played: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) {
      conns.push(conn);
      // What the client does to the script's socket is the test's business.
      played.push(Promise.resolve(script(conn)).catch(() => {}));
    }
  })();
  const { hostname, port } = listener.addr as Deno.NetAddr;
  const addr = `${hostname}:${port}`;
  const stop = async () => {
    listener.close();
    for (const conn of conns) closeQuietly(conn);
    await Promise.all([accepting, ...played]);
  };
  const uri = `doozer:?ca=${addr}`;
  return { addr, uri, [Symbol.asyncDispose]: stop };
}

/** An address where nothing listens. */
export function deadAddress(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `127.0.0.1:${listener.addr.port}`;
}

/** Closes what may be closed already. */
export function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
