/**
 * Reads what `doozer serve` is asked to do, and refuses what would be unsafe,
 * before anything is opened.
 *
 * @module
 */

import type { Address } from "../protocol/mod.ts";
import { isPath, LIMITS } from "../store/mod.ts";
import { isLoopback, readAddress } from "./address.ts";
import { readPem } from "./ask.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
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
  readonly clusterName: string;
  readonly historyRevs: number;
  readonly pulseSeconds: number;
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
  refuseUnbuilt(flags);
  const rw = io.env("DOOZER_RWSECRET");
  const ro = io.env("DOOZER_ROSECRET");
  readSeconds(flags, "timeout");
  readSeconds(flags, "fill");
  const listen = readAddress(flags.text("listen"));
  const advertise = flags.text("advertise");
  readAddress(advertise);
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
    historyRevs,
    pulseSeconds,
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

function refuseUnbuilt(flags: Flags): void {
  for (const [long, short] of [["attach", "a"], ["boot-uri", "b"]] as const) {
    if (flags.text(long) === undefined) continue;
    throw new UsageError(
      `Cannot attach to other nodes (-${short}): clusters are not there yet`,
      "This version serves a single node: leave the flag out",
    );
  }
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

function readName(flags: Flags): string {
  const name = flags.text("name") ?? "local";
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

function readSeconds(flags: Flags, long: string): number {
  const text = flags.text(long) ?? "0";
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
