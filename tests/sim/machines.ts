/**
 * All hosts with disks, who remembers what of whom, and whether the cluster can
 * do without a memory: nothing can be demanded of one most of whose cals have
 * lost theirs.
 *
 * @module
 */
import type { Ballot, Claim, NodeId, Seqn } from "../../protocol/mod.ts";
import { compare } from "./checkers/ballots.ts";
import type { Seats } from "./checkers/seats.ts";
import { Machine, type MachinesOptions } from "./machine.ts";
import type { Process } from "./process.ts";
import { fail } from "./violation.ts";

/** To read a disk takes time: not at every word of its node. */
const LOOK_EVERY = 16;

/** All hosts with disks, and who remembers what. */
export class Machines {
  readonly #machines: Map<number, Machine> = new Map();
  /** The highest claim that each node was told of each other. */
  readonly #heard: Map<NodeId, Map<NodeId, Claim>> = new Map();
  /** What the disk of each said of the others when it was started last. */
  readonly #written: Map<NodeId, ReadonlyMap<NodeId, Claim>> = new Map();
  #said = 0;
  /** Who has made a claim over the link that there is now, by both ids. */
  readonly #vetted: Set<string> = new Set();

  constructor(options: MachinesOptions) {
    options.scenario.durable.forEach((durable, host) => {
      if (durable) this.#machines.set(host, new Machine(host, options));
    });
  }

  /** All of them. */
  get all(): Machine[] {
    return [...this.#machines.values()];
  }

  /** The machine of the host, if it has a disk. */
  of(host: number): Machine | undefined {
    return this.#machines.get(host);
  }

  /** Those whose memory is whole, running or not. */
  get keepers(): Machine[] {
    return this.all.filter(({ node, harmed }) => node !== undefined && !harmed);
  }

  /** A node starts, and knows what its disk says of the others. */
  started({ id, name, boot }: Process): void {
    const peers = new Map(boot?.found?.peers);
    this.#heard.set(id, new Map(peers));
    if (boot?.forgetful) return;
    for (const [peer, claim] of this.#written.get(id) ?? []) {
      const known = peers.get(peer);
      if (known !== undefined && !isOlder(known, claim)) continue;
      fail("a memory stays", `${name} has forgotten what ${peer} has claimed`);
    }
    this.#written.set(id, peers);
  }

  /** C24: up to the slot that it names a restart would find all applied. */
  says(id: NodeId, durable: Seqn): void {
    if (++this.#said % LOOK_EVERY > 0) return;
    const machine = this.all.find(({ node }) => node === id);
    const applied = machine?.look()?.applied ?? durable;
    if (applied >= durable) return;
    const { damage, torn, decided } = machine?.look() ?? {};
    const why = JSON.stringify({ damage, torn, decided });
    const what = `${id} says that ${durable} is durable (${why})`;
    fail("written first", `${what}, a restart would find ${applied}`);
  }

  /** A node was told what another claims. */
  heard(by: NodeId, { of, claim }: { of: NodeId; claim: Claim }): void {
    this.#vetted.add(`${by} ${of}`);
    let claims = this.#heard.get(by);
    if (claims === undefined) this.#heard.set(by, claims = new Map());
    const known = claims.get(of);
    if (known === undefined || isOlder(known, claim)) claims.set(of, claim);
  }

  /** A node has a new link to another, who has claimed nothing there yet. */
  linked(by: NodeId, to: NodeId): void {
    this.#vetted.delete(`${by} ${to}`);
  }

  /** Whether a node was told more of another than this. */
  knowsMore(by: NodeId, of: NodeId, claim: Claim): boolean {
    const known = this.#heard.get(by)?.get(of);
    return known !== undefined && isOlder(claim, known);
  }

  /** Votes of a memory that is not whole do not count where more is known. */
  heeds(by: NodeId, voter: Process): boolean {
    if (!this.#vetted.has(`${by} ${voter.id}`)) return false;
    const claim = voter.boot?.found?.claim;
    return !voter.isForgetful || claim === undefined ||
      !this.knowsMore(by, voter.id, claim);
  }

  /** Whether a node's acceptance is on its disk. */
  hasAccepted(
    id: NodeId,
    { seqn, ballot }: { seqn: Seqn; ballot: Ballot },
  ): boolean {
    const machine = this.all.find(({ node }) => node === id);
    const found = machine?.look();
    if (found === undefined) return false;
    return found.applied >= seqn ||
      found.accepted.some((accepted) =>
        accepted.seqn === seqn && compare(accepted.ballot, ballot) === 0
      );
  }

  /**
   * Whether the cluster remembers all that it must if this one forgets: what
   * the others would find on their disks, or have in memory, is enough.
   */
  canForget(
    id: NodeId,
    { seats, living }: { seats: Seats; living: readonly Process[] },
  ): boolean {
    const slots = this.#durableSlots();
    for (const { id, node, isDurable } of living) {
      if (!isDurable) slots.set(id, node.applied);
    }
    slots.delete(id);
    const { cals } = seats;
    const known = cals.flatMap((cal) => slots.get(cal) ?? []);
    known.sort((a, b) => b - a);
    const others = Math.floor(cals.length / 2);
    if (known.length <= others) return false;
    return seats.canDecide(new Set(slots.keys()), known[others]!);
  }

  /** The slots that each would find applied, were it started again. */
  #durableSlots(): Map<NodeId, Seqn> {
    return new Map(
      this.keepers.map((machine) => [
        machine.node!,
        machine.look()?.applied ?? 0,
      ]),
    );
  }
}

function isOlder(one: Claim, other: Claim): boolean {
  return one.incarnation < other.incarnation ||
    one.incarnation === other.incarnation && one.position < other.position;
}
