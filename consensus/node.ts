/**
 * The node: the loop that joins consensus, store and the world.
 *
 * Everything that happens to a node is an input; inputs are queued, and
 * {@linkcode Node.run} works them off. Nothing is called back from within the
 * call that started it, so no input ever sees another half done. There is no
 * clock, no chance and no I/O in here: a simulator drives the same code.
 *
 * A write: proposed, batched with what came in the same turn, accepted, made
 * durable, decided, applied, answered.
 *
 * @module
 */
import { type Backend, decodeBatch, encodeCommand } from "../protocol/mod.ts";
import type { Command, NodeId, Reply } from "../protocol/mod.ts";
import { WireWriter } from "../protocol/mod.ts";
import { assert, type Mutation, type Path, type Store } from "../store/mod.ts";
import type { Outcome } from "../store/mod.ts";
import type { DecidedSlot } from "./learner.ts";
import { type Outgoing, type Ready, Replica } from "./replica.ts";

/** A batch is closed when it has so many bytes; one command may exceed it. */
const BATCH_BYTES = 1 << 20;

const BATCH_INITIAL_BYTES = 64 << 10;
const SPARE_BATCHES = 4;

/** How many settled replies are kept before the others move up. */
const SETTLED_MAX = 4096;

/** How many retained events waits may look at in one turn. */
const CATCH_UP_WORK = 16_384;

/** What a node needs. */
export interface NodeOptions {
  /** Unique for ever: a node that forgets takes a new one. */
  readonly id: NodeId;
  readonly store: Store;
  /** Called when there is an input to work off, once until `run`. */
  readonly onInput: () => void;
}

/** One server of a cluster. */
export class Node implements Backend {
  readonly id: NodeId;
  readonly store: Store;
  readonly #onInput: () => void;
  readonly #replica: Replica;
  readonly #inbox: { from: NodeId; message: Outgoing["message"] }[] = [];
  readonly #batches = new Batches();
  readonly #replies: Replies = new Replies();
  #inputAnnounced = false;
  #running = false;

  constructor(options: NodeOptions) {
    this.id = options.id;
    this.store = options.store;
    this.#onInput = options.onInput;
    this.store.waits.onBehind = () => this.#announceInput();
    this.#replica = new Replica(options.id);
  }

  /** Whether waits have retained events left to read: run again soon. */
  get busy(): boolean {
    return this.store.waits.behind;
  }

  /** Founds a cluster of this node alone, with these files. */
  found(files: readonly (readonly [Path, Uint8Array])[]): void {
    assert(this.store.rev === 0, "a cluster is founded on an empty store");
    this.#replica.campaign();
    for (const [path, body] of files) {
      this.propose({ type: "set", path, rev: 0, body }, FOUNDING);
    }
  }

  /** Input: has a mutation ordered. The body is copied. */
  propose(mutation: Mutation, reply: Reply): void {
    const number = this.#replies.add(reply);
    encodeCommand(this.#batches.open, { origin: this.id, number, mutation });
    if (this.#batches.open.length >= BATCH_BYTES) this.#batches.seal();
    this.#announceInput();
  }

  /**
   * Input: a message of another node of the cluster. There is none so far, so
   * whoever says it is one is a stranger, and changes nothing.
   */
  receive(from: NodeId, message: Outgoing["message"]): void {
    if (from !== this.id) return;
    this.#inbox.push({ from, message });
    this.#announceInput();
  }

  /** Works off all inputs, and what follows from them. */
  run(): void {
    assert(!this.#running, "C9: nothing is called back into a running node");
    this.#running = true;
    this.#inputAnnounced = true; // Inputs that come now are worked off now.
    do {
      this.#takeInbox();
      this.#proposeBatches();
      this.#handOut(this.#replica.takeReady());
      this.#applyDecided();
    } while (this.#hasWork);
    this.#inputAnnounced = false;
    this.store.waits.catchUp(CATCH_UP_WORK);
    this.#running = false;
  }

  get #hasWork(): boolean {
    return this.#inbox.length > 0 || this.#replica.hasReady ||
      (this.#replica.leading && this.#batches.waiting);
  }

  #takeInbox(): void {
    const inputs = this.#inbox.splice(0);
    for (const { from, message } of inputs) {
      this.#replica.receive(from, message);
    }
  }

  #proposeBatches(): void {
    if (!this.#replica.leading) return;
    for (const batch of this.#batches.take()) this.#replica.propose(batch);
  }

  /** Without a data directory records are durable as soon as they are made. */
  #handOut(ready: Ready): void {
    this.#send(ready.messagesNow);
    this.#send(ready.messagesAfter);
  }

  #send(messages: readonly Outgoing[]): void {
    for (const { to, message } of messages) {
      assert(to === this.id, "a cluster of one node sends to itself only");
      this.#inbox.push({ from: this.id, message });
    }
  }

  #applyDecided(): void {
    for (
      let slot = this.#replica.takeDecided();
      slot !== undefined;
      slot = this.#replica.takeDecided()
    ) this.#apply(slot);
  }

  #apply(slot: DecidedSlot): void {
    decodeBatch(slot.value, this.#applyCommand);
    for (const value of this.#replica.applied(slot)) {
      this.#batches.giveBack(value);
    }
  }

  readonly #applyCommand = (command: Command): void => {
    const outcome = this.store.apply(command.mutation);
    // The client is told by the node that took its command, no other.
    if (command.origin === this.id) this.#replies.settle(command, outcome);
  };

  #announceInput(): void {
    if (this.#inputAnnounced) return;
    this.#inputAnnounced = true;
    this.#onInput();
  }
}

/** Commands that are to be proposed, in batches whose memory is used again. */
class Batches {
  /** Takes the next command. */
  open = new WireWriter(BATCH_INITIAL_BYTES);
  #sealed: Uint8Array[] = [];
  /** Weakly: a batch that is never given back goes when nobody holds it. */
  readonly #lent: WeakMap<Uint8Array, WireWriter> = new WeakMap();
  readonly #spare: WireWriter[] = [];

  /** Whether there are commands to propose. */
  get waiting(): boolean {
    return this.open.length > 0 || this.#sealed.length > 0;
  }

  /** Closes the batch that is open. */
  seal(): void {
    const batch = this.open.written();
    this.#sealed.push(batch);
    this.#lent.set(batch, this.open);
    this.open = this.#spare.pop() ?? new WireWriter(BATCH_INITIAL_BYTES);
  }

  /** All batches, closed. */
  take(): readonly Uint8Array[] {
    if (this.open.length > 0) this.seal();
    const taken = this.#sealed;
    this.#sealed = [];
    return taken;
  }

  /** The batch, if it is one of these, is nowhere needed any more (C8). */
  giveBack(batch: Uint8Array): void {
    const writer = this.#lent.get(batch);
    if (writer === undefined) return;
    this.#lent.delete(batch);
    writer.clear();
    if (this.#spare.length < SPARE_BATCHES) this.#spare.push(writer);
  }
}

/** Who awaits the outcome of which command, in the commands' order. */
class Replies {
  #waiting: (Reply | undefined)[] = [];
  #from = 0;
  #firstNumber = 1;

  /** Takes a reply; returns the number of its command. */
  add(reply: Reply): number {
    this.#waiting.push(reply);
    return this.#firstNumber + (this.#waiting.length - this.#from) - 1;
  }

  /** Settles the reply of the command, which must be the oldest. */
  settle(command: Command, outcome: Outcome): void {
    assert(
      command.number === this.#firstNumber,
      "C6: a node's commands are applied in the order it took them",
    );
    const reply = this.#waiting[this.#from]!;
    this.#waiting[this.#from++] = undefined;
    this.#firstNumber++;
    if (this.#from >= SETTLED_MAX || this.#from === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#from);
      this.#from = 0;
    }
    reply.settled(outcome);
  }
}

/** Nobody waits for the files of a founding, but they must be written. */
const FOUNDING: Reply = {
  settled(outcome: Outcome): void {
    assert(typeof outcome === "number", "a founding file is written");
  },
};
