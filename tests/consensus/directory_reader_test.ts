/**
 * Which files of a directory are read, and what is said of those that do not
 * fit together. What damage at any byte does is in recovery_damage_test.ts.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { DirectoryReader, type Found } from "../../consensus/mod.ts";
import { type Ballot, BatchWriter, CONTACTS_FILE } from "../../protocol/mod.ts";
import { encodeImageHead, ImageWriter, pieceHead } from "../../protocol/mod.ts";
import { type DataFileHeader, encodeHeader } from "../../protocol/mod.ts";
import { logName, type LogRecord, parseName } from "../../protocol/mod.ts";
import { snapshotName } from "../../protocol/mod.ts";
import { Store } from "../../store/mod.ts";
import { longId } from "./disk_words.ts";
import { CHECKPOINT_STARTS, type Files, lone } from "./histories.ts";
import { withFile } from "./histories.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { readBallot, readValue, showClaim, showValue } from "./words.ts";

const A = longId("A");
const B = longId("B");

function headerOf(number: number, more: Partial<DataFileHeader> = {}) {
  const salt = Uint8Array.of(number, 2, 3, 4, 5, 6, 7, 8);
  return {
    ...{ kind: "log", number, node: A, lineage: "L", parent: "" },
    ...{ cluster: "local", founder: true, salt, firstBatch: 1, contacts: [] },
    ...more,
  } as DataFileHeader;
}

/** A segment: its header, and a batch for each of these lists of records. */
function segment(
  header: DataFileHeader,
  ...batches: readonly (readonly LogRecord[])[]
): Uint8Array {
  let bytes: number[] = [...encodeHeader(header)];
  for (const [at, records] of batches.entries()) {
    const writer = new BatchWriter();
    for (const record of records) writer.add(record);
    const number = header.firstBatch + at;
    const place = { number, offset: bytes.length, salt: header.salt };
    bytes = [...bytes, ...writer.seal(place)];
  }
  return Uint8Array.from(bytes);
}

const STARTED: LogRecord = {
  type: "started",
  claim: { incarnation: 1, start: 7, position: 0 },
};

/** `2.B`, of a node whose id is of the usual length. */
function longBallot(text: string): Ballot {
  const { round, node } = readBallot(text);
  return { round, node: longId(node) };
}

function promised(ballot: string, position: number): LogRecord {
  return { type: "promised", ballot: longBallot(ballot), position };
}

function accepted(seqn: number, text: string, position: number): LogRecord {
  const ballot = longBallot("2.A");
  const value = readValue(text);
  return { type: "accepted", accepted: { seqn, ballot, value }, position };
}

function learned(seqn: number, text: string): LogRecord {
  return { type: "learned", seqn, value: readValue(text) };
}

function read(files: Files): Found {
  const disk = MemoryDisk.of(files);
  const numbers = (kind: string) =>
    [...files.keys()].map((name) => parseName(name))
      .flatMap((name) => name?.kind === kind ? [name.number] : []);
  const reader = new DirectoryReader(disk);
  reader.read(numbers("snapshot"), numbers("log"));
  return reader.found(1, []);
}

function logs(...segments: readonly Uint8Array[]): Map<string, Uint8Array> {
  return new Map(segments.map((bytes, at) => [logName(at + 1), bytes]));
}

/** What is wrong, as `log-2 at 0: it is missing`. */
function damageOf(files: Files): string {
  const { damage } = read(files);
  if (damage === undefined) return "none";
  const file = damage.file.replace(/-0+/, "-");
  return `${file} at ${damage.offset}: ${damage.why}`;
}

Deno.test("records add up: the last start, the highest promise, the last value of a slot", () => {
  const found = read(logs(
    segment(
      headerOf(1),
      [STARTED, promised("2.B", 1), accepted(1, "x", 2)],
      [accepted(2, "old", 3), promised("1.B", 4)],
      [accepted(2, "new", 5), { type: "decided", upTo: 1 }],
      [accepted(4, "z", 6), learned(3, "y"), { type: "decided", upTo: 2 }],
      [{
        type: "peer",
        node: B,
        claim: { incarnation: 2, start: 3, position: 9 },
      }],
    ),
  ));
  assertEquals(found.damage, undefined);
  assertEquals(showClaim(found.claim), "1:7:6");
  assertEquals(found.promised, longBallot("2.B"));
  assertEquals(found.values.map(showValue), ["x", "new"]);
  assertEquals([found.applied, found.decided], [2, 2]);
  const above = found.accepted.map(({ seqn, value }) =>
    `${seqn}=${showValue(value)}`
  );
  assertEquals(above, ["4=z"], "a learned value counts once it is marked");
  assertEquals([...found.peers], [[
    B,
    { incarnation: 2, start: 3, position: 9 },
  ]]);
  // The last one is to be written again.
  assertEquals([found.nextBatch, found.repeated.length > 0], [5, true]);
});

Deno.test("what was learned goes before what was accepted in that slot", () => {
  const { values } = read(logs(
    segment(headerOf(1), [
      STARTED,
      learned(1, "decided"),
      accepted(1, "mine", 1),
      { type: "decided", upTo: 1 },
    ]),
  ));
  assertEquals(values.map(showValue), ["decided"]);
});

Deno.test("values end where one is missing, whatever is marked behind it", () => {
  const found = read(logs(
    segment(headerOf(1), [
      STARTED,
      learned(1, "x"),
      learned(3, "z"),
      { type: "decided", upTo: 3 },
    ]),
  ));
  assertEquals(found.values.map(showValue), ["x"]);
  assertEquals([found.applied, found.decided], [1, 3]);
});

Deno.test("C25: batches count on through segments, and segments have no gap", () => {
  const one = segment(headerOf(1), [STARTED], [promised("2.B", 1)]);
  const two = segment(headerOf(2, { firstBatch: 3 }), [STARTED]);
  const three = segment(headerOf(3, { firstBatch: 4 }), [STARTED]);
  assertEquals(damageOf(logs(one, two, three)), "none");
  const gap = logs(one, two, three);
  gap.delete(logName(2));
  assertEquals(damageOf(gap), "log-2 at 0: it is missing");
  const late = segment(headerOf(2, { firstBatch: 4 }), [STARTED]);
  assertEquals(
    damageOf(logs(one, late)),
    "log-2 at 0: it begins with batch 4, not 3",
  );
  gap.set(logName(2), late);
  gap.delete(logName(1));
  assertEquals(damageOf(gap), "snapshot-2 at 0: it is missing");
});

Deno.test("C25: only the end of the last segment may be torn", () => {
  const one = segment(headerOf(1), [STARTED], [promised("2.B", 1)]);
  const two = segment(headerOf(2, { firstBatch: 3 }), [STARTED]);
  const torn = read(logs(one.slice(0, -1)));
  assertEquals([torn.damage, torn.nextBatch], [undefined, 2]);
  const { file, offset, bytes } = torn.torn!;
  assertEquals([file, offset + bytes], [logName(1), one.length - 1]);
  assertEquals(torn.sizes.get(1), offset);
  const sealed = read(logs(one.slice(0, -1), two));
  assertEquals([sealed.torn, sealed.damage!.file], [undefined, logName(1)]);
});

Deno.test("C23: a file of another node, number or kind is damage", () => {
  const cases: readonly [Partial<DataFileHeader>, string][] = [
    [{ node: B }, `log-2 at 0: it is the log 2 of node ${B}`],
    [{ number: 3 }, `log-2 at 0: it is the log 3 of node ${A}`],
    [{ kind: "backup" }, `log-2 at 0: it is the backup 2 of node ${A}`],
  ];
  const one = segment(headerOf(1), [STARTED]);
  for (const [more, damage] of cases) {
    const two = segment(headerOf(2, { firstBatch: 2, ...more }), [STARTED]);
    assertEquals(damageOf(logs(one, two)), damage);
  }
});

Deno.test("C26: a segment of a new lineage counts only with its snapshot", () => {
  const files = logs(
    segment(headerOf(1), [STARTED, promised("2.B", 1)]),
    segment(headerOf(2, { lineage: "N", parent: "L" }), [STARTED]),
  );
  const found = read(files);
  assertEquals([found.damage, found.header.lineage], [undefined, "L"]);
  assertEquals(found.leftover, [logName(2)]);
  assertEquals([...found.sizes.keys()], [1]);
});

Deno.test("only the newest snapshot and what follows it is read", () => {
  const files = lone(CHECKPOINT_STARTS).diskOf("A").files();
  const number = Math.max(
    ...[...files.keys()].map((file) =>
      parseName(file)?.kind === "snapshot" ? parseName(file)!.number : 0
    ),
  );
  const junk = Uint8Array.of(1, 2, 3);
  const more = withFile(
    withFile(files, logName(3), junk),
    snapshotName(2),
    junk,
  );
  const found = read(more);
  assertEquals(found.damage, undefined);
  assertEquals([...found.sizes.keys()], [number]);
  assertEquals(
    found.leftover.toSorted(),
    [
      ...[logName(2), logName(3), snapshotName(2), snapshotName(3)],
    ].toSorted(),
  );
  const alone = withFile(files, logName(number), undefined);
  assertEquals(damageOf(alone), `log-${number} at 0: it is missing`);
});

/** A snapshot of an empty tree, and of a client's session. */
function snapshotWith(opened: number): Uint8Array {
  const session = { id: 1, name: "", used: 1, acknowledged: 0, outcomes: [] };
  const head = encodeImageHead({
    ...{ applied: 1, leadership: readBallot("1.A"), cluster: "local" },
    ...{ sets: [{ from: 2, cals: [A] }], seats: [], sessions: [] },
    clients: { opened, sessions: [session] },
  });
  const image = new ImageWriter(new Store(), { head });
  const kind = { kind: "snapshot", firstBatch: 0 } as const;
  const bytes = [...encodeHeader(headerOf(1, kind))];
  for (let last = false; !last;) {
    const piece = image.next()!;
    bytes.push(...pieceHead(piece.bytes), ...piece.bytes);
    ({ last } = piece);
  }
  return Uint8Array.from(bytes);
}

Deno.test("a snapshot whose sessions cannot be is damage", () => {
  const log = segment(headerOf(1), [STARTED]);
  const files = (opened: number) =>
    withFile(logs(log), snapshotName(1), snapshotWith(opened));
  assertEquals(damageOf(files(1)), "none");
  assertEquals(
    damageOf(files(0)).replace(/at \d+/, "at ..."),
    "snapshot-1 at ...: Session 1 of a client cannot be, where 0 were opened",
  );
});

Deno.test("where nothing else can be read, some header says whose it was and whom to ask", () => {
  const bad = segment(headerOf(1), [STARTED]).fill(0, 0, 8);
  const contacts = encodeHeader(
    headerOf(0, { kind: "contacts", contacts: ["b:1", "c:1"] }),
  );
  const found = read(new Map([[logName(1), bad], [CONTACTS_FILE, contacts]]));
  assertEquals([found.damage!.file, found.damage!.offset], [logName(1), 0]);
  assertEquals([found.header.node, found.contacts], [A, ["b:1", "c:1"]]);
  const later = segment(headerOf(2, { contacts: ["d:1"] }), [STARTED]);
  const other = read(logs(bad, later));
  assertEquals([other.header.node, other.contacts], [A, ["d:1"]]);
  const nobody = read(logs(bad));
  assertEquals([nobody.header.node, nobody.contacts], ["", []]);
});
