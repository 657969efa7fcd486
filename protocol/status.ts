/**
 * What a node knows of itself and its cluster, as STATUS tells it.
 *
 * It travels as JSON, so that other clients can read it without knowing all of
 * it: fields may be added, none changes its meaning.
 *
 * @module
 */
import { DoozerError, type Rev } from "../store/mod.ts";
import type { NodeId, Seqn } from "./message.ts";

/** A node of the cluster, as the one that answers sees it. */
export interface MemberStatus {
  /** The node's id. */
  readonly id: NodeId;
  /** Where clients and peers find it, as HOST:PORT. */
  readonly addr: string;
  /** The machine that it runs on. */
  readonly hostname: string;
  /** Of doozer. */
  readonly version: string;
  /** The name of its seat, a file in `/ctl/cal`; null where it has no vote. */
  readonly seat: string | null;
  /** Whether it leads, as the node that answers knows. */
  readonly leader: boolean;
  /** Whether the node that answers has heard from it lately; itself: true. */
  readonly reachable: boolean;
}

/** A seat: a file in `/ctl/cal`. */
export interface SeatStatus {
  /** The file's name. */
  readonly name: string;
  /** The id of the node that has it; empty where it is free. */
  readonly id: NodeId | "";
}

/** A node and its cluster. */
export interface NodeStatus {
  /** The node's id. */
  readonly id: NodeId;
  /** Where clients and peers find it, as HOST:PORT. */
  readonly addr: string;
  /** Of doozer. */
  readonly version: string;
  /** The cluster's name. */
  readonly cluster: string;
  /** Of the unbroken history that the node is part of. */
  readonly lineage: string;
  /** Observers have no vote; they serve clients like the others. */
  readonly role: "leader" | "follower" | "observer";
  /** Whether it takes reads and writes. */
  readonly ready: boolean;
  /** Why it is not ready; else empty. */
  readonly reason: string;
  /** The leader that it knows. */
  readonly leader: NodeId | null;
  /** The rev of its copy. */
  readonly rev: Rev;
  /** The oldest rev that can be read. */
  readonly firstRev: Rev;
  /** Up to this slot of the log it has applied. */
  readonly applied: Seqn;
  /** Up to this slot, as it knows, all is decided. */
  readonly decided: Seqn;
  /** Whether what it promises is on its disk. */
  readonly durable: boolean;
  /** All registered nodes. */
  readonly members: readonly MemberStatus[];
  /** All seats. */
  readonly seats: readonly SeatStatus[];
  /**
   * How many more of the nodes with a vote may be lost before writes stop; -1
   * where there is no quorum now.
   */
  readonly canLose: number;
}

/** A status as JSON. */
export function encodeStatus(status: NodeStatus): string {
  return JSON.stringify(status);
}

/** The fields that a reader must be able to count on, with their types. */
const FIELDS: Readonly<Record<keyof NodeStatus, readonly string[]>> = {
  id: ["string"],
  addr: ["string"],
  version: ["string"],
  cluster: ["string"],
  lineage: ["string"],
  role: ["string"],
  ready: ["boolean"],
  reason: ["string"],
  leader: ["string", "null"],
  rev: ["number"],
  firstRev: ["number"],
  applied: ["number"],
  decided: ["number"],
  durable: ["boolean"],
  members: ["array"],
  seats: ["array"],
  canLose: ["number"],
};

/**
 * Reads a status. Fields that this version does not know are kept.
 *
 * @throws {DoozerError} `OTHER` where it is none.
 */
export function decodeStatus(text: string): NodeStatus {
  const status = parse(text);
  for (const [name, types] of Object.entries(FIELDS)) {
    if (types.includes(typeOf(status[name]))) continue;
    throw notAStatus(`its field "${name}" is no ${types.join(" or ")}`);
  }
  return status as unknown as NodeStatus;
}

function parse(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw notAStatus("it is no JSON", cause);
  }
  if (typeOf(parsed) !== "object") throw notAStatus("it is no object");
  return parsed as Record<string, unknown>;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function notAStatus(why: string, cause?: unknown): DoozerError {
  const detail = `Cannot read the server's status: ${why}`;
  return new DoozerError("OTHER", detail, { cause });
}
