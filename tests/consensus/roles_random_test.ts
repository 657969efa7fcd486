/**
 * The roles of several nodes agree, in random schedules: messages are lost,
 * doubled and late, leaders duel, seats change, nodes take over states.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Roles } from "./roles.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));

const DOES = {
  propose: 6,
  flood: 14,
  deliver: 6,
  campaign: 2,
  insist: 4,
  learn: 4,
  seats: 2,
  double: 1,
  lose: 1,
  copy: 1,
  life: 2,
  abdicate: 1,
} as const;

/** One step of a random schedule; numbers are taken modulo what there is. */
interface Step {
  readonly does: keyof typeof DOES;
  readonly at: number;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    does: fc.oneof(
      ...Object.entries(DOES).map(([does, weight]) => ({
        weight,
        arbitrary: fc.constant(does as Step["does"]),
      })),
    ),
    at: fc.nat(1e6),
  }),
  { minLength: 60, maxLength: 240, size: "max" },
);

/** Every log is compared with what was ever applied in the slot. */
class Agreement {
  readonly chosen: string[] = [];
  readonly proposed = new Set(["no-op"]);

  check(roles: Roles): void {
    for (const id of roles.ids) {
      roles.logOf(id).forEach((value, i) => {
        assert(this.proposed.has(value), `${value} was never proposed`);
        const before = this.chosen[i] ??= value;
        assertEquals(value, before, `slot ${i + 1}, as ${id} learned it`);
      });
    }
  }
}

/** A source of chance that begins with that number. */
function chance(seed: number): () => number {
  let at = seed + 1;
  return () => (at = at * 48271 % 2147483647) / 2147483647;
}

function take(roles: Roles, step: Step, agreement: Agreement): void {
  const { does, at } = step;
  const id = roles.ids[at % roles.ids.length]!;
  const other = roles.ids[(at >> 3) % roles.ids.length]!;
  const place = at % Math.max(1, roles.underWay.length);
  const some = roles.underWay.length > 0;
  switch (does) {
    case "campaign":
      return roles.campaign(id);
    case "abdicate":
      return roles.abdicate(id);
    case "insist":
      return roles.insist(id);
    case "life":
      return roles.showLife(id);
    case "learn":
      return roles.learn(id, roles.foremost);
    case "copy":
      return roles.copy(id, other);
    case "flood":
      return roles.flood(chance(at));
    case "propose":
    case "seats": {
      const leaders = roles.ids.filter((each) => roles.canPropose(each));
      const leader = leaders[at % leaders.length];
      if (leader === undefined) return roles.flood(chance(at));
      const value = does === "propose"
        ? `v${agreement.proposed.size}`
        : `${at % 3 === 0 ? "-" : "+"}${other}`;
      agreement.proposed.add(value);
      return roles.propose(leader, value);
    }
  }
  if (!some) return;
  if (does === "lose") roles.loseAt(place);
  else roles.deliverAt(place, { keep: does === "double" });
}

/**
 * Nothing is lost any more, and one of those who may alone wants to lead: then
 * it gets a value decided. Returns its id.
 */
function heal(roles: Roles, value: string): string {
  for (let round = 0; round < 50; round++) {
    roles.deliverAll();
    const { foremost } = roles;
    roles.showLife(foremost);
    for (const id of roles.ids) roles.learn(id, foremost);
    roles.deliverAll();
    // What nobody can tell any more is taken over.
    for (const id of roles.ids) roles.copy(id, foremost);
    const cals = roles.calsOf(foremost);
    const leader = cals[round % cals.length]!;
    if (!roles.leads(leader)) roles.campaign(leader);
    for (let i = 0; i < 30; i++) {
      roles.deliverAll();
      if (roles.logOf(leader).includes(value)) return leader;
      if (i === 5 && roles.canPropose(leader)) roles.propose(leader, value);
      roles.insist(leader);
    }
  }
  throw new Error("Nothing is decided after healing");
}

Deno.test("only a single value is chosen, and only one that has been proposed: random schedules", () => {
  const seen = { slots: 0, changes: 0, duels: 0 };
  const property = fc.property(
    fc.constantFrom(1, 2, 3, 3, 4, 5),
    steps,
    (size, schedule) => {
      const ids = [..."ABCDE"];
      const roles = new Roles(ids.slice(0, size), ids.slice(size));
      const agreement = new Agreement();
      for (const step of schedule) {
        take(roles, step, agreement);
        const leaders = roles.ids.filter((id) => roles.leads(id));
        if (leaders.length > 1) seen.duels++;
      }
      agreement.check(roles);
      agreement.proposed.add("last");
      const leader = heal(roles, "last");
      agreement.check(roles);
      seen.slots += roles.logOf(leader).length;
      const cals = [...roles.calsOf(leader)].sort();
      if (`${cals}` !== `${ids.slice(0, size)}`) seen.changes++;
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 200, endOnFailure: true });
  // The schedules must have got somewhere, or they show nothing.
  assert(seen.slots > 2_000, `Only ${seen.slots} slots were decided`);
  assert(seen.changes > 20, `Only ${seen.changes} runs changed the cals`);
  assert(seen.duels > 20, `Only ${seen.duels} moments had two leaders`);
});
