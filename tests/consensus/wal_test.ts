/**
 * The write-ahead log: what is durable before others are told.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type DiskFailure,
  NEW_PLACE,
  type Outgoing,
  Wal,
  type WalPlace,
} from "../../consensus/mod.ts";
import { logName, partOf, type PeerMessage } from "../../protocol/mod.ts";
import { AssertionError } from "../../store/mod.ts";
import { longId, showLog } from "./disk_words.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { readBallot, readMessage, showMessage } from "./words.ts";

const HEADER = {
  node: longId("A"),
  lineage: "L",
  parent: "",
  cluster: "local",
  founder: true,
  contacts: [],
};

/** A log on a disk, and what left. */
function bench(place: WalPlace = NEW_PLACE, disk = new MemoryDisk()) {
  const left: string[] = [];
  const broken: DiskFailure[] = [];
  const release = (messages: readonly Outgoing[]) => {
    for (const { message } of messages) left.push(showMessage(message));
  };
  let drawn = 0;
  const wal = new Wal({
    disk,
    header: () => HEADER,
    random: () => (++drawn % 97) / 97,
    enqueue: (act) => act(),
    release,
    onBroken: (failure) => void broken.push(failure),
  }, place);
  return { wal, disk, left, broken };
}

/** One whose first segment is durable. */
function begun() {
  const made = bench();
  made.wal.rotate([{ type: "promised", ballot: readBallot("0"), position: 0 }]);
  made.wal.flush();
  made.disk.runAll();
  made.disk.performed.length = 0;
  return made;
}

function promise(wal: Wal, round: number): void {
  const ballot = { round, node: longId("B") };
  wal.add({ type: "promised", ballot, position: round });
  wal.after([answer(round)]);
}

function answer(round: number): Outgoing {
  const message: PeerMessage = readMessage(`promise ${round}.B`);
  return { to: "B", message };
}

/** What is behind the first batch. */
function written(disk: MemoryDisk): string[] {
  return showLog(disk).slice(1);
}

Deno.test("C1: a message leaves when its record is durable, not when it is written", () => {
  const { wal, disk, left } = begun();
  promise(wal, 1);
  assertEquals(disk.waiting, [], "not within the turn");
  wal.flush();
  assertEquals([disk.waiting, left], [["append log-1", "sync log-1"], []]);
  disk.step();
  assertEquals([left, wal.position, wal.idle], [[], 0, false]);
  disk.step();
  assertEquals([left, wal.position, wal.idle], [["promise 1.B"], 1, true]);
  assertEquals(written(disk), ["1/2: promised 1.B"]);
});

Deno.test("C25: one write is under way, and what comes meanwhile shares the next", () => {
  const { wal, disk, left } = begun();
  for (let round = 1; round <= 4; round++) {
    promise(wal, round);
    wal.flush();
  }
  assertEquals(disk.waiting, ["append log-1", "sync log-1"]);
  disk.runAll();
  assertEquals([disk.busy, left], [false, ["promise 1.B"]]);
  assertEquals(wal.position, 1);
  wal.flush();
  assertEquals(disk.waiting, ["append log-1", "sync log-1"]);
  disk.runAll();
  assertEquals(left, [1, 2, 3, 4].map((round) => `promise ${round}.B`));
  assertEquals(written(disk), [
    "1/2: promised 1.B",
    "1/3: promised 2.B, promised 3.B, promised 4.B",
  ]);
  assertEquals(wal.position, 4);
});

Deno.test("C1: a message without records waits for what was there before it, and for nothing else", () => {
  const { wal, disk, left } = begun();
  wal.after([answer(1)]);
  assertEquals(left, ["promise 1.B"], "nothing is there");
  wal.add({ type: "peer", node: longId("B"), claim: claim(1) });
  wal.after([answer(2)]);
  assertEquals(left.length, 2, "nobody waits for what is lazy");
  promise(wal, 3);
  wal.flush();
  wal.after([answer(4)]);
  promise(wal, 5);
  wal.after([answer(6)]);
  assertEquals(left.length, 2);
  disk.runAll();
  assertEquals(left.slice(2), ["promise 3.B", "promise 4.B"]);
  wal.flush();
  disk.runAll();
  assertEquals(left.slice(4), ["promise 5.B", "promise 6.B"]);
});

function claim(position: number) {
  return { incarnation: 1, start: 7, position };
}

Deno.test("lazy records ride along, the last mark after all others", () => {
  const { wal, disk } = begun();
  wal.mark(3);
  wal.add({ type: "peer", node: longId("B"), claim: claim(9) });
  wal.add({ type: "learned", seqn: 4, value: new Uint8Array(5) });
  wal.mark(4);
  wal.flush();
  assertEquals(disk.busy, false);
  promise(wal, 1);
  wal.flush();
  disk.runAll();
  assertEquals(written(disk), [
    "1/2: peer B 1:7:9, learned 4=5, promised 1.B, decided up to 4",
  ]);
  assertEquals(
    [wal.marked, wal.position],
    [4, 1],
    "what peers claim is theirs",
  );
});

Deno.test("lazy records go by themselves after 20 ticks, however long none came", () => {
  const { wal, disk } = begun();
  const tickTo = (from: number, to: number) => {
    for (let now = from; now <= to; now++) {
      wal.tick(now);
      wal.flush();
    }
  };
  tickTo(1, 50);
  wal.mark(7);
  wal.flush();
  tickTo(51, 69);
  assertEquals(disk.busy, false);
  tickTo(70, 70);
  disk.runAll();
  assertEquals(written(disk), ["1/2: decided up to 7"]);
  assertEquals([wal.marked, wal.idle], [7, true]);
  tickTo(71, 200);
  assertEquals(disk.busy, false, "there is nothing to write");
});

Deno.test("hurry() has them written at the end of the turn", () => {
  const { wal, disk } = begun();
  wal.mark(7);
  wal.hurry();
  assertEquals([disk.busy, wal.idle], [false, false]);
  wal.flush();
  disk.runAll();
  assertEquals([written(disk), wal.idle], [["1/2: decided up to 7"], true]);
});

Deno.test("a full disk keeps what it was given, and is tried again from where it failed", () => {
  for (const type of ["append", "sync"] as const) {
    const { wal, disk, left } = begun();
    disk.fails = (op) => op.type === type ? "full" : undefined;
    promise(wal, 1);
    wal.flush();
    disk.runAll();
    assertEquals(wal.full?.detail, `Cannot ${type}: full`);
    promise(wal, 2);
    wal.flush();
    wal.tick(49);
    assertEquals([left, disk.busy, wal.idle], [[], false, false]);
    wal.tick(50);
    disk.runAll();
    assertEquals([left, wal.full?.kind], [[], "full"]);
    disk.fails = () => undefined;
    wal.tick(100);
    disk.runAll();
    assertEquals([left, wal.full], [["promise 1.B"], undefined]);
    wal.flush();
    disk.runAll();
    assertEquals(written(disk), ["1/2: promised 1.B", "1/3: promised 2.B"]);
    assertEquals(left, ["promise 1.B", "promise 2.B"]);
  }
});

Deno.test("a disk that is full where a segment begins is tried again", () => {
  for (const at of ["create", "append", "sync", "rename", "syncDirectory"]) {
    const { wal, disk, left } = begun();
    disk.fails = (op) => op.type === at ? "full" : undefined;
    wal.rotate([]);
    promise(wal, 1);
    wal.flush();
    disk.runAll();
    assertEquals([left, wal.full?.kind], [[], "full"], at);
    disk.fails = () => undefined;
    wal.tick(50);
    disk.runAll();
    assertEquals([left, wal.durableSegment], [["promise 1.B"], 2], at);
    assertEquals(written(disk), ["2/2: promised 1.B"], at);
  }
});

Deno.test("a broken disk is told of, and nothing leaves ever after", () => {
  for (const at of ["append", "sync"]) {
    const { wal, disk, left, broken } = begun();
    disk.fails = (op) => op.type === at ? "broken" : undefined;
    promise(wal, 1);
    wal.flush();
    disk.runAll();
    disk.fails = () => undefined;
    promise(wal, 2);
    for (let now = 1; now < 200; now++) {
      wal.tick(now);
      wal.flush();
      disk.runAll();
    }
    assertEquals(broken.map(({ kind }) => kind), ["broken"]);
    assertEquals([left, wal.position, wal.idle], [[], 0, false]);
  }
});

Deno.test("a segment has its name only when its first batch is whole, and counts when that is durable", () => {
  const { wal, disk, left } = begun();
  const ballot = readBallot(`2.${longId("B")}`);
  promise(wal, 1);
  wal.flush();
  disk.runAll();
  promise(wal, 2);
  assertEquals(wal.rotate([{ type: "promised", ballot, position: 0 }]), 2);
  assertEquals([wal.segment, wal.rotating, wal.durableSegment], [2, true, 1]);
  wal.flush();
  assertEquals(wal.rotating, false);
  assertEquals(disk.waiting, [
    "create log-2.part",
    "append log-2.part",
    "append log-2.part",
    "sync log-2.part",
    "rename log-2.part log-2",
    "sync .",
  ]);
  for (let n = 0; n < 4; n++) {
    disk.step();
    assertEquals(disk.list(), [logName(1), partOf(logName(2))]);
  }
  disk.step();
  assertEquals(disk.list(), [logName(1), logName(2)]);
  assertEquals([left.length, wal.durableSegment], [1, 1]);
  disk.step();
  assertEquals([left.length, wal.durableSegment], [2, 2]);
  promise(wal, 3);
  wal.flush();
  disk.runAll();
  assertEquals(written(disk), [
    "1/2: promised 1.B",
    "2/3: promised 2.B, promised 2.B",
    "2/4: promised 3.B",
  ]);
});

Deno.test("a rotation that comes while a batch is written does not touch it", () => {
  const { wal, disk } = begun();
  promise(wal, 1);
  wal.flush();
  wal.rotate([]);
  promise(wal, 2);
  wal.flush();
  disk.runAll();
  wal.flush();
  disk.runAll();
  assertEquals(written(disk), ["1/2: promised 1.B", "2/3: promised 2.B"]);
  assertThrows(
    () => {
      wal.rotate([]);
      wal.rotate([]);
    },
    AssertionError,
    "C25",
  );
});

Deno.test("sizes count what is still needed", () => {
  const { wal, disk } = begun();
  const first = wal.bytes;
  assertEquals(first, disk.size(logName(1)));
  wal.rotate([]);
  promise(wal, 1);
  assert(wal.pendingBytes > 0);
  wal.flush();
  assert(wal.pendingBytes > 0);
  disk.runAll();
  assertEquals([wal.pendingBytes, wal.segments], [0, 2]);
  assertEquals(wal.bytes, first + disk.size(logName(2)));
  wal.dropBefore(2);
  assertEquals([wal.bytes, wal.segments], [disk.size(logName(2)), 1]);
});

Deno.test("hold() keeps everything back, in order, until letGo()", () => {
  const { wal, disk, left } = begun();
  promise(wal, 1);
  wal.flush();
  wal.hold();
  wal.after([answer(2)]);
  disk.runAll();
  wal.after([answer(3)]);
  promise(wal, 4);
  wal.flush();
  wal.after([answer(5)]);
  disk.runAll();
  assertEquals([left, wal.position], [[], 4], "it is written all the same");
  promise(wal, 6);
  wal.flush();
  wal.letGo();
  assertEquals(left, []);
  disk.runAll();
  assertEquals(left, [1, 2, 3, 4, 5, 6].map((n) => `promise ${n}.B`));
  wal.hold();
  wal.after([answer(7)]);
  assertEquals(left.length, 6);
  wal.letGo();
  assertEquals(left.length, 7);
});

Deno.test("a log goes on where another ended, after what is to be done before", () => {
  const { wal: old, disk } = begun();
  promise(old, 1);
  old.flush();
  disk.runAll();
  const length = disk.size(logName(1));
  const sizes = new Map([[1, length]]);
  const { wal } = bench({
    segment: 1,
    nextBatch: 3,
    marked: 5,
    sizes,
    before: [
      { type: "truncate", file: logName(1), length },
      { type: "sync", file: logName(1) },
    ],
  }, disk);
  assertEquals([wal.marked, wal.bytes, wal.segment], [5, length, 1]);
  wal.mark(5);
  wal.rotate([]);
  wal.flush();
  assertEquals(disk.waiting.slice(0, 3), [
    "truncate log-1",
    "sync log-1",
    "create log-2.part",
  ]);
  disk.runAll();
  promise(wal, 2);
  wal.flush();
  disk.runAll();
  assertEquals(written(disk), [
    "1/2: promised 1.B",
    "2/3: ",
    "2/4: promised 2.B",
  ]);
});

Deno.test("silence counts the ticks for which the disk does not answer", () => {
  const { wal, disk } = begun();
  wal.tick(5);
  assertEquals(wal.silence, 0);
  promise(wal, 1);
  wal.flush();
  wal.tick(15);
  assertEquals(wal.silence, 10);
  disk.runAll();
  assertEquals(wal.silence, 0);
});
