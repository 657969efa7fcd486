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
import { clientName } from "./client_name.ts";
import { clusterUri } from "./cluster_uri.ts";
import type { Call } from "./command.ts";
import type { Flags } from "./flags.ts";
import type { Io } from "./io.ts";
import { Notices } from "./notices.ts";
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

/**
 * The same, for what may take long: it goes on at other servers, those too
 * that the cluster names, and says so.
 */
export async function askForLong(
  call: Call,
  questions: (
    client: Client,
    own: { limit: TimeLimit; notices: Notices },
  ) => Promise<void>,
): Promise<void> {
  const { io, flags, output } = call;
  const { options, ...found } = findTarget(flags, io);
  const notices = new Notices({ io, json: output.json });
  const onNotice: ConnectOptions["onNotice"] = (notice) => notices.take(notice);
  const target = {
    ...found,
    options: { ...options, onNotice, discover: true },
  };
  await askTarget({ call, target }, async (client, limit) => {
    notices.servers = () => client.servers;
    await questions(client, { limit, notices });
  });
}

async function askTarget(
  { call, target }: { call: Call; target: Target },
  questions: Questions,
): Promise<void> {
  const limit = new TimeLimit(call.flags);
  const { client: opened, refused } = await open(target, {
    limit,
    name: clientName(call.io),
  });
  using client = opened;
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

/**
 * Connects, and tells whether the environment's secret was refused. That is no
 * failure yet: the variable may be meant for another cluster, and what is asked
 * may be open to all.
 */
async function open(
  { uri, options, secret }: Target,
  { limit, name }: { limit: TimeLimit; name: string },
): Promise<{ client: Client; refused: boolean }> {
  const attempt = (secret?: string): Promise<Client> =>
    connect(uri, {
      discover: false,
      ...options,
      ...secret === undefined ? {} : { secret },
      name,
      // Connecting never takes for ever, even where the answer may.
      timeoutMs: limit.nextMs() || REQUEST_MS,
    });
  try {
    // The library gives it to each server that it comes to.
    return { client: await attempt(secret?.text), refused: false };
  } catch (error) {
    if (!isDenied(error)) throw adviseOn(error, { uri, options });
    if (secret?.from === FROM_URI) {
      throw blameSecret(error, { from: FROM_URI, refused: true });
    }
    if (secret === undefined) throw error;
  }
  return { client: await attempt(), refused: true };
}

function adviseOn(
  error: unknown,
  { uri, options }: Pick<Target, "uri" | "options">,
): unknown {
  const withTls = options.caCerts !== undefined || parseUri(uri).tls;
  return withTls ? adviseOnTls(error) : error;
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
  const words = flags.all("uri");
  const given = clusterUri(
    words.length > 0 ? words : [io.env("DOOZER_URI") ?? DEFAULT_URI],
  );
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
