/**
 * Beginnings: how a node comes to be part of a history.
 *
 * It founds one, attaches to one, goes on with what its disk remembers, or
 * goes on alone where a majority is lost. The lineage is the random id of the
 * history; the journal begins when it is known.
 *
 * @module
 */
import { assert, type Refusal } from "../store/mod.ts";
import { newLineage, type NodeOptions } from "./node_options.ts";
import type { NodeParts } from "./node_parts.ts";
import type { Progress } from "./progress.ts";
import type { Found } from "./found.ts";
import { refusesToRecover } from "./status.ts";

/** What founding takes. */
export interface Founding {
  /** The name of the cluster. */
  readonly cluster: string;
  readonly lineage: string;
  /** Addresses of nodes that will attach: clients are served with them only. */
  readonly companions?: readonly string[];
}

/** How one node's history begins. */
export class Beginnings {
  readonly #options: NodeOptions;
  readonly #parts: NodeParts;
  readonly #progress: Progress;
  #lineage = "";
  #founds = false;

  constructor(
    options: NodeOptions,
    { parts, progress }: { parts: NodeParts; progress: Progress },
  ) {
    this.#options = options;
    this.#parts = parts;
    this.#progress = progress;
  }

  /** The random id of the unbroken history that this node is part of. */
  get lineage(): string {
    return this.#lineage;
  }

  /**
   * The same as others are told it: before its founding is durable a history
   * may yet vanish, and nobody must be part of it.
   */
  get shownLineage(): string {
    const { machine } = this.#parts;
    return this.#founds && machine.applied === 0 ? "" : this.#lineage;
  }

  /** Founds a cluster of this node alone. */
  found({ cluster, lineage, companions = [] }: Founding): void {
    const { machine, upkeep, replica, journal } = this.#parts;
    assert(machine.applied === 0, "a cluster is founded on an empty store");
    this.#lineage = lineage;
    this.#founds = true;
    const { id, about } = this.#options;
    machine.members.found(id);
    journal.begin({ lineage, parent: "", founder: true });
    const time = this.#options.now();
    const { incarnation, start } = journal.claim;
    const begun = { incarnation, start };
    const command = { node: id, ...about, ...begun, cluster, time };
    upkeep.found({ kind: "found", ...command }, companions);
    replica.campaign();
  }

  /** Takes part in a cluster of that lineage, from the next link on. */
  attach(lineage: string): void {
    assert(this.#lineage === "", "C10: a node has one lineage");
    this.#lineage = lineage;
    this.#parts.journal.begin({ lineage, parent: "", founder: false });
  }

  /** Goes on with what was found on the disk. */
  resume(found: Found, companions: readonly string[]): void {
    const { machine, replica, journal, remembered, upkeep } = this.#parts;
    assert(found.damage === undefined, "C25: a damaged memory is not used");
    assert(this.#lineage === "", "C10: a node has one lineage");
    const { lineage, parent, founder, node } = found.header;
    assert(node === this.#options.id, "C23: an id goes with its memory");
    this.#lineage = lineage;
    if (found.image !== undefined) {
      machine.adopt(found.image.head, found.image.store);
    } else if (founder) machine.members.found(node);
    const { promised, accepted, claim: { position } } = found;
    const forgotten = machine.applied;
    const memory = { promised, accepted: [...accepted], forgotten, position };
    replica.restore(memory, found.values);
    // After a restore nobody has promised anything, but somebody has led.
    replica.see(machine.leadership);
    for (const [peer, claim] of found.peers) remembered.restore(peer, claim);
    this.#progress.applyDecided();
    journal.begin({ lineage, parent, founder });
    // More seats than its own show that they were given theirs.
    const { size } = machine.members.seats;
    if (founder && size <= 1) upkeep.expect(companions);
    this.#progress.noteCompany();
    this.#progress.notePeers();
    // Where nobody else voted there is nobody to wait for. Where there were
    // others they shall have the time to say that this memory is an old one.
    const { sets, current } = machine.members;
    const alone = sets.length === 1 && current.join() === node;
    if (alone && found.peers.size === 0) replica.campaign();
  }

  /** Makes this survivor a cluster of its own; or tells why not. */
  recover(): Refusal | undefined {
    const { machine, replica, journal, own } = this.#parts;
    const detail = refusesToRecover(this.#parts);
    if (detail !== undefined) return { code: "OTHER", detail };
    // What follows is not durable yet: whoever means the old history must not
    // be told of it, nor anybody that a write is done.
    const parent = this.#lineage;
    const lineage = this.#lineage = newLineage(this.#options.random);
    own.forsake();
    replica.abdicate();
    replica.adoptAccepted();
    this.#progress.applyDecided();
    const time = this.#options.now();
    machine.recover(this.#options.id, { time, parent });
    replica.forgetOthers();
    journal.rebase({ lineage, parent, founder: false }, () => {
      this.#options.onLineage?.(lineage);
      this.#progress.notePeers();
    });
    replica.campaign();
    return undefined;
  }
}
