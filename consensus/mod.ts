/**
 * In which order the data changes: Multi-Paxos, without I/O.
 *
 * @module
 */
export * from "./absences.ts";
export * from "./acceptor.ts";
export * from "./attachment.ts";
export * from "./audit.ts";
export * from "./ballot.ts";
export * from "./batch_pool.ts";
export * from "./beginnings.ts";
export * from "./catch_up.ts";
export * from "./checkpoint.ts";
export * from "./contacts.ts";
export * from "./decided_log.ts";
export * from "./directory_reader.ts";
export * from "./disk.ts";
export * from "./disk_watch.ts";
export * from "./dispatch.ts";
export * from "./election.ts";
export * from "./found.ts";
export * from "./hand_out.ts";
export * from "./insistence.ts";
export * from "./journal.ts";
export * from "./learner.ts";
export * from "./machine.ts";
export * from "./members.ts";
export * from "./new_directory.ts";
export * from "./node.ts";
export * from "./node_options.ts";
export * from "./node_parts.ts";
export * from "./open_values.ts";
export * from "./own_commands.ts";
export * from "./parts.ts";
export * from "./peer_views.ts";
export * from "./progress.ts";
export * from "./proposals.ts";
export * from "./proposer.ts";
export * from "./quorum.ts";
export * from "./reads.ts";
export * from "./ready.ts";
export * from "./recovery.ts";
export * from "./remembered.ts";
export * from "./replies.ts";
export * from "./replica.ts";
export * from "./status.ts";
export * from "./transfer.ts";
export * from "./upkeep.ts";
export * from "./value.ts";
export * from "./wal.ts";
