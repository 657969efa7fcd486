/**
 * Nodes that only link with each other, for the tests of peer links: real
 * sockets, a socket server that serves clients too, and a record of all that
 * was reported.
 *
 * @module
 */
import {
  formatAddress,
  type HelloIdentity,
  type NodeId,
  type PeerMessage,
} from "../../../protocol/mod.ts";
import {
  type LinkedPeer,
  PeerLinks,
  type PeerLinksOptions,
  type RefusedPeer,
  SocketServer,
  type SocketServerOptions,
  Turn,
} from "../../../protocol/net/mod.ts";
import { FakeBackend } from "../fake_backend.ts";
import { KeptLog } from "./kept_log.ts";

/** What is particular about a node. */
export interface PeerNodeOptions {
  readonly cluster?: string;
  readonly lineage?: string;
  readonly list?: readonly string[];
  readonly secret?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly timing?: PeerLinksOptions["timing"];
  readonly timeLimits?: SocketServerOptions["timeLimits"];
  readonly onMessage?: PeerLinksOptions["onMessage"];
}

/** A node, as far as its links go. */
export class PeerNode implements Disposable {
  readonly id: NodeId;
  /** HOST:PORT. */
  addr = "";
  cluster: string;
  lineage: string;
  readonly links: PeerLinks;
  readonly server: SocketServer;
  readonly log = new KeptLog(() => this.#changed());
  /** "up ID" and "down ID", in order. */
  readonly reports: string[] = [];
  readonly peers: LinkedPeer[] = [];
  readonly refused: RefusedPeer[] = [];
  readonly messages: { from: NodeId; message: PeerMessage }[] = [];
  readonly failures: unknown[] = [];
  readonly turn: Turn;
  #waiting: (() => void)[] = [];

  /** Starts a node that listens. */
  static async start(
    id: NodeId,
    options: PeerNodeOptions = {},
  ): Promise<PeerNode> {
    const node = new PeerNode(id, options);
    await node.server.ready;
    node.addr = formatAddress(node.server.address);
    return node;
  }

  private constructor(id: NodeId, options: PeerNodeOptions) {
    this.id = id;
    this.cluster = options.cluster ?? "c";
    this.lineage = options.lineage ?? "L1";
    const list = options.list ?? [];
    this.turn = new Turn((error) => this.failures.push(error));
    this.links = new PeerLinks({
      self: (): HelloIdentity => {
        const { id, cluster, lineage, addr } = this;
        return { id, cluster, lineage, addr, list };
      },
      secret: options.secret,
      tls: options.tls,
      turn: this.turn,
      log: this.log,
      random: Math.random,
      onMessage: (from, message) => {
        options.onMessage?.(from, message);
        this.messages.push({ from, message });
        this.#changed();
      },
      onUp: (peer) => {
        this.peers.push(peer);
        this.#report(`up ${peer.id}`);
      },
      onDown: (peer) => this.#report(`down ${peer}`),
      onRefused: (peer) => {
        this.refused.push(peer);
        this.#changed();
      },
      timing: { sweepMs: 20, ...options.timing },
    });
    const backend = new FakeBackend();
    backend.confirmsAtOnce = true;
    this.server = new SocketServer({
      address: { hostname: "127.0.0.1", port: 0 },
      backend,
      secrets: {},
      turn: this.turn,
      log: this.log,
      tls: options.tls,
      onPeer: (socket, first) => this.links.adopt(socket, first),
      ...options.timeLimits === undefined
        ? {}
        : { timeLimits: options.timeLimits },
    });
  }

  /** Keeps a link with these nodes. */
  keep(...nodes: readonly PeerNode[]): void {
    this.links.keep(new Map(nodes.map(({ id, addr }) => [id, addr])));
  }

  /** Resolves when the condition holds: looked at after each report and log line. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when the node has reported this, so many times in all. */
  async reported(report: string, times = 1): Promise<void> {
    await this.until(() => this.count(report) >= times);
  }

  /** How often the node has reported this. */
  count(report: string): number {
    return this.reports.filter((one) => one === report).length;
  }

  #report(report: string): void {
    this.reports.push(report);
    this.#changed();
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  [Symbol.dispose](): void {
    this.links.close();
    this.server.close();
    this.turn.stop();
  }
}
