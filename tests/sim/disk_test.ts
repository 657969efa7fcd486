/**
 * The simulated disk: what it keeps, what it may lose, and its faults.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { DiskFailure, DiskLane, DiskOp } from "../../consensus/disk.ts";
import { Agenda, SECOND } from "./agenda.ts";
import { type DiskHabits, SimDisk } from "./disk.ts";
import { CRASH_FORMS, CRASH_HABITS, type DiskFiles } from "./disk_files.ts";
import { DiskImage } from "./disk_image.ts";
import { Random } from "./random.ts";
import { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

const LIST_DONE = "done";

/** A disk, and what happened to it. */
class Bench {
  readonly agenda = new Agenda();
  readonly trace = new Trace(this.agenda);
  readonly random: Random;
  readonly disk: SimDisk;
  readonly told: (string | DiskFailure)[] = [];

  constructor(seed: number, given: {
    content?: DiskImage | DiskFiles;
    habits?: DiskHabits;
  } = {}) {
    this.random = new Random(seed);
    const { agenda, trace, random } = this;
    const options = { agenda, trace, random, host: 0, habits: given.habits };
    this.disk = new SimDisk(given.content ?? new DiskImage(), options);
  }

  /** Hands a list over. */
  give(ops: readonly DiskOp[], lane: DiskLane = "log"): void {
    const done = (failure?: DiskFailure) => {
      this.told.push(failure ?? LIST_DONE);
    };
    this.disk.perform(lane, { ops, done });
  }

  /** Carries all out, and returns what was told of it. */
  play(ops: readonly DiskOp[] = []): (string | DiskFailure)[] {
    if (ops.length > 0) this.give(ops);
    this.agenda.runUntil(this.agenda.now + SECOND);
    return this.told.splice(0);
  }

  get content(): Record<string, string> {
    const { disk } = this;
    return Object.fromEntries(
      disk.list().sort().map((name) => [
        name,
        text(disk.read(name, { offset: 0, length: disk.size(name) })),
      ]),
    );
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function contentOf(image: DiskImage): Record<string, string> {
  return Object.fromEntries(
    [...image.files].map(([name, bytes]) => [name, text(bytes)]),
  );
}

function create(file: string): DiskOp {
  return { type: "create", file };
}

function append(file: string, bytes: string): DiskOp {
  return { type: "append", file, bytes: encoder.encode(bytes) };
}

function sync(file: string): DiskOp {
  return { type: "sync", file };
}

function onlyOnce(): () => boolean {
  let count = 0;
  return () => ++count === 1;
}

const SYNC_DIRECTORY: DiskOp = { type: "syncDirectory" };

/** A file that is on the disk, name and all. */
function saved(file: string, bytes: string): DiskOp[] {
  return [create(file), append(file, bytes), sync(file), SYNC_DIRECTORY];
}

/** Tries seeds, and says which one failed. */
function forSeeds(count: number, act: (seed: number) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      act(seed);
    } catch (error) {
      throw new Error(`With seed ${seed}: ${error}`, { cause: error });
    }
  }
}

/** What crashes leave of the same operations, each as one string. */
function outcomes(ops: readonly DiskOp[], habits?: DiskHabits): Set<string> {
  const seen = new Set<string>();
  forSeeds(300, (seed) => {
    const bench = new Bench(seed, habits === undefined ? {} : { habits });
    bench.play(ops);
    const content = contentOf(bench.disk.crash());
    seen.add(JSON.stringify(content));
  });
  return seen;
}

Deno.test("SimDisk carries out what it is given, later and in order", () => {
  const bench = new Bench(1);
  bench.give([create("a"), append("a", "one "), append("a", "two")]);
  bench.give([{ type: "rename", file: "a", to: "b" }]);
  assertEquals([bench.disk.list(), bench.told], [[], []]);
  assertEquals(bench.play(), [LIST_DONE, LIST_DONE]);
  assertEquals(bench.content, { b: "one two" });
  const range = { offset: 4, length: 100 };
  assertEquals(text(bench.disk.read("b", range)), "two");
  bench.play([{ type: "truncate", file: "b", length: 3 }, append("b", "!")]);
  assertEquals(bench.content, { b: "one!" });
  bench.play([{ type: "remove", file: "b" }, { type: "remove", file: "b" }]);
  assertEquals([bench.content, bench.disk.operations], [{}, 8]);
  bench.give([]);
  assertEquals(bench.told, []);
  assertEquals(bench.play(), [LIST_DONE]);
});

Deno.test("SimDisk takes its time, each lane for itself", () => {
  const bench = new Bench(2);
  bench.disk.latency = [1000, 1000];
  bench.give([create("a"), create("b"), create("c")]);
  bench.give([create("d")], "snapshot");
  bench.agenda.runUntil(999);
  assertEquals(bench.disk.list(), []);
  bench.agenda.runUntil(1000);
  assertEquals(bench.disk.list().sort(), ["a", "d"]);
  assert(bench.disk.busy);
  bench.agenda.runUntil(3000);
  assertEquals([bench.disk.list().length, bench.disk.busy], [4, false]);
});

Deno.test("SimDisk that is stuck goes on when it is released", () => {
  const bench = new Bench(3);
  bench.give([create("a"), create("b")]);
  bench.give([create("c")], "snapshot");
  bench.disk.stuck = true;
  assertEquals([bench.play(), bench.content], [[], {}]);
  bench.disk.stuck = false;
  assertEquals(bench.play(), [LIST_DONE, LIST_DONE]);
  assertEquals(bench.disk.list().sort(), ["a", "b", "c"]);
});

Deno.test("SimDisk that is full refuses to write, and changes nothing", () => {
  const bench = new Bench(4);
  bench.play(saved("a", "kept"));
  bench.disk.full = true;
  const ops = [sync("a"), append("a", "more"), sync("a")];
  const [failure] = bench.play(ops) as [DiskFailure];
  assertEquals([failure.kind, failure.at], ["full", 1]);
  assertEquals(failure.detail, 'No space is left to append "a"');
  const [other] = bench.play([create("b")]) as [DiskFailure];
  assertEquals([other.kind, bench.content], ["full", { a: "kept" }]);
  bench.disk.full = false;
  assertEquals(bench.play(ops.slice(1)), [LIST_DONE]);
  assertEquals(contentOf(bench.disk.crash()), { a: "keptmore" });
});

Deno.test("SimDisk never loses what was synced", () => {
  forSeeds(300, (seed) => {
    const bench = new Bench(seed);
    const { random, disk } = bench;
    const synced = new Map<string, string>();
    const body = "synced ".repeat(random.between(1, 300));
    for (const name of ["a", "b"]) {
      synced.set(name, body + name);
      bench.play(saved(name, body + name));
    }
    bench.play([append("a", "not yet ".repeat(random.below(400)))]);
    bench.play([create("c"), append("c", "a new one")]);
    const left = contentOf(disk.crash());
    assert(left.a!.startsWith(synced.get("a")!), "a keeps what was synced");
    assertEquals(left.b, synced.get("b"));
  });
});

Deno.test("SimDisk loses unsynced bytes in every way", () => {
  const size = 2000;
  const body = "x".repeat(size);
  const ops = [...saved("a", "old"), append("a", body)];
  const left = [...outcomes(ops)].map((each) => JSON.parse(each).a as string);
  for (const each of left) assert(each.startsWith("old"), each.slice(0, 9));
  const ends = left.map((each) => each.slice(3));
  const is = (what: string, some: (end: string) => boolean) =>
    assert(ends.some(some), `never ${what} in ${ends.length} outcomes`);
  is("lost", (end) => end === "");
  is("kept", (end) => end === body);
  is("cut in a sector", (end) => /^x+$/.test(end) && end.length % 512 !== 509);
  is("missing a sector", (end) => /^x*\0{512,}x+$/.test(end));
  is("longer with zeros", (end) => /^x+\0+$/.test(end) && end.length > size);
  is("garbage", (end) => /[^x\0]/.test(end));
  const whole = CRASH_FORMS.length;
  assert(new Set(left).size > 10 * whole, `${left.length} outcomes`);
});

Deno.test("SimDisk truncates, or not, while that is not synced", () => {
  const cut: DiskOp = { type: "truncate", file: "a", length: 3 };
  const ops = [...saved("a", "one two"), cut];
  const left = [...outcomes(ops)].map((each) => JSON.parse(each).a as string);
  assert(left.includes("one two") && left.includes("one"), left.join());
  assert(left.every((each) => each.startsWith("one")), left.join());
  const after = outcomes([...ops, sync("a")]);
  assertEquals([...after], ['{"a":"one"}']);
});

Deno.test("SimDisk forgets names that were not synced", () => {
  const written = [create("a"), append("a", "x"), sync("a")];
  assertEquals([...outcomes(written)].sort(), ['{"a":"x"}', "{}"]);
  const removed: DiskOp[] = [...saved("a", "x"), { type: "remove", file: "a" }];
  assertEquals([...outcomes(removed)].sort(), ['{"a":"x"}', "{}"]);
  assertEquals([...outcomes([...removed, SYNC_DIRECTORY])], ["{}"]);
});

Deno.test("SimDisk renames at once or not at all, but in any order", () => {
  const rename: DiskOp = { type: "rename", file: "n", to: "a" };
  const over = [...saved("a", "old"), ...saved("n", "new"), rename];
  assertEquals([...outcomes(over)].sort(), [
    '{"a":"new"}',
    '{"a":"old","n":"new"}',
  ]);
  const twice: DiskOp[] = [
    ...over,
    { type: "rename", file: "a", to: "b" },
    create("z"),
  ];
  const left = outcomes(twice);
  // The second and not the first, the third and not the second, and so on.
  assert(left.has('{"a":"old","b":"new"}'), [...left].join());
  assert(left.has('{"a":"old","n":"new","z":""}'), [...left].join());
  assertEquals(left.size, 8);
  const safe = outcomes([...over, SYNC_DIRECTORY]);
  assertEquals([...safe], ['{"a":"new"}']);
});

Deno.test("SimDisk whose sync broke lies from then on", () => {
  const seen = new Set<string>();
  forSeeds(100, (seed) => {
    const bench = new Bench(seed);
    bench.play(saved("a", "old"));
    bench.disk.breaks = onlyOnce();
    const ops = [append("a", "new"), sync("a")];
    const [failure] = bench.play(ops) as [DiskFailure];
    assertEquals([failure.kind, failure.at], ["broken", 1]);
    assertEquals(bench.content, { a: "oldnew" });
    assertEquals(bench.play([sync("a")]), [LIST_DONE]);
    bench.play([append("a", "."), sync("a")]);
    seen.add(contentOf(bench.disk.crash()).a!);
  });
  assert(seen.has("oldnew."), "it may be written");
  assert(seen.has("old\0\0\0."), "it may be lost, in spite of the second sync");
});

Deno.test("SimDisk whose directory sync broke has some of the names", () => {
  const seen = new Set<string>();
  forSeeds(50, (seed) => {
    const bench = new Bench(seed);
    bench.disk.breaks = onlyOnce();
    bench.play([create("a"), SYNC_DIRECTORY]);
    assertEquals(bench.play([SYNC_DIRECTORY]), [LIST_DONE]);
    seen.add(Object.keys(contentOf(bench.disk.crash())).join());
  });
  // The second sync finds nothing to write.
  assertEquals([...seen].sort(), ["", "a"]);
});

Deno.test("SimDisk that lies loses what it said to be synced", () => {
  const habits = { crash: CRASH_HABITS, lies: 0.5 };
  const left = outcomes(saved("a", "x"), habits);
  assert(left.has("{}") && left.has('{"a":""}'), [...left].join());
  assert(left.has('{"a":"x"}'), [...left].join());
});

Deno.test("SimDisk may be ended before and after any operation", () => {
  const ops = [create("a"), append("a", "x"), sync("a"), SYNC_DIRECTORY];
  const contents = [[], ["a"], ["a"], ["a"], ["a"]];
  for (let at = 1; at <= ops.length; at++) {
    for (const when of ["onBefore", "onAfter"] as const) {
      const bench = new Bench(at);
      bench.disk[when] = (_op, number) => {
        if (number === at) bench.disk.end();
      };
      assertEquals(bench.play(ops), [], "nobody is told");
      const done = when === "onAfter" ? at : at - 1;
      assertEquals(bench.disk.operations, at);
      if (when === "onAfter") assertEquals(bench.disk.list(), contents[done]);
      assertEquals(bench.play(ops), [], "it does nothing more");
    }
  }
});

Deno.test("SimDisk.end() leaves what was written, synced or not", () => {
  const forms = new Set<string>();
  forSeeds(60, (seed) => {
    const bench = new Bench(seed);
    bench.play([create("a"), append("a", "one")]);
    bench.give([append("a", "two")]);
    const next = new Bench(seed, { content: bench.disk.end() });
    const { a } = next.content;
    assert(a!.startsWith("one"), "what is done stays");
    forms.add(a!);
    // And is lost with the power still.
    if (contentOf(next.disk.crash()).a === undefined) forms.add("lost");
  });
  assertEquals([...forms].sort(), ["lost", "one", "onet", "onetw", "onetwo"]);
});

Deno.test("SimDisk notices what a node must not do", () => {
  const bench = new Bench(5);
  const bad = (ops: readonly DiskOp[], what: string) => {
    const error = assertThrows(() => new Bench(5).play(ops), Violation);
    assert(error.message.includes(what), error.message);
  };
  bad([append("a", "x")], 'no file "a"');
  bad([sync("a")], 'no file "a"');
  bad([{ type: "rename", file: "a", to: "b" }], 'no file "a"');
  bad([create("a"), { type: "truncate", file: "a", length: 1 }], "0 bytes");
  bad([create("../a")], "no name");
  bad([create("a"), { type: "rename", file: "a", to: "" }], "no name");
  const bytes = encoder.encode("x");
  bench.give([create("a"), { type: "append", file: "a", bytes }]);
  bytes[0] = 0;
  assertThrows(() => bench.play(), Violation, "changed");
});

Deno.test("DiskImage.flip() changes one byte", () => {
  forSeeds(50, (seed) => {
    const before = new Bench(seed);
    before.play([...saved("a", "one"), ...saved("b", "four")]);
    const image = before.disk.crash();
    const old = image.copy();
    const place = image.flip(new Random(seed))!;
    let changed = 0;
    for (const [name, bytes] of image.files) {
      const was = old.files.get(name)!;
      bytes.forEach((byte, at) => {
        if (byte === was[at]) return;
        changed++;
        assertEquals(place, { file: name, offset: at });
      });
    }
    assertEquals(changed, 1);
    image.restore(old);
    assertEquals(contentOf(image), { a: "one", b: "four" });
    image.lose();
    assertEquals([image.size, image.flip(new Random(seed))], [0, undefined]);
    assertEquals(old.size, 7);
  });
});

Deno.test("SimDisk does the same for a seed, and another for another", () => {
  const run = (seed: number) => {
    const bench = new Bench(seed);
    bench.play(saved("a", "x".repeat(3000)));
    bench.play([append("a", "y".repeat(3000)), create("b")]);
    return bench.trace.hash + JSON.stringify(contentOf(bench.disk.crash()));
  };
  forSeeds(20, (seed) => assertEquals(run(seed), run(seed)));
  assert(run(1) !== run(2), "seeds differ");
});
