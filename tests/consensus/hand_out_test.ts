/**
 * Handing out: this node's commands go to who leads, all of them, again
 * whenever that is somebody else or the way there is another.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { HandOut, NodeParts } from "../../consensus/mod.ts";
import type { PeerMessage } from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { set } from "../store/changes.ts";
import { State } from "./state.ts";
import { readBallot, readMessage } from "./words.ts";

/** A follower of B in a cluster of A, B and C. */
class Bench {
  readonly parts: NodeParts;
  readonly handOut: HandOut;
  readonly #forwards: { to: string; message: PeerMessage }[] = [];

  constructor() {
    const peers = new Set(["B", "C"]);
    const options = {
      id: "A",
      store: new Store(),
      about: { addr: "A:1", hostname: "host", version: "1" },
      onInput: () => {},
      send: () => {},
      random: () => 0,
      now: () => 0,
    };
    this.parts = new NodeParts(options, {
      peers,
      post: (to, message) => {
        if (message.type !== "forward") return;
        this.#forwards.push({ to, message });
      },
      install: () => {},
      enqueue: () => {},
    });
    const state = new State(this.parts.machine).fill("ABC");
    this.parts.replica.skipTo(this.parts.machine.applied);
    this.parts.own.opened(state.sessionOf("A"));
    this.handOut = new HandOut(this.parts);
  }

  /** The node whose ballot it is shows that it leads. */
  follow(ballot: string): void {
    const { node } = readBallot(ballot);
    const alive = `alive ${ballot}, decided 0, round 0`;
    this.parts.election.receive(node, readMessage(alive));
  }

  add(): void {
    const reply = { settled: () => {} };
    this.parts.own.add(set("/a"), { reply, time: 0 });
  }

  /** Hands out; to whom it was, how many batches. */
  run(): string[] {
    this.handOut.noteLeadership();
    this.handOut.run();
    return this.#forwards.splice(0).map(({ to }) => to);
  }
}

Deno.test("commands wait until somebody leads, then go there once", () => {
  const bench = new Bench();
  bench.add();
  assertEquals([bench.handOut.waiting, bench.run()], [false, []]);
  bench.follow("2.B");
  assertEquals([bench.handOut.waiting, bench.run()], [true, ["B"]]);
  assertEquals([bench.handOut.waiting, bench.run()], [false, []]);
  bench.add();
  assertEquals(bench.run(), ["B"]);
});

Deno.test("C15: all that has no outcome goes again to the next leader, or where a link is new", () => {
  const bench = new Bench();
  bench.follow("2.B");
  bench.add();
  bench.run();
  bench.add();
  assertEquals(bench.run(), ["B"]);
  bench.follow("3.C");
  assertEquals(bench.run(), ["C", "C"]);
  bench.follow("4.C");
  assertEquals(bench.run(), ["C", "C"], "it may have forgotten");
  assertEquals(bench.run(), []);
  bench.handOut.linksChanged();
  assertEquals(bench.run(), ["C", "C"]);
});

Deno.test("who comes to lead keeps its commands for the log, who ceases to passes them on", () => {
  const bench = new Bench();
  bench.follow("2.B");
  bench.add();
  assertEquals(bench.run(), ["B"]);
  const { replica, own } = bench.parts;
  replica.campaign();
  for (const cal of "ABC") {
    const { round, node } = replica.ballot;
    replica.receive(cal, readMessage(`promise ${round}.${node}`));
  }
  assertEquals(replica.leading, true);
  assertEquals(bench.run(), []);
  assertEquals([own.idle, bench.handOut.waiting], [false, false]);
  replica.abdicate();
  bench.follow("9.C");
  assertEquals(bench.run(), ["C"]);
});
