/**
 * Opens the connection that a command asks its questions on: where to, with
 * which secret, trusting whom, and for how long. Flags come before the
 * environment.
 *
 * @module
 */

import { DEFAULT_URI, formatAddress } from "../protocol/mod.ts";
import { parseAddress, parseUri } from "../protocol/mod.ts";
import {
  type Client,
  connect,
  type ConnectOptions,
} from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";
import type { Call } from "./command.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
import { adviseOnQuorum, adviseOnTls, blameSecret } from "./refusal.ts";
import { isDenied } from "./refusal.ts";
import { REQUEST_MS, TimeLimit } from "./time_limit.ts";

/** Where a command asks, and how. */
export interface Target {
  readonly uri: string;
  readonly options: Omit<ConnectOptions, "timeoutMs" | "signal" | "secret">;
  readonly secret: Secret | undefined;
}

interface Secret {
  readonly from: string;
  /** Absent where the client library takes it from the URI. */
  readonly text?: string;
}

/** Where a secret is from that stands in the URI. */
const FROM_URI = 'the URI ("sk")';

type Questions = (client: Client, limit: TimeLimit) => Promise<void>;

/** Runs a command's questions on a connection of its own. */
export async function ask(call: Call, questions: Questions): Promise<void> {
  const target = findTarget(call.flags, call.io);
  await askTarget({ call, target }, questions);
}

/** The same, of the node at this address. */
export async function askAt(
  { call, address }: { call: Call; address: string },
  questions: Questions,
): Promise<void> {
  const target = findTarget(call.flags, call.io);
  const uri = withAddress(target.uri, address);
  await askTarget({ call, target: { ...target, uri } }, questions);
}

async function askTarget(
  { call, target }: { call: Call; target: Target },
  questions: Questions,
): Promise<void> {
  const limit = new TimeLimit(call.flags);
  using client = await open(target, limit);
  const refused = await giveSecret(client, target);
  try {
    await questions(client, limit);
  } catch (error) {
    const from = target.secret?.from;
    if (isDenied(error) && from !== undefined) {
      throw blameSecret(error, { from, refused });
    }
    throw adviseOnQuorum(nameServer(error, client.address), call.command);
  }
}

async function open(
  { uri, options, secret }: Target,
  limit: TimeLimit,
): Promise<Client> {
  // Connecting never takes for ever, even where the answer may.
  const timeoutMs = limit.nextMs() || REQUEST_MS;
  try {
    return await connect(uri, { ...options, timeoutMs });
  } catch (error) {
    if (isDenied(error) && secret?.from === FROM_URI) {
      throw blameSecret(error, { from: FROM_URI, refused: true });
    }
    const withTls = options.caCerts !== undefined || parseUri(uri).tls;
    throw withTls ? adviseOnTls(error) : error;
  }
}

/**
 * Gives the environment's secret and tells whether it was refused. That is no
 * failure yet: the variable may be meant for another cluster, and what is
 * asked may be open to all.
 */
async function giveSecret(
  client: Client,
  { secret }: Target,
): Promise<boolean> {
  if (secret?.text === undefined) return false;
  try {
    await client.access(secret.text);
    return false;
  } catch (error) {
    if (isDenied(error)) return true;
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

/** Reads flags and environment. */
export function findTarget(flags: Flags, io: Pick<Io, "env">): Target {
  const given = flags.text("uri") ?? io.env("DOOZER_URI") ?? DEFAULT_URI;
  const uri = flags.on("tls") ? withTls(given) : given;
  const bootUri = flags.text("boot-uri") ?? io.env("DOOZER_BOOT_URI");
  const lineage = flags.text("lineage");
  const caFile = flags.text("cacert") ?? io.env("DOOZER_CACERT");
  return {
    uri,
    options: {
      ...(bootUri === undefined ? {} : { bootUri }),
      ...(lineage === undefined ? {} : { lineage }),
      ...(caFile === undefined ? {} : { caCerts: [readPem(caFile)] }),
    },
    secret: findSecret(uri, io),
  };
}

// The URI's own secret wins: it names its cluster, the environment does not.
function findSecret(uri: string, io: Pick<Io, "env">): Secret | undefined {
  if (parseUri(uri).secret !== undefined) return { from: FROM_URI };
  for (const from of ["DOOZER_RWSECRET", "DOOZER_ROSECRET"]) {
    const text = io.env(from);
    if (text !== undefined) return { text, from };
  }
  return undefined;
}

/** The URI with this address alone; how to ask it stays. */
function withAddress(uri: string, address: string): string {
  const { secret, tls } = parseUri(uri);
  const fields = new URLSearchParams({
    ca: formatAddress(parseAddress(address)),
    ...secret === undefined ? {} : { sk: secret },
    ...tls ? { tls: "true" } : {},
  });
  return `doozer:?${fields}`;
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
