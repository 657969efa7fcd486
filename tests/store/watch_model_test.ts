/**
 * Watches at random, beside a naive model of the store: with little room and
 * much, held, resumed, cancelled, some while they are told; on a store that
 * forgets, and that takes over later states of another. Each must be told of
 * exactly what it asked for, in order, each once, or that it is too late,
 * exactly where history is gone.
 *
 * A failure prints its seed; run it again with `SEED=... deno test`.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  compileGlob,
  type EventKind,
  type Mutation,
  type Refusal,
  Store,
  type StoreEvent,
  Watch,
  type Watcher,
} from "../../store/mod.ts";
import { NOP, textOf } from "./changes.ts";
import { FEW_PATHS, importImage } from "./copy.ts";
import { matchesSlowly, Model, type ModelEvent, randomOf } from "./model.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const GLOBS = ["/**", "/*", "/a", "/a/*", "/a/b", "/b/**", "/?/d", "/never/*"];
const KINDS: EventKind[][] = [["set", "del", "nop"], ["set"], ["del", "nop"]];
const WATCHES_MAX = 8;

const decoder = new TextDecoder();

/** What was seen so far, over all runs: a check that saw little is none. */
const seen = { events: 0, held: 0, late: 0, cancelled: 0, adopted: 0 };

/** A watch, and how far it was told by what it has seen itself. */
class Watched {
  readonly watch: Watch;
  readonly kinds: readonly EventKind[];
  /** The first rev that it does not know of. */
  position: number;
  room: number;
  /** It had no room, and was not resumed since. */
  held = false;
  /** What it was last said to have been told up to. */
  toldUpTo = 0;

  constructor(
    watch: Watch,
    wish: { kinds: readonly EventKind[]; from: number; room: number },
  ) {
    this.watch = watch;
    this.kinds = wish.kinds;
    this.position = wish.from;
    this.room = wish.room;
  }
}

/** A store and what follows it, one random step after the other. */
class Play implements Watcher {
  readonly #random: () => number;
  readonly #model: Model;
  /** Applies all; the store under test is given its state now and then. */
  readonly #source: Store;
  readonly #store: Store;
  readonly #open: Map<Watch, Watched> = new Map();

  constructor(random: () => number, historyRevs: number) {
    this.#random = random;
    this.#model = new Model(historyRevs);
    this.#source = new Store({ historyRevs });
    this.#store = new Store({ historyRevs });
  }

  /** Does something, and looks whether all is as it must be. */
  step(): void {
    const doing = this.#random();
    if (doing < 0.35) this.#change();
    else if (doing < 0.42) this.#lag();
    else if (doing < 0.6) this.#start();
    else if (doing < 0.75) this.#store.waits.catchUp(this.#upTo(30));
    else if (doing < 0.9) this.#giveRoom();
    else if (doing < 0.94) this.#cancelOne();
    else this.#cutLate();
    this.#check();
  }

  /** Gives all the room that they need: each must come to its end. */
  finish(): void {
    for (const watched of this.#open.values()) {
      watched.room = Infinity;
      watched.held = false;
      this.#store.waits.resume(watched.watch);
    }
    while (this.#store.waits.behind) this.#store.waits.catchUp(50);
    for (const { watch } of this.#open.values()) {
      assert(this.#store.waits.isCurrent(watch));
    }
    this.#check();
    for (const watch of this.#open.keys()) this.#store.waits.cancel(watch);
    assertEquals([this.#store.waits.count(), this.#store.waits.bytes], [0, 0]);
  }

  watched(watch: Watch, event: StoreEvent): boolean {
    const watched = this.#know(watch);
    assert(!watched.held, "told while it is held");
    const expected = this.#next(watched);
    assertEquals(event.rev, expected?.rev, watch.glob.text);
    assertEquals([event.path, event.kind], [expected!.path, expected!.kind]);
    assertEquals(textOf(event.body), decoder.decode(expected!.body));
    this.#checkBefore(event);
    if (watched.room === 0) {
      seen.held++;
      watched.held = true;
      if (this.#random() < 0.1) this.#cancelOne();
      return false;
    }
    seen.events++;
    watched.room--;
    watched.position = event.rev + 1;
    // What happens while they are told must harm nobody.
    if (this.#random() < 0.02) this.#giveRoom();
    if (this.#random() < 0.02) this.#cancelOne();
    return true;
  }

  watchEnded(watch: Watch, refusal: Refusal): void {
    const watched = this.#know(watch);
    seen.late++;
    this.#open.delete(watch);
    assertEquals(refusal.code, "TOO_LATE");
    assert(watch.next < this.#store.firstRev, "history has it");
    this.#checkRest(watched, watch.next - 1);
  }

  #know(watch: Watch): Watched {
    const watched = this.#open.get(watch);
    if (watched === undefined) throw new Error("Told after its end");
    return watched;
  }

  #upTo(most: number): number {
    return Math.floor(this.#random() * (most + 1));
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }

  #any(): Watched | undefined {
    const all = [...this.#open.values()];
    return all[this.#upTo(all.length - 1)];
  }

  #mutation(): Mutation {
    if (this.#random() < 0.1) return NOP;
    const path = this.#pick(FEW_PATHS);
    if (this.#random() < 0.4) return { type: "del", path, rev: -1 };
    const body = new Uint8Array(this.#upTo(3) * 300).fill(65 + this.#upTo(25));
    return { type: "set", path, rev: -1, body };
  }

  /** The model first: what the store tells is compared with it. */
  #change(stores = [this.#source, this.#store]): void {
    for (let count = 1 + this.#upTo(4); count > 0; count--) {
      const mutation = this.#mutation();
      this.#model.apply(mutation);
      for (const store of stores) store.apply(mutation);
    }
  }

  #lag(): void {
    seen.adopted++;
    for (let parts = this.#upTo(3); parts >= 0; parts--) {
      this.#change([this.#source]);
      if (this.#random() < 0.3) this.#store.waits.catchUp(this.#upTo(9));
      this.#check();
    }
    this.#store.adopt(importImage(this.#source.openImage()));
  }

  #start(): void {
    if (this.#open.size >= WATCHES_MAX) return;
    const { firstRev, rev } = this.#store;
    const from = Math.max(0, firstRev - 2) + this.#upTo(rev - firstRev + 6);
    const kinds = this.#pick(KINDS);
    const glob = compileGlob(this.#pick(GLOBS));
    const watch = new Watch(this, { glob, from, kinds });
    const room = this.#random() < 0.3 ? Infinity : this.#upTo(6);
    const watched = new Watched(watch, { kinds, from, room });
    const refusal = this.#store.waits.watch(watch);
    const late = from < firstRev && from <= rev;
    assertEquals(refusal?.code, late ? "TOO_LATE" : undefined);
    if (refusal === undefined) this.#open.set(watch, watched);
  }

  /** Resumes some watch, with room or without, also one that is not held. */
  #giveRoom(): void {
    const watched = this.#any();
    if (watched === undefined) return;
    watched.room += this.#upTo(5);
    watched.held = false;
    this.#store.waits.resume(watched.watch);
  }

  #cancelOne(): void {
    const watched = this.#any();
    if (watched === undefined) return;
    seen.cancelled++;
    this.#open.delete(watched.watch);
    this.#store.waits.cancel(watched.watch);
  }

  #cutLate(): void {
    for (const { watch, held } of this.#open.values()) {
      const late = held && watch.next < this.#store.firstRev;
      assertEquals(this.#store.waits.cutLate(watch), late);
    }
  }

  /** The first event that the watch does not know of and asks for. */
  #next({ watch, kinds, position }: Watched): ModelEvent | undefined {
    return this.#model.events.find(({ rev, path, kind }) =>
      rev >= position && kinds.includes(kind) &&
      matchesSlowly(watch.glob.text, path)
    );
  }

  /** All events up to that rev were told. */
  #checkRest(watched: Watched, rev: number): void {
    const next = this.#next(watched)?.rev ?? Infinity;
    assert(next > rev, `${watched.watch.glob.text}: rev ${next} is missing`);
  }

  #checkBefore(event: StoreEvent): void {
    const { events, snapshots } = this.#model;
    const { rev, path, previousRev } = event;
    const file = snapshots[rev - 1]!.get(path);
    const before = this.#store.before(event);
    assertEquals(before?.rev, file?.rev, `before rev ${rev}`);
    if (before !== undefined) {
      assertEquals(textOf(before), decoder.decode(file!.body));
    }
    const last = events.findLast((one) => one.rev < rev && one.path === path);
    if (previousRev !== 0) assertEquals(previousRev, last?.rev);
    else assert(last?.kind !== "set", `rev ${rev} follows rev ${last?.rev}`);
  }

  #check(): void {
    const { waits, rev } = this.#store;
    assertEquals(waits.count(), this.#open.size);
    for (const watched of this.#open.values()) {
      const { watch, held } = watched;
      const told = waits.toldUpTo(watch);
      assert(told >= watched.toldUpTo, "toldUpTo() goes back");
      watched.toldUpTo = told;
      this.#checkRest(watched, told);
      assertEquals(waits.isHeld(watch), held);
      if (held) assertEquals(watch.next, this.#next(watched)?.rev);
      if (waits.isCurrent(watch)) assert(told >= rev);
      else assert(held || waits.behind, "it lies nowhere");
    }
  }
}

Deno.test(`S12: a watch has no gap and no duplicate (SEED=${SEED})`, () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 3, 12, 40, 1000),
      fc.integer({ min: 1, max: 120 }),
      (seed, historyRevs, steps) => {
        const play = new Play(randomOf(seed), historyRevs);
        for (let i = 0; i < steps; i++) play.step();
        play.finish();
      },
    ),
    { numRuns: 250, seed: SEED },
  );
  assert(Math.min(...Object.values(seen)) > 100, JSON.stringify(seen));
});
