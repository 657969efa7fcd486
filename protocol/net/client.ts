/**
 * A client of a cluster, with a method for each verb.
 *
 * All failures are {@linkcode DoozerError}s with a code from a closed set.
 *
 * @module
 */
import {
  type ClientAsk as Ask,
  type ClientCore,
  decodeStatus,
} from "../mod.ts";
import { type ClientResponse, encodeText } from "../mod.ts";
import { type NodeStatus, READ_WAYS, type Verb } from "../mod.ts";
import { CLOBBER, DoozerError, type Rev } from "../../store/mod.ts";
import { abortedBefore, Asking, type AskOptions } from "./asking.ts";
import { type BackupOptions, type BackupPiece, pullBackup } from "./backup.ts";
import type { Driver } from "./driver.ts";
import { listEntries } from "./listing.ts";
import { type ChangeEvent, eventIn, Watching } from "./watching.ts";
import type { EventsOnly, WatchEvent } from "./watching.ts";
import type { WatchItem, WatchIterator, WatchOptions } from "./watching.ts";

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

/** An entry of a directory. */
export interface DirectoryEntry {
  /** Its name, without the directory's path. */
  readonly name: string;
  /** The file's rev; -2 for a directory. */
  readonly rev: Rev;
  /** Bytes of a file, entries of a directory. */
  readonly len: number;
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

const EMPTY: Uint8Array = new Uint8Array(0);
/** Waiting needs no quorum, so neither does finding where to begin. */
const LOCAL: RequestOptions = { read: "local" };

/**
 * A client of a cluster: connected to one of its servers, and to another when
 * that is lost. Requests may overlap.
 */
export class Client implements Disposable {
  readonly #core: ClientCore;
  readonly #driver: Driver;
  readonly #asking: Asking;

  /** Use `connect`. */
  constructor(
    core: ClientCore,
    { driver, timeoutMs }: { driver: Driver; timeoutMs: number },
  ) {
    this.#core = core;
    this.#driver = driver;
    this.#asking = new Asking(core, { timeoutMs });
  }

  /** The address of the server that it is, or was last, connected to. */
  get address(): string {
    return this.#core.address;
  }

  /** The servers that it knows, as HOST:PORT. */
  get servers(): readonly string[] {
    return this.#core.servers;
  }

  /**
   * The history that it means: that of the first server that it met, unless
   * it was told which. Undefined at a server that knows none.
   */
  get lineage(): string | undefined {
    return this.#core.lineage;
  }

  /** The highest rev that it has seen; it never reads an older state. */
  get seen(): Rev {
    return this.#core.seen;
  }

  /**
   * Reads a file. A missing one is no error: its rev is 0.
   *
   * @throws {DoozerError} `ISDIR`, `TOO_LATE`, `DENIED`, `UNAVAILABLE`.
   */
  async get(path: string, options: RequestOptions = {}): Promise<FileView> {
    const ask = { path, ...wayOf(options) };
    const response = await this.#ask("GET", ask, options);
    return { path, ...fileIn(response) };
  }

  /**
   * Writes a file and returns its new rev. It takes effect once, however often
   * servers and connections are lost meanwhile.
   *
   * @throws {DoozerError} `REV_MISMATCH`, `BAD_PATH`, `NOTDIR`, `ISDIR`,
   * `LIMIT`, `DENIED`; `UNAVAILABLE` where it certainly did not take effect,
   * and never will; `UNKNOWN` where the time was over before that was known.
   */
  async set(
    path: string,
    value: Uint8Array | string,
    options: RequestOptions = {},
  ): Promise<Rev> {
    const bytes = typeof value === "string" ? encodeText(value) : value;
    const ask = { path, value: bytes, rev: options.rev ?? CLOBBER };
    return required(await this.#asking.write({ verb: "SET", ask }, options));
  }

  /**
   * Removes a file; one that is missing is no error. Returns the rev that it
   * made, which a server of the original does not tell: 0.
   *
   * @throws {DoozerError} as {@linkcode Client.set} does.
   */
  async del(path: string, options: RequestOptions = {}): Promise<Rev> {
    const ask = { path, rev: options.rev ?? CLOBBER };
    return await this.#asking.write({ verb: "DEL", ask }, options) ?? 0;
  }

  /** Tells what a path is. */
  async stat(path: string, options: RequestOptions = {}): Promise<StatView> {
    const ask = { path, ...wayOf(options) };
    const { rev, len } = await this.#ask("STAT", ask, options);
    return { path, rev: required(rev), len: required(len) };
  }

  /**
   * The current rev: of the cluster, or with `read: "local"` of this server's
   * copy. It pays no regard to `options.rev`.
   */
  async rev(options: RequestOptions = {}): Promise<Rev> {
    const { rev: _, ...others } = options;
    const ask = wayOf(others);
    return required((await this.#ask("REV", ask, options)).rev);
  }

  /** The id of the server's node. */
  async self(options: RequestOptions = {}): Promise<string> {
    const { value } = await this.#ask("SELF", {}, options);
    return new TextDecoder().decode(value);
  }

  /** What the server's node knows of itself and its cluster. */
  async status(options: RequestOptions = {}): Promise<NodeStatus> {
    const { value } = await this.#ask("STATUS", {}, options);
    return decodeStatus(new TextDecoder().decode(value));
  }

  /**
   * Has the server's node begin a new lineage from its own state. Only for
   * when the majority is lost for ever: what only the lost nodes knew is gone.
   *
   * @throws {DoozerError} where it is not to be done, saying why.
   */
  async recover(options: RequestOptions = {}): Promise<void> {
    await this.#ask("RECOVER", {}, options);
  }

  /** Goes through consensus and changes nothing; makes a rev, which it returns. */
  async nop(options: RequestOptions = {}): Promise<Rev> {
    return await this.#asking.write({ verb: "NOP", ask: {} }, options) ?? 0;
  }

  /**
   * Gives a secret, to this server and to those that come after it. Rights only
   * grow.
   *
   * @throws {DoozerError} `DENIED` where it is wrong.
   */
  async access(secret: string, options: RequestOptions = {}): Promise<void> {
    await this.#ask("ACCESS", { value: encodeText(secret) }, options);
    this.#core.remember(secret);
  }

  /**
   * Waits for the first change, on or after `rev`, of a file that matches; at
   * another server where this one is lost. Without `timeoutMs` it waits for
   * ever.
   *
   * @throws {DoozerError} `TIMEOUT`, `BAD_GLOB`, `TOO_LATE`, `LIMIT`, `LINEAGE`.
   */
  async wait(
    glob: string,
    options: RequestOptions = {},
  ): Promise<ChangeEvent> {
    const { rev, timeoutMs = 0 } = options.rev === undefined
      ? await this.#fromNow(options)
      : options;
    const bounds = { ...options, timeoutMs };
    return eventIn(await this.#ask("WAIT", { path: glob, rev }, bounds));
  }

  /**
   * Every change of a file that matches: in order, each once, without a gap, and
   * whatever becomes of the servers. Where events are not to be had any more it
   * says so, with an item of kind "snapshot": see {@linkcode WatchOptions}. It
   * begins at the call, and ends when the loop over it is left.
   *
   * @throws {DoozerError} `TIMEOUT`, `BAD_GLOB`, `TOO_LATE`, `LIMIT`, `DENIED`,
   * `LINEAGE` where the history was replaced, `CLOSED`.
   */
  watch(
    glob: string,
    options: EventsOnly,
  ): WatchIterator<WatchEvent>;
  /** The same, where other items than events may come. */
  watch(
    glob: string,
    options?: WatchOptions,
  ): WatchIterator<WatchItem>;
  watch(
    glob: string,
    options: WatchOptions = {},
  ): WatchIterator<WatchItem> {
    const { snapshot = false, rev, signal } = options;
    const watching = new Watching(this.#core, options);
    if (rev !== undefined || snapshot) {
      const from = rev === undefined ? undefined : Math.max(1, rev);
      watching.begin(glob, { from });
    } else {
      // The rest of the time is the watch's own affair.
      const asked = signal === undefined ? LOCAL : { ...LOCAL, signal };
      this.rev(asked).then(
        (current) => watching.begin(glob, { from: current + 1 }),
        (error) => watching.failed(error),
      );
    }
    return watching;
  }

  /**
   * The files that match, in tree order, all as of one rev.
   *
   * @throws {DoozerError} `BAD_GLOB`, `TOO_LATE` (also half-way, where history
   * leaves the rev behind), `DENIED`, `UNAVAILABLE`.
   */
  async *walk(
    glob: string,
    options: RequestOptions = {},
  ): AsyncGenerator<FileView, void, void> {
    const ask = { path: glob, ...wayOf(options) };
    const list = { verb: "WALK", ask, options } as const;
    for await (const entry of listEntries(this.#asking, list)) {
      const { path, rev, value = EMPTY } = entry;
      yield { path, rev, value };
    }
  }

  /**
   * A directory's entries, sorted by name, all as of one rev.
   *
   * @throws {DoozerError} `NOENT`, `NOTDIR`, `TOO_LATE` (also half-way),
   * `DENIED`, `UNAVAILABLE`.
   */
  async *entries(
    path: string,
    options: RequestOptions = {},
  ): AsyncGenerator<DirectoryEntry, void, void> {
    const ask = { path, ...wayOf(options) };
    const list = { verb: "GETDIR", ask, options } as const;
    for await (const entry of listEntries(this.#asking, list)) {
      const { path: name, rev, len } = entry;
      yield { name, rev, len };
    }
  }

  /** The names of a directory's entries: as {@linkcode Client.entries}. */
  async *getdir(
    path: string,
    options: RequestOptions = {},
  ): AsyncGenerator<string, void, void> {
    for await (const { name } of this.entries(path, options)) yield name;
  }

  /**
   * All that the server holds, history included, as of one rev: the pieces of
   * an image, in order. With linearizable reading, the default, every write
   * that was acknowledged before is in it. Take them without long pauses: the
   * server keeps it for a minute. A client makes one backup at a time, and all
   * of it at one server.
   *
   * @throws {DoozerError} `DENIED`, `LIMIT` where others make too many,
   * `UNAVAILABLE` where it is lost and has to be begun again.
   */
  backup(
    options: BackupOptions = {},
  ): AsyncGenerator<BackupPiece, void, void> {
    return pullBackup(this.#asking, options);
  }

  /** Ends the connection, for good. What is under way fails. */
  close(): void {
    this.#core.close();
    this.#driver.stop();
  }

  /** Ends the connection: for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The first rev to come, and what is left of the time to wait for it. */
  async #fromNow(
    { signal, timeoutMs = 0 }: AskOptions,
  ): Promise<{ rev: Rev; timeoutMs?: number }> {
    if (signal?.aborted) throw abortedBefore("WAIT", signal);
    const end = performance.now() + timeoutMs;
    const isOver = () => timeoutMs > 0 && performance.now() >= end;
    const bounds = {
      ...signal === undefined ? {} : { signal },
      ...timeoutMs > 0 ? { timeoutMs } : {},
    };
    try {
      const rev = await this.rev({ ...LOCAL, ...bounds }) + 1;
      const left = Math.max(1, end - performance.now());
      return timeoutMs > 0 ? { rev, timeoutMs: left } : { rev };
    } catch (error) {
      const isOurs = error instanceof DoozerError &&
        error.code === "UNAVAILABLE" && (signal?.aborted || isOver());
      throw isOurs ? new DoozerError("TIMEOUT", error.detail) : error;
    }
  }

  #ask(
    verb: Verb,
    ask: Ask,
    options: AskOptions,
  ): Promise<ClientResponse> {
    const once = ONCE.has(verb);
    return this.#asking.ask({ verb, ask, once }, options);
  }
}

/** What is good for one connection only. */
const ONCE: ReadonlySet<Verb> = new Set<Verb>(["ACCESS", "RECOVER"]);

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
