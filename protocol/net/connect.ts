/**
 * The client library: connects to a cluster.
 *
 * ```ts ignore
 * import { connect } from "@doozer/doozer";
 *
 * using client = await connect("doozer:?ca=127.0.0.1:8046");
 * const rev = await client.set("/app/motd", "hello", { rev: 0 });
 * const file = await client.get("/app/motd");
 * console.log(rev === file.rev, new TextDecoder().decode(file.value));
 * ```
 *
 * @module
 */
import { type Address, parseAddress, parseUri } from "../mod.ts";
import { DoozerError } from "../../store/mod.ts";
import { Client } from "./client.ts";
import { type ConnectOptions, dial } from "./dial.ts";

export {
  DoozerError,
  ERROR_CODES,
  type ErrorCode,
  type Rev,
} from "../../store/mod.ts";
export type { BackupOptions, BackupPiece } from "./backup.ts";
export * from "./client.ts";
export type { AskOptions } from "./exchange.ts";
export type { ConnectOptions } from "./dial.ts";
export type { MemberStatus, NodeId, NodeStatus, SeatStatus } from "../mod.ts";
export type { Seqn } from "../mod.ts";

/**
 * How long a request waits for its answer that says nothing else. More than
 * the time after which a server without a quorum says so: it knows more.
 */
export const REQUEST_TIMEOUT_MS = 7_000;

/**
 * Connects to the first server of the URI that answers.
 *
 * @throws {DoozerError} `UNAVAILABLE` where none does, `DENIED` where the
 * secret is wrong, `OTHER` where the URI cannot be read.
 */
export async function connect(
  uri: string,
  options: ConnectOptions = {},
): Promise<Client> {
  const { addresses, name, secret: uriSecret, tls } = parseUri(uri);
  const known = addresses.length > 0 ? addresses : await lookUp(name, options);
  const { socket, address } = await dial(known, { ...options, tls });
  const client = new Client(socket, {
    address,
    timeoutMs: options.timeoutMs ?? REQUEST_TIMEOUT_MS,
    lineage: options.lineage,
  });
  const secret = options.secret ?? uriSecret;
  if (secret === undefined) return client;
  try {
    const { signal } = options;
    await client.access(secret, signal === undefined ? {} : { signal });
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Asks the name-service cluster for the nodes of a cluster. */
async function lookUp(
  name: string | undefined,
  options: ConnectOptions,
): Promise<Address[]> {
  if (name === undefined) {
    throw new DoozerError(
      "OTHER",
      'Cannot connect: the URI has neither an address ("ca=") nor a name ' +
        '("cn=")',
    );
  }
  // The name service has a secret and a history of its own.
  const { bootUri, secret: _, lineage: _2, ...others } = options;
  if (bootUri === undefined) {
    throw new DoozerError(
      "OTHER",
      `Cannot look up the cluster "${name}": no name service is given ` +
        "(flag -b or DOOZER_BOOT_URI)",
    );
  }
  using boot = await connect(bootUri, others);
  const addresses: Address[] = [];
  for await (const { value } of boot.walk(`/ctl/ns/${name}/*`)) {
    addresses.push(parseAddress(new TextDecoder().decode(value)));
  }
  if (addresses.length > 0) return addresses;
  throw new DoozerError(
    "UNAVAILABLE",
    `The name service at ${boot.address} knows no node of "${name}"`,
  );
}
