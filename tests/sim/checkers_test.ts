/**
 * The checkers, each shown a good history and bad ones: one that finds nothing
 * may as well have looked at nothing. Those of the clients' history and of the
 * acceptors have files of their own.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { compileGlob } from "../../store/mod.ts";
import { Canon } from "./checkers/canon.ts";
import { event, NODE, violates } from "./checkers/samples.ts";
import { Seats } from "./checkers/seats.ts";
import { checkFiles, checkState, type StateView } from "./checkers/state.ts";
import { Watches } from "./checkers/watches.ts";
import type { Applied } from "./checkers/canon.ts";

Deno.test("Canon takes the first for right and compares the others", () => {
  const canon = new Canon();
  assertEquals(canon.apply(event(1, { hash: 3 }), NODE), true);
  assertEquals(canon.apply(event(1, { hash: 3 }), NODE), false);
  assertEquals(canon.rev, 1);
});

Deno.test("Canon finds what differs from node to node", async (t) => {
  const others: Record<string, Applied> = {
    "another path": event(1, { path: "/l" }),
    "another kind": event(1, { kind: "del" }),
    "another body": event(1, { hash: 1 }),
    "another time": event(1, { time: 8 }),
    "another origin": event(1, { origin: "B" }),
    "a rev too far": event(3),
  };
  for (const [what, other] of Object.entries(others)) {
    await t.step(what, () => {
      const canon = new Canon();
      canon.apply(event(1), NODE);
      violates("one order", () => canon.apply(other, NODE));
    });
  }
});

Deno.test("Canon checks the rev of the event before", async (t) => {
  const canon = new Canon();
  canon.apply(event(1), NODE);
  canon.apply(event(2, { previousRev: 1, kind: "del" }), NODE);
  await t.step("which is no other", () => {
    const wrong = event(3, { previousRev: 1 });
    violates("previous rev", () => canon.apply(wrong, NODE));
  });
  await t.step("which is not forgotten while it is kept", () => {
    violates("previous rev", () => canon.apply(event(3), NODE));
  });
  await t.step("which may be forgotten with its file", () => {
    canon.apply(event(3), { name: "A", firstRev: 3 });
  });
});

/** After so many slots a change of seats is in force. */
const WINDOW = 4;

/** Seats after these files were written, `path=id`, each WINDOW slots later. */
function seatsOf(...files: string[]): Seats {
  const canon = new Canon();
  const seats = new Seats(canon, WINDOW);
  for (const file of files) {
    const [path, text] = file.split("=");
    const rev = canon.rev + 1;
    const previousRev = canon.lastOf(path!, rev)?.rev ?? 0;
    const kind = text === undefined ? "del" : "set";
    const written = {
      path: path!,
      text: text ?? "",
      kind,
      previousRev,
    } as const;
    const applied = event(rev, written);
    canon.apply(applied, NODE);
    seats.applied(applied, WINDOW * rev);
  }
  return seats;
}

const REGISTERED = ["/ctl/node/A/addr=a", "/ctl/node/B/addr=b"];

Deno.test("Seats knows the sets of cals", () => {
  const seats = seatsOf(
    ...REGISTERED,
    "/ctl/cal/0=A",
    "/ctl/cal/1=",
    "/ctl/cal/1=B",
  );
  assertEquals([seats.changes, seats.cals], [2, ["A", "B"]]);
  // The fifth file was written in slot 20, and is in force from slot 24 on.
  assertEquals(seats.calsOf(23), ["A"]);
  assertEquals(seats.calsOf(24), ["A", "B"]);
  assertEquals(seats.canDecide(new Set(["A"]), 23), false);
  assertEquals(seats.canDecide(new Set(["A", "B"]), 20), true);
  assertEquals(seats.canDecide(new Set(["B"]), 20), false);
});

Deno.test("Seats knows who is needed until a change is in force", () => {
  const seats = seatsOf(
    ...REGISTERED,
    "/ctl/cal/0=A",
    "/ctl/cal/1=B",
    "/ctl/cal/0=",
  );
  assertEquals(seats.canDecide(new Set(["B"]), 22), false);
  assertEquals(seats.canDecide(new Set(["B"]), 23), true);
});

Deno.test("Seats finds what must not be", async (t) => {
  const first = [...REGISTERED, "/ctl/cal/0=A"];
  const bad = {
    "no cal": [...first, "/ctl/cal/0="],
    "no seat": [...first, "/ctl/cal/0"],
    "one id twice": [...first, "/ctl/cal/1=A"],
    "an id that is not registered": [...first, "/ctl/cal/1=C"],
  };
  for (const [what, files] of Object.entries(bad)) {
    await t.step(what, () => violates("seats", () => seatsOf(...files)));
  }
  await t.step("a change before the last is in force", () => {
    const seats = seatsOf(...first, "/ctl/cal/1=B");
    const removed = event(5, { path: "/ctl/cal/0", kind: "del" });
    violates("one change at a time", () => seats.applied(removed, 19));
  });
});

Deno.test("Watches finds what watchers are told wrongly", async (t) => {
  const canon = new Canon();
  canon.apply(event(1), NODE);
  canon.apply(event(2, { path: "/l", hash: 9 }), NODE);
  canon.apply(event(3, { previousRev: 1 }), NODE);
  const watches = new Watches(canon);
  const wait = { glob: compileGlob("/k"), from: 1 };
  await t.step("nothing, where all is right", () => {
    watches.told(wait, canon.at(1)!);
    watches.told({ ...wait, from: 2 }, canon.at(3)!);
    watches.waiting({ ...wait, from: 4 }, 3);
    const refusal = { code: "TOO_LATE" } as const;
    watches.refused(wait, { refusal, firstRev: 2 });
  });
  await t.step("an event passed over", () => {
    violates("watch", () => watches.told(wait, canon.at(3)!));
  });
  await t.step("an event that does not match", () => {
    violates("watch", () => watches.told(wait, canon.at(2)!));
  });
  await t.step("an event from before", () => {
    const late = { ...wait, from: 2 };
    violates("watch", () => watches.told(late, canon.at(1)!));
  });
  await t.step("an event as it was not", () => {
    const wrong = { ...canon.at(1)!, hash: 5 };
    violates("watch", () => watches.told(wait, wrong));
  });
  await t.step("nothing, though there was an event", () => {
    violates("watch", () => watches.waiting(wait, 3));
  });
  await t.step("too late, though it is kept", () => {
    const refusal = { code: "TOO_LATE" } as const;
    const refuse = () => watches.refused(wait, { refusal, firstRev: 1 });
    violates("watch", refuse);
  });
});

Deno.test("checkState() finds a state that nobody made", async (t) => {
  const canon = new Canon();
  canon.apply(event(1), NODE);
  canon.apply(event(2, { path: "/l", hash: 9 }), NODE);
  const files = [{ path: "/k", rev: 1, hash: 0 }, {
    path: "/l",
    rev: 2,
    hash: 9,
  }];
  const store = (rest: Partial<StateView> = {}): StateView => ({
    rev: 2,
    firstRev: 1,
    eventAt: (rev) => canon.at(rev)!,
    listFiles: () => files,
    ...rest,
  });
  await t.step("nothing, where all is right", () => {
    checkState(canon, { name: "A", store: store() });
  });
  await t.step("a rev that is not yet", () => {
    const wrong = store({ rev: 3 });
    violates("one order", () => checkState(canon, { name: "A", store: wrong }));
  });
  await t.step("history that differs", () => {
    const wrong = store({ eventAt: (rev) => ({ ...canon.at(rev)!, hash: 4 }) });
    violates("one order", () => checkState(canon, { name: "A", store: wrong }));
  });
  const lists = {
    "a file too few": files.slice(1),
    "a file too many": [...files, { path: "/m", rev: 2, hash: 0 }],
    "another body": [files[0]!, { ...files[1]!, hash: 8 }],
    "another rev": [{ ...files[0]!, rev: 2 }, files[1]!],
  };
  for (const [what, list] of Object.entries(lists)) {
    await t.step(what, () => {
      const wrong = store({ listFiles: () => list });
      const check = () => checkFiles(canon, { name: "A", store: wrong });
      violates("equal trees", check);
    });
  }
});
