/**
 * The node: a loop that loses no input, runs nothing inside something else,
 * and does to a store what the commands say, in the order they came.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Node } from "../../consensus/mod.ts";
import { encodeText, type Reply } from "../../protocol/mod.ts";
import { AssertionError } from "../../store/error.ts";
import {
  compileGlob,
  type Mutation,
  type Outcome,
  Store,
  Wait,
} from "../../store/mod.ts";
import { del, fileText, NOP, refusalOf, set } from "../store/changes.ts";
import { mutations, NOBODY, picture } from "./pictures.ts";
import { readMessage } from "./words.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
/** The revs that founding a cluster takes. */
const FOUNDING = 7;
const FOUND = { cluster: "local", lineage: "L" };

/** A node, and how often it said that it has input. */
interface Bench {
  readonly node: Node;
  readonly store: Store;
  announced: number;
}

function bench(id = "A"): Bench {
  const store = new Store();
  const onInput = () => void made.announced++;
  const made: Bench = {
    store,
    node: new Node({
      id,
      store,
      onInput,
      about: { addr: "127.0.0.1:8046", hostname: "host", version: "1.0.0" },
      send: () => {},
      random: () => 0,
      now: () => 1_000,
    }),
    announced: 0,
  };
  return made;
}

/** A bench with a node that leads a cluster of its own. */
function founded(): Bench {
  const made = bench();
  made.node.found(FOUND);
  made.node.run();
  made.announced = 0;
  return made;
}

/** Proposes mutations; their outcomes arrive in the array, in the order told. */
function proposeAll(node: Node, mutations: Iterable<Mutation>): Outcome[] {
  const outcomes: Outcome[] = [];
  for (const mutation of mutations) {
    node.propose(mutation, {
      settled: (outcome) => void outcomes.push(outcome),
    });
  }
  return outcomes;
}

Deno.test("found() writes the files, each at a rev of its own, in order", () => {
  const { node, store } = bench();
  node.found(FOUND);
  assertEquals(store.rev, 0);
  node.run();
  assertEquals(store.rev, FOUNDING);
  assertEquals(fileText(store, "/ctl/name"), "local");
  assertEquals(fileText(store, "/ctl/cal/0"), "A");
  assertEquals(store.get("/ctl/name").rev, 1);
  assertEquals([node.cluster, node.lineage, node.isOpen], ["local", "L", true]);
});

Deno.test("found() refuses a node that has a state", () => {
  const { node } = founded();
  assertThrows(() => node.found(FOUND), AssertionError, "empty store");
});

Deno.test("a write that comes before the node belongs to a cluster was not done, and is told so", () => {
  const { node, store } = bench();
  const outcomes = proposeAll(node, [set("/early")]);
  assertEquals(outcomes, []);
  node.run();
  assertEquals([store.rev, outcomes.length], [0, 1]);
  assertEquals(refusalOf(outcomes[0]!).code, "UNAVAILABLE");
});

Deno.test("a write in the turn of the founding is refused, and the turn ends", () => {
  const { node, store } = bench();
  node.found(FOUND);
  const outcomes = proposeAll(node, [set("/early")]);
  node.run();
  assertEquals([store.rev, outcomes.length], [FOUNDING, 1]);
  assertEquals(proposeAll(node, []).length, 0);
});

Deno.test("C9: an input that comes while the node runs is not announced: it is worked off", () => {
  const made = founded();
  const { node } = made;
  let inner: Outcome[] = [];
  node.propose(NOP, {
    settled: () => void (inner = proposeAll(node, [NOP])),
  });
  made.announced = 0;
  node.run();
  assertEquals([inner, made.announced], [[FOUNDING + 2], 0]);
});

Deno.test("1,000 proposals of one turn settle in order, each with its rev", () => {
  const { node, store } = founded();
  const paths = Array.from({ length: 1_000 }, (_, i) => `/d/${i % 50}`);
  const outcomes = proposeAll(node, paths.map((path) => set(path, path)));
  assertEquals([store.rev, outcomes], [FOUNDING, []]);
  node.run();
  assertEquals(outcomes, paths.map((_, i) => FOUNDING + i + 1));
  assertEquals(store.get("/d/49").rev, FOUNDING + 1_000);
});

Deno.test("20,000 proposals of one turn, or of many, settle in order", () => {
  for (const turn of [20_000, 7_000, 1_000]) {
    const { node } = founded();
    const outcomes: Outcome[] = [];
    for (let done = 0; done < 20_000; done += turn) {
      const count = Math.min(turn, 20_000 - done);
      const some = proposeAll(node, Array(count).fill(NOP));
      node.run();
      outcomes.push(...some);
    }
    const revs = Array.from({ length: 20_000 }, (_, i) => FOUNDING + i + 1);
    assertEquals(outcomes, revs);
  }
});

Deno.test("a refused proposal in the middle takes no rev and stops nothing", () => {
  const { node } = founded();
  const outcomes = proposeAll(node, [
    set("/a", "1", 0),
    set("/a", "2", 0),
    set("/a/b"),
    del("/x y", -1),
    NOP,
    set("/a", "3", FOUNDING + 1),
  ]);
  node.run();
  assertEquals(outcomes, [
    FOUNDING + 1,
    { code: "REV_MISMATCH" },
    { code: "NOTDIR" },
    { code: "BAD_PATH" },
    FOUNDING + 2,
    FOUNDING + 3,
  ]);
});

Deno.test("the rev grows only inside run()", () => {
  const { node, store } = founded();
  const wait = new Wait(NOBODY, {
    glob: compileGlob("/a"),
    from: 1,
    ticket: 1,
  });
  store.waits.start(wait);
  proposeAll(node, Array(20).fill(set("/a", "x".repeat(100_000))));
  node.receive("B", readMessage("accepted 1.A 1"));
  assertEquals(store.rev, FOUNDING);
  node.run();
  assertEquals(store.rev, FOUNDING + 20);
});

Deno.test("a body is copied when it is proposed", () => {
  const { node, store } = founded();
  const body = encodeText("before");
  proposeAll(node, [{ type: "set", path: "/a", rev: -1, body }]);
  body.set(encodeText("AFTER!"));
  node.run();
  assertEquals(fileText(store, "/a"), "before");
});

Deno.test("onInput() is called once until run(), and again after it", () => {
  const made = founded();
  proposeAll(made.node, [NOP, NOP]);
  made.node.receive("B", readMessage("accepted 1.A 1"));
  assertEquals(made.announced, 1);
  made.node.run();
  assertEquals(made.announced, 1);
  proposeAll(made.node, [NOP]);
  assertEquals(made.announced, 2);
  made.node.run();
  made.node.run();
  assertEquals(made.announced, 2);
});

Deno.test("C9: a proposal made when another is settled is not lost, nor nested", () => {
  const made = founded();
  const { node, store } = made;
  const told: string[] = [];
  let depth = 0;
  const replyOf = (name: string, more: readonly string[]): Reply => ({
    settled(outcome) {
      assertEquals(depth++, 0, "no reply is settled inside another");
      const at = Number(outcome) - FOUNDING;
      told.push(`${name} at ${at}, rev ${store.rev - FOUNDING}`);
      for (const next of more) node.propose(NOP, replyOf(next, []));
      depth--;
    },
  });
  node.propose(NOP, replyOf("a", ["a1", "a2"]));
  node.propose(NOP, replyOf("b", ["b1"]));
  node.run();
  assertEquals(told, [
    "a at 1, rev 1",
    "b at 2, rev 2",
    "a1 at 3, rev 3",
    "a2 at 4, rev 4",
    "b1 at 5, rev 5",
  ]);
  // They were worked off: nobody has to come back for them.
  assertEquals(made.announced, 1);
});

Deno.test("C9: run() inside run() is a broken invariant", () => {
  const { node } = founded();
  node.propose(NOP, { settled: () => node.run() });
  assertThrows(() => node.run(), AssertionError, "C9");
});

Deno.test("C9: a proposal made when a wait ends is not lost, whenever it ends", () => {
  // A wait that is behind ends at the end of a turn, another within it.
  for (const behind of [true, false]) {
    const made = founded();
    const { node, store } = made;
    proposeAll(node, Array(behind ? 600 : 0).fill(set("/other")));
    proposeAll(node, [set("/wanted/x")]);
    if (behind) node.run();
    let outcomes: Outcome[] = [];
    const waiter = {
      waitEnded: () => void (outcomes = proposeAll(node, [set("/found")])),
      revReached(): void {},
    };
    const glob = compileGlob("/wanted/*");
    store.waits.start(new Wait(waiter, { glob, from: 1, ticket: 1 }));
    assertEquals(node.busy, behind);
    proposeAll(node, behind ? [NOP] : []);
    made.announced = 0;
    node.run();
    if (made.announced > 0) node.run();
    assertEquals(outcomes, [store.rev], behind ? "behind" : "indexed");
    assertEquals(node.busy, false);
  }
});

Deno.test("C10: messages of strangers change nothing and stop nothing", () => {
  const { node, store } = founded();
  for (
    const said of [
      "prepare 9.X from 1",
      "accept 9.Y 99=forged",
      "accepted 1.A 1",
      "promise 1.A, accepted 1=forged@9.X",
      "nack 1.A, promised 9.X",
      "decided 9.Y up to 99",
    ]
  ) {
    node.receive("X", readMessage(said));
    const outcomes = proposeAll(node, [NOP]);
    node.run();
    assertEquals(outcomes, [store.rev], said);
  }
});

Deno.test("C10: who claims to lead without a vote stops writes for a moment only", () => {
  const { node, store } = founded();
  node.receive("X", readMessage("accept 9.X 99=no-op"));
  node.receive("X", readMessage("prepare 12.X from 99"));
  node.run();
  for (let i = 0; i < 60; i++) {
    node.tick();
    node.run();
  }
  const outcomes = proposeAll(node, [NOP]);
  node.run();
  assertEquals([node.status().role, outcomes], ["leader", [store.rev]]);
});

Deno.test("C8: a batch that is being applied is not written over by one that begins", () => {
  const { node, store } = founded();
  const large = "x".repeat(600_000);
  const more = [set("/large", large), set("/large", large), set("/c", "more")];
  node.propose(set("/a"), {
    settled: () => void proposeAll(node, [...more, ...more, ...more]),
  });
  proposeAll(node, [set("/b", "first"), set("/b", "second", FOUNDING + 2)]);
  node.run();
  assertEquals(store.get("/b").rev, FOUNDING + 3);
  assertEquals(fileText(store, "/b"), "second");
  assertEquals(store.get("/c").rev, FOUNDING + 12);
});

/** Turns; of each, the mutations proposed before it and inside it. */
const turns = fc.array(
  fc.record({ before: fc.array(mutations), inside: fc.array(mutations) }),
  { maxLength: 6 },
);

Deno.test("C6, C8: whatever the turns and batches, a node does what a store does with the commands one by one", () => {
  const property = fc.property(turns, (schedule) => {
    const { node, store } = founded();
    const inOrder: Mutation[] = [];
    const outcomes: Outcome[] = [];
    const propose = (mutation: Mutation, inside: Mutation[]): void => {
      inOrder.push(mutation);
      node.propose(mutation, {
        settled(outcome) {
          outcomes.push(outcome);
          for (const next of inside.splice(0, 2)) propose(next, inside);
        },
      });
    };
    for (const { before, inside } of schedule) {
      for (const mutation of before) propose(mutation, inside);
      node.run();
    }
    const plain = founded().store;
    const stamp = { time: 1_000, origin: "A" };
    assertEquals(outcomes, inOrder.map((one) => plain.apply(one, stamp)));
    assertEquals(picture(store), picture(plain));
  });
  fc.assert(property, { seed: SEED, numRuns: 60 });
});

Deno.test("C10: a node has one lineage", () => {
  const { node } = founded();
  assertThrows(() => node.attach("M"), AssertionError, "C10");
});
