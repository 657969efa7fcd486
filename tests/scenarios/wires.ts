/**
 * The wires between the nodes of a dialogue: what is on its way, what is held
 * back, and what is lost.
 *
 * A wire leads from one node to another. Its messages come in order, but for
 * those that are held back and delivered later by name.
 *
 * @module
 */
import type { PeerMessage } from "../../protocol/mod.ts";

/** What a wire does with messages of some types, or of all. */
interface Rule {
  readonly does: "hold" | "lose";
  readonly types: readonly string[];
}

/** One way between two nodes. */
interface Wire {
  readonly from: string;
  readonly to: string;
  rules: Rule[];
  held: PeerMessage[];
  onTheWay: PeerMessage[];
}

/** A message that has come. */
export interface Arrival {
  readonly from: string;
  readonly to: string;
  readonly message: PeerMessage;
}

/** All wires, by the names of both ends. */
export class Wires {
  readonly #wires: Map<string, Wire> = new Map();
  readonly #linked: Set<string> = new Set();

  /** Whether there is a link between the two. */
  isLinked(a: string, b: string): boolean {
    return this.#linked.has(pairOf(a, b));
  }

  link(a: string, b: string): void {
    this.#linked.add(pairOf(a, b));
  }

  /** What is on its way is lost; what is held back may still come. */
  unlink(a: string, b: string): void {
    this.#linked.delete(pairOf(a, b));
    this.#wire(a, b).onTheWay = [];
    this.#wire(b, a).onTheWay = [];
  }

  /** Sends; tells what becomes of the message if it does not simply arrive. */
  send({ from, to, message }: Arrival): "" | " (held)" | " (lost)" {
    if (!this.isLinked(from, to)) return " (lost)";
    const wire = this.#wire(from, to);
    const rule = wire.rules.find(({ types }) =>
      types.length === 0 || types.includes(message.type)
    );
    if (rule?.does === "lose") return " (lost)";
    const copy = structuredClone(message);
    if (rule?.does === "hold") {
      wire.held.push(copy);
      return " (held)";
    }
    wire.onTheWay.push(copy);
    return "";
  }

  /** Holds messages back, or loses them, from now on. */
  rule(ends: Ends, does: "hold" | "lose", types: readonly string[]): void {
    for (const wire of this.#of(ends)) wire.rules.push({ does, types });
  }

  /** No rules any more: what is held back is on its way. */
  free(ends: Ends): void {
    for (const wire of this.#of(ends)) {
      wire.rules = [];
      wire.onTheWay.unshift(...wire.held.splice(0));
    }
  }

  /** Takes messages that are held back: so many, or those of these types. */
  take(ends: Ends, which: readonly string[]): Arrival[] {
    return this.#of(ends).flatMap((wire) => {
      const taken = pick(wire.held, which);
      wire.held = wire.held.filter((message) => !taken.includes(message));
      const { from, to } = wire;
      return taken.map((message) => ({ from, to, message }));
    });
  }

  /** Doubles messages that are held back. */
  double(ends: Ends, which: readonly string[]): void {
    for (const wire of this.#of(ends)) {
      const doubled = pick(wire.held, which);
      wire.held.push(...doubled.map((message) => structuredClone(message)));
    }
  }

  /** All that arrives now, at nodes that listen. */
  arrivals(listens: (name: string) => boolean): Arrival[] {
    const wires = [...this.#wires.values()].filter(({ to }) => listens(to));
    return wires.flatMap(({ from, to, onTheWay }) =>
      onTheWay.splice(0).map((message) => ({ from, to, message }))
    );
  }

  #of({ from, to }: Ends): Wire[] {
    return from.flatMap((a) =>
      to.filter((b) => a !== b).map((b) => this.#wire(a, b))
    );
  }

  #wire(from: string, to: string): Wire {
    const key = `${from}>${to}`;
    let wire = this.#wires.get(key);
    if (wire === undefined) {
      wire = { from, to, rules: [], held: [], onTheWay: [] };
      this.#wires.set(key, wire);
    }
    return wire;
  }
}

/** Some wires: from each of the ones to each of the others. */
export interface Ends {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}

/** The first so many, those of a slot or of these types, or all. */
function pick(
  held: readonly PeerMessage[],
  which: readonly string[],
): readonly PeerMessage[] {
  const [first] = which;
  if (first === undefined) return [...held];
  if (/^\d+$/.test(first)) return held.slice(0, Number(first));
  return held.filter((message) =>
    which.includes(message.type) ||
    "seqn" in message && which.includes(`slot=${message.seqn}`)
  );
}
