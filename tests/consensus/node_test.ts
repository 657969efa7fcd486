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
  type Path,
  Store,
  Wait,
} from "../../store/mod.ts";
import { del, fileText, NOP, set } from "../store/changes.ts";
import { readMessage } from "./words.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const SOME_FILES: [Path, Uint8Array][] = [
  ["/ctl/name", encodeText("local")],
  ["/ctl/cal/0", encodeText("A")],
];

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
    node: new Node({ id, store, onInput }),
    announced: 0,
  };
  return made;
}

/** A bench with a node that leads an empty cluster. */
function founded(): Bench {
  const made = bench();
  made.node.found([]);
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

/** All revisions of a store that can be seen, and its files. */
function picture(store: Store): unknown {
  const events: unknown[] = [];
  for (let rev = store.firstRev; rev <= store.rev; rev++) {
    const wait = new Wait(NOBODY, {
      glob: compileGlob("/**"),
      from: rev,
      ticket: 0,
    });
    const event = store.waits.start(wait);
    if (event === undefined || "code" in event) throw new Error("no event");
    const { path, kind, previousRev, body } = event;
    const { bytes, start, length } = body;
    const copy = bytes.slice(start, start + length);
    events.push([event.rev, path, kind, previousRev, copy]);
  }
  return [events, store.files, store.liveBytes];
}

const NOBODY = { waitEnded(): void {}, revReached(): void {} };

Deno.test("found() writes the files, each at a rev of its own, in order", () => {
  const { node, store } = bench();
  node.found(SOME_FILES);
  assertEquals(store.rev, 0);
  node.run();
  assertEquals(store.rev, 2);
  assertEquals(fileText(store, "/ctl/name"), "local");
  assertEquals(store.get("/ctl/name").rev, 1);
  assertEquals(store.get("/ctl/cal/0").rev, 2);
});

Deno.test("found() refuses a store that holds something, and a file that cannot be", () => {
  const { node } = bench();
  node.found(SOME_FILES);
  node.run();
  assertThrows(() => node.found(SOME_FILES), AssertionError, "empty store");
  for (const path of ["/no//path", "/ctl/name"]) {
    const { node } = bench();
    node.found([...SOME_FILES, [path, encodeText("x")]]);
    assertThrows(() => node.run(), AssertionError, "founding file");
  }
});

Deno.test("a write that comes before the node leads waits until it does", () => {
  const { node, store } = bench();
  const outcomes = proposeAll(node, [set("/early")]);
  node.run();
  node.run();
  assertEquals([store.rev, outcomes], [0, []]);
  node.found(SOME_FILES);
  node.run();
  assertEquals([store.rev, outcomes], [3, [1]]);
});

Deno.test("an input that comes while the node runs is not announced: it is worked off", () => {
  const made = bench();
  const { node } = made;
  let inner: Outcome[] = [];
  node.propose(NOP, {
    settled: () => void (inner = proposeAll(node, [NOP])),
  });
  node.run();
  node.found([]);
  made.announced = 0;
  node.run();
  assertEquals([inner, made.announced], [[2], 0]);
});

Deno.test("1,000 proposals of one turn settle in order, each with its rev", () => {
  const { node, store } = founded();
  const paths = Array.from({ length: 1_000 }, (_, i) => `/d/${i % 50}`);
  const outcomes = proposeAll(node, paths.map((path) => set(path, path)));
  assertEquals([store.rev, outcomes], [0, []]);
  node.run();
  assertEquals(outcomes, paths.map((_, i) => i + 1));
  assertEquals(store.get("/d/49").rev, 1_000);
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
    assertEquals(outcomes, Array.from({ length: 20_000 }, (_, i) => i + 1));
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
    set("/a", "3", 1),
  ]);
  node.run();
  assertEquals(outcomes, [
    1,
    { code: "REV_MISMATCH" },
    { code: "NOTDIR" },
    { code: "BAD_PATH" },
    2,
    3,
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
  node.receive("A", readMessage("accepted 1.A 1"));
  assertEquals(store.rev, 0);
  node.run();
  assertEquals(store.rev, 20);
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
  made.node.receive("A", readMessage("accepted 1.A 1"));
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
      told.push(`${name} at ${outcome}, rev ${store.rev}`);
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
  const made = founded();
  for (
    const said of [
      "prepare 9.X from 1",
      "accept 9.X 1=forged",
      "accepted 1.A 1",
      "promise 1.A, accepted 1=forged@9.X",
      "nack 1.A, promised 9.X",
    ]
  ) {
    made.node.receive("X", readMessage(said));
    const outcomes = proposeAll(made.node, [NOP]);
    made.node.run();
    assertEquals(outcomes, [made.store.rev], said);
  }
});

Deno.test("C8: a batch that is being applied is not written over by one that begins", () => {
  const { node, store } = founded();
  const large = "x".repeat(600_000);
  const more = [set("/large", large), set("/large", large), set("/c", "more")];
  node.propose(set("/a"), {
    settled: () => void proposeAll(node, [...more, ...more, ...more]),
  });
  proposeAll(node, [set("/b", "first"), set("/b", "second", 2)]);
  node.run();
  assertEquals(store.get("/b").rev, 3);
  assertEquals(fileText(store, "/b"), "second");
  assertEquals(store.get("/c").rev, 12);
});

const PATHS = ["/a", "/a/b", "/b", "/b/c/d", "/no//path"];
const mutations: fc.Arbitrary<Mutation> = fc.record({
  type: fc.constantFrom("set", "set", "set", "del", "nop"),
  path: fc.constantFrom(...PATHS),
  rev: fc.oneof(fc.constant(-1), fc.nat(30)),
  length: fc.oneof(fc.nat(40), fc.nat(40_000), fc.nat(900_000)),
  byte: fc.nat(255),
}).map(({ type, path, rev, length, byte }): Mutation => {
  if (type === "nop") return NOP;
  if (type === "del") return { type, path, rev };
  return { type: "set", path, rev, body: new Uint8Array(length).fill(byte) };
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
    const plain = new Store();
    assertEquals(outcomes, inOrder.map((one) => plain.apply(one)));
    assertEquals(picture(store), picture(plain));
  });
  fc.assert(property, { seed: SEED, numRuns: 60 });
});

Deno.test("the same commands give the same store, whatever the node", () => {
  const commands = fc.sample(mutations, { seed: SEED, numRuns: 200 });
  const [first, second] = ["A", "B"].map((id) => {
    const { node, store } = bench(id);
    node.found(SOME_FILES);
    const outcomes = proposeAll(node, commands);
    node.run();
    return [outcomes, picture(store)];
  });
  assertEquals(first, second);
});
