/**
 * Progress: decided slots are applied, or a whole state is taken over, and all
 * parts that this concerns take note of it.
 *
 * @module
 */
import type { Command, ImageHead } from "../protocol/mod.ts";
import type { ImportedStore } from "../store/mod.ts";
import type { Applied } from "./machine.ts";
import type { NodeOptions } from "./node_options.ts";
import type { NodeParts } from "./node_parts.ts";
import { addressesOf } from "./status.ts";

/** Revisions that are forgotten in one tick, where many are overdue. */
const TRIM_ROWS = 256;

/** One node's progress. */
export class Progress {
  readonly #options: NodeOptions;
  readonly #parts: NodeParts;
  /** Up to where peers were told that all is decided. */
  #toldDecided = 0;

  constructor(options: NodeOptions, parts: NodeParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Applies what is decided, in order. */
  applyDecided(): void {
    const { machine, replica, own, audit, reads, journal } = this.#parts;
    const before = machine.applied;
    for (
      let slot = replica.takeDecided();
      slot !== undefined;
      slot = replica.takeDecided()
    ) {
      const { pending } = machine.members;
      machine.apply(slot, this.#noteApplied);
      audit.note(slot.seqn, machine.hash);
      journal.noteApplied(slot, replica.acceptedIn(slot.seqn));
      for (const value of replica.noteApplied(slot)) own.giveBack(value);
      // New cals are known: their promises are needed.
      if (!pending && machine.members.pending) {
        replica.askForPromises();
      }
    }
    if (machine.applied > before) reads.applied();
  }

  /** Time goes on: history that an image has kept is forgotten by and by. */
  tick(): void {
    const { store } = this.#options;
    if (store.overdue) store.trim(TRIM_ROWS);
  }

  /** Others wait for the leader's word that a slot is decided. */
  tellDecided(): void {
    const { replica: { leading, ballot, applied }, peers, post } = this.#parts;
    if (!leading || applied === this.#toldDecided) return;
    this.#toldDecided = applied;
    for (const peer of peers) {
      post(peer, { type: "decided", ballot, upTo: applied });
    }
  }

  /** Takes over the state of another node, which has applied more. */
  install({ head, store }: { head: ImageHead; store: ImportedStore }): void {
    const { machine, replica, own, attachment, reads } = this.#parts;
    if (head.applied <= machine.applied) return;
    replica.abdicate();
    this.#parts.journal.installs(head.applied);
    machine.adopt(head, store);
    replica.skipTo(head.applied);
    attachment.noteSession();
    const session = machine.sessions.find(own.session);
    if (session !== undefined) own.passed(session.last);
    this.noteCompany();
    this.notePeers();
    reads.applied();
  }

  /** Tells the links which nodes are registered. */
  notePeers(): void {
    this.#options.onPeers?.(addressesOf(this.#parts.machine));
  }

  /** A lone node keeps nothing for others, and uses its memory again. */
  noteCompany(): void {
    const { own, peers, machine, replica } = this.#parts;
    const alone = peers.size === 0 && machine.sessions.size <= 1;
    if (alone === own.alone) return;
    own.alone = alone;
    for (const value of replica.keepDecided(!alone)) own.giveBack(value);
  }

  readonly #noteApplied = (command: Command, applied: Applied): void => {
    const { own, attachment, upkeep } = this.#parts;
    switch (command.kind) {
      case "mutate":
      case "open":
        if (command.session !== own.session) break;
        if (applied === "gap") own.foundGap();
        else if (typeof applied !== "string") {
          // C20: its client is told here and nowhere else.
          own.applied(command.number, applied);
        }
        break;
      case "skip":
        if (command.session !== own.session) break;
        if (typeof applied !== "string") own.skipped(command.last, applied);
        break;
      case "found":
      case "register":
      case "clear":
        attachment.noteSession();
        this.noteCompany();
        this.notePeers();
        break;
    }
    upkeep.applied(command);
  };
}
