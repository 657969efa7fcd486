/**
 * The network: links between the processes on hosts, and what goes wrong on
 * the way.
 *
 * As with TCP, two processes talk over one link at a time; what is in flight
 * when it goes down is lost, and each side is told that it went down, soon,
 * late, or only when the next link comes up. Unlike TCP, a faulty way may
 * lose, double and reorder.
 *
 * @module
 */
import type { PeerMessage } from "../../protocol/mod.ts";
import { type Agenda, type Micros, MILLISECOND } from "./agenda.ts";
import { copyMessage } from "./bytes.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { Trace } from "./trace.ts";
import { showMessage } from "./words.ts";

/** One direction between two hosts. */
export interface Way {
  /** What is sent is lost, kept until the way is open again, or goes. */
  state: "open" | "loses" | "holds";
  /** Least and most time on the way. */
  latency: readonly [Micros, Micros];
  /** Probabilities. */
  drop: number;
  double: number;
  reorder: number;
  /** Messages of some types are lost, or late. */
  picks: Picks | undefined;
  held: (() => void)[];
}

/** What becomes of messages of some types. */
export interface Picks {
  readonly types: ReadonlySet<string>;
  readonly chance: number;
  /** How late they are; 0 where they are lost. */
  readonly delay: Micros;
}

/** A connection of two processes. */
interface Link {
  readonly ends: readonly [Process, Process];
  up: boolean;
  /** By end: it knows that the link is up, and since when it arrives there. */
  readonly knows: [boolean, boolean];
  readonly lastArrival: [Micros, Micros];
}

/** What the network needs. */
export interface NetworkOptions {
  readonly hosts: number;
  readonly agenda: Agenda;
  readonly random: Random;
  readonly trace: Trace;
  /** Writes a message as bytes and reads them again, for some of them. */
  readonly codec: ((message: PeerMessage) => PeerMessage) | undefined;
  readonly codecChance: number;
  /** Whether long promises come in parts, one for each value. */
  readonly splits: boolean;
}

const DIAL_EVERY: Micros = 20 * MILLISECOND;

/** All ways and links. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #ways: Way[][];
  readonly #links: Map<string, Link> = new Map();
  readonly #processes: Map<number, Process> = new Map();
  /** How many messages were delivered. */
  delivered = 0;
  /** Watches all that is sent. */
  onSend: (from: Process, message: PeerMessage) => void = () => {};
  /** Watches who gets a new link: to whom, and with whom. */
  onLink: (to: Process, peer: Process) => void = () => {};
  /** Watches all that arrives. */
  onArrive: (from: Process, to: Process, message: PeerMessage) => void =
    () => {};

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#ways = Array.from(
      { length: options.hosts },
      () => Array.from({ length: options.hosts }, newWay),
    );
    this.#dialSoon();
  }

  /** The way from one host to another. */
  way(from: number, to: number): Way {
    return this.#ways[from]![to]!;
  }

  /** All ways. */
  *ways(): Generator<Way> {
    for (const row of this.#ways) yield* row;
  }

  /** A process has started on its host. */
  join(process: Process): void {
    this.#processes.set(process.host, process);
  }

  /** A process is gone; its peers are told after so long. */
  part(process: Process, notice: () => Micros): void {
    this.#processes.delete(process.host);
    for (const link of this.#links.values()) {
      if (link.ends.includes(process)) this.#cut(link, notice);
    }
  }

  /** Cuts the links between two hosts; each side is told after so long. */
  cut(a: number, b: number, notice: () => Micros | undefined): void {
    for (const link of this.#links.values()) {
      const [one, other] = link.ends;
      const between = one.host === a && other.host === b ||
        one.host === b && other.host === a;
      if (between) this.#cut(link, notice);
    }
  }

  /** Opens a way again: what it held arrives. */
  open(way: Way): void {
    way.state = "open";
    for (const arrive of way.held.splice(0)) arrive();
  }

  /** A process sends a message, if it has a link. */
  send(from: Process, to: string, message: PeerMessage): void {
    this.onSend(from, message);
    const link = this.#links.get(from.id + to);
    if (link === undefined || !link.up) return;
    const end = link.ends[0] === from ? 0 : 1;
    if (!link.knows[end]) return;
    const target = link.ends[1 - end]!;
    const way = this.way(from.host, target.host);
    const { random } = this.#options;
    if (way.state === "loses" || random.chance(way.drop)) return;
    for (const part of this.#partsOf(message)) {
      this.#carry(link, { end, way, message: this.#pack(part) });
      if (!random.chance(way.double)) continue;
      this.#carry(link, { end, way, message: this.#pack(part) });
    }
  }

  /** What is allowed for long promises is done to short ones. */
  #partsOf(message: PeerMessage): PeerMessage[] {
    const { splits } = this.#options;
    if (!splits || message.type !== "promise") return [message];
    const { accepted } = message;
    if (accepted.length < 2) return [message];
    return accepted.map((value) => ({ ...message, accepted: [value] }));
  }

  #pack(message: PeerMessage): PeerMessage {
    const { codec, codecChance, random } = this.#options;
    return codec !== undefined && random.chance(codecChance)
      ? codec(message)
      : copyMessage(message);
  }

  #carry(
    link: Link,
    { end, way, message }: { end: 0 | 1; way: Way; message: PeerMessage },
  ): void {
    const { agenda, random } = this.#options;
    const [least, most] = way.latency;
    let at = agenda.now + random.between(least, most);
    if (isPicked(way, message) && random.chance(way.picks!.chance)) {
      if (way.picks!.delay === 0) return;
      at += random.between(way.picks!.delay / 4, way.picks!.delay);
    } else if (random.chance(way.reorder)) at += random.between(0, 4 * most);
    else {
      at = Math.max(at, link.lastArrival[1 - end]!);
      link.lastArrival[1 - end] = at;
    }
    const arrive = () => this.#arrive(link, { end, message });
    agenda.after(at - agenda.now, () => {
      if (way.state !== "holds") arrive();
      else way.held.push(arrive);
    });
  }

  #arrive(link: Link, sent: { end: 0 | 1; message: PeerMessage }): void {
    if (!link.up) return;
    const [from, to] = sent.end === 0
      ? link.ends
      : [link.ends[1], link.ends[0]];
    const { trace } = this.#options;
    const { message } = sent;
    this.delivered++;
    trace.mark("deliver", from.number * 256 + to.number, codeOf(message));
    if (trace.reads) {
      trace.say(to.name, `<- ${from.name} ${showMessage(message)}`);
    }
    to.input(() => {
      this.onArrive(from, to, message);
      to.node.receive(from.id, message);
    });
  }

  #dialSoon(): void {
    const { agenda, random } = this.#options;
    const gap = random.between(DIAL_EVERY / 2, DIAL_EVERY);
    agenda.after(gap, () => {
      this.#dialAll();
      this.#dialSoon();
    });
  }

  #dialAll(): void {
    const processes = [...this.#processes.values()];
    for (const [i, one] of processes.entries()) {
      for (const other of processes.slice(i + 1)) {
        if (!one.knows(other) && !other.knows(one)) continue;
        if (this.#links.get(one.id + other.id)?.up) continue;
        if (this.#canConnect(one, other)) this.#connect(one, other);
      }
    }
  }

  #canConnect(one: Process, other: Process): boolean {
    if (one.paused || other.paused) return false;
    // C10: nodes of different histories, or of none yet, have no links.
    const { shownLineage } = one.node;
    if (shownLineage !== other.node.shownLineage) return false;
    if (shownLineage === "") return false;
    const { random } = this.#options;
    return [
      this.way(one.host, other.host),
      this.way(other.host, one.host),
    ].every((way) => way.state === "open" && !random.chance(3 * way.drop));
  }

  #connect(one: Process, other: Process): void {
    const { agenda, trace } = this.#options;
    const before = this.#links.get(one.id + other.id);
    const link: Link = {
      ends: [one, other],
      up: true,
      knows: [false, false],
      lastArrival: [agenda.now, agenda.now],
    };
    this.#links.set(one.id + other.id, link);
    this.#links.set(other.id + one.id, link);
    trace.mark("link", one.number * 256 + other.number, 1);
    if (trace.reads) trace.say(one.name, `links with ${other.name}`);
    if (before !== undefined) this.#tellDown(before);
    this.#tellUp(link, 0);
    this.#tellUp(link, 1);
  }

  #tellUp(link: Link, end: 0 | 1): void {
    const process = link.ends[end]!;
    const peer = link.ends[1 - end]!;
    const { agenda } = this.#options;
    // What the other side sends comes after this.
    const [least] = this.way(peer.host, process.host).latency;
    link.lastArrival[end] = agenda.now + least;
    agenda.after(least, () => {
      if (!link.up) return;
      link.knows[end] = true;
      process.input(() => {
        this.onLink(process, peer);
        process.node.linkUp(peer.id);
      });
    });
  }

  /** Tells the ends that have not been told yet that the link is down. */
  #tellDown(link: Link): void {
    for (const end of [0, 1] as const) this.#tellEndDown(link, end);
  }

  #tellEndDown(link: Link, end: 0 | 1): void {
    if (!link.knows[end]) return;
    link.knows[end] = false;
    const process = link.ends[end]!;
    const peer = link.ends[1 - end]!;
    const { trace } = this.#options;
    if (trace.reads) trace.say(process.name, `has lost ${peer.name}`);
    process.input(() => process.node.linkDown(peer.id));
  }

  #cut(link: Link, notice: () => Micros | undefined): void {
    if (!link.up) return;
    link.up = false;
    const [one, other] = link.ends;
    const { agenda, trace } = this.#options;
    trace.mark("link", one.number * 256 + other.number, 0);
    if (trace.reads) trace.say(one.name, `is cut from ${other.name}`);
    for (const end of [0, 1] as const) {
      const delay = notice();
      if (delay === undefined) continue;
      agenda.after(delay, () => this.#tellEndDown(link, end));
    }
  }
}

function newWay(): Way {
  return {
    state: "open",
    latency: [50, 500],
    drop: 0,
    double: 0,
    reorder: 0,
    picks: undefined,
    held: [],
  };
}

function isPicked({ picks }: Way, { type }: PeerMessage): boolean {
  return picks !== undefined && picks.types.has(type);
}

/** What the trace's hash keeps of a message. */
function codeOf(message: PeerMessage): number {
  const { type } = message;
  const slot = "seqn" in message ? message.seqn : 0;
  return type.charCodeAt(0) * 31 + type.charCodeAt(type.length - 1) +
    type.length * 8192 + slot * 131072;
}
