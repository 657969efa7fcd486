/**
 * A client's command takes effect once, and has one outcome.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AssertionError,
  type ClientAdmission,
  ClientSessions,
  LIMITS,
  type Outcome,
  type SessionNumber,
} from "../../store/mod.ts";

/** As `3.7 (2)`: number 7 of session 3, acknowledged up to 2. */
function by(session: number, number: number, acknowledged = 0): SessionNumber {
  return { session, number, acknowledged };
}

/** A session, which must have been opened. */
function open(sessions: ClientSessions, name = ""): number {
  const id = sessions.open(name);
  if (typeof id !== "number") throw new Error(id.detail);
  return id;
}

/** Admits, and applies what is to be applied. */
function take(
  sessions: ClientSessions,
  command: SessionNumber,
  { checksum = 1, outcome = command.number * 10 }: {
    checksum?: number | undefined;
    outcome?: Outcome;
  } = {},
): ClientAdmission {
  const admission = sessions.admit(command, checksum);
  if (admission !== "apply") return admission;
  sessions.applied(command, { checksum, outcome });
  return admission;
}

/** `apply`, the outcome of a repeat, or the code of a refusal. */
function show(admission: ClientAdmission): string {
  if (typeof admission === "string") return admission;
  if ("code" in admission) return admission.code;
  const { outcome } = admission;
  return `= ${typeof outcome === "number" ? outcome : outcome.code}`;
}

/** Why it is refused, which it must be. */
function detailOf(admission: ClientAdmission | Outcome): string {
  if (typeof admission === "object" && "code" in admission) {
    return admission.detail ?? "";
  }
  throw new Error(`Not refused: ${admission}`);
}

Deno.test("ClientSessions.open() counts, and uses no id twice", () => {
  const sessions = new ClientSessions();
  assertEquals([open(sessions, "a"), open(sessions, "a")], [1, 2]);
  assertEquals([sessions.nameOf(2), sessions.nameOf(3)], ["a", undefined]);
  sessions.clear();
  assertEquals([sessions.size, sessions.bytes], [0, 0]);
  assertEquals(open(sessions), 3);
  assertEquals(show(sessions.admit(by(1, 1), 1)), "SESSION");
});

Deno.test("ClientSessions.open() refuses a name that is too long, in bytes", () => {
  const sessions = new ClientSessions();
  const most = LIMITS.sessionNameBytes;
  for (const character of ["a", "\u00e9", "\u20ac", "\u{1f600}"]) {
    const { length } = new TextEncoder().encode(character);
    const name = "a".repeat(most % length) +
      character.repeat(most / length);
    const { hash } = sessions;
    const refusal = sessions.open(`${name}a`);
    if (typeof refusal === "number") throw new Error("It is too long");
    assertEquals(refusal.code, "LIMIT");
    const bytes = new TextEncoder().encode(`${name}a`).length;
    for (const number of [bytes, most]) {
      assert(refusal.detail!.includes(`${number}`), refusal.detail);
    }
    assertEquals(sessions.hash, hash);
    open(sessions, name);
  }
  assertEquals(sessions.size, 4);
});

Deno.test("C27: ClientSessions.admit() lets each number through once, in order", () => {
  const table: [command: SessionNumber, checksum: number, shown: string][] = [
    [by(2, 1), 1, "SESSION"],
    [by(0, 1), 1, "SESSION"],
    [by(1, 0), 1, "NUMBER"],
    [by(1, -1), 1, "NUMBER"],
    [by(1, 2), 1, "GAP"],
    [by(1, 1, 1), 1, "NUMBER"],
    [by(1, 1), 1, "apply"],
    [by(1, 1), 1, "= 10"],
    [by(1, 1), 2, "NUMBER"],
    [by(1, 3), 1, "GAP"],
    [by(1, 2), 1, "apply"],
    [by(1, 3), 1, "apply"],
    [by(1, 2, 1), 1, "= 20"],
    [by(1, 1), 1, "NUMBER"],
    [by(1, 3, 3), 1, "NUMBER"],
    [by(1, 3, 2), 1, "= 30"],
    // Who forgets what it has acknowledged gets it back as little.
    [by(1, 2, 0), 1, "NUMBER"],
    [by(1, 4, 0), 1, "apply"],
    [by(1, 3, 0), 1, "= 30"],
    [by(1, 6, 9), 1, "NUMBER"],
    [by(1, 5, 4), 1, "apply"],
    [by(1, 4, 0), 1, "NUMBER"],
    [by(1, 5, 0), 1, "= 50"],
  ];
  const sessions = new ClientSessions();
  open(sessions);
  for (const [at, [command, checksum, shown]] of table.entries()) {
    const { hash } = sessions;
    const label = `row ${at}: ${JSON.stringify(command)}`;
    assertEquals(show(take(sessions, command, { checksum })), shown, label);
    // None of the refusals is an outcome: nothing has changed.
    if (/^[A-Z]/.test(shown)) assertEquals(sessions.hash, hash, label);
  }
});

Deno.test("refusals of ClientSessions.admit() say which numbers do not fit", () => {
  const sessions = new ClientSessions();
  open(sessions);
  take(sessions, by(1, 1));
  take(sessions, by(1, 2, 1));
  const table: [command: SessionNumber, checksum: number, words: string[]][] = [
    [by(9, 1), 1, ["no session 9", "1 were opened"]],
    [by(1, 1), 1, ["command 1 of session 1", "up to 1", "forgotten"]],
    [by(1, 0), 1, ["Command 0", "count from 1"]],
    [by(1, 2), 5, ["Command 2 of session 1", "another one"]],
    [by(1, 7), 1, ["Command 7 of session 1", "command 3"]],
  ];
  for (const [command, checksum, words] of table) {
    const detail = detailOf(sessions.admit(command, checksum));
    for (const word of words) assert(detail.includes(word), detail);
  }
  sessions.clear();
  const ended = detailOf(sessions.admit(by(1, 3), 1));
  assert(ended.includes("Session 1 has ended"), ended);
});

Deno.test("C27: a failed command counts, and keeps its reason", () => {
  const sessions = new ClientSessions();
  open(sessions);
  const outcome: Outcome = { code: "REV_MISMATCH" };
  take(sessions, by(1, 1), { outcome });
  assertEquals(sessions.admit(by(1, 1), 1), { type: "repeat", outcome });
  assertEquals(show(sessions.admit(by(1, 2), 1)), "apply");
});

Deno.test("C27: what shall do nothing repeats any command, and takes a number from it", () => {
  const sessions = new ClientSessions();
  open(sessions);
  take(sessions, by(1, 1), { checksum: 7 });
  assertEquals(show(sessions.admit(by(1, 1), undefined)), "= 10");
  assertEquals(sessions.admit(by(1, 2), undefined), "apply");
  sessions.applied(by(1, 2), { checksum: undefined, outcome: 20 });
  assertEquals(show(sessions.admit(by(1, 2), undefined)), "= 20");
  // The one that was given up comes late.
  assertEquals(show(sessions.admit(by(1, 2), 7)), "NUMBER");
});

Deno.test("ClientSessions.admit() refuses what is beyond the window, with both numbers", () => {
  const sessions = new ClientSessions();
  open(sessions);
  const most = LIMITS.sessionWindow;
  for (let number = 1; number <= most; number++) {
    assertEquals(take(sessions, by(1, number)), "apply");
  }
  const refusal = sessions.admit(by(1, most + 1), 1);
  assertEquals(show(refusal), "NUMBER");
  const detail = detailOf(refusal);
  for (const number of [most + 1, most]) {
    assert(detail.includes(`${number}`), detail);
  }
  assertEquals(take(sessions, by(1, most + 1, 1)), "apply");
  assertEquals(show(sessions.admit(by(1, most + 2, 1), 1)), "NUMBER");
  assertEquals(take(sessions, by(1, most + 2, most)), "apply");
  assertEquals(sessions.all().sessions[0]!.outcomes.length, 2);
});

Deno.test("C27: ClientSessions stops where a command is applied twice, or too early", () => {
  const sessions = new ClientSessions();
  open(sessions);
  take(sessions, by(1, 1));
  const made = { checksum: 1, outcome: 5 };
  for (const command of [by(1, 1), by(1, 3), by(2, 1), by(1, 2, 2)]) {
    assertThrows(() => sessions.applied(command, made), AssertionError, "C27");
  }
});

Deno.test("a very long detail is cut, the same for all who ask", () => {
  const sessions = new ClientSessions();
  open(sessions);
  const detail = "\u{1f600}".repeat(2000);
  const outcome: Outcome = { code: "SEAT", detail };
  const made = { checksum: 1, outcome };
  assertEquals(sessions.admit(by(1, 1), 1), "apply");
  const kept = sessions.applied(by(1, 1), made);
  const { length } = detailOf(kept);
  assert(length > 1020 && length <= 1024, `${length}`);
  assert(!/\p{Surrogate}/u.test(detailOf(kept)));
  assertEquals(sessions.admit(by(1, 1), 1), { type: "repeat", outcome: kept });
});

Deno.test("the session that was used least lately ends where there are too many", () => {
  const sessions = new ClientSessions();
  for (let id = 1; id <= LIMITS.clientSessions; id++) open(sessions);
  const used = (id: number) => show(sessions.admit(by(id, 1), 1));
  take(sessions, by(1, 1)); // A command is a use,
  take(sessions, by(2, 1));
  open(sessions); // and ends session 3.
  assertEquals([used(1), used(2), used(3)], ["= 10", "= 10", "SESSION"]);
  take(sessions, by(4, 9)); // A refusal is none.
  open(sessions);
  assertEquals(used(4), "SESSION");
  assertEquals(sessions.size, LIMITS.clientSessions);
  // A repeat is one.
  const order = sessions.all().sessions.map(({ id }) => id);
  const last = LIMITS.clientSessions + 2;
  assertEquals(order.slice(-4), [last - 1, 1, 2, last]);
});

Deno.test("what all sessions hold is bounded, and no session ends by its own use", () => {
  const sessions = new ClientSessions();
  const detail = "x".repeat(1024);
  const outcome: Outcome = { code: "SEAT", detail };
  for (let id = 1; id <= 9; id++) {
    open(sessions, `client ${id}`);
    for (let number = 1; number <= LIMITS.sessionWindow; number++) {
      assertEquals(take(sessions, by(id, number), { outcome }), "apply");
      assert(sessions.bytes <= LIMITS.sessionBytes);
    }
  }
  assert(sessions.size < 9);
  assertEquals(sessions.nameOf(9), "client 9");
  assertEquals(sessions.nameOf(1), undefined);
  // What is acknowledged holds nothing.
  const { bytes } = sessions;
  const { acknowledged } = by(9, 257, 256);
  take(sessions, by(9, LIMITS.sessionWindow + 1, acknowledged));
  assert(sessions.bytes < bytes - 255 * detail.length);
});

Deno.test("ClientSessions.hash tells what a later command would find", () => {
  const made = (act: (sessions: ClientSessions) => void) => {
    const sessions = new ClientSessions();
    open(sessions, "a");
    open(sessions, "b");
    act(sessions);
    return sessions.hash;
  };
  const tables: ((sessions: ClientSessions) => void)[] = [
    () => {},
    (sessions) => take(sessions, by(1, 1)),
    (sessions) => take(sessions, by(2, 1)),
    (sessions) => take(sessions, by(1, 1), { checksum: 2 }),
    (sessions) => take(sessions, by(1, 1), { outcome: 11 }),
    (sessions) => take(sessions, by(1, 1), { outcome: { code: "SEAT" } }),
    (sessions) =>
      take(sessions, by(1, 1), { outcome: { code: "SEAT", detail: "" } }),
    (sessions) =>
      take(sessions, by(1, 1), { outcome: { code: "SEAT", detail: "a" } }),
    (sessions) => {
      take(sessions, by(1, 1));
      take(sessions, by(1, 2));
    },
    (sessions) => {
      take(sessions, by(1, 1));
      take(sessions, by(1, 2, 1));
    },
    // The same outcomes, but the other session would end first.
    (sessions) => {
      take(sessions, by(1, 1));
      take(sessions, by(2, 1));
    },
    (sessions) => {
      take(sessions, by(2, 1));
      take(sessions, by(1, 1));
    },
    (sessions) => {
      sessions.clear();
    },
    (sessions) => {
      sessions.clear();
      open(sessions, "a");
    },
    (sessions) => void open(sessions, ""),
  ];
  const hashes = tables.map(made);
  assertEquals(new Set(hashes).size, tables.length);
  assertEquals(tables.map(made), hashes);
});

Deno.test("ClientSessions.load() replaces the table, or says why not", () => {
  const sessions = new ClientSessions();
  open(sessions, "a");
  take(sessions, by(1, 1));
  const table = sessions.all();
  const copy = new ClientSessions();
  open(copy, "other");
  assertEquals(copy.load(table), undefined);
  assertEquals([copy.all(), copy.hash, copy.bytes], [
    table,
    sessions.hash,
    sessions.bytes,
  ]);
  assertEquals([copy.nameOf(1), show(copy.admit(by(1, 1), 1))], ["a", "= 10"]);
  assertEquals(typeof copy.load({ ...table, opened: 0 }), "string");
  assertEquals(copy.hash, sessions.hash);
  // What either does later does not reach a table that was handed out.
  const before = structuredClone(table);
  take(copy, by(1, 2, 1));
  take(sessions, by(1, 2));
  assertEquals(table, before);
});
