/**
 * Proposals: what a leader proposes, in which order, and what it does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Command, decodeBatch } from "../../protocol/mod.ts";
import type { Outcome } from "../../store/mod.ts";
import { NOP, set } from "../store/changes.ts";
import { Bench } from "./bench.ts";
import { attachOf, batchOf, clear, found, lead, mutate } from "./state.ts";
import { open, register, seat, seatMutation, skip } from "./state.ts";

/** After so many ticks without an answer nobody counts as live. */
const SILENCE = 16;

/** The first command of a client's session. */
const BY = { session: 1, number: 1, acknowledged: 0 };

/** Proposes what there is room for, without any vote; as `70=[lead]`. */
function propose(bench: Bench): string[] {
  bench.parts.proposals.propose();
  bench.settle();
  return bench.take(/^B: accept/).map((line) =>
    line.split(" ").slice(3).join(" ")
  );
}

/** A batch that another node passes on. */
function forward(bench: Bench, batch: Uint8Array, seats = false): void {
  bench.hear("B", { type: "forward", hops: 2, seats, batch });
}

function commandOf(bench: Bench, owner: string, number: number): Command {
  return mutate([bench.state.sessionOf(owner), number], set(`/${owner}`));
}

function ask(bench: Bench, ...mutations: Parameters<typeof mutate>[1][]) {
  const told: Outcome[] = [];
  const reply = { settled: (outcome: Outcome) => void told.push(outcome) };
  for (const mutation of mutations) {
    bench.parts.own.add(mutation, { reply, time: 0 });
  }
  return told;
}

Deno.test("first what others began, then the leadership record, then chores, then commands", () => {
  const bench = new Bench({ observers: "D" });
  const next = bench.parts.machine.applied + 1;
  ask(bench, NOP);
  bench.parts.replica.campaign();
  bench.settle();
  bench.hear("B", `promise 2.A, accepted ${next + 1}=no-op@1.A`);
  assertEquals(propose(bench), [
    `${next}=[]`,
    `${next + 1}=[]`,
    `${next + 2}=[lead]`,
  ]);
  bench.parts.replica.linkUp("B");
  bench.propose();
  bench.parts.upkeep.attach(attachOf("E"));
  ask(bench, NOP);
  assertEquals(propose(bench)[0]!.endsWith("[register]"), true);
});

Deno.test("C5: each ballot has its own leadership record, proposed once", () => {
  const bench = new Bench();
  bench.elect();
  assertEquals(propose(bench).length, 1);
  assertEquals([propose(bench), bench.parts.proposals.waiting], [[], false]);
  bench.hear("B", "nack 2.A, promised 3.B");
  bench.take();
  bench.elect();
  assertEquals(bench.ballot, "4.A");
  // That of 2.A was accepted here, and is finished.
  assertEquals(propose(bench).map((line) => line.split("=")[1]), [
    "[lead]",
    "[lead]",
  ]);
});

Deno.test("what came in one turn goes into one slot, own commands first", () => {
  const bench = new Bench().lead();
  ask(bench, NOP, NOP);
  forward(bench, batchOf(commandOf(bench, "B", 1)));
  forward(bench, batchOf(commandOf(bench, "C", 1)));
  const [only, ...more] = propose(bench);
  assertEquals(only!.split("=")[1], "[mutate mutate mutate mutate]");
  assertEquals(more, []);
});

Deno.test("commands wait for the slot before them, for a tick at most", () => {
  const bench = new Bench().lead();
  ask(bench, NOP);
  assertEquals(propose(bench).length, 1);
  ask(bench, NOP);
  assertEquals(propose(bench), []);
  bench.parts.proposals.tick();
  assertEquals(propose(bench).length, 1);
});

Deno.test("... unless they are many", () => {
  const bench = new Bench().lead();
  ask(bench, NOP);
  assertEquals(propose(bench).length, 1);
  ask(bench, set("/large", "x".repeat(40_000)));
  assertEquals(propose(bench).length, 1);
});

Deno.test("a batch of one slot is bounded: more goes into the next", () => {
  const bench = new Bench().lead();
  const large = set("/large", "x".repeat(600_000));
  const session = bench.state.sessionOf("B");
  for (const number of [1, 2, 3]) {
    forward(bench, batchOf(mutate([session, number], large)));
  }
  assertEquals(propose(bench).map((line) => line.split("=")[1]), [
    "[mutate mutate]",
    "[mutate]",
  ]);
});

Deno.test("a change of seats is a slot of its own", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.answer("BCD");
  const session = bench.state.sessionOf("B");
  forward(bench, batchOf(mutate([session, 1], NOP)));
  forward(bench, batchOf(mutate([session, 2], seatMutation(5, ""))), true);
  forward(bench, batchOf(mutate([session, 3], NOP)));
  const proposed: string[] = [];
  for (let i = 0; i < 4; i++) {
    proposed.push(...propose(bench).map((line) => line.split("=")[1]!));
    bench.parts.proposals.tick();
  }
  assertEquals(proposed, ["[mutate]", "[mutate]", "[mutate]"]);
});

Deno.test("an unsafe change of seats is skipped, and its client told why", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.tick(SILENCE);
  const told = ask(bench, seatMutation(3, "D"), NOP);
  bench.propose();
  assertEquals(told.map((one) => typeof one === "number" ? "rev" : one.code), [
    "SEAT",
    "rev",
  ]);
  assertEquals(bench.state.seats, "ABC");
});

Deno.test("C27: an unsafe change of seats is an outcome for its client's session", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.tick(SILENCE);
  const told: Outcome[] = [];
  const reply = { settled: (outcome: Outcome) => void told.push(outcome) };
  const { own } = bench.parts;
  own.open("", { reply, time: 0 });
  const send = (change: Parameters<typeof own.add>[0], number = 1) => {
    own.add(change, { reply, time: 0, by: { ...BY, number } });
    bench.propose();
    return told.at(-1);
  };
  const seats = seatMutation(3, "D");
  const first = send(seats);
  assert(typeof first === "object" && first.code === "SEAT");
  assertEquals(send(seatMutation(3, "C")), {
    code: "NUMBER",
    detail: "Command 1 of session 1 was another one when it was applied, so " +
      "this one was not",
  });
  // It would be safe by now, but it has its outcome.
  bench.answer("BCD");
  assertEquals(send(seats), first);
  assertEquals([typeof send(NOP, 2), bench.state.seats], ["number", "ABC"]);
});

Deno.test("C10: a session that is opened for a client is passed on", () => {
  const bench = new Bench().lead();
  const session = bench.state.sessionOf("B");
  forward(bench, batchOf(open([session, 1], "a")));
  assertEquals(propose(bench).map((line) => line.split("=")[1]), ["[open]"]);
});

Deno.test("a safe change of seats is proposed, and the window is filled so that it takes effect", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.answer("BCD");
  const told = ask(bench, seatMutation(3, "D"));
  bench.propose();
  assertEquals([told.length, typeof told[0]], [1, "number"]);
  // D, which is a cal by now, has promised nothing: it is asked.
  assertEquals(bench.state.cals, "ABCD");
  assertEquals(bench.parts.machine.members.pending, false);
});

Deno.test("C10: what no client can ask for is not proposed, whoever passes it on", () => {
  const bench = new Bench({ observers: "D" }).lead();
  bench.answer("BCD");
  const session = bench.state.sessionOf("B");
  const good = batchOf(mutate([session, 1], NOP));
  const bad: [name: string, batch: Uint8Array, seats?: boolean][] = [
    ["nothing", new Uint8Array(0)],
    ["noise", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    ["cut", good.slice(0, good.length - 1)],
    ["with a tail", Uint8Array.of(...good, 0)],
    ["a founding", batchOf(found("B"))],
    ["a registration", batchOf(register("E"))],
    ["a leadership record", batchOf(lead("2.A"))],
    ["a clearing", batchOf(clear("2.A", "C"))],
    ["a seating", batchOf(seat("2.A", seatMutation(1, "D")))],
    [
      "one of them among others",
      batchOf(mutate([session, 1], NOP), lead("9.B")),
    ],
    ["an endless skip", batchOf(skip([session, 1, 2 ** 40]))],
    [
      "an outcome for a client",
      batchOf({ ...skip([session, 1, 1]), by: BY }),
    ],
    ["a skip backwards", batchOf(skip([session, 2, 1]))],
    ["a skip beyond counting", batchOf(skip([session, 2 ** 53, 2 ** 53]))],
    [
      "seats and more",
      batchOf(mutate([session, 1], NOP), mutate([session, 2], NOP)),
      true,
    ],
  ];
  for (const [name, batch, seats] of bad) {
    forward(bench, batch, seats);
    assertEquals(
      [propose(bench), bench.parts.proposals.waiting],
      [[], false],
      name,
    );
  }
  forward(bench, good);
  assertEquals(propose(bench).length, 1);
});

Deno.test("no proposal beyond the window; then it waits for room", () => {
  const bench = new Bench().lead();
  let slots = 0;
  for (let i = 0; i < 100; i++) {
    ask(bench, NOP);
    bench.parts.proposals.tick();
    slots += propose(bench).length;
  }
  assertEquals([slots, bench.parts.proposals.waiting], [64, false]);
});

Deno.test("a leader that is deposed drops what others passed on: they do so again", () => {
  const bench = new Bench().lead();
  forward(bench, batchOf(commandOf(bench, "B", 1)));
  bench.parts.proposals.deposed();
  assertEquals(propose(bench), []);
});

Deno.test("C10, C12: a batch that changes seats without saying so is not proposed", () => {
  const bench = new Bench({ observers: "D" }).lead();
  const session = bench.state.sessionOf("B");
  forward(bench, batchOf(mutate([session, 1], seatMutation(3, "D"))));
  assertEquals(propose(bench), []);
});

Deno.test("own commands do not keep those of others out, nor others own ones", () => {
  const bench = new Bench().lead();
  const large = set("/large", "x".repeat(1 << 20));
  ask(bench, large, large, large);
  const session = bench.state.sessionOf("B");
  for (const number of [1, 2, 3]) {
    forward(bench, batchOf(mutate([session, number], large)));
  }
  const origins = () =>
    bench.takeMessages().flatMap((message) => {
      if (message.type !== "accept") return [];
      let origin = "";
      decodeBatch(message.value, (command) => {
        if (command.kind === "mutate") origin += command.session === session;
      });
      return [origin];
    });
  bench.parts.proposals.propose();
  bench.settle();
  // Each to B and C: two of them before any has its third.
  const order = origins().filter((_, at) => at % 2 === 0).slice(0, 4);
  assertEquals(order.toSorted(), ["false", "false", "true", "true"]);
});

Deno.test("a value is bounded, too: what does not fit any more waits for the next", () => {
  const bench = new Bench().lead();
  const session = bench.state.sessionOf("B");
  for (const [number, size] of [[1, 1_000_000], [2, 1 << 20], [3, 1 << 20]]) {
    const mutation = set("/large", "x".repeat(size!));
    forward(bench, batchOf(mutate([session, number!], mutation)));
  }
  assertEquals(propose(bench).map((line) => line.split("=")[1]), [
    "[mutate mutate]",
    "[mutate]",
  ]);
  const two = 2 * (1 << 20);
  const more = [4, 5].map((number) =>
    batchOf(mutate([session, number], set("/l", "x".repeat(1_000_000))))
  );
  const third = batchOf(
    mutate([session, 6], set("/l", "x".repeat(1 << 20))),
    mutate([session, 7], set("/l", "x".repeat(100_000))),
  );
  assert(more[0]!.length + third.length > two);
  bench.propose();
  bench.take();
  forward(bench, more[0]!);
  forward(bench, third);
  assertEquals(propose(bench).map((line) => line.split("=")[1]), [
    "[mutate]",
    "[mutate mutate]",
  ]);
});
