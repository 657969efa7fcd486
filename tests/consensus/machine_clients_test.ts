/**
 * Commands of clients' sessions: applied once, whichever nodes they come by.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { Machine } from "../../consensus/mod.ts";
import {
  decodeImageHead,
  encodeImageHead,
  ImageReader,
  ImageWriter,
} from "../../protocol/mod.ts";
import { LIMITS, type Outcome, Store } from "../../store/mod.ts";
import { del, fileText, NOP, set } from "../store/changes.ts";
import { codeOf, mutate, once, open, seatMutation } from "./state.ts";
import { skip, State, stateOf } from "./state.ts";

/** Nodes A, B and C, and one session of a client, which is number 1. */
function clientState(name = ""): State {
  const state = stateOf("ABC");
  assertEquals(state.apply(open([state.sessionOf("A"), 1], name)), [1]);
  return state;
}

/** The state as another node takes it over, by its bytes. */
function copyOf(state: State): State {
  const head = encodeImageHead(state.machine.head);
  const writer = new ImageWriter(state.store, { head });
  const reader = new ImageReader();
  for (let last = false; !last;) {
    const piece = writer.next()!;
    reader.add(structuredClone(piece.bytes), piece.last);
    ({ last } = piece);
  }
  const copy = new State(new Machine(new Store()));
  copy.machine.adopt(decodeImageHead(reader.head), reader.finish());
  return copy;
}

Deno.test("C27: a command that comes by two nodes takes effect once, and has one outcome", () => {
  const state = clientState();
  const [a, b] = [state.sessionOf("A"), state.sessionOf("B")];
  const create = set("/x", "1", 0);
  const [first] = state.apply(once([a, 2], [1, 1], create));
  assertEquals(first, state.store.rev);
  assertEquals(state.apply(once([b, 1], [1, 1], create)), [first]);
  // The same in one slot; and the next number is free.
  const again = once([a, 3], [1, 2], create);
  const [refused, repeated, other] = state.apply(
    again,
    once([b, 2], [1, 2], create),
    once([b, 3], [1, 3, 1], NOP),
  );
  assertEquals(refused, { code: "REV_MISMATCH" });
  assertEquals(repeated, refused);
  assertEquals(other, (first as number) + 1);
});

Deno.test("the numbers of the node that sends are told from those of the client", () => {
  const state = clientState();
  const b = state.sessionOf("B");
  const command = once([b, 1], [1, 1], set("/x"));
  assertEquals(typeof state.apply(command)[0], "number");
  // Passed on twice: nobody is told, for its node was told before.
  assertEquals(state.apply(command), ["repeat"]);
  assertEquals(state.apply(once([b, 3], [1, 2], NOP)), ["gap"]);
  assertEquals(state.apply(once([99, 1], [1, 2], NOP)), ["unknown"]);
  // What the client's session refuses uses the node's number up.
  assertEquals(codeOf(state.apply(once([b, 2], [1, 3], NOP))[0]), "GAP");
  assertEquals(codeOf(state.apply(once([b, 3], [7, 1], NOP))[0]), "SESSION");
  const { rev } = state.store;
  assertEquals(codeOf(state.apply(once([b, 4], [1, 1], NOP))[0]), "NUMBER");
  assertEquals(state.store.rev, rev);
  assertEquals(state.apply(once([b, 5], [1, 2], NOP)), [rev + 1]);
});

Deno.test("a number that is ordered empty does nothing, and what had it comes too late", () => {
  const state = clientState();
  const [a, b] = [state.sessionOf("A"), state.sessionOf("B")];
  const { rev } = state.store;
  // No rev was made, so there is none to tell: not that of others' changes.
  assertEquals(state.apply(once([a, 2], [1, 1])), [0]);
  assertEquals(state.apply(mutate([b, 1], NOP), once([b, 2], [1, 1])), [
    rev + 1,
    0,
  ]);
  const copy = copyOf(state);
  assertEquals(copy.machine.hash, state.machine.hash);
  assertEquals(copy.machine.clients.all(), state.machine.clients.all());
  const [late] = state.apply(once([b, 3], [1, 1], set("/x")));
  assertEquals([codeOf(late), state.store.rev], ["NUMBER", rev + 1]);
  const [done] = state.apply(once([b, 4], [1, 2], set("/x")));
  assertEquals(done, rev + 2);
  assertEquals(state.apply(once([a, 3], [1, 2])), [done]);
});

Deno.test("events say who asked: the client by its name, or else its node", () => {
  const state = clientState("loader");
  const b = state.sessionOf("B");
  state.apply(open([b, 1]));
  const origins: string[] = [];
  const apply = state.store.apply.bind(state.store);
  state.store.apply = (mutation, stamp) => {
    origins.push(stamp!.origin);
    return apply(mutation, stamp);
  };
  for (
    const command of [
      once([b, 2], [1, 1], NOP),
      once([b, 3], [2, 1], NOP),
      mutate([b, 4], NOP),
      { ...once([b, 5], [1, 2], NOP), origin: "admin" },
    ]
  ) {
    state.apply(command);
  }
  assertEquals(origins, ["loader", "B", "B", "admin"]);
});

Deno.test("a name that is too long opens nothing, on every node alike", () => {
  const state = clientState();
  const [refused] = state.apply(
    open([state.sessionOf("B"), 1], "x".repeat(65)),
  );
  assertEquals(codeOf(refused), "LIMIT");
  assertEquals(state.apply(open([state.sessionOf("B"), 2])), [2]);
  assertEquals(state.apply(open([state.sessionOf("B"), 2])), ["repeat"]);
});

Deno.test("C27: what a leader refuses for a client is its outcome, numbers that a node drops are not", () => {
  const state = clientState();
  const [a, b] = [state.sessionOf("A"), state.sessionOf("B")];
  // Nobody has seen it, its client was told so, and sends it elsewhere.
  state.apply(skip([a, 2, 2]));
  const by = { session: 1, number: 1, acknowledged: 0 };
  const refused = { ...skip([b, 1, 1]), by, checksum: 5 };
  const [outcome] = state.apply(refused);
  assertEquals(codeOf(outcome), "UNAVAILABLE");
  assertEquals(state.apply(once([b, 2], [1, 1])), [outcome]);
  const [other] = state.apply(once([a, 3], [1, 1], NOP));
  assertEquals(codeOf(other), "NUMBER");
});

Deno.test("a detail that quotes a large body is bounded before it is kept", () => {
  const state = clientState();
  const a = state.sessionOf("A");
  const change = seatMutation(3, "\u20ac".repeat(300_000));
  const [outcome] = state.apply(once([a, 2], [1, 1], change));
  assertEquals(codeOf(outcome), "SEAT");
  assert(state.machine.clients.bytes < 10_000);
  assertEquals(state.apply(once([a, 3], [1, 1], change)), [outcome]);
  assertEquals(copyOf(state).machine.hash, state.machine.hash);
});

Deno.test("the machine's hash tells clients' sessions apart, and who used them last", () => {
  const states = [0, 1, 2, 3].map(() => {
    const state = clientState();
    state.apply(open([state.sessionOf("A"), 2]));
    return state;
  });
  const hashes = () => new Set(states.map(({ machine }) => machine.hash)).size;
  assertEquals(hashes(), 1);
  const a = states[0]!.sessionOf("A");
  // The trees are the same: none of these takes a rev.
  states[0]!.apply(once([a, 3], [1, 1]), once([a, 4], [2, 1]));
  states[1]!.apply(once([a, 3], [2, 1]), once([a, 4], [1, 1]));
  states[2]!.apply(mutate([a, 3]), mutate([a, 4]));
  states[3]!.apply(once([a, 3], [1, 1]), once([a, 4], [1, 2]));
  assertEquals(hashes(), 4);
});

Deno.test("a table of the largest size goes through an image, in pieces that fit a frame", () => {
  const state = clientState();
  const { clients } = state.machine;
  const outcome: Outcome = { code: "SEAT", detail: "\u20ac".repeat(300) };
  const name = "\u20ac".repeat(21);
  for (let n = 0; n < 1_000; n++) {
    const session = clients.open(name) as number;
    for (let number = 1; number <= 3; number++) {
      const by = { session, number, acknowledged: 0 };
      clients.applied(by, { checksum: 2 ** 32 - 1, outcome });
    }
  }
  assert(clients.bytes > LIMITS.sessionBytes - 4000);
  const head = encodeImageHead(state.machine.head);
  assert(head.length > LIMITS.sessionBytes * 0.9, `${head.length} bytes`);
  assert(head.length < LIMITS.sessionBytes + 10_000, `${head.length} bytes`);
  const writer = new ImageWriter(state.store, { head });
  for (let piece = writer.next()!; !piece.last; piece = writer.next()!) {
    assert(piece.bytes.length < LIMITS.frameBytes, `${piece.bytes.length}`);
  }
  assertEquals(copyOf(state).machine.hash, state.machine.hash);
});

Deno.test("recover() ends the sessions of clients, and uses none of their ids again", () => {
  const state = clientState();
  const a = state.sessionOf("A");
  state.apply(once([a, 2], [1, 1], set("/x")));
  const { hash } = state.machine.clients;
  state.machine.recover("A", { time: 5, parent: "L" });
  assertEquals(state.machine.clients.size, 0);
  assertNotEquals(state.machine.clients.hash, hash);
  const copy = copyOf(state);
  for (const one of [state, copy]) {
    assertEquals(codeOf(one.apply(once([a, 3], [1, 2], NOP))[0]), "SESSION");
    assertEquals(one.apply(open([a, 4])), [2]);
  }
  assertEquals(copy.machine.hash, state.machine.hash);
});

/** A client's command, as it comes by some node. */
interface Sent {
  readonly node: "A" | "B" | "C";
  readonly session: number;
  /** Of the 4 files and numbers that a client has under way. */
  readonly number: number;
  readonly copy: boolean;
}

Deno.test("C27: counters that are sent again and again, by any node, count each command once", () => {
  const sent: fc.Arbitrary<Sent[]> = fc.array(
    fc.record({
      node: fc.constantFrom("A" as const, "B" as const, "C" as const),
      session: fc.integer({ min: 1, max: 3 }),
      number: fc.integer({ min: 1, max: 12 }),
      copy: fc.boolean(),
    }),
    { maxLength: 80, size: "max" },
  );
  fc.assert(
    fc.property(sent, (list) => {
      const state = stateOf("ABC");
      const numbers = new Map<string, number>();
      const next = (node: string): [number, number] => {
        const number = (numbers.get(node) ?? 0) + 1;
        numbers.set(node, number);
        return [state.sessionOf(node), number];
      };
      for (const name of ["a", "b", "c"]) state.apply(open(next("A"), name));
      const told = new Map<string, Outcome>();
      let effects = 0;
      let copy = copyOf(state);
      for (const { node, session, number, copy: fresh } of list) {
        const change = number % 4 === 0
          ? del(`/${session}`)
          : set(`/${session}`, `${number}`, number % 3 === 0 ? 0 : -1);
        const before = state.store.rev;
        const command = once(next(node), [session, number], change);
        const [outcome] = state.apply(command);
        assertEquals(copy.apply(command), [outcome]);
        assertEquals(copy.machine.hash, state.machine.hash);
        effects += state.store.rev - before;
        const known = told.get(`${session}.${number}`);
        if (known !== undefined) assertEquals(outcome, known);
        else if (codeOf(outcome) !== "GAP") {
          told.set(`${session}.${number}`, outcome as Outcome);
        }
        if (fresh) copy = copyOf(state);
      }
      const succeeded = [...told.values()].filter((one) =>
        typeof one === "number"
      );
      assertEquals(effects, succeeded.length);
    }),
    { numRuns: 40 },
  );
});

Deno.test("what clients' sessions hold does not change with the tree that is read", () => {
  const state = clientState();
  const a = state.sessionOf("A");
  state.apply(once([a, 2], [1, 1], set("/x", "kept")));
  const copy = copyOf(state);
  assertEquals(fileText(copy.store, "/x"), "kept");
  assertEquals(copy.machine.head, state.machine.head);
});
