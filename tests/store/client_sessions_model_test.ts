/**
 * Clients that send again and again, against a model that is as simple as it
 * is slow; and a copy that is made at any time behaves as its source.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ClientAdmission,
  ClientSessions,
  LIMITS,
  type Outcome,
} from "../../store/mod.ts";

/** What happens; sessions and numbers are relative to what there is. */
type Step =
  | { readonly type: "open"; readonly name: string }
  | { readonly type: "copy" }
  | { readonly type: "clear" }
  | {
    readonly type: "send";
    /** Which session, counted back from the last that was opened. */
    readonly session: number;
    /** Which number, counted from the last that was applied. */
    readonly ahead: number;
    /** How many are acknowledged, counted back from the last. */
    readonly behind: number;
    readonly checksum: number | undefined;
    readonly refused: boolean;
    /** So many in a row. */
    readonly times: number;
  };

const opens: fc.Arbitrary<Step> = fc.record({
  type: fc.constant("open" as const),
  name: fc.constantFrom("", "a", "loader"),
});
const sends: fc.Arbitrary<Step> = fc.record({
  type: fc.constant("send" as const),
  session: fc.nat(4),
  ahead: fc.constantFrom(-300, -5, -2, -1, 0, 0, 1, 1, 1, 1, 2, 3),
  behind: fc.constantFrom(-1, 0, 1, 2, 9, 9, 300),
  checksum: fc.constantFrom(1, 1, 1, 2, undefined),
  refused: fc.boolean(),
  times: fc.constantFrom(1, 1, 2, 150),
});
/** So much that sessions end. */
const bursts: fc.Arbitrary<Step> = fc.nat(4).map((session) => ({
  ...{ type: "send", session, ahead: 1, behind: 9999 },
  ...{ checksum: 1, refused: true, times: 240 },
}));
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { arbitrary: opens, weight: 4 },
    { arbitrary: sends, weight: 12 },
    { arbitrary: bursts, weight: 4 },
    { arbitrary: fc.constant<Step>({ type: "copy" }), weight: 2 },
    { arbitrary: fc.constant<Step>({ type: "clear" }), weight: 1 },
  ),
  { maxLength: 60, size: "max" },
);

/** A session as the model knows it. */
interface Plain {
  readonly id: number;
  readonly name: string;
  last: number;
  acknowledged: number;
  readonly outcomes: Map<number, { checksum: number; outcome: Outcome }>;
}

/** What the sessions should do. */
class Model {
  /** The least lately used first. */
  list: Plain[] = [];
  opened = 0;
  /** All commands that took effect, as `session.number`. */
  readonly effects: string[] = [];
  evicted = 0;

  open(name: string): void {
    const id = ++this.opened;
    const outcomes = new Map();
    this.list.push({ id, name, last: 0, acknowledged: 0, outcomes });
    this.#evict();
  }

  /** `apply`, `repeat`, or the code of the refusal. */
  send(
    [id, number, acknowledged]: readonly [number, number, number],
    checksum: number | undefined,
    outcome: Outcome,
  ): string {
    const session = this.list.find((one) => one.id === id);
    if (session === undefined) return "SESSION";
    const upTo = Math.max(acknowledged, session.acknowledged);
    if (number <= upTo) return "NUMBER";
    if (number > session.last + 1) return "GAP";
    const first = session.outcomes.get(number);
    if (first !== undefined) {
      if (checksum !== undefined && checksum !== first.checksum) {
        return "NUMBER";
      }
    } else if (number > upTo + LIMITS.sessionWindow) return "NUMBER";
    else {
      this.effects.push(`${id}.${number}`);
      session.outcomes.set(number, { checksum: checksum ?? 0, outcome });
      session.last = number;
    }
    session.acknowledged = upTo;
    for (const one of session.outcomes.keys()) {
      if (one <= upTo) session.outcomes.delete(one);
    }
    this.list = [...this.list.filter((one) => one !== session), session];
    this.#evict();
    return first === undefined ? "apply" : "repeat";
  }

  #evict(): void {
    const bytes = () =>
      this.list.reduce((sum, { name, outcomes }) => {
        let one = 96 + 3 * name.length;
        for (const { outcome } of outcomes.values()) {
          one += 24;
          if (typeof outcome === "number") continue;
          one += 3 * (outcome.code.length + (outcome.detail?.length ?? 0));
        }
        return sum + one;
      }, 0);
    while (bytes() > LIMITS.sessionBytes) {
      this.list.shift();
      this.evicted++;
    }
  }
}

function show(admission: ClientAdmission): string {
  if (typeof admission === "string") return admission;
  return "code" in admission ? admission.code : "repeat";
}

/** Some tables that must stay equal, and the model of them. */
class Run {
  readonly model = new Model();
  /** The first is the source, the others were copied from it. */
  readonly tables: ClientSessions[] = [new ClientSessions()];
  #count = 0;

  step(step: Step): void {
    if (step.type === "open") {
      for (const table of this.tables) table.open(step.name);
      this.model.open(step.name);
    } else if (step.type === "clear") {
      for (const table of this.tables) table.clear();
      this.model.list = [];
    } else if (step.type === "copy") {
      const copy = new ClientSessions();
      assertEquals(copy.load(this.tables[0]!.all()), undefined);
      this.tables.push(copy);
      if (this.tables.length > 3) this.tables.splice(1, 1);
    } else for (let i = 0; i < step.times; i++) this.#send(step);
  }

  check(): void {
    const [source, ...copies] = this.tables;
    const { opened, sessions } = source!.all();
    assertEquals(opened, this.model.opened);
    assertEquals(
      sessions.map(({ id, acknowledged, outcomes }) => [
        id,
        acknowledged,
        outcomes,
      ]),
      this.model.list.map(({ id, acknowledged, outcomes }) => [
        id,
        acknowledged,
        [...outcomes.values()],
      ]),
    );
    for (const copy of copies) {
      assertEquals([copy.hash, copy.bytes], [source!.hash, source!.bytes]);
    }
    assert(source!.bytes <= LIMITS.sessionBytes);
    const { effects } = this.model;
    assertEquals(new Set(effects).size, effects.length);
  }

  #send(step: Step & { type: "send" }): void {
    const id = this.model.opened - step.session;
    const session = this.model.list.find((one) => one.id === id);
    const last = session?.last ?? 0;
    const number = last + step.ahead;
    const acknowledged = Math.max(0, last - step.behind);
    const { checksum } = step;
    const outcome: Outcome = step.refused
      ? { code: "SEAT", detail: `${++this.#count} `.padEnd(1024, "x") }
      : ++this.#count;
    const by = { session: id, number, acknowledged };
    const said = this.tables.map((table) => {
      const admission = table.admit(by, checksum);
      if (admission === "apply") table.applied(by, { checksum, outcome });
      else if ("type" in admission) {
        const first = session?.outcomes.get(number)?.outcome;
        assertEquals(admission.outcome, first);
      }
      return show(admission);
    });
    const due = this.model.send([id, number, acknowledged], checksum, outcome);
    for (const one of said) assertEquals(one, due, JSON.stringify(by));
  }
}

Deno.test("C27: sessions of clients do as their model does, and copies as they do", () => {
  let evicted = 0;
  let effects = 0;
  fc.assert(
    fc.property(steps, (steps) => {
      const run = new Run();
      for (const step of steps) {
        run.step(step);
        run.check();
      }
      evicted += run.model.evicted;
      effects += run.model.effects.length;
    }),
    { numRuns: 60 },
  );
  assert(evicted > 0, `${evicted} sessions ended`);
  assert(effects > 1000, `${effects} commands took effect`);
});
