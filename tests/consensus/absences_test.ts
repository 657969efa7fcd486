/**
 * Absences: who counts as gone, and who lives though nothing is heard of it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Absences } from "../../consensus/mod.ts";
import { Bench } from "./bench.ts";
import { clear, register } from "./state.ts";

const SECOND = 100;

/** A serving leader's absences; the peers are linked. */
class Scene {
  readonly bench = new Bench({ observers: "DX" }).lead();
  readonly peers = new Set("BCDX");
  readonly absences: Absences;

  constructor(seatTimeoutTicks: number = SECOND) {
    const { machine, election } = this.bench.parts;
    const { peers } = this;
    this.absences = new Absences({
      machine,
      election,
      peers,
      seatTimeoutTicks,
    });
    this.look();
  }

  /** Time goes on, in which some nodes answer. */
  pass(ticks: number, who = ""): this {
    const { election } = this.bench.parts;
    for (let i = 0; i < ticks; i++) {
      election.tick();
      for (const node of who) election.views.answered(node);
    }
    return this.look();
  }

  look(): this {
    this.absences.begin();
    return this;
  }

  /** A node comes at an address where another was. */
  serve(node: string, addr: string): this {
    this.bench.state.apply(register(node, addr));
    this.absences.forget(node);
    return this.look();
  }

  /** Those that are gone. */
  get gone(): string {
    return this.#where((node) => this.absences.isGone(node));
  }

  /** Those that live behind others. */
  get behind(): string {
    return this.#where((node) => this.absences.livesBehindOthers(node));
  }

  #where(holds: (node: string) => boolean): string {
    const { sessions } = this.bench.parts.machine;
    const owners = sessions.all().map(({ owner }) => owner);
    return owners.filter(holds).join("");
  }
}

Deno.test("who has not answered for the time-out is gone; the leader itself never", () => {
  const scene = new Scene();
  assertEquals(scene.pass(SECOND - 1, "BC").gone, "");
  assertEquals(scene.pass(1, "BC").gone, "DX");
  assertEquals(scene.pass(1, "D").gone, "X");
});

Deno.test("where there is no time-out silence means nothing", () => {
  assertEquals(new Scene(0).pass(100 * SECOND).gone, "");
});

Deno.test("a leader counts from when it knows of a node as it is registered now", () => {
  const scene = new Scene().pass(SECOND);
  assertEquals(scene.gone, "BCDX");
  const { bench, absences } = scene;
  bench.state.apply(clear(bench.ballot, "X"));
  absences.forget("X");
  assertEquals(scene.look().gone, "BCD");
  bench.state.apply(register("X"));
  absences.forget("X");
  assertEquals(scene.look().gone, "BCD", "it has come back just now");
  assertEquals(scene.pass(SECOND - 1, "BCD").gone, "");
  assertEquals(scene.pass(1, "BCD").gone, "X");
});

Deno.test("the next leadership counts anew", () => {
  const scene = new Scene().pass(SECOND);
  scene.absences.noteRelayed("X");
  scene.absences.forgetAll();
  assertEquals([scene.look().gone, scene.behind], ["", ""]);
});

Deno.test("who is away, and another serves at its address, is gone at once", () => {
  const scene = new Scene(0).serve("E", "X:1");
  assertEquals(scene.gone, "", "its link is still there");
  scene.peers.delete("X");
  assertEquals(scene.gone, "X");
  // The newest at an address stays, whoever was there before.
  assertEquals(scene.serve("F", "X:1").gone, "XE");
});

Deno.test("who speaks by way of another lives behind it, for the time-out", () => {
  const scene = new Scene().pass(SECOND, "BCD");
  assertEquals([scene.gone, scene.behind], ["X", ""]);
  scene.absences.noteRelayed("X");
  assertEquals([scene.gone, scene.behind], ["X", "X"]);
  assertEquals(scene.pass(SECOND - 1, "BCD").behind, "X");
  assertEquals(scene.pass(1, "BCD").behind, "");
});

Deno.test("... unless another serves at its address", () => {
  const scene = new Scene();
  scene.absences.noteRelayed("X");
  assertEquals(scene.behind, "X");
  assertEquals(scene.serve("E", "X:1").behind, "");
});

Deno.test("addrOf() is where a node is registered", () => {
  const { absences } = new Scene().serve("E", "example:7");
  assertEquals([absences.addrOf("E"), absences.addrOf("nobody")], [
    "example:7",
    "",
  ]);
});

Deno.test("one look at all nodes reads each address once", () => {
  const { bench, absences, peers } = new Scene(0);
  peers.clear();
  absences.begin();
  let reads = 0;
  const { store, sessions } = bench.parts.machine;
  const { get } = store;
  store.get = (path, rev) => {
    reads++;
    return get.call(store, path, rev);
  };
  for (const { owner } of sessions.all()) absences.isGone(owner);
  // Who serves where is found out once; then each is asked for its own.
  assertEquals(reads, 2 * sessions.size);
});

Deno.test("who is away, and gave up its id for another, is gone at once", () => {
  const scene = new Scene(0);
  scene.absences.noteReplaced("X");
  assertEquals(scene.gone, "", "who has a link lives");
  scene.peers.delete("X");
  assertEquals(scene.gone, "", "it had one when that was said");
  scene.absences.noteReplaced("X");
  scene.absences.noteRelayed("X");
  assertEquals([scene.look().gone, scene.behind], ["X", ""]);
  scene.peers.add("X");
  assertEquals(scene.gone, "", "it has a link again");
});

Deno.test("... as long as this leader leads, and it is not registered anew", () => {
  const scene = new Scene(0);
  scene.peers.delete("X");
  scene.absences.noteReplaced("X");
  scene.absences.forget("X");
  assertEquals(scene.look().gone, "");
  scene.absences.noteReplaced("X");
  assertEquals(scene.look().gone, "X");
  scene.absences.forgetAll();
  assertEquals(scene.look().gone, "");
});

Deno.test("... and is known: names that were made up are not kept", () => {
  const scene = new Scene(0);
  for (const id of ["E", "E", ""]) scene.absences.noteReplaced(id);
  scene.bench.state.apply(register("E"));
  assertEquals(scene.look().gone, "");
});
