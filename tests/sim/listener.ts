/**
 * The listener: shows each message, sent or arrived, to the checkers that it
 * concerns.
 *
 * @module
 */
import { ALPHA } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import type { Agenda } from "./agenda.ts";
import { Adoption } from "./checkers/adoption.ts";
import { Chores } from "./checkers/chores.ts";
import { Duties } from "./checkers/duties.ts";
import { DurableWords } from "./checkers/durable_words.ts";
import { Promises } from "./checkers/promises.ts";
import { Quorums } from "./checkers/quorums.ts";
import { Rounds } from "./checkers/rounds.ts";
import type { Seats } from "./checkers/seats.ts";
import type { Machines } from "./machines.ts";
import type { Process } from "./process.ts";

/** What a listener needs. */
export interface ListenerOptions {
  readonly agenda: Agenda;
  readonly seats: Seats;
  readonly machines: Machines | undefined;
}

/** Listens to what nodes say. */
export class Listener {
  readonly #agenda: Agenda;
  readonly #seats: Seats;
  readonly #machines: Machines | undefined;
  readonly promises: Promises = new Promises();
  readonly chores: Chores = new Chores();
  readonly #words: DurableWords = new DurableWords();
  readonly #quorums: Quorums;
  readonly #rounds: Rounds;
  readonly #adoption: Adoption = new Adoption();
  /** Who has heard a claim of whom over the link that there is. */
  readonly #claimed: Set<string> = new Set();
  readonly #duties: Duties = new Duties();

  constructor({ agenda, seats, machines }: ListenerOptions) {
    this.#agenda = agenda;
    this.#seats = seats;
    this.#machines = machines;
    // What was first proposed to nobody was seen late.
    this.#quorums = new Quorums(
      seats.calsOf,
      (id, vote) =>
        this.#words.isDurable(id, vote) ||
        machines!.hasAccepted(id, vote),
    );
    this.#rounds = new Rounds(seats.calsOf);
  }

  /** A process starts on a host with a disk. */
  started(process: Process): void {
    const { id, boot } = process;
    const { disk, found } = boot!;
    this.#duties.started(id);
    this.#machines?.started(process);
    this.#words.started(id, { log: disk.log, memory: found });
    if (found !== undefined) this.#rounds.restarted(id);
  }

  /** A node sends a message. */
  sent(from: Process, message: PeerMessage): void {
    const { id, node: { applied } } = from;
    // It breaks promises that it has forgotten; others must not count them.
    if (from.isForgetful) return;
    this.promises.sent({ id, applied, window: ALPHA }, message);
    if (applied < 0) return;
    this.#words.sent(id, message);
    this.#quorums.sent(id, message);
    this.#rounds.sent(id, message);
    this.#adoption.sent(id, message);
    this.#duties.sent(id, message);
    if (message.type === "heard" && from.isDurable) {
      this.#machines?.says(id, message.durable);
    }
    if (message.type === "accept") {
      this.chores.proposed(message, this.#agenda.now);
      this.#seats.proposed(message);
    }
  }

  /** There is a new link, over which nothing was claimed yet. */
  linked(to: Process, peer: Process): void {
    this.#claimed.delete(`${to.id} ${peer.id}`);
    this.#machines?.linked(to.id, peer.id);
  }

  /** A message arrives. */
  arrived(from: Process, to: Process, message: PeerMessage): void {
    const { id, node: { applied } } = to;
    if (applied < 0) return;
    const { type } = message;
    const machines = this.#machines;
    if (type === "alive") {
      this.#claimed.add(`${id} ${from.id}`);
      machines?.heard(id, { of: from.id, claim: message.claim });
    }
    const votes = type === "promise" || type === "accepted";
    const heeded = machines?.heeds(id, from) ??
      this.#claimed.has(`${id} ${from.id}`);
    if (!votes || from.id === id || heeded) {
      this.#quorums.arrived(from.id, id, message);
      this.#adoption.arrived(id, message);
    }
    this.#words.arrived(id, message);
    this.#rounds.arrived(from.id, id, message);
    this.#duties.arrived(from.id, { id, applied }, message);
  }

  /** A node has worked off what came. */
  ran({ id, name, node }: Process): void {
    const { applied, hash } = node;
    if (applied > 0) this.promises.state(name, { slot: applied, hash });
    this.#seats.reached(applied);
    this.#words.ran(id);
    this.#duties.ran({ id, applied }, () => node.status().role === "leader");
  }
}
