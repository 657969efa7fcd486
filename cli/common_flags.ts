/**
 * Flags that several commands share.
 *
 * @module
 */

import type { FlagSpec } from "./flags.ts";

/** Flags of every command. */
export const COMMON_FLAGS: readonly FlagSpec[] = [
  {
    long: "output",
    short: "o",
    takes: "text|json",
    help: "form of the output: text, or one JSON object per line",
  },
  { long: "help", short: "h", help: "show help" },
  { long: "version", short: "v", help: "show the version" },
];

/** Flags of every command that asks a server. */
export const CLIENT_FLAGS: readonly FlagSpec[] = [
  {
    long: "uri",
    short: "a",
    takes: "CLUSTER",
    many: true,
    help: "the servers to ask, tried in turn: HOST:PORT, several with commas " +
      "or several -a, or a URI (else DOOZER_URI, else 127.0.0.1:8046)",
  },
  {
    long: "boot-uri",
    short: "b",
    takes: "URI",
    help: "the name service that resolves cn=NAME (else DOOZER_BOOT_URI)",
  },
  {
    long: "timeout",
    short: "t",
    takes: "DURATION",
    help: "give up on the whole command after this time, as in 500ms or " +
      "1m30s; 0 is never (default 7s a request; wait and watch: never)",
  },
  {
    long: "lineage",
    takes: "ID",
    help: "fail unless the history is still this one (doozer status names it)",
  },
  { long: "tls", help: "use TLS, trusting the system's certificates" },
  {
    long: "cacert",
    takes: "FILE",
    help: "use TLS, trusting this PEM file (else DOOZER_CACERT)",
  },
  ...COMMON_FLAGS,
];

/** Flags of every command that reads at a rev. */
export const READ_FLAGS: readonly FlagSpec[] = [
  {
    long: "rev",
    short: "r",
    takes: "REV",
    help: "the rev to read at, or to begin with (default -1, the current one)",
  },
  ...CLIENT_FLAGS,
];

/** Reads this server's copy, not the cluster's state. */
export const LOCAL_FLAG: FlagSpec = {
  long: "local",
  help:
    "read this server's copy as it is, which may be behind; needs no quorum",
};

/** Flags of every command that reads the tree. */
export const STATE_FLAGS: readonly FlagSpec[] = [
  LOCAL_FLAG,
  {
    long: "at-least",
    takes: "REV",
    help: "read this server's copy once it has reached that rev",
  },
  ...READ_FLAGS,
];
