/**
 * Puts a node together: consensus, store, sockets, time and chance.
 *
 * @module
 */
import { type Durability, Node, TICK_MS } from "../consensus/mod.ts";
import { type Address, encodeText, formatAddress } from "../protocol/mod.ts";
import type { Secrets } from "../protocol/mod.ts";
import { type Log, PeerLinks, SocketServer } from "../protocol/net/mod.ts";
import type { LinkedPeer } from "../protocol/net/mod.ts";
import { Turn } from "../protocol/net/mod.ts";
import { type Path, Store } from "../store/mod.ts";
import { type DataDirectory, openDataDirectory } from "./data_directory.ts";
import { AdvisedError } from "./failure.ts";
import { beginCluster, type Beginning, companionsOf } from "./join.ts";
import { type Joining, repair, resumeCluster } from "./join.ts";
import { type Lost, type Memory, readMemory, tellOutdated } from "./memory.ts";
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
  /** Absent means that everything is kept in memory only. */
  readonly dataDirectory?: string | undefined;
  /** What this node was before, in this process. */
  readonly lost?: Lost | undefined;
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
  /** The rev at which it began to serve. */
  readonly rev: number;
  /** Gives up seat and leadership, then ends it: connections are closed. */
  stop(): Promise<void>;
  /** Ends it at once, and sets aside what it remembers. */
  forget(): Promise<Lost>;
  /** Settles only if the node fails by itself. */
  readonly failed: Promise<Error>;
}

/** So long a node that stops may take to give up its seat. */
const LEAVE_MS = 1_500;
/** How often, and how many times, is asked whether an address is free. */
const FREE_MS = 5;
const FREE_TRIES = 200;

/** Peers remember more of a node than it does: it must not be that node. */
export class MemoryOutdated extends Error {}

/**
 * Starts a node, from what it remembers if anything.
 *
 * @throws the socket's error where it cannot listen.
 * @throws {DoozerError} where it cannot be part of the cluster.
 */
export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { promise: failed, resolve } = Promise.withResolvers<Error>();
  const fail = (error: unknown) => {
    resolve(error instanceof Error ? error : new Error(String(error)));
  };
  const directory = options.dataDirectory === undefined
    ? undefined
    : await openDataDirectory(options.dataDirectory);
  let parts: NodeParts;
  try {
    parts = new NodeParts(options, { fail, ...recall(options, directory) });
  } catch (error) {
    directory?.close();
    throw error;
  }
  try {
    await parts.server.ready;
    parts.listening();
    const error = await Promise.race([parts.begin(), failed]);
    if (error !== undefined) throw error;
  } catch (error) {
    if (!(error instanceof MemoryOutdated)) {
      await parts.stop();
      throw error;
    }
    // Peers said so before the node served.
    const { port } = parts.server.address;
    return await startNode({ ...options, port, lost: await parts.forget() });
  }
  parts.startPulse();
  const { node: { id, store: { rev } }, addr } = parts;
  const stop = () => parts.stop();
  return { id, addr, rev, stop, forget: () => parts.forget(), failed };
}

/** What the node remembers, if there is anything. */
function recall(
  { beginning, clusterName, lost, log }: StartOptions,
  directory: DataDirectory | undefined,
): { directory?: DataDirectory; memory: Memory } {
  if (directory === undefined) return { memory: { how: "blank" } };
  const others = beginning.how === "attach" ? beginning.addresses : [];
  const memory = readMemory(directory, { others, clusterName, log });
  return lost !== undefined && memory.how === "blank"
    ? { directory, memory: { how: "repair", lost } }
    : { directory, memory };
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
  readonly #directory: DataDirectory | undefined;
  readonly #memory: Memory;
  readonly #fail: (error: unknown) => void;
  #foundsAlone = false;

  constructor(
    options: StartOptions,
    { fail, directory, memory }: {
      fail: (error: unknown) => void;
      directory?: DataDirectory;
      memory: Memory;
    },
  ) {
    this.#options = options;
    this.#fail = fail;
    this.#directory = directory;
    this.#memory = memory;
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

  /** Resolves when the node serves: as what it was, or as it is told. */
  async begin(): Promise<void> {
    const { beginning, log } = this.#options;
    const memory = this.#memory;
    if (memory.how === "repair") {
      const { contacts } = memory.lost;
      return await repair(contacts, this.#joining());
    }
    if (memory.how === "blank") {
      return await beginCluster(beginning, this.#joining());
    }
    const { node } = this;
    node.resume(memory.found, companionsOf(beginning, this.#about.addr));
    log.info("Goes on at rev {rev}, slot {slot}", {
      rev: node.store.rev,
      slot: node.applied,
    });
    await resumeCluster(beginning, this.#joining());
  }

  /** What founding and joining need. */
  #joining(): Joining {
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
    this.#closeSockets();
    this.#directory?.close();
  }

  #closeSockets(): void {
    this.#closing.abort();
    clearInterval(this.#ticker);
    clearInterval(this.#pulse);
    this.server.close();
    this.#links.close();
    this.#turn.stop();
  }

  /** Ends it at once, as one that has never been. */
  async forget(): Promise<Lost> {
    const { node } = this;
    const contacts = node.contacts;
    this.#closing.abort();
    await Promise.all(this.#stopJobs.map((job) => job()));
    const { address } = this.server;
    this.#closeSockets();
    const lost = { id: node.id, contacts };
    if (contacts.length === 0) this.#directory?.close();
    tellOutdated(lost, this.#options.log);
    await untilFree(address);
    await this.#directory?.disk.close(); // What is under way comes first.
    this.#directory?.setAside();
    this.#directory?.close();
    return lost;
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
    const memory = this.#memory;
    return new Node({
      id: memory.how === "resume" ? memory.found.header.node : randomId(),
      durability: this.#durability(),
      replaces: memory.how === "repair" ? memory.lost.id : "",
      onOutdated: () => this.#fail(new MemoryOutdated("Outdated")),
      onDiskBroken: ({ detail }) => this.#fail(brokenDisk(detail)),
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

  #durability(): Durability | undefined {
    if (this.#directory === undefined) return undefined;
    const [start = 0] = crypto.getRandomValues(new Uint32Array(1));
    const memory = this.#memory;
    const found = memory.how === "resume" ? memory.found : undefined;
    return { disk: this.#directory.disk, found, start };
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
      lineage: node.shownLineage,
      addr: this.#about.addr,
      list: beginning.how === "join" ? beginning.list : [],
    };
  }
}

/** A listener that is closed stays for a moment, as long as it accepts. */
async function untilFree(address: Address): Promise<void> {
  for (let tries = 0; tries < FREE_TRIES; tries++) {
    try {
      return Deno.listen({ ...address }).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      await new Promise((resolve) => setTimeout(resolve, FREE_MS));
    }
  }
}

function brokenDisk(detail: string): AdvisedError {
  return new AdvisedError("OTHER", `The node stops: ${detail}`, {
    hint:
      "What the disk did not take cannot be written again: the system may " +
      "have dropped it. Nothing of it was answered. Check the disk, then " +
      "start the node again; it goes on with what is whole",
  });
}

function ticks(seconds: number): number {
  return Math.ceil(seconds * 1_000 / TICK_MS);
}
