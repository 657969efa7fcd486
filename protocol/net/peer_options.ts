/**
 * What the links between nodes need, and what they tell.
 *
 * @module
 */
import type {
  HelloIdentity,
  NodeId,
  PeerMessage,
  RefusalCode,
} from "../mod.ts";
import { DoozerError, type ErrorCode, LIMITS } from "../../store/mod.ts";
import type { Log } from "./log.ts";
import type { RedialTiming } from "./peer_redial.ts";
import type { Turn } from "./turn.ts";

/** Times, in milliseconds. */
export interface PeerTiming extends RedialTiming {
  /** For connecting, and for the handshake of a node that was dialled. */
  readonly dialMs: number;
  /** For the handshake of one that was accepted. */
  readonly handshakeMs: number;
  /** From a node's last word until its link is cut. */
  readonly silenceMs: number;
  /** How often all links are looked after. */
  readonly sweepMs: number;
}

/** The usual times. */
export const PEER_TIMING: PeerTiming = {
  dialMs: 2_000,
  handshakeMs: LIMITS.handshakeMs,
  silenceMs: LIMITS.peerSilenceMs,
  sweepMs: 250,
  redialMs: 20,
  redialMaxMs: 1_000,
};

/** Who is at the other end of a link. */
export interface LinkedPeer {
  readonly id: NodeId;
  readonly addr: string;
  /** "" where it has no history yet. */
  readonly lineage: string;
  readonly cluster: string;
  readonly list: readonly string[];
}

/** A node that proved who it is, but does not belong here, or says so of us. */
export interface RefusedPeer extends LinkedPeer {
  readonly code: RefusalCode;
  /**
   * Whether it dialled because its cluster has our address registered, as that
   * of another node.
   */
  readonly hasOurAddress: boolean;
}

/** What the links need. */
export interface PeerLinksOptions {
  /** Asked anew for each link: the lineage is learned and may change. */
  readonly self: () => HelloIdentity;
  /** Without it, only nodes on this machine are linked with. */
  readonly secret?: string | undefined;
  /** PEM texts: means that peers are dialled with TLS. */
  readonly tls?: {
    readonly cert: string;
    /** Whom to trust; absent means the certificate itself. */
    readonly caCerts?: readonly string[] | undefined;
  } | undefined;
  readonly turn: Turn;
  readonly log: Log;
  /** At least 0, below 1. */
  readonly random: () => number;
  readonly onMessage: (from: NodeId, message: PeerMessage) => void;
  readonly onUp: (peer: LinkedPeer) => void;
  readonly onDown: (peer: NodeId) => void;
  readonly onRefused?: ((peer: RefusedPeer) => void) | undefined;
  /** Times other than the usual ones, for tests. */
  readonly timing?: Partial<PeerTiming> | undefined;
}

/** A link that could not be made. */
export class LinkError extends DoozerError {
  /** Why either node refused; undefined where it was not reached. */
  readonly refusal: RefusalCode | undefined;

  constructor(
    detail: string,
    { refusal, cause }: { refusal?: RefusalCode | undefined; cause?: unknown },
  ) {
    super(codeOf(refusal), detail, { cause });
    this.name = "LinkError";
    this.refusal = refusal;
  }
}

function codeOf(refusal: RefusalCode | undefined): ErrorCode {
  if (refusal === undefined || refusal === "NOT_READY") return "UNAVAILABLE";
  return refusal === "SECRET" ? "DENIED" : "OTHER";
}
