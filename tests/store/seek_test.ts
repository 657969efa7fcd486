/**
 * The next retained event of a glob, found in steps of bounded work.
 *
 * @module
 */
import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { assertStrictEquals } from "@std/assert";
import { compileGlob, NO_STAMP } from "../../store/mod.ts";
import { Ledger } from "../../store/ledger.ts";
import { Seeker } from "../../store/seek.ts";
import { del, NOP, set } from "./changes.ts";

const CHANGES = [
  set("/a"),
  set("/d/b"),
  NOP,
  del("/a"),
  set("/d/c"),
  set("/a"),
];

function ledgerOf(changes = CHANGES): Ledger {
  const ledger = new Ledger({ firstRev: 1, hash: 0 });
  for (const change of changes) ledger.change(change, NO_STAMP);
  return ledger;
}

Deno.test("Seeker.seek() moves on to the first match, or past the last", () => {
  const rows: [glob: string, from: number, next: number][] = [
    ["/a", 1, 1],
    ["/a", 2, 4],
    ["/a", 5, 6],
    ["/d/*", 1, 2],
    ["/d/*", 3, 5],
    ["/d/*", 6, 7],
    ["/**", 3, 3],
    ["/never", 1, 7],
    ["/never/*", 1, 7],
    ["/a", 7, 7],
    ["/a", 9, 9],
  ];
  const { versions } = ledgerOf();
  // Twice with one seeker: what it remembers must be as good.
  const kept = new Seeker(versions);
  for (const seeker of [new Seeker(versions), kept, kept]) {
    for (const [text, from, next] of rows) {
      const seeking = { glob: compileGlob(text), next: from };
      const found = seeker.seek(seeking, Infinity);
      assertEquals([seeking.next, found], [next, next <= 6], `${text} ${from}`);
      // Again at once, as one after the other would ask.
      const again = { glob: compileGlob(text), next: from };
      assertEquals(seeker.seek(again, Infinity), found);
      assertEquals(again.next, next, `${text} ${from} again`);
    }
  }
});

Deno.test("Seeker.seek() stops where the work is used up, and counts it", () => {
  const { versions } = ledgerOf([...Array(100).fill(NOP), set("/d/x")]);
  const seeker = new Seeker(versions);
  const seeking = { glob: compileGlob("/d/*"), next: 1 };
  for (const next of [41, 81]) {
    assertEquals(seeker.seek(seeking, versions.work + 40), false);
    assertEquals(seeking.next, next);
  }
  assertEquals(versions.work, 80);
  const twin = { glob: compileGlob("/d/*"), next: 41 };
  assertEquals(seeker.seek(twin, versions.work + 10), false);
  assertEquals(twin.next, 51, "what was not finished is not remembered");
  assertEquals(seeker.seek(seeking, versions.work + 40), true);
  assertEquals([seeking.next, versions.work], [101, 111]);
  const { work } = versions;
  const same = { glob: compileGlob("/d/*"), next: 81 };
  assertEquals(seeker.seek(same, work + 1), true);
  assertEquals([same.next, versions.work], [101, work + 1]);
  const path = { glob: compileGlob("/d/x"), next: 1 };
  assertEquals(seeker.seek(path, work + 9), true);
  assertEquals([path.next, versions.work], [101, work + 2]);
});

Deno.test("Seeker forgets what it found when there is more", () => {
  const ledger = ledgerOf();
  const seeker = new Seeker(ledger.versions);
  for (const text of ["/e", "/e*"]) {
    const seeking = { glob: compileGlob(text), next: 1 };
    assert(!seeker.seek(seeking, Infinity));
  }
  const last = seeker.eventAt(6);
  assertStrictEquals(seeker.eventAt(6), last);
  const rev = ledger.change(set("/e"), NO_STAMP);
  for (const text of ["/e", "/e*"]) {
    const seeking = { glob: compileGlob(text), next: 1 };
    assert(seeker.seek(seeking, Infinity), text);
    assertEquals(seeking.next, rev);
  }
  assertNotStrictEquals(seeker.eventAt(6), last);
  assertEquals(seeker.eventAt(6), last);
});
