/**
 * Random changes, applied to the store and to a model of it: after each one,
 * both must look alike at every rev that can be read, and every wait must have
 * had its one answer.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  compileGlob,
  type Mutation,
  type Outcome,
  type Refusal,
  Store,
  type StoreEvent,
  Wait,
  type Waiter,
} from "../../store/mod.ts";
import { DIRECTORY_BYTES, NODE_BYTES } from "../../store/tree.ts";
import { NOP, textOf } from "./changes.ts";
import { isDirectory, matchesSlowly, Model, randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** Few paths, so that files become directories and back all the time. */
const PATHS = [
  "/a",
  "/a/b",
  "/a/b/c",
  "/a/b/c/d/e",
  "/a/b-c",
  "/a/b.d/x",
  "/a-b",
  "/a0/x",
  "/b",
  "/b/a/a/a",
  "/b/a/a/b",
  "/b/c",
  "/c/d",
  "/c/d/e/f",
];
/** What can be asked for, but never be a file. */
const STRANGE = ["/", "", "/a/", "//", "/a//b", "/x y", "/..", "/c/.", "/zz"];
const GLOBS = [
  "/**",
  "/*",
  "/a",
  "/a/*",
  "/a/**",
  "/a**",
  "/a/b/c",
  "/?",
  "/*/*",
  "/**/a/*",
  "/b/a/a/?",
  "/c/**/f",
  "/zz/**",
  "/",
];

type Random = () => number;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

function randomMutation(random: Random, model: Model): Mutation {
  if (random() < 0.1) return NOP;
  const path = pick(random, random() < 0.05 ? STRANGE : PATHS);
  const fileRev = model.now.get(path)?.rev ?? 0;
  const odd = [0, 1, -2, -3, model.rev, fileRev - 1, Number.MAX_SAFE_INTEGER];
  const rev = random() < 0.5 ? -1 : pick(random, [fileRev, ...odd]);
  if (random() < 0.45) return { type: "del", path, rev };
  const length = Math.floor(random() * 4) ** 4;
  const body = new Uint8Array(length).fill(model.rev & 0xff);
  return { type: "set", path, rev, body };
}

/** What the store says of a path, in the words of the model. */
function comparePaths(store: Store, model: Model, rev: number): void {
  const tree = model.snapshots[rev]!;
  for (const path of [...PATHS, ...STRANGE]) {
    const state = store.get(path, rev);
    const file = tree.get(path);
    const type = file ? "file" : isDirectory(tree, path) ? "directory" : "";
    assertEquals(state.type, type || "missing", `"${path}" at ${rev}`);
    assertEquals(state.rev, file?.rev ?? (type ? -2 : 0));
    if (state.type === "file") {
      const { bytes, start, length } = state;
      assertEquals(bytes.slice(start, start + length), file!.body);
    }
    const names = model.entries(path, rev);
    if (type !== "directory") continue;
    assertEquals(store.countEntries(path, rev), names.length);
    names.push("end of list");
    names.forEach((name, offset) =>
      assertEquals(
        store.entry(path, { offset, rev }) ?? "end of list",
        name,
        `entry ${offset} of "${path}" at ${rev}`,
      )
    );
  }
}

function compareGlobs(store: Store, model: Model, rev: number): void {
  for (const text of GLOBS) {
    const glob = compileGlob(text);
    const paths = model.matching(text, rev);
    paths.forEach((path, offset) => {
      const match = store.match(glob, { offset, rev });
      assertEquals(match?.path, path, `match ${offset} of ${text} at ${rev}`);
      assertEquals(match?.rev, model.snapshots[rev]!.get(path)!.rev);
    });
    assertEquals(store.match(glob, { offset: paths.length, rev }), undefined);
  }
}

/** What is said of now, and of what memory holds. S5. */
function compareTotals(store: Store, model: Model): void {
  assertEquals([store.rev, store.firstRev], [model.rev, model.firstRev]);
  assertEquals(store.files, model.now.size);
  let live = model.directories().length * DIRECTORY_BYTES;
  for (const [path, { body }] of model.now) {
    live += NODE_BYTES + path.length + body.length;
  }
  assertEquals(store.liveBytes, live);
  const kept = new Map<number, number>();
  for (let rev = model.firstRev; rev <= model.rev; rev++) {
    for (const { rev: fileRev, body } of model.snapshots[rev]!.values()) {
      kept.set(fileRev, body.length);
    }
  }
  for (const { rev } of model.now.values()) kept.delete(rev);
  const bodies = [...kept.values()].reduce((sum, length) => sum + length, 0);
  assert(store.historyBytes >= bodies, "S5: history pays for what it keeps");
}

/** Starts waits, and checks each answer against the model. */
class WaitChecker implements Waiter {
  readonly #store: Store;
  readonly #model: Model;
  readonly #pending: Map<number, Wait> = new Map();
  #tickets = 0;
  answers = 0;

  constructor(store: Store, model: Model) {
    this.#store = store;
    this.#model = model;
  }

  start(text: string, from: number): void {
    const glob = compileGlob(text);
    const wait = new Wait(this, { glob, from, ticket: ++this.#tickets });
    this.#pending.set(wait.ticket, wait);
    const result = this.#store.waits.start(wait);
    if (result !== undefined) this.#check(wait, { from, result });
    else this.#from.set(wait.ticket, from);
  }
  readonly #from: Map<number, number> = new Map();

  waitEnded(ticket: number, result: StoreEvent | Refusal): void {
    const wait = this.#pending.get(ticket);
    if (wait === undefined) throw new Error(`Wait ${ticket} ended twice`);
    this.#check(wait, { from: this.#from.get(ticket)!, result });
  }

  revReached(): void {}

  #check(
    wait: Wait,
    ended: { from: number; result: StoreEvent | Refusal },
  ): void {
    const { from, result } = ended;
    this.#pending.delete(wait.ticket);
    this.answers++;
    const { text } = wait.glob;
    if ("code" in result) {
      assertEquals(result.code, "TOO_LATE");
      assert(wait.next < this.#store.firstRev, "too late only where it is");
      return;
    }
    const event = this.#model.firstEvent(text, from);
    assertEquals(result.rev, event?.rev, `${text} from ${from}`);
    assertEquals([result.path, result.kind], [event?.path, event?.kind]);
    assertEquals(textOf(result.body), new TextDecoder().decode(event?.body));
  }

  /** Those that wait on must have nothing to be told. */
  checkPending(): void {
    if (this.#store.waits.behind) return;
    for (const [ticket, wait] of this.#pending) {
      const from = this.#from.get(ticket)!;
      const missed = this.#model.firstEvent(wait.glob.text, from);
      assertEquals(missed, undefined, `${wait.glob.text} from ${from}`);
    }
    assertEquals(this.#store.waits.count(), this.#pending.size);
  }

  /** Asks for every glob at every rev, and for some beyond. */
  startAll(): void {
    const { firstRev, rev } = this.#model;
    for (const text of GLOBS) {
      for (let from = firstRev - 1; from <= rev + 2; from++) {
        this.start(text, from);
      }
    }
    this.cancelAll();
  }

  cancelAll(): void {
    for (const wait of this.#pending.values()) this.#store.waits.cancel(wait);
    this.#pending.clear();
  }
}

/** A store and its model, changed together. */
class Pair {
  readonly store: Store;
  readonly model: Model;
  readonly waits: WaitChecker;

  constructor(historyRevs: number) {
    this.store = new Store({ historyRevs });
    this.model = new Model(historyRevs);
    this.waits = new WaitChecker(this.store, this.model);
  }

  apply(mutation: Mutation): Outcome {
    // The model first: waits are checked against it while the store applies.
    const expected = this.model.apply(mutation);
    const outcome = this.store.apply(mutation);
    assertEquals(outcome, expected, JSON.stringify({ ...mutation, body: 0 }));
    return outcome;
  }

  compareAt(rev: number): void {
    comparePaths(this.store, this.model, rev);
    compareGlobs(this.store, this.model, rev);
  }

  compareEverywhere(): void {
    compareTotals(this.store, this.model);
    for (let rev = this.model.firstRev; rev <= this.model.rev; rev++) {
      this.compareAt(rev);
    }
  }

  /** A quick look: now, the oldest rev, and one between. */
  compareSomewhere(random: Random): void {
    const { firstRev, rev } = this.model;
    if (rev === 0) return;
    const between = firstRev + Math.floor(random() * (rev - firstRev + 1));
    for (const at of [firstRev, between, rev]) this.compareAt(at);
  }
}

Deno.test("Store is as its model at every rev, after every change", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 2, 5, 20, 1000),
      fc.integer({ min: 1, max: 40 }),
      (seed, historyRevs, steps) => {
        const random = randomOf(seed);
        const pair = new Pair(historyRevs);
        pair.compareEverywhere();
        for (let i = 0; i < steps; i++) {
          pair.apply(randomMutation(random, pair.model));
          pair.compareEverywhere();
        }
        pair.waits.startAll();
      },
    ),
    { numRuns: 60, seed: SEED },
  );
});

for (const historyRevs of [1, 2, 5, 20, 1000]) {
  Deno.test(`Store keeps to its model for 2,000 changes with -hist ${historyRevs} (SEED=${SEED})`, () => {
    const random = randomOf(SEED + historyRevs);
    const pair = new Pair(historyRevs);
    for (let i = 0; i < 2000; i++) {
      pair.apply(randomMutation(random, pair.model));
      compareTotals(pair.store, pair.model);
      if (i % 10 === 0) pair.compareSomewhere(random);
      const from = pair.model.firstRev - 1 + Math.floor(random() * 1010);
      pair.waits.start(pick(random, GLOBS), Math.min(from, pair.model.rev + 3));
      if (random() < 0.5) pair.store.waits.catchUp(Math.floor(random() * 99));
      pair.waits.checkPending();
      if (random() < 0.01) pair.waits.cancelAll();
    }
    if (historyRevs <= 20) pair.compareEverywhere();
    assert(pair.waits.answers > 500, `${pair.waits.answers} answers`);
  });
}

Deno.test(`S7: Store answers waits that are long behind (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const pair = new Pair(1000);
  const busy: Mutation = {
    type: "set",
    path: "/b",
    rev: -1,
    body: new Uint8Array(1),
  };
  for (let i = 0; i < 3000; i++) {
    pair.apply(random() < 0.99 ? busy : randomMutation(random, pair.model));
    if (i > 900 && i % 20 === 0) {
      for (const glob of ["/a/**", "/c/**/f", "/zz/**", "/b/a/a/?"]) {
        pair.waits.start(glob, pair.model.firstRev + Math.floor(random() * 50));
      }
    }
    // Slower than the changes come: some are overtaken by the history's end.
    if (random() < 0.3) pair.store.waits.catchUp(40);
    pair.waits.checkPending();
  }
  while (pair.store.waits.behind) pair.store.waits.catchUp(1000);
  pair.waits.checkPending();
});

Deno.test("the model's own rules hold", () => {
  const model = new Model(2);
  const body = new Uint8Array(1);
  const set = (path: string) => ({ type: "set", path, rev: -1, body }) as const;
  assertEquals(model.apply(set("/a/b")), 1);
  assertEquals(model.apply(set("/a")), { code: "ISDIR" });
  assertEquals(model.apply(set("/a/b/c")), { code: "NOTDIR" });
  assertEquals(model.apply({ type: "del", path: "/a/b/c", rev: -1 }), 2);
  assertEquals(model.apply({ ...set("/a/b"), rev: 0 }), {
    code: "REV_MISMATCH",
  });
  assertEquals(model.apply(set("/a-b")), 3);
  assertEquals(model.matching("/**", 3), ["/a/b", "/a-b"]);
  assertEquals(model.entries("/", 3), ["a", "a-b"]);
  assertEquals([model.firstRev, model.directories()], [2, ["/a"]]);
  assert(matchesSlowly("/**/b", "/a/b") && !matchesSlowly("/*", "/a/b"));
});
