/**
 * Puts a node together: consensus, store, sockets, time and chance.
 *
 * @module
 */
import { Node } from "../consensus/mod.ts";
import { encodeText, formatAddress, type Secrets } from "../protocol/mod.ts";
import { type Log, SocketServer, Turn } from "../protocol/net/mod.ts";
import { assert, type Path, Store } from "../store/mod.ts";
import { VERSION } from "./version.ts";

export type { Log } from "../protocol/net/mod.ts";

/** How a node is to be started. */
export interface StartOptions {
  readonly hostname: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** What others are told to dial; absent means where the node listens. */
  readonly advertise?: string | undefined;
  readonly clusterName: string;
  /** Revisions to keep, at least 1. */
  readonly historyRevs: number;
  /** How often `/ctl/node/ID/applied` is rewritten; 0 means never. */
  readonly pulseSeconds: number;
  readonly secrets: Secrets;
  /** PEM texts. Without them, plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly log: Log;
}

/** A node that serves. */
export interface RunningNode {
  readonly id: string;
  /** Where it listens, as HOST:PORT. */
  readonly addr: string;
  /** Ends it: all connections are closed. */
  stop(): Promise<void>;
  /** Settles only if the node fails by itself. */
  readonly failed: Promise<Error>;
}

const ID_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LENGTH = 16;

/**
 * Starts a node that founds a cluster of its own, in memory.
 *
 * @throws the socket's error where it cannot listen.
 */
export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const turn = new Turn((error) => {
    fail(error instanceof Error ? error : new Error(String(error)));
  });
  const id = randomId();
  const store = new Store({ historyRevs: options.historyRevs });
  const node = new Node({ id, store, onInput: turn.wanted });
  turn.drive(node);
  const server = new SocketServer({
    address: { hostname: options.hostname, port: options.port },
    tls: options.tls,
    backend: node,
    secrets: options.secrets,
    turn,
    log: options.log,
  });
  try {
    await server.ready;
  } catch (error) {
    server.close();
    throw error;
  }
  // The founding files need the address, and must have the first revs: clients
  // are accepted in a later turn than this one.
  assert(server.connections === 0, "a cluster is founded before it serves");
  const addr = formatAddress(server.address);
  node.found(foundingFiles(id, options.advertise ?? addr, options));
  const pulse = startPulse(node, options);
  const stop = () => {
    clearInterval(pulse);
    server.close();
    turn.stop();
    return Promise.resolve();
  };
  return { id, addr, stop, failed };
}

/** The files by which clients discover a cluster's members. */
function foundingFiles(
  id: string,
  addr: string,
  { clusterName }: StartOptions,
): (readonly [Path, Uint8Array])[] {
  const files: [Path, string][] = [
    ["/ctl/name", clusterName],
    [`/ctl/node/${id}/addr`, addr],
    [`/ctl/node/${id}/hostname`, Deno.hostname()],
    [`/ctl/node/${id}/version`, VERSION],
    [`/ctl/cal/0`, id],
    [`/ctl/ns/${clusterName}/${id}`, addr],
    [`/ctl/node/${id}/writable`, "true"],
  ];
  return files.map(([path, text]) => [path, encodeText(text)] as const);
}

/** Rewrites the file that tells how far the node has applied. */
function startPulse(
  node: Node,
  { pulseSeconds, log }: StartOptions,
): ReturnType<typeof setInterval> | undefined {
  if (pulseSeconds <= 0) return undefined;
  const path = `/ctl/node/${node.id}/applied`;
  return setInterval(() => {
    const body = encodeText(String(node.store.rev));
    node.propose({ type: "set", path, rev: -1, body }, {
      settled(outcome) {
        if (typeof outcome === "number") return;
        log.warn("Cannot write {path}: {code}", { path, code: outcome.code });
      },
    });
  }, pulseSeconds * 1_000);
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte) => ID_CHARACTERS[byte % 32]).join("");
}
