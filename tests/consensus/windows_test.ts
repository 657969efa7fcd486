/**
 * Windows: large values and many clients fill neither memory nor links, and
 * none keeps the others out.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { PeerMessage } from "../../protocol/mod.ts";
import type { Outcome } from "../../store/mod.ts";
import { set } from "../store/changes.ts";
import { type Cluster, clusterOf } from "./cluster.ts";

const MIB = 1 << 20;
/** What may be under way: 4 MiB, and a batch more. */
const WINDOW = 5 * MIB + 4_096;

/** What one node has sent of a kind, and was not done with yet, in bytes. */
class Meter {
  most = 0;
  sent = 0;
  #open: Map<number, number> = new Map();

  add(key: number, bytes: number): void {
    if (!this.#open.has(key)) this.sent += bytes;
    this.#open.set(key, bytes);
    const open = [...this.#open.values()].reduce((sum, one) => sum + one, 0);
    this.most = Math.max(this.most, open);
  }

  /** All up to here are done with. */
  done(upTo: number): void {
    for (const key of this.#open.keys()) {
      if (key <= upTo) this.#open.delete(key);
    }
  }
}

/** Measures what A has proposed, and what B has handed to it. */
function meter(cluster: Cluster): { proposed: Meter; handed: Meter } {
  const [proposed, handed] = [new Meter(), new Meter()];
  let forwards = 0;
  cluster.loses = (message: PeerMessage, { from, to }) => {
    const { applied } = cluster.of("A");
    if (from === "A" && to === "C" && message.type === "accept") {
      proposed.done(applied);
      proposed.add(message.seqn, message.value.length);
    } else if (from === "B" && to === "A" && message.type === "forward") {
      // B applies its own one after the other.
      handed.done(appliedWrites(cluster));
      handed.add(++forwards, message.batch.length);
    }
    return false;
  };
  return { proposed, handed };
}

/** How many of its own writes B has applied. */
function appliedWrites(cluster: Cluster): number {
  const { store } = cluster.of("B");
  return store.countEntries("/B", store.rev);
}

Deno.test("20 MiB through each follower: at no time is more under way than the windows", () => {
  const cluster = clusterOf("ABC");
  const { proposed, handed } = meter(cluster);
  const outcomes = [writeMany(cluster, "B"), writeMany(cluster, "C")].flat();
  cluster.settle();
  assertEquals(outcomes.map((each) => each.length), outcomes.map(() => 1));
  assert(outcomes.every(([outcome]) => typeof outcome === "number"));
  for (const { most } of [proposed, handed]) {
    assert(most <= WINDOW, `${most} bytes were under way`);
    assert(most > 3 * MIB, `only ${most} bytes were under way`);
  }
  // Nothing was sent twice.
  assertEquals([proposed, handed].map(({ sent }) => Math.floor(sent / MIB)), [
    40,
    20,
  ]);
});

/** Clients of a node write 20 values of 1 MiB. */
function writeMany(cluster: Cluster, id: string): Outcome[][] {
  const body = "x".repeat(MIB);
  return Array.from(
    { length: 20 },
    (_, i) => cluster.propose(id, set(`/${id}/${i}`, body)),
  );
}

Deno.test("20 MiB of the leader's own clients: the same", () => {
  const cluster = clusterOf("ABC");
  const { proposed } = meter(cluster);
  writeMany(cluster, "A");
  cluster.settle();
  assert(proposed.sent >= 20 * MIB);
  assert(proposed.most <= WINDOW, `${proposed.most} bytes were under way`);
});

Deno.test("the leader's clients keep the window full: a follower's command gets in", () => {
  const cluster = clusterOf("ABC");
  const body = "x".repeat(MIB);
  let answered = 0;
  let asked = 0;
  // Whoever is answered asks again, so that there is always more.
  const ask = () => {
    if (asked === 40) return;
    const settled = (outcome: Outcome) => {
      assertEquals(typeof outcome, "number");
      answered++;
      ask();
    };
    cluster.of("A").propose(set(`/large/${asked++ % 4}`, body), { settled });
  };
  for (let i = 0; i < 12; i++) ask();
  let before = Infinity;
  const settled = () => before = answered;
  cluster.of("B").propose(set("/small"), { settled });
  cluster.settle();
  assertEquals(answered, 40);
  assert(before < 20, `${before} were answered before`);
});
