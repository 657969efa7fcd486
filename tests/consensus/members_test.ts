/**
 * Members: which nodes vote on which slot, and which changes are refused.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ALPHA, isSeatPath, Members } from "../../consensus/mod.ts";
import { AssertionError } from "../../store/mod.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

/** Seats from 0 on, `ABC-` with a free one; all in force. */
function membersOf(seats: string, applied = 0): Members {
  const members = new Members();
  members.load({
    applied,
    sets: [{ from: applied + 1, cals: [...seats.replaceAll("-", "")] }],
    seats: [...seats].map((id, n) => [pathOf(n), id === "-" ? "" : id]),
  });
  return members;
}

function pathOf(n: number): string {
  return `/ctl/cal/${n}`;
}

/** Applies slots up to that one. */
function applyTo(members: Members, seqn: number): void {
  while (members.known - ALPHA < seqn) {
    members.slotApplied(members.known - ALPHA + 1);
  }
}

/** Puts an id into a seat, in the slot that is applied next. */
function seat(members: Members, n: number, id: string): void {
  members.noteSeat(pathOf(n), id);
  members.slotApplied(members.known - ALPHA + 1);
}

/** The sets as `1: ABC, 70: AB`. */
function show(members: Members): string {
  return members.sets
    .map(({ from, cals }) => `${from}: ${[...cals].sort().join("")}`)
    .join(", ");
}

Deno.test("isSeatPath() knows the directory of the seats and what is below it", () => {
  const table: [string, boolean][] = [
    ["/ctl/cal", true],
    ["/ctl/cal/0", true],
    ["/ctl/cal/a/b", true],
    ["/ctl/calendar", false],
    ["/ctl/cal.", false],
    ["/ctl", false],
    ["/x/ctl/cal/0", false],
    ["/", false],
  ];
  for (const [path, is] of table) assertEquals(isSeatPath(path), is, path);
});

Deno.test("found() makes one cal of all slots; nobody is before it", () => {
  const members = new Members();
  assertEquals([members.sets, members.known, members.current], [[], 0, []]);
  assertThrows(() => members.calsOf(1), AssertionError, "C11");
  members.found("A");
  members.found("A");
  assertEquals([show(members), members.known], ["1: A", ALPHA]);
  assertThrows(() => members.found("B"), AssertionError, "C12");
});

Deno.test("C11: the cals of slot n are those in the tree after slot n - ALPHA", () => {
  const members = membersOf("ABC");
  applyTo(members, 6);
  seat(members, 2, "D"); // slot 7
  assertEquals(show(members), `7: ABC, ${7 + ALPHA}: ABD`.replace("7:", "1:"));
  assertEquals(members.calsOf(7 + ALPHA), ["A", "B", "D"]);
  assertEquals(members.calsOf(6 + ALPHA), ["A", "B", "C"]);
  applyTo(members, 6 + ALPHA - 1);
  assertEquals([members.pending, members.current], [true, ["A", "B", "C"]]);
  applyTo(members, 6 + ALPHA);
  assertEquals([members.pending, members.current], [false, ["A", "B", "D"]]);
});

Deno.test("C11: the cals are known ALPHA slots ahead, and not asked for beyond", () => {
  const members = membersOf("ABC", 10);
  assertEquals(members.known, 10 + ALPHA);
  members.calsOf(11);
  members.calsOf(10 + ALPHA);
  for (const seqn of [10, 11 + ALPHA, 1e9]) {
    assertThrows(() => members.calsOf(seqn), AssertionError, "C11");
  }
});

Deno.test("C11: slots are applied in order, each once", () => {
  for (const seqn of [10, 12, 1]) {
    const members = membersOf("ABC", 10);
    assertThrows(() => members.slotApplied(seqn), AssertionError, "C11");
  }
});

Deno.test("changes within one window are chained: each slot has the set of its own time", () => {
  const members = membersOf("A");
  seat(members, 1, "B"); // slot 1
  applyTo(members, 9);
  seat(members, 2, "C"); // slot 10
  seat(members, 0, ""); // slot 11
  assertEquals(
    show(members),
    `1: A, ${1 + ALPHA}: AB, ${10 + ALPHA}: ABC, ${11 + ALPHA}: BC`,
  );
  applyTo(members, 10 + ALPHA - 1);
  assertEquals(show(members), `${10 + ALPHA}: ABC, ${11 + ALPHA}: BC`);
  applyTo(members, 200);
  assertEquals([show(members), members.pending], [`${11 + ALPHA}: BC`, false]);
});

Deno.test("a change back within a slot is none, nor is another order of seats", () => {
  const members = membersOf("AB-");
  members.noteSeat(pathOf(1), "");
  seat(members, 1, "B");
  assertEquals(members.pending, false);
  members.noteSeat(pathOf(1), "");
  seat(members, 2, "B");
  assertEquals(members.pending, false);
});

Deno.test("C12: a slot that would have no cal is a broken invariant", () => {
  const members = membersOf("A");
  assertThrows(() => seat(members, 0, ""), AssertionError, "C12");
});

Deno.test("C12: what a seat must not hold is refused, with the reason", () => {
  const table: [seats: string, path: string, id: string | undefined, string][] =
    [
      ["AB-", pathOf(2), "C", ""],
      ["AB-", pathOf(2), "X", "not the id of an attached node"],
      ["AB-", pathOf(2), "A\n", "not the id of an attached node"],
      ["AB-", pathOf(2), "A", 'has the seat "/ctl/cal/0" already'],
      ["AB-", pathOf(1), "", ""],
      ["AB-", pathOf(1), undefined, ""],
      ["AB-", pathOf(1), "C", ""],
      ["A--", pathOf(0), "", "no cal"],
      ["A--", pathOf(0), undefined, "no cal"],
      ["A--", pathOf(0), "B", ""],
      // What changes nothing is not refused: free seats come and go.
      ["A--", pathOf(0), "A", ""],
      ["A--", pathOf(1), undefined, ""],
      ["A--", pathOf(9), "", ""],
      ["A--", "/ctl/cal", "B", "right below"],
      ["A--", "/ctl/cal", undefined, "right below"],
      ["A--", "/ctl/cal/0/x", "B", "right below"],
      ["A--", "/ctl/cal/new/x", undefined, "right below"],
    ];
  const isRegistered = (id: string) => "ABC".includes(id);
  for (const [seats, path, id, reason] of table) {
    const found = membersOf(seats).refuses(path, { id, isRegistered }) ?? "";
    assertEquals(found === "", reason === "", `${seats} ${path} ${id}`);
    assertEquals(found.includes(reason), true, found);
  }
});

Deno.test("C12: no change is accepted while an earlier one is not in force", () => {
  const members = membersOf("AB-");
  const isRegistered = () => true;
  const refuses = (n: number, id: string) =>
    members.refuses(pathOf(n), { id, isRegistered });
  seat(members, 2, "C");
  assertEquals(refuses(1, ""), PENDING);
  assertEquals(refuses(3, "D"), PENDING);
  assertEquals(refuses(2, "C"), undefined);
  assertEquals(refuses(4, ""), undefined);
  applyTo(members, ALPHA);
  assertEquals(refuses(1, ""), undefined);
});

const PENDING =
  "An earlier change of seats has not taken effect yet: try again";

Deno.test("calsAfter() tells what would be, and changes nothing", () => {
  const members = membersOf("AB-");
  const changes = new Map([[pathOf(0), ""], [pathOf(2), "C"]]);
  assertEquals(members.calsAfter(changes), ["B", "C"]);
  assertEquals(members.calsAfter(new Map()), ["A", "B"]);
  assertEquals([members.seatOf("B"), members.seatOf("C")], [
    pathOf(1),
    undefined,
  ]);
});

Deno.test("isCal() counts the sets in force and those to come", () => {
  const members = membersOf("AB-");
  members.noteSeat(pathOf(0), "");
  seat(members, 2, "C");
  assertEquals([..."ABCD"].map((id) => members.isCal(id)), [
    true,
    true,
    true,
    false,
  ]);
  applyTo(members, 100);
  assertEquals([..."ABCD"].map((id) => members.isCal(id)), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("load() takes over sets that are not in force yet", () => {
  const first = membersOf("AB-");
  seat(first, 2, "C");
  const second = new Members();
  second.load({ applied: 1, sets: first.sets, seats: [...first.seats] });
  for (let seqn = 2; seqn <= 2 * ALPHA; seqn++) {
    assertEquals(second.calsOf(seqn), first.calsOf(seqn), `${seqn}`);
    first.slotApplied(seqn);
    second.slotApplied(seqn);
    assertEquals(show(second), show(first));
  }
});

Deno.test("force() makes one node the only cal from the next slot on", () => {
  const members = membersOf("ABC", 10);
  for (const n of [1, 2]) members.noteSeat(pathOf(n), "");
  members.force("A");
  assertEquals([show(members), members.calsOf(11)], ["11: A", ["A"]]);
  applyTo(members, 12);
  assertEquals(members.pending, false);
});

Deno.test("C11: however seats change, a slot's cals never change once they are known", () => {
  const change = fc.record({
    n: fc.nat(4),
    id: fc.constantFrom("", ..."ABCDE"),
    idle: fc.nat(40),
  });
  const property = fc.property(fc.array(change), (changes) => {
    const members = membersOf("A");
    const known: string[] = [];
    const isRegistered = () => true;
    const step = () => {
      for (
        let seqn = members.known - ALPHA + 1;
        seqn <= members.known;
        seqn++
      ) {
        const cals = [...members.calsOf(seqn)].sort().join("");
        assertEquals(known[seqn] ??= cals, cals, `slot ${seqn}`);
      }
      members.slotApplied(members.known - ALPHA + 1);
    };
    for (const { n, id, idle } of changes) {
      if (members.refuses(pathOf(n), { id, isRegistered }) === undefined) {
        members.noteSeat(pathOf(n), id);
      }
      for (let i = 0; i <= idle; i++) step();
    }
  });
  fc.assert(property, { seed: SEED, numRuns: 100 });
});
