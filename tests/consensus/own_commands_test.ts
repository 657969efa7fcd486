/**
 * A node's own commands: numbered in order, handed out until each has its
 * outcome, and never said to have failed where that is not known.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { BATCH_BYTES, OwnCommands } from "../../consensus/mod.ts";
import { type Command, decodeBatch } from "../../protocol/mod.ts";
import { AssertionError, LIMITS, type Outcome } from "../../store/mod.ts";
import { NOP, set } from "../store/changes.ts";
import { seatMutation } from "./state.ts";

/** Commands of session 9, and what their clients were told. */
class Bench {
  readonly own = new OwnCommands();
  readonly told: string[] = [];

  constructor(session = 9) {
    if (session > 0) this.own.opened(session);
    this.own.alone = false;
  }

  /** Clients of those names ask for something. */
  add(...names: readonly string[]): void {
    for (const name of names) {
      const mutation = name.startsWith("seat")
        ? seatMutation(1, "B")
        : set(`/${name}`);
      this.own.add(mutation, { reply: this.reply(name), time: 0 });
    }
  }

  reply(name: string) {
    const settled = (outcome: Outcome) => {
      const what = typeof outcome === "number" ? outcome : outcome.code;
      this.told.push(`${name} ${what}`);
    };
    return { settled };
  }

  /** What is handed out now, a text for each batch. */
  next(): string[] {
    const batches: string[] = [];
    for (
      let batch = this.own.next();
      batch !== undefined;
      batch = this.own.next()
    ) batches.push((batch.seats ? "seats " : "") + show(batch.bytes));
    return batches;
  }

  /** What clients were told since the last call. */
  takeTold(): string[] {
    return this.told.splice(0);
  }

  tick(now: number, limit = 10): void {
    this.own.tick({ now, limit });
  }
}

function show(batch: Uint8Array): string {
  const shown: string[] = [];
  decodeBatch(batch, (command: Command) => {
    if (command.kind === "skip") {
      shown.push(`skip ${command.number}-${command.last}`);
    } else if (command.kind === "mutate") {
      assertEquals(command.session, 9);
      shown.push(`${command.number}`);
    }
  });
  return shown.join(" ");
}

Deno.test("what comes in one turn is one batch, numbered in order", () => {
  const bench = new Bench();
  assertEquals([bench.own.hasBatches, bench.own.idle], [false, true]);
  bench.add("a", "b", "c");
  assertEquals([bench.own.hasBatches, bench.own.idle], [true, false]);
  assertEquals(bench.next(), ["1 2 3"]);
  assertEquals([bench.own.hasBatches, bench.own.idle], [false, false]);
  bench.add("d");
  assertEquals(bench.next(), ["4"]);
  assertEquals(bench.next(), []);
});

Deno.test("C6: each client gets the outcome of its own command, in order", () => {
  const bench = new Bench();
  bench.add("a", "b", "c");
  bench.next();
  bench.own.applied(1, 41);
  bench.own.applied(2, { code: "REV_MISMATCH" });
  assertEquals(bench.takeTold(), ["a 41", "b REV_MISMATCH"]);
  assertEquals([bench.own.settled, bench.own.idle], [2, false]);
  bench.own.applied(3, 42);
  assertEquals([bench.takeTold(), bench.own.idle], [["c 42"], true]);
});

Deno.test("C6: an outcome out of order is a broken invariant", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.next();
  assertThrows(() => bench.own.applied(2, 1), AssertionError, "C6");
});

Deno.test("a change of seats is a batch of its own, and keeps its place", () => {
  const bench = new Bench();
  bench.add("a", "seat 1", "seat 2", "b", "c");
  assertEquals(bench.next(), ["1", "seats 2", "seats 3", "4 5"]);
});

Deno.test("a batch is closed when it is large", () => {
  const bench = new Bench();
  const large = set("/large", "x".repeat(BATCH_BYTES / 2));
  for (let i = 0; i < 5; i++) {
    bench.own.add(large, { reply: bench.reply(`${i}`), time: 0 });
  }
  assertEquals(bench.next(), ["1 2", "3 4", "5"]);
});

Deno.test("all that has no outcome is handed out again, in order, with its numbers", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.next();
  bench.add("c");
  bench.next();
  bench.add("d");
  bench.own.startAgain();
  assertEquals(bench.next(), ["1 2", "3", "4"]);
  bench.own.applied(1, 1);
  bench.own.applied(2, 2);
  bench.own.applied(3, 3);
  bench.own.startAgain();
  assertEquals(bench.next(), ["4"]);
});

Deno.test("a batch of which a part is applied is handed out again as a whole", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.next();
  bench.own.applied(1, 1);
  bench.own.startAgain();
  assertEquals(bench.next(), ["1 2"]);
});

Deno.test("what was never handed out in time is UNAVAILABLE, and its numbers are passed over", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.tick(1);
  bench.add("c");
  bench.tick(5);
  bench.tick(10);
  assertEquals(bench.takeTold(), []);
  bench.tick(11);
  assertEquals(bench.takeTold(), ["a UNAVAILABLE", "b UNAVAILABLE"]);
  bench.tick(15);
  assertEquals(bench.takeTold(), ["c UNAVAILABLE"]);
  bench.add("d");
  // However long nobody leads, what is dropped is one command.
  assertEquals(bench.next(), ["skip 1-3", "4"]);
  bench.own.skipped(3, { code: "UNAVAILABLE" });
  bench.own.applied(4, 7);
  assertEquals([bench.takeTold(), bench.own.idle], [["d 7"], true]);
});

Deno.test("what was handed out and is not heard of in time is UNKNOWN, and goes on", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.next();
  bench.tick(1);
  bench.tick(10);
  assertEquals(bench.takeTold(), ["a UNKNOWN", "b UNKNOWN"]);
  bench.tick(30);
  assertEquals(bench.takeTold(), []);
  bench.own.startAgain();
  assertEquals(bench.next(), ["1 2"]);
  // It may take effect yet: nobody is told a second time.
  bench.own.applied(1, 5);
  bench.own.applied(2, 6);
  assertEquals([bench.takeTold(), bench.own.idle], [[], true]);
});

Deno.test("... though it was handed out to an earlier leader only", () => {
  const bench = new Bench();
  bench.add("a");
  bench.next();
  bench.own.startAgain();
  bench.tick(20);
  assertEquals(bench.takeTold(), ["a UNKNOWN"]);
  assertEquals(bench.next(), ["1"]);
});

Deno.test("what was told to nobody and what may be done are told apart, batch by batch", () => {
  const bench = new Bench();
  bench.add("old");
  bench.next();
  bench.add("new");
  bench.tick(0);
  bench.tick(20);
  assertEquals(bench.takeTold(), ["old UNKNOWN", "new UNAVAILABLE"]);
  bench.own.startAgain();
  assertEquals(bench.next(), ["1", "skip 2-2"]);
});

Deno.test("a skipped command's client is told why", () => {
  const bench = new Bench();
  bench.add("a", "seat");
  bench.next();
  bench.own.applied(1, 3);
  bench.own.skipped(2, { code: "SEAT" });
  assertEquals([bench.takeTold(), bench.own.idle], [
    ["a 3", "seat SEAT"],
    true,
  ]);
});

Deno.test("commands that were applied unseen are UNKNOWN; those above them go on", () => {
  const bench = new Bench();
  bench.add("a", "b");
  bench.next();
  bench.add("c");
  bench.next();
  bench.own.passed(2);
  assertEquals(bench.takeTold(), ["a UNKNOWN", "b UNKNOWN"]);
  bench.own.startAgain();
  assertEquals(bench.next(), ["3"]);
  bench.own.applied(3, 9);
  assertEquals(bench.takeTold(), ["c 9"]);
});

Deno.test("a node without a session refuses at once, and tells so after the turn", () => {
  const bench = new Bench(0);
  bench.add("a");
  assertEquals(bench.takeTold(), []);
  bench.own.tellRefused();
  bench.own.tellRefused();
  assertEquals(bench.takeTold(), ["a UNAVAILABLE"]);
  assertEquals(bench.next(), []);
});

Deno.test("the session ends: what was handed out is UNKNOWN, the rest was not done; nothing is renumbered", () => {
  const bench = new Bench();
  bench.add("a");
  bench.next();
  bench.add("b");
  bench.own.ended();
  assertEquals(bench.takeTold(), ["a UNKNOWN", "b UNAVAILABLE"]);
  assertEquals([bench.own.session, bench.own.idle], [0, true]);
  assertEquals(bench.next(), []);
  bench.own.opened(9);
  bench.add("c");
  assertEquals(bench.next(), ["1"]);
  bench.own.applied(1, 8);
  assertEquals(bench.takeTold(), ["c 8"]);
});

Deno.test("who was told before the session ended is not told again", () => {
  const bench = new Bench();
  bench.add("a");
  bench.next();
  bench.tick(20);
  bench.takeTold();
  bench.own.ended();
  assertEquals(bench.takeTold(), []);
});

Deno.test("C15: a node has one session at a time", () => {
  const bench = new Bench();
  assertThrows(() => bench.own.opened(10), AssertionError, "C15");
});

Deno.test("what is not applied yet is bounded in bytes, and goes on when it is less", () => {
  const bench = new Bench();
  const large = set("/large", "x".repeat(LIMITS.valueBytes));
  const add = () => bench.own.add(large, { reply: bench.reply("x"), time: 0 });
  const most = LIMITS.pendingBytes / LIMITS.valueBytes;
  for (let i = 0; i <= most; i++) add();
  bench.own.tellRefused();
  const refused = bench.takeTold().length;
  assert(refused <= 1, `${refused} of ${most} were refused`);
  for (let i = 0; i < 3; i++) add();
  bench.own.tellRefused();
  assertEquals(bench.takeTold(), Array(3).fill("x UNAVAILABLE"));
  bench.next();
  for (let number = 1; number <= 4; number++) bench.own.applied(number, 1);
  bench.takeTold();
  add();
  bench.own.tellRefused();
  assertEquals(bench.takeTold(), []);
});

Deno.test("C8: a lone node's batch is written over only after it was given back", () => {
  const bench = new Bench();
  bench.own.alone = true;
  bench.add("a");
  const first = bench.own.next()!.bytes;
  const copy = first.slice();
  for (let i = 0; i < 10; i++) {
    bench.own.add(NOP, { reply: bench.reply("nop"), time: 0 });
    bench.own.giveBack(bench.own.next()!.bytes);
  }
  assertEquals(first, copy);
});

Deno.test("20,000 commands in flight settle in order", () => {
  const bench = new Bench();
  const names = Array.from({ length: 20_000 }, (_, i) => `${i}`);
  for (const name of names) {
    bench.own.add(NOP, { reply: bench.reply(name), time: 0 });
    if (Number(name) % 7 === 0) bench.next();
  }
  bench.next();
  for (let number = 1; number <= 20_000; number++) {
    bench.own.applied(number, number);
  }
  assertEquals(bench.takeTold(), names.map((name, i) => `${name} ${i + 1}`));
  assert(bench.own.idle);
});

Deno.test("what a leader was given of it is bounded; more follows as it is applied", () => {
  const bench = new Bench();
  const large = set("/large", "x".repeat(BATCH_BYTES));
  for (let i = 1; i <= 9; i++) {
    bench.own.add(large, { reply: bench.reply(`${i}`), time: 0 });
  }
  assertEquals(bench.next(), ["1", "2", "3", "4"]);
  assertEquals([bench.own.hasBatches, bench.own.idle], [false, false]);
  bench.own.applied(1, 1);
  assertEquals([bench.own.hasBatches, bench.next()], [true, ["5"]]);
  // The next leader knows nothing of what this one was given.
  bench.own.startAgain();
  bench.own.applied(2, 2);
  bench.own.applied(3, 3);
  assertEquals(bench.next(), ["4", "5", "6", "7"]);
});

Deno.test("C10: outcomes of numbers that were never given are nothing", () => {
  const bench = new Bench();
  bench.add("a");
  bench.next();
  bench.own.applied(2, 7);
  bench.own.skipped(9, { code: "OTHER" });
  assertEquals(bench.takeTold(), []);
  bench.own.applied(1, 8);
  assertEquals([bench.takeTold(), bench.own.idle], [["a 8"], true]);
});

Deno.test("many gaps in a row have all handed out again once", () => {
  const bench = new Bench();
  bench.add("a");
  bench.next();
  bench.add("b");
  bench.next();
  const table: [now: number, again: string[]][] = [
    [1, ["1", "2"]],
    [1, []],
    [2, []],
    [30, []],
  ];
  for (const [now, again] of table) {
    bench.tick(now, 1_000);
    bench.own.foundGap();
    assertEquals(bench.next(), again, `at ${now}`);
  }
});

Deno.test("C19: a skip that was handed out stays as it is, and the next is another", () => {
  const bench = new Bench();
  bench.add("a");
  bench.tick(0);
  bench.tick(10);
  assertEquals(bench.next(), ["skip 1-1"]);
  bench.add("b");
  bench.tick(11);
  bench.tick(21);
  bench.add("c");
  bench.tick(22);
  bench.tick(40, 18);
  bench.own.startAgain();
  assertEquals(bench.next(), ["skip 1-1", "skip 2-3"]);
});
