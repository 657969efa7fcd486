/**
 * Every limit, with its default and its reason. What is above a limit is
 * refused with an error that names both numbers, never cut short.
 *
 * Limits that applying a command enforces are constants of the format: no
 * setting of one node may change what a command does (it would make replicas
 * disagree). The others are per node and may differ.
 *
 * @module
 */

/** The limits. Sizes are in bytes, times in milliseconds. */
export const LIMITS = {
  /** A file's body. Chosen so that one change never delays the others long. */
  valueBytes: 1 << 20,
  /** A path or a glob, in bytes. */
  pathBytes: 1024,
  /** All files: bodies, names and what the tree needs to hold them. */
  treeBytes: 2 ** 30,
  /** All retained revisions; the oldest are forgotten above it. */
  historyBytes: 2 ** 30,
  /** Retained revisions, unless `-hist` says otherwise. */
  historyRevs: 360_000,
  /** History beyond that, kept while another node copies it. */
  overdraftBytes: 256 << 20,
  /** Nodes that are registered, each with a session of its own. */
  sessions: 10_000,
  /** Clients' sessions; above it the one that was used least lately ends. */
  clientSessions: 10_000,
  /** Commands of a session whose outcomes its client has not acknowledged. */
  sessionWindow: 256,
  /** What all clients' sessions hold; the least lately used end above it. */
  sessionBytes: 2 << 20,
  /** The name that a client gives its session, in bytes. */
  sessionNameBytes: 64,
  /** A frame: the largest body, and room for its path and fields. */
  frameBytes: (1 << 20) + (64 << 10),
  /** The same between nodes: a batch of commands, the last of them large. */
  peerFrameBytes: 4 << 20,
  /** What waits to be sent to one other node, before more is dropped. */
  peerQueueBytes: 64 << 20,
  /** Connections that claim to be nodes and have not proved it. */
  peerHandshakes: 64,
  /** How long another node may be silent before its link is cut. */
  peerSilenceMs: 1_500,
  /** Open client connections of a node. */
  connections: 1024,
  /** Requests of one connection that await their answer. */
  requestsInFlight: 1000,
  /** WAITs and watches of one connection, together. */
  waitsPerConnection: 1000,
  /** What waits, watches, and reads of revs to come of all clients hold. */
  waitBytesNode: 64 << 20,
  /** Distinct patterns that wait on one directory, their text together. */
  waitGlobBytes: 16 << 10,
  /** The same of one connection: none takes all of a directory's room. */
  waitGlobBytesEach: 4 << 10,
  /** Entries of a list in one answer, where the client asks for many. */
  listEntries: 4096,
  /** The same in bytes, as far as one entry fits. */
  listPieceBytes: 256 << 10,
  /** Lists kept for those who read them an entry at a time. */
  listBytes: 64 << 20,
  /** Requests that are not complete, of all clients together. */
  partialBytesNode: 128 << 20,
  /** Answers a client has not read, before its requests are left unread. */
  unreadBytesSoft: 256 << 10,
  /** Answers a client has not read, before it is cut off. */
  unreadBytesHard: 16 << 20,
  /** The same of all clients together, before one that leaves much is cut. */
  unreadBytesNode: 128 << 20,
  /** Backups that are made of a node at the same time. */
  backups: 4,
  /** From one piece of a backup until its client asks for the next. */
  backupMs: 60_000,
  /** Decided slots that a node keeps for peers which were away shortly. */
  decidedLogBytes: 16 << 20,
  /** What waits for a node's disk, before it takes no more values. */
  logPendingBytes: 64 << 20,
  /** Commands of a node's clients that are not applied yet. */
  pendingBytes: 64 << 20,
  /** From the first byte of a frame to its last. */
  frameMs: 60_000,
  /** How long a read waits for the rev that it must see at least. */
  minRevMs: 5_000,
  /** The shortest time between two progress marks of a watch. */
  progressMs: 100,
  /** From accepting a connection to its TLS handshake or first right. */
  handshakeMs: 10_000,
} as const;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;
