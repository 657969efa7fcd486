/**
 * Opens the connection that a command asks its questions on: where to, with
 * which secret, trusting whom, and for how long. Flags come before the
 * environment.
 *
 * @module
 */

import { DEFAULT_URI, parseUri } from "../protocol/mod.ts";
import {
  type Client,
  connect,
  type ConnectOptions,
} from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import type { Call } from "./command.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
import { REQUEST_MS, TimeLimit } from "./time_limit.ts";
import { UsageError } from "./usage_error.ts";

/** Where a command asks, and how. */
export interface Target {
  readonly uri: string;
  readonly options: Omit<ConnectOptions, "timeoutMs" | "signal">;
}

/** Runs a command's questions on a connection of its own. */
export async function ask(
  call: Call,
  questions: (client: Client, limit: TimeLimit) => Promise<void>,
): Promise<void> {
  const { uri, options } = findTarget(call.flags, call.io);
  const requestMs = isPatient(call) ? 0 : REQUEST_MS;
  const limit = new TimeLimit(call.flags, { requestMs });
  // Connecting never takes for ever, even where the answer may.
  const timeoutMs = limit.nextMs() || REQUEST_MS;
  using client = await connect(uri, { ...options, timeoutMs });
  try {
    await questions(client, limit);
  } catch (error) {
    throw nameServer(error, client.address);
  }
}

/** Adds who did not answer. */
function nameServer(error: unknown, address: string): unknown {
  if (!(error instanceof DoozerError)) return error;
  const { code, detail } = error;
  const silent = code === "UNAVAILABLE" || code === "UNKNOWN";
  if (!silent || detail.includes(address)) return error;
  return new DoozerError(code, `${detail} (asked ${address})`, {
    cause: error,
  });
}

/** These wait for others to write, which has no usual time. */
function isPatient(call: Call): boolean {
  return call.command.name === "wait" || call.command.name === "watch";
}

/** Reads flags and environment. */
export function findTarget(flags: Flags, io: Pick<Io, "env">): Target {
  const given = flags.text("uri") ?? io.env("DOOZER_URI") ?? DEFAULT_URI;
  const uri = flags.on("tls") ? withTls(given) : given;
  const bootUri = flags.text("boot-uri") ?? io.env("DOOZER_BOOT_URI");
  const secret = findSecret(uri, io);
  const caFile = flags.text("cacert") ?? io.env("DOOZER_CACERT");
  return {
    uri,
    options: {
      ...(bootUri === undefined ? {} : { bootUri }),
      ...(secret === undefined ? {} : { secret }),
      ...(caFile === undefined ? {} : { caCerts: [readPem(caFile)] }),
    },
  };
}

// The URI's own secret wins: it names its cluster, the environment does not.
function findSecret(uri: string, io: Pick<Io, "env">): string | undefined {
  if (parseUri(uri).secret !== undefined) return undefined;
  return io.env("DOOZER_RWSECRET") ?? io.env("DOOZER_ROSECRET");
}

function withTls(uri: string): string {
  return `${uri}${uri.includes("?") ? "&" : "?"}tls=true`;
}

/** The text of a PEM file, or an error that names it. */
export function readPem(file: string): string {
  try {
    const text = Deno.readTextFileSync(file);
    if (text.includes("-----BEGIN ")) return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new DoozerError("OTHER", `Cannot read the file "${file}": ${why}`, {
      cause: error,
    });
  }
  throw new DoozerError(
    "OTHER",
    `Cannot use the file "${file}": it is not in PEM form`,
  );
}

/** Reads `-r`: undefined is the current rev, as -1 was in the original. */
export function readRevFlag(flags: Flags): { rev?: number } {
  const text = flags.text("rev");
  if (text === undefined || text === "-1") return {};
  const rev = parseRev(text);
  if (rev !== undefined) return { rev };
  throw new UsageError(`Cannot read "${text}" as a rev: it is not a number`);
}

/** Reads a rev given as a word; one that is above all numbers forces. */
export function readRevArg(text: string | undefined): number {
  const rev = parseRev(text ?? "");
  if (rev !== undefined) return rev;
  throw new DoozerError(
    "OTHER",
    `Cannot read "${text}" as a rev: it is not a whole number`,
  );
}

function parseRev(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined;
  // Go clients send 2^62 to force; a double must not round it.
  const rev = Number(text);
  return Math.max(-1, Math.min(rev, Number.MAX_SAFE_INTEGER));
}
