/**
 * A connection to one server, with a method for each verb.
 *
 * All failures are {@linkcode DoozerError}s with a code from a closed set.
 *
 * @module
 */
import { type ClientResponse, decodeStatus, encodeText } from "../mod.ts";
import { EVENT_FLAGS, type NodeStatus, READ_WAYS, type Verb } from "../mod.ts";
import { CLOBBER, DoozerError, type Rev } from "../../store/mod.ts";
import { type BackupOptions, type BackupPiece, pullBackup } from "./backup.ts";
import { type Ask, type AskOptions, Exchange } from "./exchange.ts";
import type { ExchangeOptions } from "./exchange.ts";
import { StandingWaits } from "./standing_waits.ts";

/** Options of one request. */
export interface RequestOptions extends AskOptions {
  /**
   * For reads: the rev to read at; absent means the current one, and one that
   * is to come is waited for. For writes: the highest rev that the file may
   * have, -1 (the default) for any, 0 to create only. For waits: the first rev
   * that counts; absent means the one after the current.
   */
  readonly rev?: Rev;
  /**
   * For reads: `linearizable` sees every write that was acknowledged anywhere
   * before, and needs a quorum; `local` reads this server's copy as it is, which
   * may be behind. The default is `linearizable` where neither `rev` nor
   * `minRev` is given, else `local`. An original server knows `local` only.
   */
  readonly read?: "local" | "linearizable";
  /**
   * For reads: at least this rev must be seen, as one that was seen on another
   * server; `UNAVAILABLE` where this one does not come there soon.
   */
  readonly minRev?: Rev;
}

/** A file as it was read. */
export interface FileView {
  /** The path that was asked for, or that matched. */
  readonly path: string;
  /** The rev at which it was written; 0 where there is no such file. */
  readonly rev: Rev;
  /** The body; empty where there is no such file. */
  readonly value: Uint8Array;
}

/** What a path is. */
export interface StatView {
  /** The path that was asked for. */
  readonly path: string;
  /** The file's rev; 0 where there is nothing, -2 for a directory. */
  readonly rev: Rev;
  /** Bytes of a file, entries of a directory. */
  readonly len: number;
}

/** A change of the tree. */
export interface ChangeEvent {
  /** The file that changed; "/" where nothing did (a NOP). */
  readonly path: string;
  /** The rev that the change made. */
  readonly rev: Rev;
  /** Whether the file was written, removed, or nothing happened. */
  readonly kind: "set" | "del" | "nop";
  /** The file's new body; empty unless `kind` is "set". */
  readonly value: Uint8Array;
}

const EMPTY: Uint8Array = new Uint8Array(0);
/** Waiting needs no quorum, so neither does finding where to begin. */
const LOCAL: RequestOptions = { read: "local" };

/** How many entries of a list are asked for at once. */
const LIST_AHEAD = 64;

/** A connection to one server. Requests may overlap; answers find theirs. */
export class Client implements Disposable {
  readonly #exchange: Exchange;
  readonly #waits: StandingWaits;

  /** Use `connect`, which opens the socket. */
  constructor(socket: Deno.Conn, options: ExchangeOptions) {
    this.#exchange = new Exchange(socket, options);
    this.#waits = new StandingWaits(this.#exchange);
  }

  /** The server's address, as HOST:PORT. */
  get address(): string {
    return this.#exchange.address;
  }

  /**
   * Reads a file. A missing one is no error: its rev is 0.
   *
   * @throws {DoozerError} `ISDIR`, `TOO_LATE`, `DENIED`, `UNAVAILABLE`.
   */
  async get(path: string, options: RequestOptions = {}): Promise<FileView> {
    const ask = { path, ...wayOf(options) };
    const response = await this.#exchange.ask("GET", ask, options);
    return { path, ...fileIn(response) };
  }

  /**
   * Writes a file and returns its new rev.
   *
   * @throws {DoozerError} `REV_MISMATCH`, `BAD_PATH`, `NOTDIR`, `ISDIR`,
   * `LIMIT`, `DENIED`, `UNAVAILABLE` where it certainly did not take effect,
   * and `UNKNOWN` where it may have: the answer was lost, or no quorum answers.
   */
  async set(
    path: string,
    value: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<Rev> {
    const bytes = typeof value === "string" ? encodeText(value) : value;
    const ask = { path, value: bytes, rev: options.rev ?? CLOBBER };
    return required((await this.#exchange.ask("SET", ask, options)).rev);
  }

  /**
   * Removes a file; one that is missing is no error.
   *
   * @throws {DoozerError} as {@linkcode Client.set} does.
   */
  async del(path: string, options: RequestOptions = {}): Promise<void> {
    await this.#exchange.ask(
      "DEL",
      { path, rev: options.rev ?? CLOBBER },
      options,
    );
  }

  /** Tells what a path is. */
  async stat(path: string, options: RequestOptions = {}): Promise<StatView> {
    const ask = { path, ...wayOf(options) };
    const { rev, len } = await this.#exchange.ask("STAT", ask, options);
    return { path, rev: required(rev), len: required(len) };
  }

  /**
   * The current rev: of the cluster, or with `read: "local"` of this server's
   * copy. It pays no regard to `options.rev`.
   */
  async rev(options: RequestOptions = {}): Promise<Rev> {
    const { rev: _, ...others } = options;
    const ask = wayOf(others);
    return required((await this.#exchange.ask("REV", ask, options)).rev);
  }

  /** The id of the server's node. */
  async self(options: RequestOptions = {}): Promise<string> {
    const { value } = await this.#exchange.ask("SELF", {}, options);
    return new TextDecoder().decode(value);
  }

  /** What the server's node knows of itself and its cluster. */
  async status(options: RequestOptions = {}): Promise<NodeStatus> {
    const { value } = await this.#exchange.ask("STATUS", {}, options);
    return decodeStatus(new TextDecoder().decode(value));
  }

  /**
   * Has the server's node begin a new lineage from its own state. Only for
   * when the majority is lost for ever: what only the lost nodes knew is gone.
   *
   * @throws {DoozerError} where it is not to be done, saying why.
   */
  async recover(options: RequestOptions = {}): Promise<void> {
    await this.#exchange.ask("RECOVER", {}, options);
  }

  /** Goes through consensus and changes nothing; takes a rev. */
  async nop(options: RequestOptions = {}): Promise<void> {
    await this.#exchange.ask("NOP", {}, options);
  }

  /**
   * Gives a secret. Rights only grow on a connection.
   *
   * @throws {DoozerError} `DENIED` where it is wrong.
   */
  async access(secret: string, options: RequestOptions = {}): Promise<void> {
    await this.#exchange.ask("ACCESS", { value: encodeText(secret) }, options);
  }

  /**
   * Waits for the first change, on or after `rev`, of a file that matches.
   * Without `timeoutMs` it waits for ever.
   *
   * @throws {DoozerError} `TIMEOUT`, `BAD_GLOB`, `TOO_LATE`, `LIMIT`.
   */
  async wait(
    glob: string,
    options: RequestOptions = {},
  ): Promise<ChangeEvent> {
    const rev = options.rev ?? await this.rev(LOCAL) + 1;
    const bounds = { ...options, timeoutMs: options.timeoutMs ?? 0 };
    const answer = await this.#waits.first(glob, rev, bounds);
    const { path = "", flags, value = EMPTY } = answer;
    const kind = flags === EVENT_FLAGS.set
      ? "set"
      : flags === EVENT_FLAGS.del
      ? "del"
      : "nop";
    return { path, rev: required(answer.rev), kind, value };
  }

  /** Every change of a file that matches, in order, from `rev` on. */
  async *watch(
    glob: string,
    options: RequestOptions = {},
  ): AsyncGenerator<ChangeEvent, void, void> {
    let rev = options.rev ?? await this.rev(LOCAL) + 1;
    while (true) {
      const event = await this.wait(glob, { ...options, rev });
      yield event;
      rev = event.rev + 1;
    }
  }

  /** The files that match, in tree order, all as of one rev. */
  async *walk(
    glob: string,
    options: RequestOptions = {},
  ): AsyncGenerator<FileView, void, void> {
    const responses = this.#list("WALK", { path: glob }, options);
    for await (const response of responses) {
      yield { path: required(response.path), ...fileIn(response) };
    }
  }

  /** The names of a directory's entries, sorted, all as of one rev. */
  async *getdir(
    path: string,
    options: RequestOptions = {},
  ): AsyncGenerator<string, void, void> {
    for await (
      const { path: name } of this.#list("GETDIR", { path }, options)
    ) {
      yield required(name);
    }
  }

  /**
   * All that the server holds, history included, as of one rev: the pieces of
   * an image, in order. With linearizable reading, the default, every write
   * that was acknowledged before is in it. Take them without long pauses: the
   * server keeps it for a minute. A client makes one backup at a time.
   *
   * @throws {DoozerError} `DENIED`, `LIMIT` where others make too many,
   * `UNAVAILABLE` where it is lost and has to be begun again.
   */
  backup(
    options: BackupOptions = {},
  ): AsyncGenerator<BackupPiece, void, void> {
    return pullBackup(this.#exchange, options);
  }

  /** Ends the connection. Requests under way fail. */
  close(): void {
    this.#exchange.end(new DoozerError("CLOSED", "The client is closed"));
  }

  /** Ends the connection: for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The rev of all questions about one list; the first one finds it. */
  async #pin(options: RequestOptions): Promise<Rev> {
    const { rev, read, minRev } = options;
    const known = read !== "linearizable" && minRev === undefined;
    if (rev !== undefined && known) return rev;
    const current = await this.rev(options);
    return rev ?? current;
  }

  /** Asks for one entry after the other, some ahead, until RANGE. */
  async *#list(
    verb: Verb,
    ask: Ask,
    options: RequestOptions,
  ): AsyncGenerator<ClientResponse, void, void> {
    const rev = await this.#pin(options);
    const ahead: Promise<ClientResponse | undefined>[] = [];
    try {
      for (let offset = 0;; offset++) {
        const asked = this.#exchange.ask(verb, { ...ask, rev, offset }, options)
          .catch(endOfList);
        asked.catch(() => {}); // Thrown when its turn comes, if it does.
        ahead.push(asked);
        if (ahead.length < LIST_AHEAD) continue;
        const response = await ahead.shift();
        if (response === undefined) return;
        yield response;
      }
    } finally {
      await Promise.allSettled(ahead);
    }
  }
}

function endOfList(error: unknown): undefined {
  if (error instanceof DoozerError && error.code === "RANGE") return undefined;
  throw error;
}

/** The fields that say at which rev, and how recent, to read. */
function wayOf({ rev, minRev, read }: RequestOptions): Ask {
  const usual = rev === undefined && minRev === undefined;
  const way = read ?? (usual ? "linearizable" : "local");
  return {
    ...rev === undefined ? {} : { rev },
    ...minRev === undefined ? {} : { minRev },
    // What is not said is local: old servers know no other way.
    ...way === "local" ? {} : { read: READ_WAYS[way] },
  };
}

function fileIn(response: ClientResponse): { rev: Rev; value: Uint8Array } {
  return { rev: required(response.rev), value: response.value ?? EMPTY };
}

/** A field that every server sends. */
function required<T>(field: T | undefined): T {
  if (field !== undefined) return field;
  throw new DoozerError("OTHER", "The server's answer lacks a field");
}
