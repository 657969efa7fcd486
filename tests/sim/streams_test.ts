/**
 * The checker of the library's watches, shown what is right and what is not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type ListEntry, WANTS } from "../../protocol/mod.ts";
import { compileGlob, type Rev } from "../../store/mod.ts";
import { hashBytes } from "./bytes.ts";
import { Canon } from "./checkers/canon.ts";
import { event, NODE, violates } from "./checkers/samples.ts";
import {
  checkFiles,
  Stream,
  type Teller,
  type ToldEvent,
} from "./checkers/streams.ts";

const BODIES = ["", "a", "bb", "ccc"].map((text) =>
  new TextEncoder().encode(text)
);
/** Rev 1 sets /k/a, 2 sets /l, 3 sets /k/a again, 4 removes it, 5 is a nop. */
const canon = new Canon();
for (
  const applied of [
    event(1, { path: "/k/a", hash: hashBytes(BODIES[1]!) }),
    event(2, { path: "/l", hash: hashBytes(BODIES[2]!) }),
    event(3, { path: "/k/a", hash: hashBytes(BODIES[3]!), previousRev: 1 }),
    event(4, { path: "/k/a", kind: "del", previousRev: 3 }),
    event(5, { path: "/", kind: "nop" }),
  ]
) canon.apply(applied, NODE);

/** The events of /k/*, as they are told where all is wanted. */
const TOLD: Readonly<Record<1 | 3 | 4, ToldEvent>> = {
  1: told(1, { value: BODIES[1], prevRev: 0 }),
  3: told(3, { value: BODIES[3], prevRev: 1, prevValue: BODIES[1] }),
  4: told(4, { flags: 8, prevRev: 3, prevValue: BODIES[3] }),
};
const ALL = WANTS.previous | WANTS.stamp;
const NEWEST: Teller = { rev: 5, firstRev: 1 };

function told(rev: Rev, rest: Partial<ToldEvent>): ToldEvent {
  return {
    flags: 4,
    rev,
    path: "/k/a",
    value: BODIES[0],
    prevRev: 0,
    prevValue: undefined,
    time: 7,
    origin: "A",
    ...rest,
  };
}

function watch({ from = 1, want = ALL, glob = "/k/*" }: {
  from?: Rev | undefined;
  want?: number;
  glob?: string;
} = {}): Stream {
  return new Stream(canon, { glob: compileGlob(glob), from, want });
}

function entry(path: string, rev: Rev, value = BODIES[rev]): ListEntry {
  return { path, rev, value, len: 0 };
}

Deno.test("Stream accepts what is right", () => {
  const stream = watch();
  stream.event(TOLD[1], { rev: 1, firstRev: 1 });
  stream.progress(2, NEWEST);
  stream.event(TOLD[3], NEWEST);
  stream.event(TOLD[4], NEWEST);
  assertEquals([stream.knows(4), stream.knows(5)], [true, false]);
  stream.progress(5, NEWEST);
  assertEquals([stream.next, stream.events], [6, 3]);
  const noSets = watch({ want: ALL | WANTS.noSet });
  noSets.event(TOLD[4], NEWEST);
  const noBody = watch({ want: WANTS.noBody });
  noBody.event({ ...TOLD[1], value: undefined }, NEWEST);
});

Deno.test("Stream accepts it that a node has forgotten a deletion", () => {
  const canon = new Canon();
  canon.apply(event(1), NODE);
  canon.apply(event(2, { kind: "del", previousRev: 1 }), NODE);
  const body = BODIES[1]!;
  canon.apply(event(3, { hash: hashBytes(body), previousRev: 2 }), NODE);
  for (const prevRev of [0, 2]) {
    const order = { glob: compileGlob("/k"), from: 3, want: ALL };
    const stream = new Stream(canon, order);
    const again = told(3, { path: "/k", value: body, prevRev });
    stream.event(again, { rev: 3, firstRev: 3 });
  }
});

Deno.test("Stream accepts a snapshot for what is gone", () => {
  const stream = watch();
  stream.snapshot({ rev: 1, from: 1 }, { rev: 5, firstRev: 2 });
  // History went on without it: it begins again.
  stream.snapshot({ rev: 3, from: 1 }, { rev: 5, firstRev: 3 });
  stream.file(entry("/k/a", 3));
  stream.current(3);
  stream.event(TOLD[4], NEWEST);
  assertEquals([stream.snapshots, stream.next], [1, 5]);
  const first = new Stream(canon, {
    glob: compileGlob("/l"),
    from: undefined,
    want: 0,
  });
  assertEquals(first.knows(0), false);
  first.snapshot({ rev: 2, from: undefined }, NEWEST);
  first.file(entry("/l", 2));
  first.current(2);
  watch({ from: 2 }).endedLate({ firstRev: 3 });
});

/** What must be seen, by rule, and what shows it. */
const BAD: Record<string, [rule: string, act: () => void]> = {
  "an event passed over": ["watch", () => watch().event(TOLD[3], NEWEST)],
  "an event twice": ["watch", () => {
    const stream = watch();
    stream.event(TOLD[1], NEWEST);
    stream.event(TOLD[1], NEWEST);
  }],
  "an event that does not match": [
    "watch",
    () => watch({ glob: "/l" }).event(TOLD[1], NEWEST),
  ],
  "an event that is not wanted": [
    "watch",
    () => watch({ want: ALL | WANTS.noSet }).event(TOLD[1], NEWEST),
  ],
  "an event that nobody made": [
    "watch",
    () =>
      watch({ from: 6 }).event({ ...TOLD[4], rev: 6 }, { rev: 6, firstRev: 1 }),
  ],
  "an event that its node has not applied": [
    "told before applied",
    () => watch().event(TOLD[1], { rev: 0, firstRev: 1 }),
  ],
  "another path": [
    "watch",
    () => watch().event({ ...TOLD[1], path: "/k/b" }, NEWEST),
  ],
  "another kind": [
    "watch",
    () => watch().event({ ...TOLD[1], flags: 8 }, NEWEST),
  ],
  "another body": [
    "watch",
    () => watch().event({ ...TOLD[1], value: BODIES[2] }, NEWEST),
  ],
  "a body that is not wanted": [
    "watch",
    () => watch({ want: WANTS.noBody }).event(TOLD[1], NEWEST),
  ],
  "another time": [
    "watch",
    () => watch().event({ ...TOLD[1], time: 8 }, NEWEST),
  ],
  "another origin": [
    "watch",
    () => watch().event({ ...TOLD[1], origin: "B" }, NEWEST),
  ],
  "another rev before": [
    "previous rev",
    () => watch({ from: 3 }).event({ ...TOLD[3], prevRev: 0 }, NEWEST),
  ],
  "another body before": [
    "previous body",
    () =>
      watch({ from: 3 }).event({ ...TOLD[3], prevValue: BODIES[2] }, NEWEST),
  ],
  "no body before": [
    "previous body",
    () =>
      watch({ from: 3 }).event({ ...TOLD[3], prevValue: undefined }, NEWEST),
  ],
  "a body before the first": [
    "previous body",
    () => watch().event({ ...TOLD[1], prevValue: BODIES[0] }, NEWEST),
  ],
  "a mark that passes over an event": [
    "watch",
    () => watch().progress(1, NEWEST),
  ],
  "a mark of what is not there": [
    "marks",
    () => watch({ from: 5 }).progress(6, NEWEST),
  ],
  "a mark that goes back": [
    "marks",
    () => watch({ from: 5 }).progress(4, NEWEST),
  ],
  "an event in the middle of a snapshot": ["snapshots", () => {
    const stream = watch({ from: 2 });
    stream.snapshot({ rev: 3, from: 2 }, { rev: 5, firstRev: 3 });
    stream.event(TOLD[4], NEWEST);
  }],
  "a snapshot of what is not there": [
    "snapshots",
    () => watch().snapshot({ rev: 6, from: 1 }, { rev: 5, firstRev: 3 }),
  ],
  "a snapshot without a need": [
    "snapshots",
    () =>
      watch({ from: 3 }).snapshot({ rev: 5, from: 3 }, { rev: 5, firstRev: 3 }),
  ],
  "a snapshot that hides what is lost": [
    "snapshots",
    () => watch().snapshot({ rev: 5, from: 2 }, { rev: 5, firstRev: 3 }),
  ],
  "a snapshot of the past": [
    "snapshots",
    () =>
      watch({ from: 4 }).snapshot({ rev: 2, from: 4 }, {
        rev: 5,
        firstRev: 5,
      }),
  ],
  "a file of no snapshot": ["snapshots", () => watch().file(entry("/k/a", 1))],
  "the end of no snapshot": ["snapshots", () => watch().current(3)],
  "a file too few": ["snapshots", () => list([], 3)],
  "a file too many": ["snapshots", () => list([entry("/k/a", 3)], 4)],
  "a file of another glob": [
    "snapshots",
    () => list([entry("/k/a", 3), entry("/l", 2)], 3),
  ],
  "a file as it was before": ["snapshots", () => list([entry("/k/a", 1)], 3)],
  "a file with another body": [
    "snapshots",
    () => list([entry("/k/a", 3, BODIES[1])], 3),
  ],
  "a file twice": [
    "snapshots",
    () => list([entry("/k/a", 3), entry("/k/a", 3)], 3),
  ],
  "too late for what is kept": [
    "watch",
    () => watch({ from: 3 }).endedLate({ firstRev: 3 }),
  ],
};

function list(files: readonly ListEntry[], rev: Rev): void {
  checkFiles(canon, { files, glob: compileGlob("/k/*"), rev });
}

Deno.test("Stream finds what a watch is told wrongly", async (t) => {
  for (const [what, [rule, act]] of Object.entries(BAD)) {
    await t.step(what, () => violates(rule, act));
  }
});
