/**
 * Linearizable reads: nothing that was acknowledged before a read is missed,
 * and no read waits for ever.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Bench } from "./bench.ts";
import { clusterOf } from "./cluster.ts";
import { seat, seatMutation } from "./state.ts";

/** A read; what comes of it comes into the array. */
function read(bench: Bench, name = "read"): string[] {
  const told: string[] = [];
  bench.parts.reads.add({
    confirmed: () => void told.push(`${name} confirmed`),
    refused: ({ code }) => void told.push(`${name} ${code}`),
  });
  return told;
}

function begin(bench: Bench): void {
  bench.parts.reads.begin();
  bench.settle();
}

/** A leader's last sign of life is answered. */
function heard(bench: Bench, from: string, ballot = bench.ballot): void {
  const { parts: { machine, election: { round } } } = bench;
  const { applied, hash } = machine;
  const said = `heard ${ballot}, applied ${applied}, hash ${hash}`;
  bench.hear(from, `${said}, round ${round}`);
}

Deno.test("a lone leader's read is confirmed at once", () => {
  const bench = new Bench({ cals: "A" }).lead();
  const told = read(bench);
  begin(bench);
  assertEquals(told, ["read confirmed"]);
});

Deno.test("C17: a read waits for a quorum of cals that still have the leader's ballot", () => {
  const bench = new Bench({ cals: "ABCDE", observers: "X" }).lead();
  const told = read(bench);
  begin(bench);
  assertEquals(bench.take(/round 1/).length, 5);
  heard(bench, "B");
  heard(bench, "B");
  heard(bench, "X");
  assertEquals(told, []);
  heard(bench, "C");
  assertEquals(told, ["read confirmed"]);
});

Deno.test("C17: an answer to a round that began before the read does not count", () => {
  const bench = new Bench().lead();
  const first = read(bench, "first");
  begin(bench);
  const second = read(bench, "second");
  const { applied, hash } = bench.parts.machine;
  bench.hear(
    "B",
    `heard ${bench.ballot}, applied ${applied}, hash ${hash}, round 1`,
  );
  assertEquals([first, second], [["first confirmed"], []]);
  begin(bench);
  for (const round of [0, 1]) {
    bench.hear(
      "C",
      `heard ${bench.ballot}, applied ${applied}, hash ${hash}, round ${round}`,
    );
  }
  assertEquals(second, []);
  heard(bench, "C");
  assertEquals(second, ["second confirmed"]);
});

Deno.test("C17: an answer to another ballot does not count, whatever its round", () => {
  const bench = new Bench().lead();
  const told = read(bench);
  begin(bench);
  heard(bench, "B", "1.A");
  heard(bench, "C", "9.A");
  assertEquals(told, []);
});

Deno.test("an answer to a later round answers the earlier ones", () => {
  const bench = new Bench().lead();
  const told = ["a", "b", "c"].map((name) => {
    const each = read(bench, name);
    begin(bench);
    return each;
  });
  heard(bench, "B");
  assertEquals(told.flat(), ["a confirmed", "b confirmed", "c confirmed"]);
  bench.take();
  bench.tick(3);
  assertEquals(bench.take(/round/), []);
});

Deno.test("all reads of a turn share one round", () => {
  const bench = new Bench().lead();
  const told = ["a", "b", "c"].map((name) => read(bench, name));
  begin(bench);
  begin(bench);
  assertEquals(bench.take(/round/).length, 2);
  heard(bench, "C");
  assertEquals(told.flat(), ["a confirmed", "b confirmed", "c confirmed"]);
});

Deno.test("a round that is not answered is repeated with each sign of life", () => {
  const bench = new Bench().lead();
  read(bench);
  begin(bench);
  bench.take();
  bench.tick(3);
  assertEquals(bench.take(/round 1/).length, 2);
});

Deno.test("C17: a higher ballot voids the round", () => {
  const bench = new Bench().lead();
  const told = read(bench);
  begin(bench);
  bench.hear("B", `nack ${bench.ballot}, promised 9.B`);
  heard(bench, "C");
  bench.parts.reads.deposed();
  heard(bench, "C");
  heard(bench, "B", "1.A");
  assertEquals(told, []);
});

Deno.test("C17: ... and the read is asked of the new leader", () => {
  const bench = new Bench().lead();
  const told = read(bench);
  begin(bench);
  const at = bench.parts.machine.applied;
  bench.hear("B", `alive 9.B, decided ${at}`);
  bench.take();
  bench.parts.reads.deposed();
  bench.parts.reads.askAgain();
  assertEquals(bench.take(/ask/).at(-1), "B: ask A 1, hops 2");
  bench.hear("B", `told A 1 index ${at}, hops 2`);
  assertEquals(told, ["read confirmed"]);
});

Deno.test("C17: no read before the leadership record is applied", () => {
  const bench = new Bench();
  bench.elect();
  const told = read(bench);
  begin(bench);
  heard(bench, "B");
  heard(bench, "C");
  assertEquals([told, bench.take(/round/)], [[], []]);
  bench.propose();
  begin(bench);
  heard(bench, "B");
  assertEquals(told, ["read confirmed"]);
});

Deno.test("a question that comes before the leadership record is answered after it", () => {
  const bench = new Bench();
  bench.elect();
  bench.hear("B", "ask B 7, hops 2");
  begin(bench);
  bench.propose();
  begin(bench);
  heard(bench, "C");
  assertEquals(bench.take(/told/), [
    `B: told B 7 index ${bench.parts.machine.applied}, hops 2`,
  ]);
});

Deno.test("C17: the quorum is one of the cals of the slot after the last decided one", () => {
  const bench = new Bench({ cals: "ABC", observers: "D" }).lead();
  const { members, applied } = bench.parts.machine;
  // From the next slot on D votes in the place of C.
  members.load({
    applied,
    sets: [{ from: applied + 1, cals: [..."ABD"] }],
    seats: [...members.seats],
  });
  const told = read(bench);
  begin(bench);
  heard(bench, "C");
  assertEquals(told, []);
  heard(bench, "D");
  assertEquals(told, ["read confirmed"]);
});

Deno.test("another node asks the leader, and answers once it has applied the index", () => {
  const bench = new Bench({ id: "B" });
  const at = bench.parts.machine.applied;
  bench.hear("A", `alive 2.A, decided ${at}`);
  bench.take();
  const told = [read(bench, "a"), read(bench, "b")];
  begin(bench);
  assertEquals(bench.take(), ["A: ask B 1, hops 2"]);
  bench.hear("A", `told B 1 index ${at + 1}, hops 2`);
  assertEquals(told.flat(), []);
  bench.hear("A", `accept 2.A ${at + 1}=no-op`);
  assertEquals(told.flat(), []);
  bench.hear("A", `decided 2.A up to ${at + 1}`);
  assertEquals(told.flat(), ["a confirmed", "b confirmed"]);
});

Deno.test("C17: an index counts for the question that it answers, and the first that comes", () => {
  const bench = new Bench({ id: "B" });
  const at = bench.parts.machine.applied;
  bench.hear("A", `alive 2.A, decided ${at}`);
  const told = read(bench);
  begin(bench);
  bench.hear("A", `told B 2 index ${at}, hops 2`);
  bench.hear("A", `told C 1 index ${at}, hops 2`);
  assertEquals(told, []);
  bench.hear("A", `told B 1 index ${at}, hops 2`);
  assertEquals(told, ["read confirmed"]);
});

Deno.test("the leader answers who asks, by the way the question came", () => {
  const bench = new Bench({ observers: "D" }).lead();
  const at = bench.parts.machine.applied;
  bench.hear("C", "ask D 4, hops 1");
  bench.hear("B", "ask B 9, hops 2");
  begin(bench);
  bench.take();
  heard(bench, "B");
  assertEquals(bench.take(), [
    `C: told D 4 index ${at}, hops 2`,
    `B: told B 9 index ${at}, hops 2`,
  ]);
});

Deno.test("a third node relays questions and answers, not too often", () => {
  const bench = new Bench({ id: "B", observers: "D" });
  bench.hear("A", `alive 2.A, decided ${bench.parts.machine.applied}`);
  bench.take();
  bench.hear("D", "ask D 4, hops 2");
  bench.hear("A", "told D 4 index 9, hops 2");
  assertEquals(bench.take(), [
    "A: ask D 4, hops 1",
    "D: told D 4 index 9, hops 1",
  ]);
  bench.hear("D", "ask D 5, hops 0");
  bench.hear("A", "told D 5 index 9, hops 0");
  assertEquals(bench.take(), []);
});

Deno.test("a question is asked again: after a while, or where the way has changed", () => {
  const bench = new Bench({ id: "B" });
  const at = bench.parts.machine.applied;
  const hears = () => bench.hear("A", `alive 2.A, decided ${at}`);
  hears();
  read(bench);
  begin(bench);
  bench.take();
  for (let i = 0; i < 6; i++) {
    bench.tick(5);
    hears();
  }
  assertEquals(bench.take(/ask/), ["A: ask B 1, hops 2"]);
  bench.parts.reads.askAgain();
  assertEquals(bench.take(/ask/), ["A: ask B 1, hops 2"]);
});

Deno.test("a read that nobody answers ends as UNAVAILABLE, in its time", () => {
  const bench = new Bench({ id: "B", requestTimeoutTicks: 50 });
  const told = read(bench, "first");
  begin(bench);
  bench.tick(20);
  const later = read(bench, "later");
  begin(bench);
  bench.tick(29);
  assertEquals([told, later], [[], []]);
  bench.tick(1);
  assertEquals([told, later], [["first UNAVAILABLE"], []]);
  bench.tick(20);
  assertEquals(later, ["later UNAVAILABLE"]);
});

Deno.test("a leader without a quorum answers no read, and refuses it in bounded time", () => {
  const cluster = clusterOf("ABC", { settings: { requestTimeoutTicks: 60 } });
  for (const id of "BC") cluster.pause(id);
  const told = cluster.read("A");
  cluster.tick(50);
  assertEquals(told, []);
  cluster.tick(100);
  assertEquals(told, [{ code: "UNAVAILABLE" }]);
});

Deno.test("C17: a stale leader confirms no read while another leads", () => {
  const cluster = clusterOf("ABC");
  // A is cut off from the others, and does not notice.
  cluster.loses = (_, { from, to }) => from === "A" || to === "A";
  const told = cluster.read("A");
  cluster.settle();
  cluster.tickUntil(() =>
    cluster.of("B").status().leader !== "A" &&
    cluster.of("B").status().ready
  );
  assertEquals(typeof cluster.write("B", "/new"), "number");
  cluster.tick(20);
  assertEquals(told, []);
  cluster.loses = () => false;
  cluster.tickUntil(() => told.length > 0);
  assertEquals(told, ["confirmed"]);
  assertEquals(cluster.of("A").store.get("/new").type, "file");
});

Deno.test("C17: a write through any node is seen by a read through any other, at once", () => {
  const cluster = clusterOf("ABC", { observers: "D" });
  for (const writer of "ABCD") {
    for (const reader of "ABCD") {
      const path = `/${writer}${reader}`;
      assertEquals(typeof cluster.write(writer, path), "number");
      const told = cluster.read(reader);
      cluster.settle();
      assertEquals(told, ["confirmed"]);
      assertEquals(cluster.of(reader).store.get(path).type, "file", path);
    }
  }
});

Deno.test("a node that a seat was given to in the slot to come counts only then", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.state.apply(seat("2.A", seatMutation(2, "D")));
  bench.parts.replica.skipTo(bench.parts.machine.applied);
  const told = read(bench);
  begin(bench);
  heard(bench, "D");
  assertEquals(told, []);
  heard(bench, "C");
  assertEquals(told, ["read confirmed"]);
});
