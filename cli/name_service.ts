/**
 * The name service: another cluster, in which nodes of this one are found.
 *
 * As in the original: `/ctl/boot/NAME` is written by the one node that founds
 * the cluster, `/ctl/ns/NAME/ID` holds the address of each of its nodes. Not
 * as in the original, the entries of nodes that are gone are removed: their
 * own by those that stop, the others' by whoever leads.
 *
 * @module
 */
import type { Node } from "../consensus/mod.ts";
import {
  type Client,
  connect,
  type FileView,
  type Log,
} from "../protocol/net/mod.ts";
import { DoozerError } from "../store/mod.ts";

/** What the name service needs. */
export interface NameServiceOptions {
  /** Where it is. */
  readonly uri: string;
  /** Whom to trust there: means TLS. */
  readonly caCerts?: readonly string[] | undefined;
  /** Of the cluster that is looked for. */
  readonly name: string;
  readonly node: Pick<Node, "id" | "status">;
  readonly addr: string;
  readonly log: Log;
}

/** How often the own entry, and those of nodes that are gone, are seen to. */
const KEEP_MS = 2_000;

/** A cluster's entries in another. */
export class NameService {
  readonly #options: NameServiceOptions;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** What is under way: the entry must not come back when the node has left. */
  #registering: Promise<void> | undefined;

  constructor(options: NameServiceOptions) {
    this.#options = options;
  }

  /** The addresses of the cluster's nodes. */
  async addresses(): Promise<string[]> {
    using client = await this.#connect();
    const entries = await this.#entries(client);
    return entries.map(({ value }) => new TextDecoder().decode(value));
  }

  /** Whether this node is the one that founds the cluster. */
  async won(): Promise<boolean> {
    using client = await this.#connect();
    try {
      await client.set(this.#bootPath, this.#options.node.id, { rev: 0 });
      return true;
    } catch (error) {
      if (error instanceof DoozerError && error.code === "REV_MISMATCH") {
        return false;
      }
      throw error;
    }
  }

  /** Writes the own entry, and again now and then, in case it is lost. */
  async keepRegistered(): Promise<void> {
    this.#timer = setInterval(() => this.#startRegistering(), KEEP_MS);
    await this.#startRegistering();
  }

  /** Removes the own entry; and that of a cluster that ends with this node. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#registering;
    const { node, log } = this.#options;
    const { members, durable } = node.status();
    // A durable cluster is still there when its last node has stopped.
    const isLast = !durable && members.every(({ id }) => id === node.id);
    try {
      using client = await this.#connect();
      await client.del(this.#entryPath(node.id));
      if (isLast) await client.del(this.#bootPath);
    } catch (error) {
      log.warn("Cannot leave the name service: {reason}", {
        reason: reasonOf(error),
      });
    }
  }

  get #bootPath(): string {
    return `/ctl/boot/${this.#options.name}`;
  }

  #entryPath(id: string): string {
    return `/ctl/ns/${this.#options.name}/${id}`;
  }

  #connect(): Promise<Client> {
    const { uri, caCerts } = this.#options;
    const trust = caCerts === undefined ? {} : { caCerts };
    return connect(uri, { ...trust, discover: false });
  }

  async #entries(client: Client): Promise<FileView[]> {
    const glob = this.#entryPath("*");
    return await Array.fromAsync(client.walk(glob));
  }

  #startRegistering(): Promise<void> {
    return this.#registering ??= this.#register().finally(() => {
      this.#registering = undefined;
    });
  }

  async #register(): Promise<void> {
    const { node, addr, log } = this.#options;
    const path = this.#entryPath(node.id);
    try {
      using client = await this.#connect();
      const { value } = await client.get(path);
      if (new TextDecoder().decode(value) !== addr) {
        await client.set(path, addr);
      }
      if (node.status().role === "leader") await this.#clean(client);
    } catch (error) {
      log.warn("Cannot register in the name service: {reason}", {
        reason: reasonOf(error),
      });
    }
  }

  /** Removes the entries of nodes that are not registered any more. */
  async #clean(client: Client): Promise<void> {
    const { node } = this.#options;
    const entries = await this.#entries(client);
    // Asked afterwards: who has an entry was registered before.
    const ids = new Set(node.status().members.map(({ id }) => id));
    for (const { path } of entries) {
      if (!ids.has(path.slice(this.#entryPath("").length))) {
        await client.del(path);
      }
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof DoozerError ? error.detail : String(error);
}
