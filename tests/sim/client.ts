/**
 * A client: bound to a node, with some requests under way, it reads and writes
 * few files, so that clients get in each other's way. What it sees it shows to
 * the checkers.
 *
 * @module
 */
import {
  CLOBBER,
  type Mutation,
  type Outcome,
  type Refusal,
  type Rev,
} from "../../store/mod.ts";
import { type Micros, MILLISECOND } from "./agenda.ts";
import { hashBytes } from "./bytes.ts";
import type { Found, Operation } from "./checkers/history.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import { fail } from "./violation.ts";
import { Watcher } from "./watcher.ts";
import type { World } from "./world.ts";

/** What a client does, as often as it is listed. */
const ACTIONS = [
  ...new Array<"set">(9).fill("set"),
  ...new Array<"read">(5).fill("read"),
  "del",
  "nop",
  "look",
  "look",
  "look back",
  "wait",
] as const;

/** The rev of a SET that succeeds whatever there is, as old clients send it. */
const FORCE = 2 ** 53 - 1;
/** A request that is not answered so much after its time is lost. */
const SLACK: Micros = 1500 * MILLISECOND;
const RECONNECT: Micros = 5 * MILLISECOND;

/** A connection to a node. */
interface Connection {
  readonly number: number;
  readonly process: Process;
  /** The highest rev that was seen on it. */
  rev: Rev;
  /** Writes under way. */
  readonly open: Set<Operation>;
}

/** How many connections there were, of all clients of a run. */
export interface Counter {
  connections: number;
  reads: number;
  refusals: Map<string, number>;
}

/** One client. */
export class Client {
  readonly #world: World;
  readonly #random: Random;
  readonly #number: number;
  readonly #counter: Counter;
  readonly #watcher: Watcher;
  #connection: Connection | undefined;
  #underWay = 0;
  #stopped = false;
  #pumping = false;

  constructor(world: World, own: { number: number; counter: Counter }) {
    this.#world = world;
    this.#number = own.number;
    this.#counter = own.counter;
    this.#random = world.random.fork();
    this.#watcher = new Watcher(world, this.#random.fork());
    this.#pumpSoon();
  }

  /** Asks for nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Its waits must have been told of all that there is. */
  checkWaits(): void {
    this.#watcher.checkWaiting();
  }

  /** The process has ended: what was under way there is lost. */
  processEnded(process: Process): void {
    this.#watcher.processEnded(process);
    if (this.#connection?.process === process) this.#disconnect();
  }

  /** Writes something through the process; tells whether it worked. */
  probe(process: Process, done: (worked: boolean) => void): void {
    const connection = this.#connect(process);
    this.#write(connection, (id) => ({
      type: "set",
      path: `/k/probe${process.host}`,
      rev: CLOBBER,
      body: bodyOf(id, 4),
    }), (outcome) => done(typeof outcome === "number"));
  }

  #pumpSoon(): void {
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    const { agenda, scenario } = this.#world;
    agenda.after(this.#random.gap(scenario.think), () => {
      this.#pumping = false;
      if (this.#stopped) return;
      if (this.#underWay < scenario.outstanding) this.#act();
      this.#pumpSoon();
    });
  }

  #act(): void {
    const connection = this.#connection ?? this.#connectSomewhere();
    if (connection === undefined) return;
    const path = this.#drawPath();
    switch (this.#random.pick(ACTIONS)) {
      case "set":
        return this.#set(connection, path);
      case "del":
        return this.#write(connection, () => ({
          type: "del",
          path,
          rev: this.#drawRev(connection, path),
        }));
      case "nop":
        return this.#write(connection, () => ({ type: "nop" }));
      case "read":
        return this.#read(connection, path);
      case "look":
        return connection.process.input(() => this.#look(connection, path));
      case "look back":
        return connection.process.input(() => this.#lookBack(connection, path));
      case "wait":
        return this.#watcher.wait(connection.process);
    }
  }

  #drawPath(): string {
    return `/k/${this.#random.below(this.#world.scenario.keys)}`;
  }

  /** Compares with what this node has, most often; else creates or forces. */
  #drawRev(connection: Connection, path: string): Rev {
    const draw = this.#random.float();
    if (draw < 0.45) return Math.max(0, connection.process.store.get(path).rev);
    return draw < 0.55 ? 0 : draw < 0.6 ? FORCE : CLOBBER;
  }

  #set(connection: Connection, path: string): void {
    const { largeChance, largeBytes } = this.#world.scenario;
    const length = this.#random.chance(largeChance)
      ? this.#random.below(largeBytes)
      : this.#random.below(60);
    const rev = this.#drawRev(connection, path);
    this.#write(connection, (id) => {
      return { type: "set", path, rev, body: bodyOf(id, length) };
    });
  }

  #write(
    connection: Connection,
    make: (id: number) => Mutation,
    done: (outcome: Outcome) => void = () => {},
  ): void {
    const { history, agenda, trace } = this.#world;
    const { process, number } = connection;
    const by = { connection: number, origin: process.id };
    const operation = history.ask(by, make);
    const { id, mutation } = operation;
    this.#underWay++;
    connection.open.add(operation);
    trace.mark("invoke", id, number);
    if (trace.reads) this.#say(`asks ${process.name} for ${tell(operation)}`);
    let told = false;
    const settled = (outcome: Outcome) => {
      if (told) fail("one answer", `op ${id} is answered twice`);
      told = true;
      if (!connection.open.delete(operation)) this.#underWay++; // Given up.
      this.#underWay--;
      this.#settled(connection, { operation, outcome });
      done(outcome);
    };
    process.input(() => process.node.propose(mutation, { settled }));
    const asked = agenda.now;
    agenda.after(this.#patience(process), () => {
      if (connection.open.has(operation)) this.#giveUp(connection, asked);
    });
  }

  #settled(
    connection: Connection,
    { operation, outcome }: { operation: Operation; outcome: Outcome },
  ): void {
    const { history, trace } = this.#world;
    const { id } = operation;
    const made = typeof outcome === "number";
    trace.mark("complete", id, made ? outcome : outcome.code.length);
    if (trace.reads) {
      const what = made ? `rev ${outcome}` : outcome.code;
      this.#say(`is told of op ${id}: ${what}`);
    }
    // The order of events is shown once the node has run: look then.
    connection.process.afterwards(() => {
      history.answer(operation, outcome);
      if (made) connection.rev = Math.max(connection.rev, outcome);
    });
    if (!made) this.#count(connection, outcome);
  }

  #count(connection: Connection, { code }: Refusal): void {
    const { refusals } = this.#counter;
    refusals.set(code, (refusals.get(code) ?? 0) + 1);
    const away = code === "UNAVAILABLE" || code === "UNKNOWN";
    if (!away || connection !== this.#connection) return;
    if (this.#random.chance(0.7)) this.#connection = undefined;
  }

  #read(connection: Connection, path: string): void {
    const { history, agenda, trace } = this.#world;
    const { process } = connection;
    const asked = { path, floor: history.floor };
    const since = agenda.now;
    let open = true;
    this.#underWay++;
    this.#counter.reads++;
    const end = () => {
      if (open) this.#underWay--;
      open = false;
    };
    const confirmed = () => {
      end();
      process.afterwards(() => {
        const found = find(process, path);
        trace.mark("complete", this.#number, found.at);
        if (trace.reads) this.#say(`reads ${path} at ${found.at}`);
        history.read(asked, found);
        this.#sees(connection, found.at);
      });
    };
    const refused = (refusal: Refusal) => {
      end();
      this.#count(connection, refusal);
    };
    if (trace.reads) this.#say(`asks ${process.name} to read ${path}`);
    process.input(() => process.node.confirmRead({ confirmed, refused }));
    agenda.after(this.#patience(process), () => {
      if (!open) return;
      end();
      this.#giveUp(connection, since);
    });
  }

  /** Reads what the node has. */
  #look(connection: Connection, path: string): void {
    const found = find(connection.process, path);
    this.#world.history.checkFound(path, found);
    this.#sees(connection, found.at);
  }

  /** Reads what there was at some rev that the node retains. */
  #lookBack({ process }: Connection, path: string): void {
    const { store } = process;
    if (store.rev < Math.max(1, store.firstRev)) return;
    const at = this.#random.between(Math.max(1, store.firstRev), store.rev);
    this.#world.history.checkFound(path, find(process, path, at));
  }

  #sees(connection: Connection, rev: Rev): void {
    if (rev < connection.rev) {
      const { name } = connection.process;
      fail("a connection goes on", `${name} at ${rev} after ${connection.rev}`);
    }
    connection.rev = rev;
  }

  #patience(process: Process): Micros {
    const { requestTimeoutTicks } = this.#world.scenario;
    return requestTimeoutTicks * 10 * MILLISECOND / process.rate + SLACK;
  }

  /** A node that runs answers in time, quorum or not. */
  #giveUp(connection: Connection, since: Micros): void {
    const { process } = connection;
    if (process.alive && !process.paused && process.resumedAt < since) {
      const asked = `what was asked at ${since / MILLISECOND} ms`;
      fail("nothing hangs", `${process.name} has not answered ${asked}`);
    }
    if (connection === this.#connection) this.#disconnect();
    else this.#loseAll(connection);
  }

  #connectSomewhere(): Connection | undefined {
    const { living } = this.#world;
    if (living.length === 0) return undefined;
    return this.#connection = this.#connect(this.#random.pick(living));
  }

  #connect(process: Process): Connection {
    const number = ++this.#counter.connections;
    return { number, process, rev: 0, open: new Set() };
  }

  #disconnect(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#loseAll(connection);
    this.#world.agenda.after(RECONNECT, () => {
      if (this.#connection === connection) this.#connection = undefined;
    });
  }

  #loseAll(connection: Connection): void {
    for (const operation of connection.open) {
      this.#world.history.lose(operation);
      this.#underWay--;
    }
    connection.open.clear();
  }

  #say(what: string): void {
    this.#world.trace.say(`c${this.#number}`, what);
  }
}

/** What the process has there, at its newest rev or another. */
function find(process: Process, path: string, at = process.store.rev): Found {
  const state = process.store.get(path, at);
  return state.type === "file"
    ? { rev: state.rev, hash: hashBytes(state.bytes, state), at }
    : { rev: 0, hash: 0, at };
}

/** A body that names its operation, and is so much longer. */
function bodyOf(id: number, length: number): Uint8Array {
  const sign = `#${id} `;
  const body = new Uint8Array(sign.length + length);
  for (let i = 0; i < sign.length; i++) body[i] = sign.charCodeAt(i);
  return body.fill(120, sign.length);
}

function tell({ id, mutation }: Operation): string {
  if (mutation.type === "nop") return `op ${id}, a nop`;
  return `op ${id}, ${mutation.type} ${mutation.path} ${mutation.rev}`;
}
