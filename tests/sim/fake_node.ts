/**
 * A node that cheats: all nodes of a run share one log in memory. It keeps
 * every promise that the simulator checks, so that the simulator itself can
 * be tried; told to break one, it shows that the checkers see it.
 *
 * @module
 */
import type { NodeId, PeerMessage, ReadReply } from "../../protocol/mod.ts";
import type { Reply } from "../../protocol/mod.ts";
import type { Mutation, Outcome, Store } from "../../store/mod.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

/** Ways in which the fake breaks a promise. */
export type Fault =
  | "stale read"
  | "applies twice"
  | "loses a write"
  | "forgets a promise"
  | "skips an event"
  | "never answers"
  | "refuses what it does";

interface Entry {
  readonly mutation: Mutation;
  readonly from: FakeNode;
  readonly reply: Reply | undefined;
}

/** The log that all nodes of a run share. */
export class FakeLog {
  readonly fault: Fault | undefined;
  readonly entries: Entry[] = [];

  constructor(fault?: Fault) {
    this.fault = fault;
  }
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
/** How often a fault strikes, and how often a write is refused. */
const STRIKES = 0.01;
const REFUSES = 0.002;

/** A node that does what a node does, by other means. */
export class FakeNode implements Subject {
  readonly id: NodeId;
  readonly store: Store;
  readonly busy = false;
  readonly applied = -1;
  readonly hash = 0;
  readonly #log: FakeLog;
  readonly #options: SubjectOptions;
  readonly #peers: Set<NodeId> = new Set();
  readonly #inputs: (() => void)[] = [];
  #done = 0;
  #attached = false;
  #leftTo: (() => void) | undefined;
  #ticks = 0;

  constructor(log: FakeLog, options: SubjectOptions) {
    this.#log = log;
    this.#options = options;
    this.id = options.id;
    this.store = options.store;
  }

  tick(): void {
    this.#input(() => this.#onTick());
  }

  receive(_from: NodeId, message: PeerMessage): void {
    this.#input(() => {
      if (message.type === "decided") this.#applyUpTo(message.upTo);
    });
  }

  linkUp(peer: NodeId): void {
    this.#input(() => this.#peers.add(peer));
  }

  linkDown(peer: NodeId): void {
    this.#input(() => this.#peers.delete(peer));
  }

  propose(mutation: Mutation, reply: Reply): void {
    this.#input(() => this.#take(mutation, reply));
  }

  confirmRead(reply: ReadReply): void {
    this.#input(() => {
      if (!this.#attached) return reply.refused({ code: "UNAVAILABLE" });
      const { length } = this.#log.entries;
      if (!this.#strikes("stale read")) this.#applyUpTo(length);
      reply.confirmed();
    });
  }

  found({ cluster }: { cluster: string }): void {
    this.#input(() => {
      this.#attached = true;
      this.#write("/ctl/name", cluster);
      this.#register();
      this.#write("/ctl/cal/0", this.id);
    });
  }

  attach(): void {
    this.#input(() => {
      this.#attached = true;
      this.#register();
    });
  }

  leave(done: () => void): void {
    this.#input(() => this.#leftTo = done);
  }

  run(): void {
    for (const input of this.#inputs.splice(0)) input();
    this.store.waits.catchUp(1000);
    const done = this.#leftTo;
    this.#leftTo = undefined;
    if (done === undefined) return;
    this.#clear();
    done();
  }

  status(): { role: string } {
    return { role: "follower" };
  }

  #input(act: () => void): void {
    this.#inputs.push(act);
    this.#options.onInput();
  }

  #strikes(fault: Fault): boolean {
    return this.#log.fault === fault && this.#options.random() < STRIKES;
  }

  #onTick(): void {
    if (!this.#attached || this.#ticks++ % 10 > 0) return;
    this.#applyUpTo(this.#log.entries.length);
    this.#takeSeat();
    this.#learnPeers();
    this.#tell();
  }

  #take(mutation: Mutation, reply: Reply): void {
    if (this.#strikes("never answers")) return;
    if (!this.#attached || this.#options.random() < REFUSES) {
      return reply.settled({ code: "UNAVAILABLE" });
    }
    if (this.#isBadSeat(mutation)) return reply.settled({ code: "OTHER" });
    if (this.#strikes("loses a write")) return reply.settled(this.store.rev);
    if (this.#strikes("refuses what it does")) {
      reply.settled({ code: "UNAVAILABLE" });
      this.#log.entries.push({ mutation, from: this, reply: undefined });
    } else this.#log.entries.push({ mutation, from: this, reply });
    if (this.#strikes("applies twice")) {
      this.#log.entries.push({ mutation, from: this, reply: undefined });
    }
    this.#applyUpTo(this.#log.entries.length);
    this.#tell();
  }

  #applyUpTo(end: number): void {
    if (!this.#attached) return;
    while (this.#done < Math.min(end, this.#log.entries.length)) {
      const { mutation, from, reply } = this.#log.entries[this.#done++]!;
      if (from !== this && this.#strikes("skips an event")) continue;
      const outcome: Outcome = this.store.apply(mutation, {
        time: 0,
        origin: from.id,
      });
      if (from === this) reply?.settled(outcome);
    }
  }

  #tell(): void {
    const ballot = { round: 2, node: this.id };
    const upTo = this.#log.entries.length;
    for (const peer of this.#peers) {
      this.#options.send(peer, { type: "decided", ballot, upTo });
      if (!this.#strikes("forgets a promise")) continue;
      const promise = { type: "promise", ballot, accepted: [], total: 0 };
      this.#options.send(peer, promise as PeerMessage);
      const low = { round: 1, node: this.id };
      this.#options.send(peer, {
        type: "accepted",
        seqn: upTo,
        ballot: low,
        position: 0,
      });
    }
  }

  #register(): void {
    const { addr, hostname, version } = this.#options.about;
    for (const [name, text] of Object.entries({ addr, hostname, version })) {
      this.#write(`/ctl/node/${this.id}/${name}`, text);
    }
  }

  #write(path: string, text: string): void {
    const body = encoder.encode(text);
    const mutation: Mutation = { type: "set", path, rev: -1, body };
    this.#log.entries.push({ mutation, from: this, reply: undefined });
    this.#applyUpTo(this.#log.entries.length);
  }

  #takeSeat(): void {
    const seats = this.#seats();
    if (seats.some(({ holder }) => holder === this.id)) return;
    const free = seats.find(({ holder }) => holder === "");
    if (free !== undefined) this.#write(free.path, this.id);
  }

  #clear(): void {
    const seats = this.#seats();
    const own = seats.find(({ holder }) => holder === this.id);
    if (own === undefined) return;
    const others = seats.some(({ holder }) =>
      holder !== "" && holder !== this.id
    );
    if (others) this.#write(own.path, "");
  }

  #isBadSeat(mutation: Mutation): boolean {
    if (mutation.type === "nop" || !mutation.path.startsWith("/ctl/cal/")) {
      return false;
    }
    this.#applyUpTo(this.#log.entries.length);
    const id = mutation.type === "set"
      ? String.fromCharCode(...mutation.body)
      : "";
    const others = this.#seats().filter(({ path, holder }) =>
      path !== mutation.path && holder !== ""
    );
    if (id === "") return others.length === 0;
    return others.some(({ holder }) => holder === id) ||
      this.store.get(`/ctl/node/${id}/addr`).type !== "file";
  }

  #seats(): { path: string; holder: string }[] {
    const { store } = this;
    const found: { path: string; holder: string }[] = [];
    for (let seat = 0; seat < 8; seat++) {
      const path = `/ctl/cal/${seat}`;
      const state = store.get(path);
      if (state.type !== "file") continue;
      const { bytes, start, length } = state;
      const holder = String.fromCharCode(
        ...(length === 0 ? NOTHING : bytes.subarray(start, start + length)),
      );
      found.push({ path, holder });
    }
    return found;
  }

  #learnPeers(): void {
    const peers = new Map<NodeId, string>();
    const { store } = this;
    const rev = store.rev;
    const count = store.countEntries("/ctl/node", rev);
    for (let offset = 0; offset < count; offset++) {
      const id = store.entry("/ctl/node", { offset, rev })!;
      const state = store.get(`/ctl/node/${id}/addr`);
      if (state.type !== "file") continue;
      const { bytes, start, length } = state;
      peers.set(
        id,
        String.fromCharCode(...bytes.subarray(start, start + length)),
      );
    }
    this.#options.onPeers(peers);
  }
}
