/**
 * In which order the data changes: Multi-Paxos, without I/O.
 *
 * @module
 */
export * from "./acceptor.ts";
export * from "./ballot.ts";
export * from "./learner.ts";
export * from "./node.ts";
export * from "./proposer.ts";
export * from "./quorum.ts";
export * from "./replica.ts";
export * from "./value.ts";
