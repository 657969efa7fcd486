/**
 * A world for the client's logic: a virtual clock, seeded chance, and sockets
 * whose every byte the test sees. The client is called only when it asked to
 * be, by one timer, as a program would.
 *
 * @module
 */
import type {
  Notice,
  Socket,
  SocketUser,
  Surroundings,
} from "../../../protocol/client/surroundings.ts";
import { Random } from "../../sim/random.ts";

/** Calls at one instant, above which something spins. */
const CALLS_MAX = 5_000;

/** A server, as the world knows it. */
export interface Host {
  /** A client has dialled; tell its pipe what becomes of it. */
  dialled(pipe: Pipe): void;
}

interface Act {
  readonly time: number;
  readonly act: () => void;
}

/** Time, chance and the servers. */
export class World implements Surroundings {
  readonly notices: Notice[] = [];
  /** When who was dialled. */
  readonly dials: { time: number; address: string }[] = [];
  readonly hosts: Map<string, Host> = new Map();
  readonly chance: Random;
  /** Called when the client wants to be. */
  onTick: () => void = () => {};
  /** How often it was. */
  ticks = 0;
  /** From here to there a byte takes so long, in ms. */
  delayMs = 1;
  readonly #acts: Act[] = [];
  #time = 1_000_000;
  #wakesAt = Infinity;
  #calls = 0;

  constructor(seed = 1) {
    this.chance = new Random(seed);
  }

  now(): number {
    return this.#time;
  }

  random(): number {
    return this.chance.float();
  }

  notice(notice: Notice): void {
    this.notices.push(notice);
  }

  wakeAt(time: number): void {
    if (!Number.isFinite(time)) throw new Error(`To be woken at ${time}`);
    this.#wakesAt = Math.min(this.#wakesAt, time);
  }

  /** What happens later. */
  after(ms: number, act: () => void): void {
    const time = this.#time + ms;
    const after = this.#acts.findIndex((other) => other.time > time);
    const at = after < 0 ? this.#acts.length : after;
    this.#acts.splice(at, 0, { time, act });
  }

  dial(address: string, user: SocketUser): Socket {
    this.dials.push({ time: this.#time, address });
    const pipe = new Pipe(this, { address, user });
    const host = this.hosts.get(address);
    if (host !== undefined) host.dialled(pipe);
    else pipe.refuse();
    return pipe;
  }

  /** Lets so much time pass. */
  run(ms: number): void {
    const end = this.#time + ms;
    while (this.#next <= end) this.#step();
    this.#time = end;
  }

  /** Lets time pass until that is so; fails where it takes too long. */
  until(isSo: () => boolean, { ms = 60_000 } = {}): void {
    const end = this.#time + ms;
    while (!isSo()) {
      if (this.#next > end) throw new Error(`It is not so in ${ms} ms`);
      this.#step();
    }
  }

  get #next(): number {
    return Math.min(this.#acts[0]?.time ?? Infinity, this.#wakesAt);
  }

  #step(): void {
    const time = Math.max(this.#time, this.#next);
    if (time > this.#time) this.#calls = 0;
    if (++this.#calls > CALLS_MAX) throw new Error("Something spins");
    this.#time = time;
    if (this.#wakesAt <= time) {
      this.#wakesAt = Infinity;
      this.ticks++;
      return this.onTick();
    }
    this.#acts.shift()!.act();
  }
}

/** A client's socket, with what the server's side of it does. */
export class Pipe implements Socket {
  readonly address: string;
  readonly #world: World;
  readonly #user: SocketUser;
  /** Closed by one of the two. */
  closed = false;
  /** How often bytes were taken from the client. */
  taken = 0;
  /** Called with what the client sends. */
  onBytes: (bytes: Uint8Array) => void = () => {};
  /** Called when the client ends it. */
  onClose: () => void = () => {};

  constructor(
    world: World,
    { address, user }: { address: string; user: SocketUser },
  ) {
    this.#world = world;
    this.address = address;
    this.#user = user;
  }

  hasOutput(): void {
    if (this.closed) throw new Error("Output after the end");
    this.#world.after(0, () => {
      if (this.closed) return;
      const bytes = this.#user.takeOutput().slice();
      this.taken++;
      this.#world.after(this.#world.delayMs, () => {
        if (!this.closed) this.onBytes(bytes);
      });
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose();
  }

  /** The server has accepted. */
  open(): void {
    this.#world.after(this.#world.delayMs, () => {
      if (!this.closed) this.#user.opened();
    });
  }

  /** There is no server. */
  refuse(): void {
    this.#world.after(this.#world.delayMs, () => this.cut("refused"));
  }

  /** The server sends. */
  send(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#world.after(this.#world.delayMs, () => {
      if (!this.closed) this.#user.received(copy);
    });
  }

  /** It breaks. */
  cut(why = "reset"): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose();
    this.#user.ended(why);
  }
}

/** A server that is down. */
export class Down implements Host {
  dialled(pipe: Pipe): void {
    pipe.refuse();
  }
}
