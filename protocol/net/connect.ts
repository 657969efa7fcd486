/**
 * The client library: connects to a cluster.
 *
 * ```ts
 * import { connect } from "@doozer/doozer";
 *
 * using client = await connect("doozer:?ca=127.0.0.1:8046");
 * const rev = await client.set("/app/motd", "hello", { rev: 0 });
 * const file = await client.get("/app/motd");
 * console.log(rev === file.rev, new TextDecoder().decode(file.value));
 * ```
 *
 * ```output
 * true hello
 * ```
 *
 * Every change from that rev on, each once and in order:
 *
 * ```ts
 * import { connect } from "@doozer/doozer";
 *
 * using client = await connect("doozer:?ca=127.0.0.1:8046");
 * const rev = await client.set("/app/motd", "hello again");
 * for await (const event of client.watch("/app/*", { rev })) {
 *   console.log(event.kind, event.rev === rev);
 *   break;
 * }
 * ```
 *
 * ```output
 * set true
 * ```
 *
 * @module
 */
import { type Address, ClientCore, encodeText } from "../mod.ts";
import { formatAddress } from "../mod.ts";
import { parseAddress, parseUri, SILENCE_MS } from "../mod.ts";
import { DoozerError, LIMITS } from "../../store/mod.ts";
import { Client } from "./client.ts";
import { Deferred } from "./deferred.ts";
import type { ConnectOptions } from "./dial.ts";
import { discover } from "./discover.ts";
import { Driver } from "./driver.ts";

export {
  DoozerError,
  ERROR_CODES,
  type ErrorCode,
  type Rev,
} from "../../store/mod.ts";
export type { AskOptions } from "./asking.ts";
export type { BackupOptions, BackupPiece } from "./backup.ts";
export * from "./client.ts";
export type { ConnectOptions } from "./dial.ts";
export type { MemberStatus, NodeId, NodeStatus, SeatStatus } from "../mod.ts";
export type { Notice, Seqn } from "../mod.ts";
export type {
  ChangeEvent,
  EventsOnly,
  Mark,
  SnapshotBegins,
  SnapshotEnds,
  SnapshotFile,
  WatchEvent,
  WatchItem,
  WatchIterator,
  WatchOptions,
} from "./watching.ts";

/**
 * How long a request waits for its answer that says nothing else. More than
 * the time after which a server without a quorum says so: it knows more.
 */
export const REQUEST_TIMEOUT_MS = 7_000;

/** How long connecting may take where nothing else is said. */
const CONNECT_TIMEOUT_MS = 5_000;

/** A server that lives may pause for so long. */
const SHARE_MS_MIN = 150;
/** A timer of more would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Connects to the first server of the URI that answers. From then on the client
 * stays connected, to that one or another, until it is closed.
 *
 * @throws {DoozerError} `UNAVAILABLE` where none does, `DENIED` where the
 * secret is wrong, `LINEAGE` where the history is not the one that is meant,
 * `OTHER` where the URI cannot be read.
 */
export async function connect(
  uri: string,
  options: ConnectOptions = {},
): Promise<Client> {
  const { addresses, name, secret: uriSecret, tls } = parseUri(uri);
  const unfit = whyNoName(options.name ?? "");
  if (unfit !== undefined) throw unfit;
  const known = addresses.length > 0 ? addresses : await lookUp(name, options);
  const { caCerts, onNotice } = options;
  const driver = new Driver({ tls, caCerts, onNotice });
  const opening = new Opening(options);
  const core = new ClientCore({
    addresses: known.map(formatAddress),
    secret: options.secret ?? uriSecret,
    lineage: options.lineage,
    name: options.name,
    openMs: openMsFor(known.length, options),
  }, { surroundings: driver, user: opening });
  driver.onWake = () => core.tick();
  const { timeoutMs = REQUEST_TIMEOUT_MS } = options;
  const client = new Client(core, { driver, timeoutMs });
  if (options.discover ?? true) {
    opening.onReady = () => discover(client, core);
  }
  try {
    await opening.opened(core);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Each server gets its share of the time, and none takes it all. */
function openMsFor(
  servers: number,
  { timeoutMs = CONNECT_TIMEOUT_MS }: ConnectOptions,
): number {
  // Of the only one the time for the whole is the limit, said in one way.
  if (servers === 1) {
    return timeoutMs === 0 ? TIMER_MS_MAX : Math.max(2 * timeoutMs, 10_000);
  }
  const share = timeoutMs === 0 ? SILENCE_MS : timeoutMs / servers;
  return Math.max(SHARE_MS_MIN, Math.min(SILENCE_MS, share));
}

/** Why the name cannot be that of a client, if so. */
function whyNoName(name: string): DoozerError | undefined {
  const { length } = encodeText(name);
  const most = LIMITS.sessionNameBytes;
  if (length <= most) return undefined;
  const detail = `The client's name has ${length} bytes, the limit is ${most}`;
  return new DoozerError("LIMIT", detail);
}

/** A client that is being opened: resolved by the first server that serves. */
class Opening {
  readonly #options: ConnectOptions;
  readonly #result = new Deferred<void>();
  /** Called each time that a server serves. */
  onReady: () => void = () => {};

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  ready(): void {
    this.#result.resolve();
    this.onReady();
  }

  nobody(error: DoozerError): void {
    this.#result.reject(error);
  }

  /** Resolves when the client is connected. */
  async opened(core: ClientCore): Promise<void> {
    const { signal, timeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    const giveUp = (why: string) => {
      const servers = core.servers.join(", ");
      const detail = `No server can be reached: ${servers}: ${why}`;
      this.#result.reject(new DoozerError("UNAVAILABLE", detail));
    };
    const abort = () => giveUp("it was aborted");
    if (signal?.aborted) abort();
    else core.start();
    signal?.addEventListener("abort", abort, { once: true });
    const timer = timeoutMs > 0
      ? setTimeout(
        () => giveUp("no answer within the time-out"),
        Math.min(timeoutMs, TIMER_MS_MAX),
      )
      : undefined;
    try {
      await this.#result.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
    if (core.denied !== undefined) throw core.denied;
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
  const boot = await connect(bootUri, { ...others, discover: false });
  try {
    const addresses: Address[] = [];
    for await (const { value } of boot.walk(`/ctl/ns/${name}/*`)) {
      addresses.push(parseAddress(new TextDecoder().decode(value)));
    }
    if (addresses.length > 0) return addresses;
    throw new DoozerError(
      "UNAVAILABLE",
      `The name service at ${boot.address} knows no node of "${name}"`,
    );
  } finally {
    boot.close();
  }
}
