/**
 * The node: the loop that joins consensus, store and the world.
 *
 * Everything that happens to a node is an input; inputs are queued, and
 * {@linkcode Node.run} works them off. Nothing is called back from within the
 * call that started it, so no input ever sees another half done. There is no
 * clock, no chance and no I/O in here: a simulator drives the same code.
 *
 * A write: proposed, batched with what came in the same turn, forwarded to the
 * leader, accepted, made durable, decided, applied, answered by the node that
 * took it.
 *
 * @module
 */
import { type Backend, encodeImageHead } from "../protocol/mod.ts";
import type { NodeId, NodeStatus, PeerMessage } from "../protocol/mod.ts";
import type { ReadReply, Reply } from "../protocol/mod.ts";
import { assert, type Mutation, type Refusal } from "../store/mod.ts";
import type { SessionNumber, Store } from "../store/mod.ts";
import { contactsOf } from "./contacts.ts";
import { Dispatch } from "./dispatch.ts";
import { Beginnings, type Founding } from "./beginnings.ts";
import { HandOut } from "./hand_out.ts";
import type { NodeOptions } from "./node_options.ts";
import { NodeParts } from "./node_parts.ts";
import { Progress } from "./progress.ts";
import type { Found } from "./found.ts";
import { statusOf } from "./status.ts";

/** How much of the retained events waits may look at in one turn. */
const CATCH_UP_WORK = 16_384;
/** What may be lost is sent again after every so many ticks. */
const INSIST_TICKS = 10;

/** What happened to a node. */
type Input =
  | { readonly type: "tick" }
  | { readonly type: "up" | "down"; readonly peer: NodeId }
  | { readonly type: "leave"; readonly done: () => void }
  /** The disk has answered. */
  | { readonly type: "disk"; readonly act: () => void }
  | Received;

interface Received {
  readonly type: "message";
  readonly from: NodeId;
  readonly message: PeerMessage;
}

/** One server of a cluster. */
export class Node implements Backend {
  readonly id: NodeId;
  readonly store: Store;
  readonly #options: NodeOptions;
  readonly #peers: Set<NodeId> = new Set();
  readonly #parts: NodeParts;
  readonly #progress: Progress;
  readonly #dispatch: Dispatch;
  readonly #beginnings: Beginnings;
  readonly #handOut: HandOut;
  #inbox: Input[] = [];
  /** Who led when that was last told; null where nobody did. */
  #leader: NodeId | null = null;
  #inputAnnounced = false;
  #running = false;

  constructor(options: NodeOptions) {
    const { id, store } = options;
    this.id = id;
    this.store = store;
    this.#options = options;
    store.waits.onBehind = () => this.#announceInput();
    this.#parts = new NodeParts(options, {
      peers: this.#peers,
      post: this.#post,
      install: (state) => this.#progress.install(state),
      enqueue: (act) => this.#add({ type: "disk", act }),
    });
    this.#progress = new Progress(options, this.#parts);
    this.#handOut = new HandOut(this.#parts);
    this.#dispatch = new Dispatch(id, {
      parts: this.#parts,
      progress: this.#progress,
      onOutdated: options.onOutdated ?? (() => {}),
    });
    this.#beginnings = new Beginnings(options, {
      parts: this.#parts,
      progress: this.#progress,
    });
  }

  /** Whether waits have retained events left to read: run again soon. */
  get busy(): boolean {
    return this.store.waits.behind;
  }

  /** The random id of the unbroken history that this node is part of. */
  get lineage(): string {
    return this.#beginnings.lineage;
  }

  /** The same as others are told it: none before its founding is durable. */
  get shownLineage(): string {
    return this.#beginnings.shownLineage;
  }

  /** The last slot that is applied. */
  get applied(): number {
    return this.#parts.machine.applied;
  }

  /** The state beside the store, as an image begins with it. */
  head(): Uint8Array {
    return encodeImageHead(this.#parts.machine.head);
  }

  /** The addresses of the other cals. */
  get contacts(): readonly string[] {
    return contactsOf(this.#parts.machine, this.id);
  }

  /** Of all the replicated state, for comparing nodes at the same slot. */
  get hash(): number {
    return this.#parts.machine.hash;
  }

  /** How often it has campaigned. Elections without a cause are a fault. */
  get campaigns(): number {
    return this.#parts.election.campaigns;
  }

  /** How many states it has taken over from peers. */
  get imagesInstalled(): number {
    return this.#parts.transfer.installed;
  }

  /** The name of the cluster, "" before there is a state. */
  get cluster(): string {
    return this.#parts.machine.cluster;
  }

  /** Whether clients can be served: there is a state, with all its founders. */
  get isOpen(): boolean {
    return this.#parts.machine.cluster !== "" &&
      !this.#parts.upkeep.awaitsCompanions;
  }

  /**
   * Input: founds a cluster of this node alone. Companions are addresses of
   * nodes that will attach; clients are served only when they have seats.
   */
  found(founding: Founding): void {
    this.#beginnings.found(founding);
    this.#announceInput();
  }

  /** Takes part in a cluster of that lineage, from the next link on. */
  attach(lineage: string): void {
    this.#beginnings.attach(lineage);
    this.#announceInput();
  }

  /**
   * Input: goes on with what was found on its disk. Companions are those that
   * it founded with, if it did.
   */
  resume(found: Found, companions: readonly string[] = []): void {
    this.#beginnings.resume(found, companions);
    this.#announceInput();
  }

  /** Input: 10 ms have passed. */
  tick(): void {
    this.#add({ type: "tick" });
  }

  /** Input: a message of another node, which its link has proved to be. */
  receive(from: NodeId, message: PeerMessage): void {
    if (from !== this.id) this.#add({ type: "message", from, message });
  }

  /** Input: there is a link to a peer. */
  linkUp(peer: NodeId): void {
    if (peer !== this.id) this.#add({ type: "up", peer });
  }

  /** Input: there is no link to a peer any more. */
  linkDown(peer: NodeId): void {
    this.#add({ type: "down", peer });
  }

  /** Input: gives up leadership, seat and entries, then calls `done`. */
  leave(done: () => void): void {
    this.#add({ type: "leave", done });
  }

  /** Input: has a mutation ordered. The body is copied. */
  propose(mutation: Mutation, reply: Reply): void {
    this.#parts.own.add(mutation, { reply, time: this.#options.now() });
    this.#announceInput();
  }

  /** Input: the same for a command of a client's session (C27). */
  proposeOnce(
    mutation: Mutation | undefined,
    by: SessionNumber,
    reply: Reply,
  ): void {
    this.#parts.own.add(mutation, { reply, time: this.#options.now(), by });
    this.#announceInput();
  }

  /** Input: has a session opened for a client of that name. */
  openSession(name: string, reply: Reply): void {
    this.#parts.own.open(name, { reply, time: this.#options.now() });
    this.#announceInput();
  }

  /** Input: a linearizable read. */
  confirmRead(reply: ReadReply): void {
    this.#parts.reads.add(reply);
    this.#announceInput();
  }

  /** Where this node stands. */
  status(): NodeStatus {
    return statusOf({
      id: this.id,
      about: this.#options.about,
      lineage: this.lineage,
      durable: this.#parts.journal.durable,
      machine: this.#parts.machine,
      replica: this.#parts.replica,
      election: this.#parts.election,
      upkeep: this.#parts.upkeep,
      registered: this.#parts.own.session !== 0,
    });
  }

  /** Input: makes this survivor a cluster of its own; or tells why not. */
  recover(): Refusal | undefined {
    const refusal = this.#beginnings.recover();
    this.#announceInput();
    return refusal;
  }

  /** Works off all inputs, and what follows from them. */
  run(): void {
    assert(!this.#running, "C9: nothing is called back into a running node");
    this.#running = true;
    this.#inputAnnounced = true; // Inputs that come now are worked off now.
    do {
      this.#takeInbox();
      this.#handOut.noteLeadership();
      this.#parts.reads.begin();
      this.#handOut.run();
      this.#parts.journal.handOut(this.#parts.replica.takeReady());
      this.#progress.applyDecided();
      this.#progress.tellDecided();
    } while (this.#hasWork);
    this.#parts.journal.flush();
    this.#inputAnnounced = false;
    this.#noteLeader();
    this.#parts.own.tellRefused();
    this.store.waits.catchUp(CATCH_UP_WORK);
    this.#running = false;
  }

  get #hasWork(): boolean {
    return this.#inbox.length > 0 || this.#parts.replica.hasReady ||
      this.#parts.proposals.waiting || this.#handOut.waiting;
  }

  #takeInbox(): void {
    const inputs = this.#inbox;
    this.#inbox = [];
    for (const input of inputs) {
      if (input.type === "message") {
        // C10: who does not know yet what it is part of listens to nobody.
        if (this.lineage === "") continue;
        this.#dispatch.receive(input.from, input.message);
        // No input finds a slot that is decided and not applied.
        this.#progress.applyDecided();
      } else if (input.type === "tick") this.#takeTick();
      else if (input.type === "disk") input.act();
      else if (input.type === "leave") this.#leave(input.done);
      else if (input.type === "up") this.#takeUp(input.peer);
      else this.#takeDown(input.peer);
    }
  }

  #takeTick(): void {
    this.#parts.election.tick();
    const { now } = this.#parts.election;
    this.#progress.tick();
    this.#parts.proposals.tick();
    this.#parts.journal.tick(now);
    this.#parts.diskWatch.tick(now);
    this.#parts.transfer.tick(now);
    this.#parts.catchUp.tick(now);
    this.#parts.upkeep.tick(now);
    this.#parts.reads.tick();
    this.#parts.own.tick({
      now,
      limit: this.#parts.settings.requestTimeoutTicks,
    });
    if (now % INSIST_TICKS === 0) this.#parts.replica.insist();
    this.#parts.attachment.tick(now);
  }

  /** It goes when the others need it no more, and all is written. */
  #leave(done: () => void): void {
    const { attachment, journal } = this.#parts;
    attachment.leave(() => journal.drain(done));
  }

  #takeUp(peer: NodeId): void {
    this.#peers.add(peer);
    this.#progress.noteCompany();
    this.#handOut.linksChanged();
    this.#parts.election.linkUp(peer);
    this.#parts.replica.linkUp(peer);
    this.#parts.upkeep.linkUp(peer);
  }

  #takeDown(peer: NodeId): void {
    if (!this.#peers.delete(peer)) return;
    this.#handOut.linksChanged();
    this.#progress.noteCompany();
    this.#parts.transfer.linkDown(peer);
    this.#parts.election.linkDown(peer);
  }

  /** Tells whoever watches the node who leads. */
  #noteLeader(): void {
    const { round, node } = this.#parts.election.leader;
    const leader = round > 0 ? node : null;
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#options.onLeader?.(leader);
  }

  readonly #post = (to: NodeId, message: PeerMessage): void => {
    if (to === this.id) {
      this.#inbox.push({ type: "message", from: to, message });
    } else if (this.#peers.has(to) && !this.#parts.journal.silent) {
      this.#options.send(to, message);
    }
  };

  #add(input: Input): void {
    this.#inbox.push(input);
    this.#announceInput();
  }

  #announceInput(): void {
    if (this.#inputAnnounced) return;
    this.#inputAnnounced = true;
    this.#options.onInput();
  }
}
