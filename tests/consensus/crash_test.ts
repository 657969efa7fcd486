/**
 * A crash at every operation of the disk: what was acknowledged is there, and
 * nothing is that nobody wrote.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { readDirectory, replay } from "../../consensus/mod.ts";
import type { Outcome } from "../../store/mod.ts";
import { fileText, set } from "../store/changes.ts";
import { Cluster } from "./cluster.ts";
import { CHECKPOINT_STARTS, lone, three } from "./histories.ts";
import { type Kept, MemoryDisk } from "./memory_disk.ts";

const KEPT: readonly Kept[] = ["durable", "written", "half"];

/** A write that was sent off. */
interface Written {
  readonly path: string;
  readonly body: string;
  readonly outcomes: readonly Outcome[];
}

/** What was done to a cluster, as far as it is known from outside. */
class Story {
  readonly cluster = new Cluster({ durable: true });
  readonly writes: Written[] = [];
  /** Hashes of the store by the last slot applied, of whichever node. */
  readonly states: Map<number, number> = new Map();
  #now = 0;

  /** All writes that were acknowledged, and their revs. */
  get acknowledged(): (Written & { rev: number })[] {
    return this.writes.flatMap((write) => {
      const [rev] = write.outcomes;
      return typeof rev === "number" ? [{ ...write, rev }] : [];
    });
  }

  /** So much time, in which every node is written to every few ticks. */
  live(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.cluster.tick();
      if (++this.#now % 8 === 0) this.#write();
      this.cluster.settle();
      for (const { applied, store } of this.cluster.nodes.values()) {
        this.states.set(applied, store.hash);
      }
    }
  }

  #write(): void {
    for (const id of this.cluster.nodes.keys()) {
      const body = `${id} ${this.#now}`;
      const path = `/by/${id}/${this.#now % 3}`;
      const outcomes = this.cluster.propose(id, set(path, body));
      this.writes.push({ path, body, outcomes });
    }
  }

  /** What a node's disk says is a state that there was. */
  check(disk: MemoryDisk, where: string): void {
    const found = readDirectory(disk);
    if (found === undefined) return;
    assertEquals(found.damage, undefined, where);
    const { applied, store } = replay(found);
    const state = this.states.get(applied);
    if (state !== undefined) assertEquals(store.hash, state, where);
  }

  /** The last acknowledged body of each file is there, or a later one. */
  checkFiles(id: string, where: string): void {
    const { store } = this.cluster.of(id);
    const last = new Map(this.acknowledged.map((one) => [one.path, one]));
    for (const { path, body, rev } of last.values()) {
      assert(store.rev >= rev, where);
      const state = store.get(path);
      const was = this.writes.find((write) =>
        write.path === path && write.body === fileText(store, path)
      );
      const isLater = was !== undefined && state.rev > rev;
      assert(isLater || state.rev === rev, `${where}: ${path}, ${body}`);
      if (state.rev === rev) assertEquals(fileText(store, path), body, where);
    }
  }
}

/** One life of a lone node, until its disk stands still after `most`. */
function liveAlone(base: MemoryDisk | undefined, most: number): Story {
  const story = new Story();
  const { cluster } = story;
  const disk = base?.copy() ?? new MemoryDisk();
  disk.mayGoOn = () => disk.performed.length < most;
  if (base !== undefined) cluster.restart("A", disk);
  else cluster.add("A", { disk }).found({ cluster: "local", lineage: "L" });
  cluster.settle();
  story.live(90);
  return story;
}

/** The node is started again on what is left, and goes on. */
function resumeAlone(story: Story, kept: Kept, where: string): void {
  const { cluster } = story;
  const left = cluster.diskOf("A").crash(kept);
  const before = story.acknowledged;
  story.check(left, where);
  if (readDirectory(left) === undefined) return assertEquals(before, [], where);
  cluster.restart("A", left);
  cluster.tickUntil(() => cluster.of("A").status().ready);
  story.checkFiles("A", where);
  const rev = cluster.write("A", "/after");
  const last = Math.max(0, ...before.map((one) => one.rev));
  assert(typeof rev === "number" && rev > last, `${where}: ${rev}`);
}

/** How many operations there are in such a life. */
function operations(base: MemoryDisk | undefined): number {
  const { cluster } = liveAlone(base, Infinity);
  return cluster.diskOf("A").performed.length;
}

const LIVES: readonly [name: string, starts: number][] = [
  ["its first life", 0],
  ["its second life", 1],
  ["the life of a checkpoint", CHECKPOINT_STARTS - 1],
  ["the life after a checkpoint", CHECKPOINT_STARTS],
];

for (const [name, starts] of LIVES) {
  Deno.test(`C1, C26: a lone node that crashes after any operation of ${name} has all that it acknowledged`, () => {
    const cluster = starts === 0 ? undefined : lone(starts);
    cluster?.tick(5);
    const base = cluster?.diskOf("A");
    const end = operations(base);
    assert(end > 20, `${end} operations`);
    for (let most = 0; most <= end; most++) {
      for (const kept of KEPT) {
        const story = liveAlone(base, most);
        const where = `${name}, operation ${most}, ${kept}`;
        resumeAlone(story, kept, where);
        if (most === end) assert(story.acknowledged.length > 5);
      }
    }
  });
}

Deno.test("C1, C25: who crashes again while it starts has all that it acknowledged", () => {
  const end = operations(undefined);
  for (let most = 9; most <= end; most += 3) {
    const first = liveAlone(undefined, most);
    const left = first.cluster.diskOf("A").crash("half");
    const starting = 20;
    for (let again = 0; again < starting; again++) {
      const second = liveAlone(left, again);
      // What the first life acknowledged has to be there, too.
      second.writes.unshift(...first.writes);
      const kept = KEPT[again % 3]!;
      resumeAlone(second, kept, `operations ${most} and ${again}, ${kept}`);
    }
  }
});

/** The life of three nodes, until their disks stand still after `most`. */
function liveTogether(bases: Map<string, MemoryDisk>, most: number): Story {
  const story = new Story();
  const { cluster } = story;
  const performed = () => {
    let count = 0;
    for (const disk of cluster.disks.values()) count += disk.performed.length;
    return count;
  };
  for (const [id, base] of bases) {
    const disk = base.copy();
    disk.mayGoOn = () => performed() < most;
    cluster.restart(id, disk);
  }
  story.live(150);
  return story;
}

function performedBy({ cluster }: Story): number {
  const disks = [...cluster.disks.values()];
  return disks.reduce((count, disk) => count + disk.performed.length, 0);
}

Deno.test("C1: three nodes that crash at once at any time have all that they acknowledged", () => {
  const bases = new Map(three().disks);
  const end = performedBy(liveTogether(bases, Infinity));
  assert(end > 100, `${end} operations`);
  let acknowledged = 0;
  for (let most = 0; most <= end; most += 2) {
    const kept = KEPT[most / 2 % 3]!;
    const where = `after ${most} operations, ${kept}`;
    const story = liveTogether(bases, most);
    const { cluster } = story;
    acknowledged = story.acknowledged.length;
    const left = [..."ABC"].map((id) => {
      const disk = cluster.diskOf(id).crash(kept);
      cluster.kill(id);
      return [id, disk] as const;
    });
    for (const [id, disk] of left) {
      story.check(disk, `${id} ${where}`);
      cluster.restart(id, disk);
    }
    cluster.tickUntil(() => cluster.leader !== undefined);
    const rev = cluster.write(cluster.leader!, "/after");
    assert(typeof rev === "number", where);
    cluster.tick(30);
    for (const id of "ABC") story.checkFiles(id, `${id} ${where}`);
    const stores = [..."ABC"].map((id) => cluster.of(id).store.hash);
    assertEquals(new Set(stores).size, 1, where);
  }
  assert(acknowledged > 10);
});
