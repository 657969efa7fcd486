/**
 * Commands: what is ordered. An envelope, and what it asks for.
 *
 * Clients ask for mutations. The others are the nodes' own: they found the
 * cluster, register nodes, record who leads, give seats and take them. Their
 * bytes are in record.ts.
 *
 * @module
 */
import type { ErrorCode, Mutation, SessionNumber } from "../store/mod.ts";
import type { Ballot, NodeId } from "./message.ts";

/** Mutations that a node's client asked for. */
export interface MutateCommand {
  readonly kind: "mutate";
  /** The id of the node's session. */
  readonly session: number;
  /** Its place among the commands of the node's session, from 1. */
  readonly number: number;
  /**
   * Which command of the client's own session it is, where that has one; then
   * there may be no mutation: the number shall do nothing.
   */
  readonly by?: SessionNumber;
  /** Who asked for it; empty where that is the owner of a session. */
  readonly origin: string;
  /** The clock of the node that took it, in milliseconds since 1970. */
  readonly time: number;
  readonly mutations: readonly Mutation[];
}

/** Opens a session for a client; its id is the outcome. */
export interface OpenCommand {
  readonly kind: "open";
  /** The id of the node's session. */
  readonly session: number;
  /** Its place among the commands of the node's session, from 1. */
  readonly number: number;
  /** What the client calls itself, or "". */
  readonly name: string;
  /** The clock of the node that took it, in milliseconds since 1970. */
  readonly time: number;
}

/** Orders numbers of a node's session that shall do nothing. */
export interface SkipCommand {
  readonly kind: "skip";
  readonly session: number;
  readonly number: number;
  /** The last of the numbers. */
  readonly last: number;
  /**
   * The one command of a client's session that is refused hereby: this is its
   * outcome.
   */
  readonly by?: SessionNumber;
  /** Of what that one asked for, 32 bits. */
  readonly checksum?: number;
  /** Why, as the outcome says. */
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What a node tells of itself. */
export interface Registration {
  readonly node: NodeId;
  /** Where it serves, as HOST:PORT. */
  readonly addr: string;
  readonly hostname: string;
  readonly version: string;
  /** How often it has been started with its memory, from 1. */
  readonly incarnation: number;
  /** Drawn at that start, 32 bits; 0 where it keeps nothing. */
  readonly start: number;
}

/** The first command of a cluster: it has one cal. */
export interface FoundCommand extends Registration {
  readonly kind: "found";
  /** The cluster's name. */
  readonly cluster: string;
  readonly time: number;
}

/**
 * Writes a node's files and opens its session; for one that has begun anew a
 * new session in place of the old one.
 */
export interface RegisterCommand extends Registration {
  readonly kind: "register";
  readonly time: number;
}

/** The leadership record: from here on this ballot's node leads. */
export interface LeadCommand {
  readonly kind: "lead";
  readonly ballot: Ballot;
}

/** Empties a node's seat, removes its files, ends its session. */
export interface ClearCommand {
  readonly kind: "clear";
  /** Of the leader that proposes it: void after a later leadership record. */
  readonly ballot: Ballot;
  readonly node: NodeId;
  readonly time: number;
}

/** Gives seats to nodes. */
export interface SeatCommand {
  readonly kind: "seat";
  /** Of the leader that proposes it: void after a later leadership record. */
  readonly ballot: Ballot;
  readonly time: number;
  /** Of files `/ctl/cal/N`, each at the rev that the leader saw. */
  readonly mutations: readonly Mutation[];
}

/** What is ordered. */
export type Command =
  | MutateCommand
  | OpenCommand
  | SkipCommand
  | FoundCommand
  | RegisterCommand
  | LeadCommand
  | ClearCommand
  | SeatCommand;
