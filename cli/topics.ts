/**
 * Help pages that are about no single command: disks, environment, exit
 * statuses, limits.
 *
 * @module
 */

import { type LimitName, LIMITS } from "../store/mod.ts";
import { EXIT, EXIT_MEANINGS } from "./exit_status.ts";
import { columns, type Topic, wrapParagraphs } from "./help_text.ts";

interface LimitText {
  readonly unit: "bytes" | "ms" | "";
  readonly meaning: string;
}

// A full record, so that a new limit must be explained here.
const LIMIT_TEXTS: Readonly<Record<LimitName, LimitText>> = {
  valueBytes: { unit: "bytes", meaning: "the body of a file" },
  pathBytes: { unit: "bytes", meaning: "a path or a glob" },
  treeBytes: {
    unit: "bytes",
    meaning: "all files: bodies, names, and what the tree needs for them",
  },
  historyBytes: {
    unit: "bytes",
    meaning: "all revs kept; the oldest are forgotten above it",
  },
  historyRevs: {
    unit: "",
    meaning: 'revs kept, unless "serve -hist" says otherwise',
  },
  overdraftBytes: {
    unit: "bytes",
    meaning: "revs kept beyond that while another node copies them",
  },
  sessions: { unit: "", meaning: "nodes that are registered" },
  clientSessions: {
    unit: "",
    meaning: "sessions of clients; the least lately used ends above it",
  },
  sessionWindow: {
    unit: "",
    meaning: "commands of a session whose outcomes are not acknowledged",
  },
  sessionBytes: {
    unit: "bytes",
    meaning: "all sessions of clients; the least lately used end above it",
  },
  sessionNameBytes: {
    unit: "bytes",
    meaning: "the name that a client gives its session",
  },
  frameBytes: { unit: "bytes", meaning: "a request or an answer" },
  peerFrameBytes: { unit: "bytes", meaning: "a message between nodes" },
  peerQueueBytes: {
    unit: "bytes",
    meaning: "what waits to be sent to a node, before more is dropped",
  },
  peerHandshakes: {
    unit: "",
    meaning: "connections of nodes that have not proved to be one",
  },
  peerSilenceMs: {
    unit: "ms",
    meaning: "from a node's last word until its link is cut",
  },
  connections: { unit: "", meaning: "open client connections of a node" },
  requestsInFlight: {
    unit: "",
    meaning: "requests of a connection that await their answer",
  },
  waitsPerConnection: {
    unit: "",
    meaning: "waits and watches of a connection",
  },
  listEntries: {
    unit: "",
    meaning: "entries of a list in one answer",
  },
  listPieceBytes: { unit: "bytes", meaning: "the same, together" },
  progressMs: {
    unit: "ms",
    meaning: "between two progress marks of a watch, at least",
  },
  unreadBytesSoft: {
    unit: "bytes",
    meaning: "answers a client has not read, before its requests have to wait",
  },
  unreadBytesHard: {
    unit: "bytes",
    meaning: "answers a client has not read, before it is cut off",
  },
  unreadBytesNode: {
    unit: "bytes",
    meaning: "the same of all clients, before those with much are cut off",
  },
  waitBytesNode: {
    unit: "bytes",
    meaning: "waits, watches, reads of revs to come of all clients",
  },
  waitGlobBytes: {
    unit: "bytes",
    meaning: "distinct patterns that wait on one directory, together",
  },
  waitGlobBytesEach: {
    unit: "bytes",
    meaning: "the same of one connection",
  },
  listBytes: {
    unit: "bytes",
    meaning: "lists kept for clients that read them entry by entry",
  },
  partialBytesNode: {
    unit: "bytes",
    meaning: "incomplete requests of all clients, before the slowest is cut",
  },
  decidedLogBytes: {
    unit: "bytes",
    meaning: "decided slots kept for nodes that were away shortly",
  },
  logPendingBytes: {
    unit: "bytes",
    meaning: "what waits for a node's disk, before it takes no more values",
  },
  pendingBytes: {
    unit: "bytes",
    meaning: "commands of a node's clients that are not applied yet",
  },
  backups: { unit: "", meaning: "backups that are made of a node at a time" },
  backupMs: {
    unit: "ms",
    meaning: "from one piece of a backup until the next one is asked for",
  },
  minRevMs: {
    unit: "ms",
    meaning: "how long a read waits for the rev that it must see at least",
  },
  frameMs: { unit: "ms", meaning: "from a request's first byte to its last" },
  handshakeMs: {
    unit: "ms",
    meaning: "from a connection's start to its TLS handshake or first right",
  },
};

const LIMIT_NAMES = Object.keys(LIMIT_TEXTS) as LimitName[];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  [
    "DOOZER_URI",
    "the servers that commands ask: HOST:PORT, several with commas, or a " +
    "URI; -a overrides it",
  ],
  [
    "DOOZER_BOOT_URI",
    "the name service that resolves cn=NAME of a URI, and that serve asks " +
    "for its cluster; -b overrides it",
  ],
  [
    "DOOZER_RWSECRET",
    "the secret for reading and writing: serve demands it, " +
    "other commands give it unless the URI has sk=",
  ],
  [
    "DOOZER_ROSECRET",
    "the secret for reading: serve demands it, other " +
    "commands give it where DOOZER_RWSECRET is not set",
  ],
  [
    "DOOZER_PEERSECRET",
    "the secret that the nodes of a cluster share: serve demands and gives it",
  ],
  [
    "DOOZER_CACERT",
    "a PEM file with the certificates to trust, which turns " +
    "TLS on; --cacert overrides it",
  ],
];

const URI_FORMS: readonly (readonly [string, string])[] = [
  ["doozer:?ca=HOST:PORT&ca=HOST:PORT", "addresses; without :PORT it is 8046"],
  ["doozer:?cn=NAME", "a name, looked up with -b"],
  ["doozer:?ca=HOST:PORT&sk=SECRET", "with a secret"],
  ["doozer:?ca=HOST:PORT&tls=true", "with TLS"],
];

/** What a node with a data directory does, and what is left to do. */
const DISK: readonly (readonly [string, string])[] = [
  [
    "power failed, kill -9",
    "It goes on where it was, and cuts off a last write that is incomplete. " +
    "Start it again.",
  ],
  [
    "disk full",
    "It does not vote. A leader lets another lead where a majority has space; " +
    "else writes are refused (exit status 5), and reads go on. It resumes by " +
    "itself: make room.",
  ],
  [
    "a write fails",
    "It stops: nobody knows what is on the disk. Look at the disk, then " +
    "start it again.",
  ],
  [
    "damaged, missing",
    "It names file and offset, takes a new id, copies the state from the " +
    "other nodes, and takes over its own seat. Its old files are in set-aside-1.",
  ],
  [
    "the same, alone",
    'It stops. "doozer restore" makes a directory of a backup, "doozer ' +
    'recover --data DIR" goes on from what stands before the damage.',
  ],
  [
    "empty, replaced",
    "It is a new node. Start it with -a, the first node too: it is given the " +
    "seat that the old one at its address had.",
  ],
  [
    "an old copy",
    "It has forgotten what it promised, and is made a new node where a node " +
    "with a vote that remembers more answers before it votes. Do not do it: " +
    "empty the directory instead.",
  ],
];

const STATUS_NAMES = Object.keys(EXIT) as (keyof typeof EXIT)[];

/** The help pages by name. */
export const TOPICS: readonly Topic[] = [
  {
    name: "disk",
    summary: "what a node does when its disk is not as it should be",
    render: renderDisk,
    rows: () => DISK.map(([what, meaning]) => ({ what, meaning })),
  },
  {
    name: "environment",
    summary: "variables, and the form of a URI",
    render: renderEnvironment,
    rows: () =>
      ENVIRONMENT.map(([variable, meaning]) => ({ variable, meaning })),
  },
  {
    name: "exit",
    summary: "exit statuses",
    render: () =>
      "Exit statuses:\n" +
      columns(STATUS_NAMES.map((n) => [String(EXIT[n]), EXIT_MEANINGS[n]])),
    rows: () =>
      STATUS_NAMES.map((n) => ({ status: EXIT[n], meaning: EXIT_MEANINGS[n] })),
  },
  {
    name: "limits",
    summary: "limits, with their units",
    render: renderLimits,
    rows: () =>
      LIMIT_NAMES.map((limit) => ({
        limit,
        value: LIMITS[limit],
        ...LIMIT_TEXTS[limit],
      })),
  },
];

function renderLimits(): string {
  const nameWidth = Math.max(...LIMIT_NAMES.map((name) => name.length));
  const rows = LIMIT_NAMES.map((name): [string, string] => {
    const { unit, meaning } = LIMIT_TEXTS[name];
    const value = String(LIMITS[name]).padStart(10);
    return [`${name.padEnd(nameWidth)}  ${value} ${unit}`, meaning];
  });
  return "Limits (what is above one is refused with an error, never cut " +
    `short):\n${columns(rows)}`;
}

function renderDisk(): string {
  const intro = "With serve --data DIR a write is answered when it is on the " +
    "disks of a majority, synced. DIR is one node's, on a file system of this " +
    "machine; its size is at most three times that of the state with its " +
    'history, and 16 MiB. "doozer verify DIR" checks it while the node does ' +
    "not run.";
  return `${wrapParagraphs(intro)}\n\nDisk:\n${columns(DISK)}`;
}

function renderEnvironment(): string {
  const intro = "A cluster is named by the addresses of its nodes, as in " +
    "10.0.0.7:8046,10.0.0.8:8046, tried in turn: a server that refuses, or is " +
    "silent for 2 s, is passed over, and a command goes on at another one when " +
    "its server is lost. Without :PORT it is 8046. A URI says the same, and " +
    "more, or names a cluster of a name service. A secret is safer in the " +
    "environment, for others can read arguments.\n\n" +
    "A secret of the environment that the server refuses is no failure by " +
    "itself, for it may be meant for another cluster: the command goes on " +
    "without. If it is then denied, that is said. A wrong sk= of the URI is a " +
    "failure at once.";
  return `Environment:\n${columns(ENVIRONMENT)}\n` +
    `${wrapParagraphs(intro)}\n\n${columns(URI_FORMS)}`;
}
