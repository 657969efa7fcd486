/**
 * Puts a node together: consensus, store, sockets, time and chance.
 *
 * @module
 */
import { Node, TICK_MS } from "../consensus/mod.ts";
import { encodeText, formatAddress, type Secrets } from "../protocol/mod.ts";
import { type Log, PeerLinks, SocketServer } from "../protocol/net/mod.ts";
import type { LinkedPeer } from "../protocol/net/mod.ts";
import { Turn } from "../protocol/net/mod.ts";
import { type Path, Store } from "../store/mod.ts";
import { AdvisedError } from "./failure.ts";
import { beginCluster, type Beginning, type Joining } from "./join.ts";
import { randomId } from "./random_id.ts";
import { VERSION } from "./version.ts";

export type { Log } from "../protocol/net/mod.ts";

/** How a node is to be started. */
export interface StartOptions {
  readonly hostname: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** What others are told to dial; absent means where the node listens. */
  readonly advertise?: string | undefined;
  /** Absent means "local", or that of the cluster that is attached to. */
  readonly clusterName?: string | undefined;
  /** Found a cluster, or be part of one. */
  readonly beginning: Beginning;
  /** Revisions to keep, at least 1. */
  readonly historyRevs: number;
  /** How often `/ctl/node/ID/applied` is rewritten; 0 means never. */
  readonly pulseSeconds: number;
  /** After how much silence a node loses its seat; 0 means never. */
  readonly seatTimeoutSeconds: number;
  /** How long clients wait where no quorum answers. */
  readonly requestTimeoutSeconds: number;
  readonly secrets: Secrets;
  /** Known to the nodes of a cluster only. */
  readonly peerSecret?: string | undefined;
  /** PEM texts. Without them, plain TCP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly log: Log;
  /** Gives up starting when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** A node that serves. */
export interface RunningNode {
  readonly id: string;
  /** Where it listens, as HOST:PORT. */
  readonly addr: string;
  /** Gives up seat and leadership, then ends it: connections are closed. */
  stop(): Promise<void>;
  /** Settles only if the node fails by itself. */
  readonly failed: Promise<Error>;
}

/** So long a node that stops may take to give up its seat. */
const LEAVE_MS = 1_500;

/**
 * Starts a node, in memory.
 *
 * @throws the socket's error where it cannot listen.
 * @throws {DoozerError} where it cannot be part of the cluster.
 */
export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { promise: failed, resolve } = Promise.withResolvers<Error>();
  const fail = (error: unknown) => {
    resolve(error instanceof Error ? error : new Error(String(error)));
  };
  const parts = new NodeParts(options, fail);
  try {
    await parts.server.ready;
    parts.listening();
    const begun = beginCluster(options.beginning, parts.joining());
    const error = await Promise.race([begun, failed]);
    if (error !== undefined) throw error;
  } catch (error) {
    await parts.stop();
    throw error;
  }
  parts.startPulse();
  const { id } = parts.node;
  return { id, addr: parts.addr, stop: () => parts.stop(), failed };
}

/** What a running node consists of, and how it ends. */
class NodeParts {
  readonly node: Node;
  readonly server: SocketServer;
  readonly #options: StartOptions;
  readonly #turn: Turn;
  readonly #links: PeerLinks;
  readonly #about = { addr: "", hostname: Deno.hostname(), version: VERSION };
  readonly #ticker: ReturnType<typeof setInterval>;
  readonly #stopJobs: (() => Promise<void>)[] = [];
  readonly #closing = new AbortController();
  #pulse: ReturnType<typeof setInterval> | undefined;
  #foundsAlone = false;

  constructor(options: StartOptions, fail: (error: unknown) => void) {
    this.#options = options;
    const { hostname, port, tls, secrets, log } = options;
    const turn = this.#turn = new Turn(fail);
    const node = this.node = this.#makeNode();
    turn.drive(node);
    this.#links = new PeerLinks({
      self: () => this.#identity(),
      secret: options.peerSecret,
      tls,
      turn,
      log,
      random: Math.random,
      onMessage: (from, message) => node.receive(from, message),
      onUp: ({ id }) => node.linkUp(id),
      onDown: (peer) => node.linkDown(peer),
      onRefused: (peer) => {
        if (!this.#foundsAlone || !peer.hasOurAddress) return;
        if (peer.lineage !== node.lineage) fail(this.#isElsewhere(peer));
      },
    });
    this.server = new SocketServer({
      address: { hostname, port },
      tls,
      backend: node,
      secrets,
      turn,
      log,
      onPeer: (socket, first) => this.#links.adopt(socket, first),
    });
    this.#ticker = setInterval(() => node.tick(), TICK_MS);
  }

  /** Where it listens, as HOST:PORT. */
  get addr(): string {
    return formatAddress(this.server.address);
  }

  /** The server listens: its address is known. */
  listening(): void {
    this.#about.addr = this.#options.advertise ?? this.addr;
  }

  /** What founding and joining need. */
  joining(): Joining {
    const { advertise, clusterName, log, signal } = this.#options;
    const signals = [this.#closing.signal, ...signal ? [signal] : []];
    return {
      node: this.node,
      links: this.#links,
      addr: this.#about.addr,
      isAdvertised: advertise !== undefined,
      clusterName,
      log,
      signal: AbortSignal.any(signals),
      founds: () => this.#foundsAlone = true,
      onStop: (job) => this.#stopJobs.push(job),
    };
  }

  /** Rewrites the file that tells how far the node has applied. */
  startPulse(): void {
    const { pulseSeconds, log } = this.#options;
    if (pulseSeconds <= 0) return;
    const { node } = this;
    const path: Path = `/ctl/node/${node.id}/applied`;
    this.#pulse = setInterval(() => {
      const body = encodeText(String(node.store.rev));
      node.propose({ type: "set", path, rev: -1, body }, {
        settled(outcome) {
          if (typeof outcome === "number") return;
          log.warn("Cannot write {path}: {code}", { path, code: outcome.code });
        },
      });
    }, pulseSeconds * 1_000);
  }

  /** Lets the others know, then ends. */
  async stop(): Promise<void> {
    clearInterval(this.#pulse);
    const { promise, resolve } = Promise.withResolvers<void>();
    const { promise: limited, resolve: atLimit } = Promise.withResolvers<
      void
    >();
    const limit = setTimeout(atLimit, LEAVE_MS);
    this.node.leave(resolve);
    const jobs = Promise.all(this.#stopJobs.map((job) => job()));
    await Promise.race([promise.then(() => jobs), limited]);
    clearTimeout(limit);
    this.close();
  }

  /** Ends it at once. */
  close(): void {
    this.#closing.abort();
    clearInterval(this.#ticker);
    clearInterval(this.#pulse);
    this.server.close();
    this.#links.close();
    this.#turn.stop();
  }

  /** In memory, a first node that is started again must not be a second. */
  #isElsewhere({ cluster, addr }: LinkedPeer): Error {
    return new AdvisedError(
      "OTHER",
      `Cannot found a cluster at ${this.#about.addr}: a node of the cluster ` +
        `"${cluster}" knows this address as that of one of its own`,
      { hint: `Start this node with -a ${addr}` },
    );
  }

  #makeNode(): Node {
    const { historyRevs } = this.#options;
    return new Node({
      id: randomId(),
      store: new Store({ historyRevs }),
      about: this.#about,
      onInput: this.#turn.wanted,
      send: (to, message) => this.#links.send(to, message),
      random: Math.random,
      now: Date.now,
      settings: {
        seatTimeoutTicks: ticks(this.#options.seatTimeoutSeconds),
        requestTimeoutTicks: ticks(this.#options.requestTimeoutSeconds),
      },
      onPeers: (addresses) => this.#links.keep(addresses),
      onLeader: (leader) => this.#tellLeader(leader),
      onAlarm: (what) => this.#options.log.error("ALARM: {what}", { what }),
      onLineage: () => this.#links.lineageChanged(),
    });
  }

  #tellLeader(leader: string | null): void {
    const { log } = this.#options;
    if (leader === null) log.info("No leader is heard");
    else log.info("Node {leader} leads", { leader });
  }

  #identity() {
    const { node, clusterName, beginning } = {
      node: this.node,
      ...this.#options,
    };
    const { cluster } = node;
    return {
      id: node.id,
      cluster: cluster === "" ? clusterName ?? "" : cluster,
      lineage: node.lineage,
      addr: this.#about.addr,
      list: beginning.how === "join" ? beginning.list : [],
    };
  }
}

function ticks(seconds: number): number {
  return Math.ceil(seconds * 1_000 / TICK_MS);
}
