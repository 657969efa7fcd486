/**
 * A command is applied once, whoever sends it how often.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AssertionError,
  LIMITS,
  Sessions,
  START_MAX,
} from "../../store/mod.ts";
import type { Session } from "../../store/mod.ts";
import { randomOf } from "./model.ts";

/** A session of an owner that has begun once, unless told. */
function row(
  [id, owner, last, incarnation = 1, start = 0]: readonly [
    id: number,
    owner: string,
    last: number,
    incarnation?: number,
    start?: number,
  ],
): Session {
  return { id, owner, incarnation, start, last };
}

function open(sessions: Sessions, id: number, owner: string) {
  return sessions.open(id, { owner, incarnation: 1, start: 0 });
}

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

Deno.test("S11: Sessions.admit() lets each number through once, in order", () => {
  const sessions = new Sessions();
  assertEquals(sessions.admit(7, 1), "unknown");
  open(sessions, 7, "a");
  const rows: [number, string][] = [
    [0, "repeat"],
    [-1, "repeat"],
    [1, "apply"],
    [2, "gap"],
    [9, "gap"],
  ];
  for (const [number, admission] of rows) {
    assertEquals(sessions.admit(7, number), admission, `${number}`);
  }
  sessions.applied(7, 1);
  assertEquals(sessions.admit(7, 1), "repeat");
  assertEquals(sessions.admit(7, 2), "apply");
  assertEquals(sessions.find(7), sessions.ofOwner("a"));
  assertEquals(sessions.find(7)?.last, 1);
  assertEquals(sessions.admit(8, 1), "unknown");
  sessions.end(7);
  assertEquals(sessions.admit(7, 2), "unknown");
  assertEquals([sessions.find(7), sessions.ofOwner("a")], [
    undefined,
    undefined,
  ]);
});

Deno.test("S11: Sessions stops where a command is applied twice", () => {
  const sessions = new Sessions();
  open(sessions, 1, "a");
  sessions.applied(1, 5);
  for (const number of [5, 4, 0]) {
    assertThrows(() => sessions.applied(1, number), AssertionError);
  }
  assertThrows(() => sessions.applied(2, 1), AssertionError);
  assertThrows(() => open(sessions, 1, "b"), AssertionError);
});

Deno.test("Sessions.open() ends the owner's session before", () => {
  const sessions = new Sessions();
  open(sessions, 3, "b");
  open(sessions, 1, "a");
  sessions.applied(1, 1);
  open(sessions, 4, "a");
  assertEquals(sessions.admit(1, 2), "unknown");
  assertEquals(sessions.ofOwner("a")?.id, 4);
  assertEquals(sessions.all(), [
    row([3, "b", 0]),
    row([4, "a", 0]),
  ]);
  // The end of a session that has ended does nothing to its owner's next.
  sessions.end(1);
  assertEquals([sessions.size, sessions.ofOwner("a")?.id], [2, 4]);
});

Deno.test("Sessions.open() refuses one above the limit", () => {
  const sessions = new Sessions();
  for (let id = 1; id <= LIMITS.sessions; id++) {
    assertEquals(open(sessions, id, `o${id}`), undefined);
  }
  const { hash } = sessions;
  const refusal = open(sessions, LIMITS.sessions + 1, "one more");
  assertEquals(refusal?.code, "LIMIT");
  for (const number of [LIMITS.sessions, LIMITS.sessions + 1]) {
    assert(refusal?.detail?.includes(`${number}`), refusal?.detail);
  }
  assertEquals([sessions.size, sessions.hash], [LIMITS.sessions, hash]);
  assertEquals(open(sessions, LIMITS.sessions + 2, "o5"), undefined);
  sessions.end(1);
  assertEquals(open(sessions, LIMITS.sessions + 1, "one more"), undefined);
});

Deno.test(`Sessions.hash is that of the table, however it came about (SEED=${SEED})`, () => {
  const random = randomOf(SEED);
  const sessions = new Sessions();
  const hashes = new Map<string, number>();
  const seen = new Set<number>();
  let lastId = 0;
  for (let i = 0; i < 3000; i++) {
    const open = sessions.all();
    const one = open[Math.floor(random() * open.length)];
    const kind = random();
    if (one === undefined || kind < 0.2) {
      const owner = `o${Math.floor(random() * 9)}`;
      const incarnation = 1 + Math.floor(random() * 3);
      const start = Math.floor(random() * 3) * START_MAX / 2;
      sessions.open(++lastId, { owner, incarnation, start: start >>> 0 });
    } else if (kind < 0.3) sessions.end(one.id);
    else sessions.applied(one.id, one.last + 1);
    const copy = new Sessions();
    assertEquals(copy.load(sessions.all().toReversed()), undefined);
    assertEquals([copy.all(), copy.hash], [sessions.all(), sessions.hash]);
    hashes.set(JSON.stringify(sessions.all()), sessions.hash);
    seen.add(sessions.hash);
  }
  assertEquals(seen.size, hashes.size);
  for (const { id } of sessions.all()) sessions.end(id);
  assertEquals(sessions.hash, new Sessions().hash);
});

Deno.test("Sessions.hash differs where id, owner, incarnation, start or last do", () => {
  const tables = [
    [],
    [row([1, "a", 0])],
    [row([1, "b", 0])],
    [row([2, "a", 0])],
    [row([1, "a", 2 ** 32])],
    [row([1, "a", 0, 2])],
    [row([1, "a", 0, 1, 1])],
    [row([1, "a", 0, 1, 2])],
    [row([1, "a", 0, 1, START_MAX])],
    [row([1, "a", 0]), row([2, "b", 0])],
    [row([1, "b", 0]), row([2, "a", 0])],
  ];
  const hashes = tables.map((table) => {
    const sessions = new Sessions();
    sessions.load(table);
    return sessions.hash;
  });
  assertEquals(new Set(hashes).size, tables.length);
});

Deno.test("Sessions.load() replaces the table, or says why not", () => {
  const sessions = new Sessions();
  open(sessions, 1, "a");
  const table = [row([5, "b", 9, 3, START_MAX]), row([2, "c", 0])];
  const bad = [
    [...table, row([5, "d", 0])],
    [...table, row([6, "b", 0])],
    [row([-1, "d", 0])],
    [row([1, "d", 0.5])],
    [row([1, "d", 2 ** 60])],
    [row([1, "d", 0, 0])],
    [row([1, "d", 0, 1.5])],
    [row([1, "d", 0, 1, -1])],
    [row([1, "d", 0, 1, 0.5])],
    [row([1, "d", 0, 1, START_MAX + 1])],
    Array.from(
      { length: LIMITS.sessions + 1 },
      (_, id) => row([id, `${id}`, 0]),
    ),
  ];
  for (const other of bad) {
    assertEquals(typeof sessions.load(other), "string");
    assertEquals(sessions.all(), [row([1, "a", 0])]);
  }
  assertEquals(sessions.load(table), undefined);
  assertEquals(sessions.all(), table.toReversed());
  assertEquals([sessions.admit(5, 10), sessions.admit(1, 1)], [
    "apply",
    "unknown",
  ]);
  assertEquals(sessions.ofOwner("b"), sessions.find(5));
});
