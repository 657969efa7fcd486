/**
 * The stage: real nodes, the wires between them, and the minutes of what they
 * do.
 *
 * Time passes only by ticks. Between two of them messages travel in moments:
 * what is on its way arrives, then the nodes work it off one after the other,
 * by name, until nothing is on its way that may arrive.
 *
 * @module
 */
import { type DecidedSlot, Machine, Node } from "../../consensus/mod.ts";
import {
  type AppliedVisitor,
  type Ready,
  Replica,
} from "../../consensus/mod.ts";
import type { NodeSettings } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { AssertionError, type Outcome, Store } from "../../store/mod.ts";
import { type Entry, summarize } from "./minutes.ts";
import { type Arrival, Wires } from "./wires.ts";
import { idOf, shorten, showOutcome, Words } from "./words.ts";

/** More moments than any dialogue needs: something goes round in circles. */
const MOMENTS_MAX = 10_000;

/** One who plays. */
export interface Player {
  readonly node: Node;
  hasInput: boolean;
  paused: boolean;
  /** From 0 up to below 1: what chance gives this node, always. */
  chance: number;
}

/** The nodes of a dialogue, and what they have done since the last look. */
export class Stage {
  readonly players: Map<string, Player> = new Map();
  readonly wires: Wires = new Wires();
  /** What is not shown unless it is asked for. */
  readonly shown: Set<string> = new Set();
  settings: Partial<NodeSettings> = {};
  lineage = "";
  readonly #words: Words;
  readonly #owners: Map<number, string> = new Map();
  /** Nodes that go when the moment is over. */
  readonly #going: Set<string> = new Set();
  #moment: Entry[] = [];
  #lines: string[] = [];
  #speaker = "";

  constructor() {
    this.#words = new Words((session) => this.#owners.get(session) ?? "?");
  }

  /** What has happened since the last look. */
  takeLines(): string[] {
    this.#endMoment();
    const lines = this.#lines;
    this.#lines = [];
    return lines.map(shorten);
  }

  /** Writes a line by hand, after what has happened. */
  write(line: string): void {
    this.#endMoment();
    this.#lines.push(line);
  }

  note(who: string, verb: string, before: string): void {
    this.#moment.push({ who, verb, before });
  }

  player(name: string): Player {
    const player = this.players.get(name);
    if (player === undefined) throw new SyntaxError(`No node "${name}" plays`);
    return player;
  }

  /** All names, in order. */
  get names(): string[] {
    return [...this.players.keys()].sort();
  }

  /** A new node, at its own address or at that of another. */
  add(name: string, address: string = name): Node {
    const id = idOf(name);
    const send = (to: string, message: PeerMessage) =>
      this.#send({ from: name, to: shorten(to), message });
    const node: Node = new Node({
      id,
      store: new Store(),
      about: { addr: `${address}:8046`, hostname: address, version: "1" },
      onInput: () => {
        const player = this.players.get(name);
        if (player !== undefined) player.hasInput = true;
      },
      send,
      random: () => this.players.get(name)?.chance ?? this.#chanceOf(name),
      now: () => 0,
      settings: this.settings,
      onLineage: () => this.#leaveLineage(name),
    });
    const chance = this.#chanceOf(name);
    this.players.set(name, { node, hasInput: false, paused: false, chance });
    return node;
  }

  link(a: string, b: string): void {
    if (this.wires.isLinked(a, b)) return;
    this.wires.link(a, b);
    this.player(a).node.linkUp(idOf(b));
    this.player(b).node.linkUp(idOf(a));
  }

  unlink(a: string, b: string): void {
    if (!this.wires.isLinked(a, b)) return;
    this.wires.unlink(a, b);
    this.players.get(a)?.node.linkDown(idOf(b));
    this.players.get(b)?.node.linkDown(idOf(a));
  }

  /** The process ends; the others see their links to it closed. */
  crash(name: string): void {
    this.players.delete(name);
    for (const other of this.names) this.unlink(name, other);
  }

  /** The node goes when what happens now is over. */
  go(name: string): void {
    this.#going.add(name);
  }

  arrive({ from, to, message }: Arrival): void {
    this.players.get(to)?.node.receive(idOf(from), message);
  }

  /** Carries something out that makes nodes call back. */
  listen(work: () => void): void {
    const stop = this.#listen();
    try {
      work();
    } finally {
      stop();
    }
  }

  /** Says in whose name the next notes are made. */
  speakFor(name: string): void {
    this.#speaker = name;
  }

  /** Time passes for some nodes; tells when something happens. */
  tick(names: readonly string[], times: number): void {
    for (let tick = 1; tick <= times; tick++) {
      this.#endMoment();
      const before = this.#lines.length;
      for (const name of names) {
        const player = this.players.get(name);
        if (player !== undefined && !player.paused) player.node.tick();
      }
      this.settle();
      this.#endMoment();
      if (times === 1 || this.#lines.length === before) continue;
      const word = tick === 1 ? "tick" : "ticks";
      this.#lines.splice(before, 0, `after ${tick} ${word}:`);
    }
  }

  /** Lets messages travel and nodes work until all is quiet. */
  settle(): void {
    for (let moment = 0; this.#live(); moment++) {
      if (moment > MOMENTS_MAX) throw new Error("The nodes find no rest");
    }
  }

  /** One moment; tells whether anything happened. */
  #live(): boolean {
    this.#endMoment();
    const listens = (name: string) => this.players.get(name)?.paused === false;
    const arrivals = this.wires.arrivals(listens);
    for (const arrival of arrivals) this.arrive(arrival);
    let worked = arrivals.length > 0;
    for (const name of this.names) worked = this.#run(name) || worked;
    for (const name of this.#going) this.crash(name);
    this.#going.clear();
    return worked;
  }

  #run(name: string): boolean {
    const player = this.players.get(name);
    if (player === undefined || player.paused || !player.hasInput) return false;
    player.hasInput = false;
    this.#speaker = name;
    try {
      player.node.run();
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.note(name, "stops:", error.message);
      this.go(name);
    }
    return true;
  }

  #endMoment(): void {
    this.#lines.push(...summarize(this.#moment));
    this.#moment = [];
  }

  #send(arrival: Arrival): void {
    const { from, to, message } = arrival;
    const fate = this.wires.send(arrival);
    const { type } = message;
    const beat = type === "alive" || type === "heard";
    if (beat && message.round === 0 && !this.shown.has("alive")) return;
    const words = this.#words.message(message);
    const after = `${words.after ?? ""}${fate}`;
    this.#moment.push({ who: from, verb: "sends", to, ...words, after });
  }

  /** Another lineage refuses the links of this one. */
  #leaveLineage(name: string): void {
    for (const other of this.names) this.unlink(name, other);
  }

  /** So that not all try at once: A first, then B. */
  #chanceOf(name: string): number {
    return ((name.charCodeAt(0) - 65) % 5) / 5;
  }

  /** Writes down what machines apply, and what replicas hand out. */
  #listen(): () => void {
    const { apply } = Machine.prototype;
    const { takeReady } = Replica.prototype;
    const noteApplied = (slot: DecidedSlot) => this.#noteApplied(slot);
    const show = (...args: Parameters<AppliedVisitor>) =>
      this.#showApplied(...args);
    const noteOwner = (machine: Machine) => {
      for (const { id, owner } of machine.sessions.all()) {
        this.#owners.set(id, owner);
      }
    };
    const noteReady = (ready: Ready) => this.#noteReady(ready);
    Machine.prototype.apply = function (slot, visit): void {
      const entry = noteApplied(slot);
      const outcomes: string[] = [];
      noteOwner(this);
      apply.call(this, slot, (command, applied) => {
        noteOwner(this);
        outcomes.push(show(command, applied));
        visit(command, applied);
      });
      if (outcomes.length > 0) entry.after = `=[${outcomes.join("; ")}]`;
    };
    Replica.prototype.takeReady = function (): Ready {
      const ready = takeReady.call(this);
      noteReady(ready);
      return ready;
    };
    return () => {
      Machine.prototype.apply = apply;
      Replica.prototype.takeReady = takeReady;
    };
  }

  #showApplied(...[command, applied]: Parameters<AppliedVisitor>): string {
    const name = this.#words.command(command, { brief: true });
    if (command.kind === "lead") return name;
    const known: readonly unknown[] = ["repeat", "gap", "unknown"];
    const outcome = known.includes(applied)
      ? `nothing, ${applied}`
      : showOutcome(applied as Outcome);
    return command.kind === "skip" ? name : `${name}: ${outcome}`;
  }

  /** Before what follows from it; its outcomes are filled in. */
  #noteApplied({ seqn }: DecidedSlot): Entry {
    const entry: Entry = {
      who: this.#speaker,
      verb: "applies",
      before: "",
      slot: seqn,
      after: "=no-op",
    };
    this.#moment.push(entry);
    return entry;
  }

  /** What a lone node writes, and says to itself: only if asked for. */
  #noteReady({ messagesNow, records, messagesAfter }: Ready): void {
    if (!this.shown.has("writes")) return;
    const who = this.#speaker;
    const own = idOf(who);
    const say = (verb: string, { to, message }: typeof messagesNow[number]) => {
      if (to !== own) return;
      const words = this.#words.message(message);
      this.#moment.push({ who, verb, to: who, ...words });
    };
    for (const outgoing of messagesNow) say("sends", outgoing);
    for (const record of records) {
      this.note(who, "writes", this.#words.record(record));
    }
    for (const outgoing of messagesAfter) say("then sends", outgoing);
  }
}
