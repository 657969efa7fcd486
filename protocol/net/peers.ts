/**
 * The links of a node with the others of its cluster.
 *
 * Registered nodes are dialled until there is a link, and nodes that dial are
 * taken in; a node is reported when the first link with it is up, and when the
 * last one has ended, at once. Whatever strangers send ends their connection,
 * and nothing else.
 *
 * @module
 */
import { formatAddress } from "../mod.ts";
import {
  type NodeId,
  NONCE_BYTES,
  parseAddress,
  PEER_VERSIONS,
} from "../mod.ts";
import type { PeerMessage, Purpose } from "../mod.ts";
import { LIMITS } from "../../store/mod.ts";
import { openDenoSocket } from "./deno_socket.ts";
import { reasonOf } from "./dial.ts";
import type { ClientSocket } from "./listener.ts";
import { LogBudget } from "./log_budget.ts";
import { type LinkEnd, PeerLink, type PeerLinkOptions } from "./peer_link.ts";
import { type LinkedPeer, LinkError, PEER_TIMING } from "./peer_options.ts";
import type { PeerLinksOptions, PeerTiming } from "./peer_options.ts";
import { type DialTarget, PeerRedial } from "./peer_redial.ts";
import { PeerSecret } from "./peer_secret.ts";
import { PeerTable } from "./peer_table.ts";

/** After this, what was warned of may be warned of again. */
const TOLD_MS = 60_000;
const TOLD_MAX = 1_000;

/** Why a node is dialled, and who should be there. */
interface DialReason {
  readonly purpose: Purpose;
  readonly expects: NodeId;
}

/** Links with other nodes. */
export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #timing: PeerTiming;
  readonly #secret: PeerSecret;
  readonly #warnings: LogBudget;
  readonly #table = new PeerTable();
  readonly #redial: PeerRedial;
  /** Links whose handshake is under way. */
  readonly #pending: Set<PeerLink> = new Set();
  readonly #closing = new AbortController();
  readonly #sweeper: ReturnType<typeof setInterval>;
  /** What was warned of lately; and why nodes could not be dialled. */
  readonly #told: Set<string> = new Set();
  readonly #failures: Map<NodeId, string> = new Map();
  #forgotAt = performance.now();
  #sweptAt = performance.now();
  #dropped = 0;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#timing = { ...PEER_TIMING, ...options.timing };
    this.#secret = new PeerSecret(options.secret);
    this.#warnings = new LogBudget(options.log, "other nodes");
    this.#redial = new PeerRedial({
      timing: this.#timing,
      random: options.random,
      isLinked: (id) => this.#table.current(id) !== undefined,
      dial: (target) => this.#dialKept(target),
    });
    this.#sweeper = setInterval(() => this.#sweep(), this.#timing.sweepMs);
  }

  /** How many messages were dropped, for want of a link or of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many links are up: for a moment there may be two with one node. */
  get open(): number {
    return this.#table.all().length;
  }

  /** Names the registered nodes: a link is kept with each, and its address. */
  keep(addrs: ReadonlyMap<NodeId, string>): void {
    const others = new Map(addrs);
    others.delete(this.#options.self().id);
    if (!this.#isClosed) this.#redial.keep(others);
    for (const id of this.#failures.keys()) {
      if (!others.has(id)) this.#failures.delete(id);
    }
  }

  /**
   * Dials an address, to attach to its cluster or, where this node has a list,
   * to found one. Resolves once there is a link, which then stays open.
   *
   * @throws {LinkError} where there is none; its detail is one sentence.
   */
  async dialOnce(addr: string): Promise<LinkedPeer> {
    const founding = this.#options.self().list.length > 0;
    const purpose = founding ? "join" : "attach";
    return peerOf(await this.#dial(addr, { purpose, expects: "" }));
  }

  /** Sends a message at the end of the turn; drops it where that cannot be. */
  send(to: NodeId, message: PeerMessage): void {
    if (!this.#table.current(to)?.send(message)) this.#dropped++;
  }

  /** Takes in a connection that was accepted, and what it has sent so far. */
  adopt(socket: ClientSocket, firstBytes: Uint8Array): void {
    const address = formatAddress(socket.remoteAddr as Deno.NetAddr);
    const strangers =
      [...this.#pending].filter(({ role, isAuthenticated }) =>
        role === "acceptor" && !isAuthenticated
      ).length;
    if (this.#isClosed || strangers >= LIMITS.peerHandshakes) {
      socket.close();
      return this.#warn("Refused a node at {address}: {reason}", {
        address,
        reason: `${strangers} others have not proved to be nodes, the limit ` +
          `is ${LIMITS.peerHandshakes}`,
      });
    }
    const link = new PeerLink(socket, {
      ...this.#linkOptions(address, { purpose: "link", expects: "" }),
      role: "acceptor",
      handshakeMs: this.#timing.handshakeMs,
      onUp: (link) => this.#up(link),
      onEnd: (link, end) => this.#ended(link, end),
    });
    this.#pending.add(link);
    link.serve(firstBytes);
  }

  /** The nodes that there is a link with. */
  linked(): NodeId[] {
    return this.#table.ids();
  }

  /** This node has another lineage: links of the old one end. */
  lineageChanged(): void {
    const { lineage } = this.#options.self();
    const others = [
      ...[...this.#pending].filter(({ hello }) => hello.lineage !== lineage),
      ...this.#table.all().filter((link) => lineageOf(link) !== lineage),
    ];
    for (const link of others) link.end("this node's lineage has changed");
  }

  /** Ends all links, and dials nobody any more. Nothing is reported. */
  close(): void {
    if (this.#isClosed) return;
    this.#closing.abort(new Deno.errors.Interrupted("this node stops"));
    clearInterval(this.#sweeper);
    this.#redial.close();
    for (const link of [...this.#pending, ...this.#table.all()]) {
      link.end("this node stops");
    }
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Dials; resolves when the link is up. */
  async #dial(addr: string, reason: DialReason): Promise<PeerLink> {
    const cannot = `Cannot link to ${addr}`;
    let socket: Deno.Conn;
    try {
      socket = await this.#open(addr);
    } catch (error) {
      throw new LinkError(`${cannot}: ${reasonOf(error)}`, { cause: error });
    }
    const { promise, resolve, reject } = Promise.withResolvers<PeerLink>();
    const link = new PeerLink(socket, {
      ...this.#linkOptions(addr, reason),
      role: "dialler",
      handshakeMs: this.#timing.dialMs,
      onUp: (link) => {
        this.#up(link);
        if (link.isUp) resolve(link);
      },
      onEnd: (link, end) => {
        this.#ended(link, end);
        const refusal = link.refusal?.code;
        reject(new LinkError(`${cannot}: ${end.reason}`, { refusal }));
      },
    });
    this.#pending.add(link);
    link.serve();
    return await promise;
  }

  async #open(addr: string): Promise<Deno.Conn> {
    const { tls } = this.#options;
    const { signal } = this.#closing;
    const socket = await openDenoSocket(parseAddress(addr), {
      tls: tls !== undefined,
      ...tls === undefined ? {} : { caCerts: tls.caCerts ?? [tls.cert] },
      timeoutMs: this.#timing.dialMs,
      signal,
    });
    if (!signal.aborted) return socket;
    socket.close();
    throw signal.reason;
  }

  /** Dials a registered node; why that fails is told when it changes. */
  async #dialKept({ id, addr }: DialTarget): Promise<void> {
    try {
      await this.#dial(addr, { purpose: "link", expects: id });
      this.#failures.delete(id);
    } catch (error) {
      if (!(error instanceof LinkError)) {
        return this.#options.turn.fail(error);
      }
      if (this.#isClosed || this.#failures.get(id) === error.detail) return;
      this.#failures.set(id, error.detail);
      this.#warnings.warn("No link with {peer}: {reason}", {
        peer: id,
        reason: error.detail,
      });
    }
  }

  #linkOptions(
    address: string,
    reason: DialReason,
  ): Omit<PeerLinkOptions, "role" | "handshakeMs" | "onUp" | "onEnd"> {
    const { self, turn, onMessage } = this.#options;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const hello = { ...self(), versions: PEER_VERSIONS, nonce, ...reason };
    return {
      address,
      hello,
      secret: this.#secret,
      isOwnNonce: (nonce) => this.#isOwnNonce(nonce),
      turn,
      onHeard: (link) => this.#table.heard(link),
      onMessage,
    };
  }

  #isOwnNonce(nonce: Uint8Array): boolean {
    // Uint8Array.toHex came after the oldest Deno that must run this.
    const text = String(nonce);
    return [...this.#pending].some(({ role, hello }) =>
      role === "dialler" && String(hello.nonce) === text
    );
  }

  /** The handshake has ended well. */
  #up(link: PeerLink): void {
    this.#pending.delete(link);
    const { lineage } = this.#options.self();
    if (lineage !== link.hello.lineage && lineage !== lineageOf(link)) {
      return link.end("this node's lineage has changed");
    }
    for (const old of [...this.#table.linksWith(link.peerId)]) {
      // As another member of another history, it is another peer.
      if (lineageOf(old) !== lineageOf(link)) {
        old.end("its lineage has changed");
      }
    }
    this.#redial.linked(link.peerId);
    const isFirst = this.#table.add(link);
    const { log, onUp } = this.#options;
    const fields = { peer: link.peerId, address: link.address };
    if (!isFirst) return log.debug("Another link with {peer}", fields);
    log.info("Linked with {peer} at {address}", fields);
    onUp(peerOf(link));
  }

  /** A link has ended, up or not. */
  #ended(link: PeerLink, { reason, isFault }: LinkEnd): void {
    const wasPending = this.#pending.delete(link);
    if (this.#isClosed) return;
    if (isFault && (link.role === "acceptor" || !wasPending)) {
      this.#warn("Ended the link with the node at {address}: {reason}", {
        address: link.address,
        reason,
      });
    }
    try {
      if (wasPending) this.#report(link);
      else this.#down(link, reason);
    } catch (error) {
      this.#options.turn.fail(error);
    }
  }

  #down(link: PeerLink, reason: string): void {
    const wasLast = this.#table.remove(link);
    const peer = link.peerId;
    const { log, onDown } = this.#options;
    if (!wasLast) {
      return log.debug("A link with {peer} of several has ended: {reason}", {
        peer,
        reason,
      });
    }
    log.info("No link with {peer} any more: {reason}", { peer, reason });
    onDown(peer);
    this.#redial.unlinked(peer);
  }

  /** Tells of a node that is one, but not one of ours. */
  #report(link: PeerLink): void {
    const { refusal, isAuthenticated } = link;
    if (refusal === undefined || !isAuthenticated) return;
    const { purpose, expects } = link.peer!;
    this.#options.onRefused?.({
      ...peerOf(link),
      code: refusal.code,
      hasOurAddress: link.role === "acceptor" && purpose === "link" &&
        expects !== "" && expects !== link.hello.id,
    });
  }

  #sweep(): void {
    const now = performance.now();
    const { silenceMs, sweepMs } = this.#timing;
    const pausedMs = now - this.#sweptAt - sweepMs;
    this.#sweptAt = now;
    this.#warnings.renew();
    if (now - this.#forgotAt > TOLD_MS || this.#told.size > TOLD_MAX) {
      this.#forgotAt = now;
      this.#told.clear();
    }
    // After a pause of ours, what the others have said is not read yet.
    if (pausedMs > silenceMs / 4) return;
    for (const link of this.#table.all()) {
      if (now - link.heardAt > silenceMs) {
        link.end(`nothing was heard of it for ${silenceMs} ms`);
      }
    }
    for (const id of this.#table.ids()) {
      const link = this.#table.current(id);
      if (link !== undefined && now - link.spokenAt > silenceMs / 4) {
        link.sendNothing();
      }
    }
  }

  /** Warns, unless the same was said a moment ago. */
  #warn(message: string, fields: Record<string, unknown>): void {
    const address = String(fields["address"]).replace(/:\d+$/, "");
    const key = `${message} ${address} ${fields["reason"]}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#warnings.warn(message, fields);
  }
}

/** The history that the two nodes of a link share. */
function lineageOf(link: PeerLink): string {
  return link.peer!.lineage || link.hello.lineage;
}

function peerOf(link: PeerLink): LinkedPeer {
  const { id, addr, lineage, cluster, list } = link.peer!;
  return { id, addr, lineage, cluster, list };
}
