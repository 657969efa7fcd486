/**
 * What a client of the library asks for: it writes, counts, reads and lists
 * files that others write, too, and gives up at times. What it is told it shows
 * to the checkers.
 *
 * @module
 */
import { type ClientResponse, READ_WAYS } from "../../../protocol/mod.ts";
import {
  CLOBBER,
  type DoozerError,
  type Mutation,
} from "../../../store/mod.ts";
import type { Path, Rev } from "../../../store/mod.ts";
import { type Micros, MILLISECOND } from "../agenda.ts";
import { hashBytes } from "../bytes.ts";
import { COUNTER, type OnceWrite } from "../checkers/exactly_once.ts";
import type { Random } from "../random.ts";
import { fail } from "../violation.ts";
import { Lister } from "./lister.ts";
import type { ClientParts } from "./parts.ts";

/** What a client does, as often as it is listed. */
const ACTIONS = [
  ...new Array<"set">(6).fill("set"),
  ...new Array<"count">(5).fill("count"),
  ...new Array<"read">(5).fill("read"),
  "del",
  "del",
  "nop",
  "list",
] as const;

/** Who asks is told so long after the deadline, at most. */
const SLACK: Micros = 5 * MILLISECOND;
/** How long a write may take when all is well, in ms. */
const PROBE_MS = 5_000;

/** What one client asks for. */
export class Workload {
  readonly #client: ClientParts;
  readonly #random: Random;
  readonly #lister: Lister;
  /** Refusals, by code. */
  readonly #refusals: Map<string, number>;
  /** The rev of each file as it was seen last. */
  readonly #known: Map<Path, Rev> = new Map();
  #underWay = 0;
  #stopped = false;
  #closed = false;
  /** How many reads and lists there were. */
  reads = 0;

  constructor(
    client: ClientParts,
    own: { random: Random; refusals: Map<string, number> },
  ) {
    this.#client = client;
    this.#random = own.random;
    this.#refusals = own.refusals;
    this.#lister = new Lister(client);
  }

  /** Asks for one thing after the other from now on. */
  start(): void {
    this.#actSoon();
  }

  /** Asks for nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** The client is closed: all has its answer. */
  closed(): void {
    this.#closed = true;
    if (this.idle) return;
    fail("nothing hangs", `${this.#client.name} is closed, and asks`);
  }

  /** Whether nothing is under way. */
  get idle(): boolean {
    return this.#underWay === 0;
  }

  /** Learns of all servers that are registered. */
  discover(): void {
    const { scenario: { timeoutMs }, core } = this.#client;
    this.#lister.list("/ctl/node/*/addr", {
      timeoutMs,
      done: (files = []) => {
        if (files.length > 0) {
          core.found(files.map(({ value }) => decoder.decode(value)));
        }
      },
    });
  }

  /** Writes something now that all is well; tells why it failed, if so. */
  probe(done: (why: string | undefined) => void): void {
    this.#write((id) => ({
      type: "set",
      path: "/l/probe",
      rev: CLOBBER,
      body: bodyOf(id, "probe"),
    }), { timeoutMs: PROBE_MS, done });
  }

  #actSoon(): void {
    const { think, outstanding } = this.#client.scenario;
    this.#client.soon(() => {
      if (this.#stopped) return;
      if (this.#underWay < outstanding) this.#act();
      this.#actSoon();
    }, this.#random.gap(think));
  }

  #act(): void {
    const path = `/l/${this.#random.below(this.#client.scenario.files)}`;
    switch (this.#random.pick(ACTIONS)) {
      case "set":
        return this.#set(path);
      case "del": {
        const rev = this.#drawRev(path);
        return this.#write(() => ({ type: "del", path, rev }));
      }
      case "nop":
        return this.#write(() => ({ type: "nop" }));
      case "count":
        return this.#count();
      case "read":
        return this.#read(path);
      case "list":
        return this.#list();
    }
  }

  #set(path: Path): void {
    const rev = this.#drawRev(path);
    const rest = "y".repeat(this.#random.below(60));
    this.#write((id) => {
      return { type: "set", path, rev, body: bodyOf(id, rest) };
    });
  }

  /** Compares with what it saw last, creates, or writes whatever there is. */
  #drawRev(path: Path): Rev {
    const draw = this.#random.float();
    if (draw < 0.3) return this.#known.get(path) ?? 0;
    return draw < 0.4 ? 0 : CLOBBER;
  }

  /** Reads a counter, and writes one more where nobody else has. */
  #count(): void {
    const { counters } = this.#client.scenario;
    const path = `${COUNTER}${this.#random.below(counters)}`;
    this.#read(path, ({ rev = 0, value }) => {
      const text = decoder.decode(value);
      const count = Number(text.split(" ")[1] ?? 0) + 1;
      this.#write((id) => {
        return { type: "set", path, rev, body: bodyOf(id, `${count}`) };
      });
    });
  }

  #read(path: Path, done?: (found: ClientResponse) => void): void {
    const { history } = this.#client.world;
    const linearizable = this.#random.chance(0.4);
    const floor = linearizable
      ? Math.max(history.floor, this.#client.seen())
      : this.#client.seen();
    const read = linearizable ? { read: READ_WAYS.linearizable } : {};
    const timeoutMs = this.#drawTimeout();
    this.reads++;
    const end = this.#begins(`a read of ${path}`, timeoutMs);
    const asked = this.#client.core.ask({
      verb: "GET",
      ask: { path, ...read },
      timeoutMs,
    }, {
      answered: (response) => {
        end();
        this.#found(response, { path, floor, linearizable });
        if (done !== undefined) this.#client.soon(() => done(response));
      },
      failed: (error) => {
        end();
        this.#refused(error);
        if (error.code === "UNAVAILABLE" || error.code === "CLOSED") return;
        fail("an odd answer", `a read is told ${error.message}`);
      },
    });
    this.#giveUpPerhaps(asked);
  }

  /** It must have been so at some rev that the reader may see. */
  #found(
    { rev = 0, value, at }: ClientResponse,
    { path, floor, linearizable }: {
      path: Path;
      floor: Rev;
      linearizable: boolean;
    },
  ): void {
    const { canon, history } = this.#client.world;
    const hash = rev === 0 ? 0 : hashBytes(value ?? new Uint8Array(0));
    const isSo = (when: Rev) => {
      const file = canon.fileAt(path, when);
      return rev === (file?.rev ?? 0) && hash === (file?.hash ?? 0);
    };
    if (at !== undefined && at < floor) {
      fail("stale read", `${path} at ${at}, though ${floor} was known`);
    }
    const last = at ?? this.#client.teller().rev;
    let first = at ?? floor;
    while (first <= last && !isSo(first)) first++;
    if (first > last) {
      const when = `from ${at ?? floor} to ${last}`;
      fail("stale read", `${path} was never of rev ${rev} ${when}`);
    }
    this.#known.set(path, rev);
    // The least that the reader has seen.
    this.#client.saw(first);
    if (linearizable) history.known(first);
  }

  #list(): void {
    this.reads++;
    const timeoutMs = this.#drawTimeout();
    const end = this.#begins("a list", timeoutMs);
    this.#lister.list("/l/*", {
      timeoutMs,
      floor: this.#client.seen(),
      done: (_, error) => {
        end();
        if (error !== undefined) this.#refused(error);
      },
    });
  }

  #write(
    make: (id: number) => Mutation,
    { timeoutMs = this.#drawTimeout(), done }: {
      timeoutMs?: number;
      done?: (why: string | undefined) => void;
    } = {},
  ): void {
    const { once, history, trace } = this.#client.world;
    const { floor } = history;
    const write = once.ask({ client: this.#client.name, floor }, make);
    const { id, mutation } = write;
    trace.mark("invoke", this.#client.number, id);
    if (trace.reads) this.#client.say(`asks for ${tell(write)}`);
    const end = this.#begins(`op ${id}`, timeoutMs);
    const ask = mutation.type === "nop" ? {} : {
      path: mutation.path,
      rev: mutation.rev,
      ...(mutation.type === "set" ? { value: mutation.body } : {}),
    };
    const verb = VERBS[mutation.type];
    const written = this.#client.core.write({ verb, ask, timeoutMs }, {
      written: (rev) => {
        end();
        this.#client.say(`is told of op ${id}: rev ${rev}`);
        once.worked(write, rev);
        history.known(rev!);
        this.#client.saw(rev!);
        if (mutation.type === "set") this.#known.set(mutation.path, rev!);
        done?.(undefined);
      },
      failed: (error) => {
        end();
        this.#client.say(`is told of op ${id}: ${error.code}`);
        once.failed(write, error.code);
        this.#refused(error);
        done?.(error.message);
      },
    });
    if (done === undefined) this.#giveUpPerhaps(written);
  }

  /** Something is under way, for so long by its clock at most. */
  #begins(what: string, timeoutMs: number): () => void {
    let open = true;
    this.#underWay++;
    const { world: { agenda }, name } = this.#client;
    const within = timeoutMs * MILLISECOND / this.#client.rate + SLACK;
    agenda.after(within, () => {
      if (!open) return;
      const late = `${what} is not answered in ${timeoutMs} ms`;
      fail("nothing hangs", `${name}: ${late}`);
    });
    return () => {
      if (!open) fail("one answer", `${what} is answered twice`);
      if (this.#closed) fail("one answer", `${what} is answered after the end`);
      open = false;
      this.#underWay--;
    };
  }

  #drawTimeout(): number {
    const { shortChance, timeoutMs } = this.#client.scenario;
    return this.#random.chance(shortChance)
      ? this.#random.between(1, 30)
      : timeoutMs;
  }

  #giveUpPerhaps(asked: { giveUp(why: string): void }): void {
    const { abortChance } = this.#client.scenario;
    if (!this.#random.chance(abortChance)) return;
    const delay = this.#random.gap(10 * MILLISECOND);
    this.#client.soon(() => asked.giveUp("nobody wants it"), delay);
  }

  #refused({ code }: DoozerError): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }
}

const decoder = new TextDecoder();

const VERBS = { set: "SET", del: "DEL", nop: "NOP" } as const;

/** A body that names its write. */
function bodyOf(id: number, rest: string): Uint8Array {
  return new TextEncoder().encode(`#${id} ${rest}`);
}

function tell({ id, mutation }: OnceWrite): string {
  if (mutation.type === "nop") return `op ${id}, a nop`;
  return `op ${id}, ${mutation.type} ${mutation.path} ${mutation.rev}`;
}
