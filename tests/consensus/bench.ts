/**
 * One node's parts on a bench, joined as its loop joins them, without the
 * loop: so that a test can look at each, and say what it hears.
 *
 * @module
 */
import {
  Dispatch,
  FIRST_CLAIM,
  formatBallot,
  type NodeOptions,
} from "../../consensus/mod.ts";
import { NodeParts, type Outgoing, Progress } from "../../consensus/mod.ts";
import type { Command, ImageHead, PeerMessage } from "../../protocol/mod.ts";
import { decodeBatch } from "../../protocol/mod.ts";
import { type ImportedStore, Store } from "../../store/mod.ts";
import { batchOf, State } from "./state.ts";
import { readMessage, type Show, showClaim, showMessage } from "./words.ts";

/** How a bench is set up. */
export interface BenchOptions {
  /** Whose bench it is: A, unless told. */
  readonly id?: string;
  readonly cals?: string;
  readonly observers?: string;
  /** The linked nodes; all others, unless told. */
  readonly peers?: string;
  readonly random?: () => number;
  readonly seatTimeoutTicks?: number;
  readonly requestTimeoutTicks?: number;
  /** What is in the state beside its nodes. */
  readonly more?: (state: State) => void;
  /** A node that has no state yet. */
  readonly blank?: boolean;
}

/** The kinds of a batch's commands, as `[lead mutate]`. */
export const showKinds: Show = (value) => {
  const kinds: string[] = [];
  decodeBatch(value, (command: Command) => kinds.push(command.kind));
  return `[${kinds.join(" ")}]`;
};

/** The parts of one node. */
export class Bench {
  readonly id: string;
  readonly parts: NodeParts;
  readonly state: State;
  /** What others remember of it that it does not. */
  readonly outdated: string[] = [];
  /** What the operator was told. */
  readonly alarms: string[] = [];
  /** How many states were taken over. */
  installed = 0;
  readonly #peers: Set<string>;
  readonly #progress: Progress;
  readonly #dispatch: Dispatch;
  #posted: { to: string; message: PeerMessage }[] = [];
  #inbox: PeerMessage[] = [];

  constructor(options: BenchOptions = {}) {
    const { id = "A", cals = "ABC", observers = "" } = options;
    this.id = id;
    const all = [...cals, ...observers].filter((peer) => peer !== id);
    this.#peers = new Set(options.peers ?? all);
    const { seatTimeoutTicks = 0, requestTimeoutTicks = 500 } = options;
    const nodeOptions: NodeOptions = {
      id,
      store: new Store(),
      about: { addr: `${id}:1`, hostname: `host-${id}`, version: "1.0.0" },
      onInput: () => {},
      send: () => {},
      random: options.random ?? (() => 0),
      now: () => 0,
      settings: { seatTimeoutTicks, requestTimeoutTicks },
      onAlarm: (what) => void this.alarms.push(what),
    };
    this.parts = new NodeParts(nodeOptions, {
      peers: this.#peers,
      post: (to, message) => this.#post({ to, message }),
      install: (state) => this.install(state),
      enqueue: () => {},
    });
    const { parts } = this;
    const progress = this.#progress = new Progress(nodeOptions, parts);
    this.#dispatch = new Dispatch(id, {
      parts,
      progress,
      onOutdated: (claim) => void this.outdated.push(showClaim(claim)),
    });
    const { machine, replica, attachment, election } = this.parts;
    this.state = new State(machine);
    // The others have said what they say first over a link.
    for (const peer of all) election.remembered.judge(peer, FIRST_CLAIM);
    if (options.blank) return;
    this.state.fill(cals, observers);
    options.more?.(this.state);
    this.#progress.noteCompany();
    replica.skipTo(machine.applied);
    replica.see(machine.leadership);
    attachment.noteSession();
  }

  /** There is no link to the peer any more. */
  unlink(peer: string): void {
    this.#peers.delete(peer);
    this.parts.transfer.linkDown(peer);
    this.parts.election.linkDown(peer);
    this.settle();
  }

  /** There is a link to the peer. */
  link(peer: string): void {
    this.#peers.add(peer);
    this.parts.election.linkUp(peer);
    this.settle();
  }

  /** Takes a message in, as the node's loop does, and what follows from it. */
  hear(from: string, said: string | PeerMessage): void {
    this.#take(from, typeof said === "string" ? readMessage(said) : said);
    this.settle();
  }

  #take(from: string, message: PeerMessage): void {
    this.#dispatch.receive(from, message);
    this.#progress.applyDecided();
  }

  /** Delivers what the node says to itself, and applies what is decided. */
  settle(): void {
    const { replica } = this.parts;
    do {
      for (const message of this.#inbox.splice(0)) this.#take(this.id, message);
      const { messagesNow, messagesAfter } = replica.takeReady();
      for (const each of [...messagesNow, ...messagesAfter]) this.#post(each);
      this.#progress.applyDecided();
    } while (this.#inbox.length > 0 || replica.hasReady);
  }

  #post({ to, message }: Outgoing): void {
    if (to === this.id) this.#inbox.push(message);
    else if (this.#peers.has(to)) this.#posted.push({ to, message });
  }

  /** Another node's state has come. */
  install(state: { head: ImageHead; store: ImportedStore }): void {
    this.installed++;
    this.#progress.install(state);
  }

  /** So much time goes on. */
  tick(ticks = 1): void {
    const { election, upkeep, reads, transfer, catchUp } = this.parts;
    const { attachment } = this.parts;
    for (let i = 0; i < ticks; i++) {
      election.tick();
      const { now } = election;
      transfer.tick(now);
      catchUp.tick(now);
      upkeep.tick(now);
      reads.tick();
      attachment.tick(now);
      this.settle();
    }
  }

  /** The ballot with which it leads or campaigns, as `2.A`. */
  get ballot(): string {
    return formatBallot(this.parts.replica.ballot);
  }

  /** The cals' promises make the node a leader; it has not proposed yet. */
  elect(): void {
    const { replica, election, machine } = this.parts;
    replica.campaign();
    this.settle();
    for (const cal of machine.members.current) {
      if (cal !== this.id) this.hear(cal, `promise ${this.ballot}`);
    }
    election.elected();
  }

  /** Makes the node a leader that serves. */
  lead(): this {
    this.elect();
    this.propose();
    this.take();
    return this;
  }

  /** Proposes what waits, and has all cals accept it. */
  propose(): void {
    const { proposals } = this.parts;
    for (let more = true; more;) {
      proposals.propose();
      this.settle();
      more = this.vote() > 0 || proposals.waiting;
    }
  }

  /** The leader gets commands decided, in a slot of their own. */
  decide(...commands: readonly Command[]): void {
    this.parts.replica.propose(batchOf(...commands));
    this.settle();
    this.vote();
    this.propose();
  }

  /** The others accept what they were sent; returns how many votes. */
  vote(): number {
    let votes = 0;
    const sent = this.#posted;
    this.#posted = [];
    for (const { to, message } of sent) {
      if (message.type !== "accept") this.#posted.push({ to, message });
      else {
        const { seqn, ballot } = message;
        this.hear(to, { type: "accepted", seqn, ballot, position: 0 });
        votes++;
      }
    }
    return votes;
  }

  /** The others answer the leader's last sign of life, at its own slot. */
  answer(peers: string): void {
    const { replica, election: { round }, machine: { hash } } = this.parts;
    const { ballot, applied } = replica;
    const state = { applied, durable: applied, hash, full: false };
    for (const peer of peers) {
      this.hear(peer, { type: "heard", ballot, round, ...state });
    }
  }

  /** What was sent since the last call, as `B: accept 1.A 7=[mutate]`. */
  take(pattern = /^/): string[] {
    const taken = this.#posted.map(({ to, message }) =>
      `${to}: ${showMessage(message, showKinds)}`
    );
    this.#posted = [];
    return taken.filter((line) => pattern.test(line));
  }

  /** The messages themselves that were sent since the last call. */
  takeMessages(): PeerMessage[] {
    const messages = this.#posted.map(({ message }) => message);
    this.#posted = [];
    return messages;
  }
}
