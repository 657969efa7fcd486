/**
 * Reads what `doozer serve` is asked to do, and refuses what would be unsafe,
 * before anything is opened.
 *
 * @module
 */

import { type Address, formatAddress, parseUri } from "../protocol/mod.ts";
import { DoozerError, isPath, LIMITS } from "../store/mod.ts";
import { isLoopback, readAddress } from "./address.ts";
import { readPem } from "./ask.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
import type { Beginning } from "./join.ts";
import {
  type LogFormat,
  type LogLevel,
  readLogFormat,
  readLogLevel,
} from "./log.ts";
import type { TlsFiles } from "./tls_files.ts";
import { UsageError } from "./usage_error.ts";

/** Room is left for the rest of /ctl/ns/NAME/ID. */
const NAME_BYTES_MAX = 255;

/** All that `serve` needs to know. */
export interface ServeSettings {
  readonly listen: Address;
  /** The address to register, if it is not the one listened on. */
  readonly advertise: string | undefined;
  /** Absent means "local", or that of the cluster that is attached to. */
  readonly clusterName: string | undefined;
  readonly beginning: Beginning;
  /** Where the node writes what it must not forget; absent means nowhere. */
  readonly dataDirectory: string | undefined;
  readonly historyRevs: number;
  readonly pulseSeconds: number;
  readonly seatTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly peerSecret: string | undefined;
  readonly secrets: { readonly rw?: string; readonly ro?: string };
  readonly tls: TlsFiles | undefined;
  /** Open to other machines without the protection that this takes. */
  readonly exposed: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Reads flags and environment. */
export function readServeSettings(
  flags: Flags,
  io: Pick<Io, "env">,
): ServeSettings {
  refuseWeb(flags);
  const rw = io.env("DOOZER_RWSECRET");
  const ro = io.env("DOOZER_ROSECRET");
  readSeconds(flags, "fill");
  const beginning = readBeginning(flags, io);
  const seatTimeoutSeconds = readSeconds(flags, "timeout", SEAT_TIMEOUT);
  const requestTimeoutSeconds = readSeconds(
    flags,
    "request-timeout",
    REQUEST_TIMEOUT,
  );
  const listen = readAddress(flags.text("listen"));
  const advertise = readAdvertise(flags);
  if (isWildcard(listen) && advertise === undefined) needAdvertise(beginning);
  const historyRevs = readHistory(flags);
  const pulseSeconds = readSeconds(flags, "pulse");
  const form = flags.text("log-format") ?? flags.text("output") ?? "text";
  const logFormat = readLogFormat(form);
  const logLevel = readLogLevel(flags.text("log-level"));
  const tls = readTls(flags);
  const safe = isLoopback(listen.hostname) ||
    (tls !== undefined && (rw !== undefined || ro !== undefined));
  if (!safe && !flags.on("insecure")) throw unsafe(listen.hostname);
  return {
    listen,
    advertise,
    clusterName: readName(flags),
    beginning,
    dataDirectory: readDataDirectory(flags),
    historyRevs,
    pulseSeconds,
    seatTimeoutSeconds,
    requestTimeoutSeconds,
    peerSecret: io.env("DOOZER_PEERSECRET") || undefined,
    secrets: {
      ...(rw === undefined ? {} : { rw }),
      ...(ro === undefined ? {} : { ro }),
    },
    tls,
    exposed: !safe,
    logLevel,
    logFormat,
  };
}

/** Seconds of silence after which a node loses its seat, unless told. */
const SEAT_TIMEOUT = 60;
/** Seconds that clients wait where no quorum answers, unless told. */
const REQUEST_TIMEOUT = 5;

/** Which of the ways into a cluster is asked for: at most one. */
function readBeginning(flags: Flags, io: Pick<Io, "env">): Beginning {
  const attach = flags.text("attach");
  const list = flags.text("join");
  const given = [
    attach && "-a",
    flags.text("boot-uri") && "-b",
    list && "--join",
  ]
    .filter((word) => word !== undefined);
  if (given.length > 1) {
    throw new UsageError(
      `Cannot begin in two ways: ${given.join(" and ")} are given`,
      "Say one of -a, -b and --join",
    );
  }
  if (attach !== undefined) {
    return { how: "attach", addresses: readAddresses(attach) };
  }
  if (list !== undefined) return { how: "join", list: readAddresses(list) };
  const uri = flags.text("boot-uri") ?? io.env("DOOZER_BOOT_URI");
  if (uri === undefined || uri === "") return { how: "found" };
  try {
    parseUri(uri);
  } catch (error) {
    if (!(error instanceof DoozerError)) throw error;
    throw new UsageError(`Cannot boot from "${uri}": ${error.detail}`);
  }
  const caFile = io.env("DOOZER_CACERT");
  const trust = caFile === undefined || caFile === ""
    ? {}
    : { caCerts: [readPem(caFile)] };
  return { how: "boot", uri, ...trust };
}

/** Addresses apart by commas, written as HOST:PORT, without repeats. */
function readAddresses(text: string): string[] {
  const addresses = text.split(",").map((part) =>
    formatAddress(readAddress(part.trim()))
  );
  return [...new Set(addresses)];
}

function readAdvertise(flags: Flags): string | undefined {
  const text = flags.text("advertise");
  if (text === undefined) return undefined;
  const address = readAddress(text);
  if (!isWildcard(address) && address.port > 0) return formatAddress(address);
  throw new UsageError(
    `Cannot advertise "${text}": nobody can dial it`,
    "Say --advertise HOST:PORT as other nodes and clients reach this one",
  );
}

function isWildcard({ hostname }: Address): boolean {
  return hostname === "0.0.0.0" || hostname === "::";
}

function needAdvertise({ how }: Beginning): void {
  if (how === "found") return;
  throw new UsageError(
    "Cannot join other nodes from every interface: they must be told where " +
      "this node is",
    "Say --advertise ADDR",
  );
}

function refuseWeb(flags: Flags): void {
  const web = flags.text("web");
  // The words that Go's ParseBool takes for false, as the original did.
  if (web === undefined || /^(0|f|F|false|FALSE|False)$/.test(web)) return;
  throw new UsageError(
    `Cannot serve the web view at "${web}": it is not there yet`,
    "Leave -w out, or say -w false",
  );
}

function unsafe(hostname: string): UsageError {
  return new UsageError(
    `Cannot serve on "${hostname}": other machines could reach it, which ` +
      "takes a secret and TLS",
    "Set DOOZER_RWSECRET, and -tlscert and -tlskey; or say --insecure; or " +
      "listen on 127.0.0.1",
  );
}

function readName(flags: Flags): string | undefined {
  const name = flags.text("name");
  if (name === undefined) return undefined;
  // It becomes a name in the tree, above ids of nodes.
  const isName = !name.includes("/") && isPath(`/${name}`);
  if (isName && name.length <= NAME_BYTES_MAX) return name;
  throw new UsageError(
    `Cannot name the cluster "${name}"`,
    "A name holds letters, digits and . - _ : @ ~ + , = and at most " +
      `${NAME_BYTES_MAX} of them`,
  );
}

function readHistory(flags: Flags): number {
  const text = flags.text("hist") ?? String(LIMITS.historyRevs);
  const revs = Number(text);
  if (/^\d+$/.test(text) && revs >= 1 && Number.isSafeInteger(revs)) {
    return revs;
  }
  throw new UsageError(
    `Cannot keep a history of "${text}" revs: it is a number from 1 on`,
  );
}

function readDataDirectory(flags: Flags): string | undefined {
  const path = flags.text("data");
  if (path !== "") return path;
  throw new UsageError(
    "Cannot write to a data directory without a name",
    "Say --data DIR, or leave it out to keep everything in memory",
  );
}

function readSeconds(flags: Flags, long: string, usual = 0): number {
  const text = flags.text(long) ?? String(usual);
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds <= 1e6) return seconds;
  throw new UsageError(
    `Cannot set -${long} to "${text}": it is a number of seconds, ` +
      "at most 1000000",
  );
}

function readTls(flags: Flags): TlsFiles | undefined {
  const certFile = flags.text("tlscert");
  const keyFile = flags.text("tlskey");
  if (certFile !== undefined && keyFile !== undefined) {
    const [cert, key] = [readPem(certFile), readPem(keyFile)];
    return { cert, certFile, key, keyFile };
  }
  if (certFile === keyFile) return undefined;
  const [given, missing] = certFile === undefined
    ? ["tlskey", "tlscert"]
    : ["tlscert", "tlskey"];
  throw new UsageError(
    `Cannot use TLS: -${given} is given, -${missing} is missing`,
  );
}
