/**
 * The roles of two, three and five nodes agree: in schedules chosen by hand,
 * the classical dangers of Paxos among them, and in random ones.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Roles } from "./roles.ts";

const SEED = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
const THREE = ["A", "B", "C"];

function lead(roles: Roles, id: string): void {
  roles.campaign(id);
  roles.deliverAll();
  assert(roles.leads(id));
}

Deno.test("three nodes: one leads, a value is accepted by two, and all learn it", () => {
  const roles = new Roles(THREE);
  roles.campaign("A");
  assertEquals(roles.underWay, [
    "A>B prepare 1.A from 1",
    "A>C prepare 1.A from 1",
  ]);
  roles.lose(/>C/);
  roles.deliver(/prepare/);
  assertEquals(roles.underWay, ["B>A promise 1.A"]);
  roles.deliver(/promise/);
  assert(roles.leads("A"));
  roles.propose("A", "x");
  assertEquals(roles.underWay, ["A>B accept 1.A 1=x", "A>C accept 1.A 1=x"]);
  assertEquals(roles.logOf("A"), []);
  roles.deliver(/>B accept/);
  roles.deliver(/accepted/);
  assertEquals(roles.logOf("A"), ["x"]);
  roles.deliverAll();
  for (const id of THREE) assertEquals(roles.logOf(id), ["x"], id);
});

Deno.test("two nodes: neither decides without the other", () => {
  const roles = new Roles(["A", "B"]);
  roles.campaign("A");
  assert(!roles.leads("A"));
  roles.deliverAll();
  assert(roles.leads("A"));
  roles.propose("A", "x");
  roles.lose(/accept /);
  assertEquals(roles.logOf("A"), []);
  roles.campaign("A");
  roles.deliverAll();
  assertEquals(roles.logOf("A"), ["x"]);
  assertEquals(roles.logOf("B"), ["x"]);
});

Deno.test("a value that a quorum accepted survives its leader, though nobody learned it", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.propose("A", "x");
  roles.deliver(/>B accept/);
  // A and B have accepted: x is chosen. The votes and A are gone.
  roles.lose(/^/);
  roles.campaign("C");
  roles.lose(/>A/);
  roles.deliverAll();
  assertEquals(roles.logOf("C"), ["x"]);
  roles.propose("C", "y");
  roles.deliverAll();
  for (const id of THREE) assertEquals(roles.logOf(id), ["x", "y"], id);
});

Deno.test("a value that only a minority accepted may go, and then never comes back", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.propose("A", "lost");
  roles.lose(/^/);
  roles.campaign("C");
  roles.lose(/>A/);
  roles.deliver(/prepare|promise/);
  roles.deliver(/promise/);
  roles.propose("C", "x");
  roles.lose(/>A/);
  roles.deliver(/accept /);
  roles.deliver(/accepted/);
  assertEquals(roles.logOf("C"), ["x"]);
  // A returns, still with "lost" in its acceptor, and wants to lead.
  roles.lose(/^/);
  roles.campaign("A");
  roles.deliverAll();
  roles.campaign("A");
  roles.deliverAll();
  assertEquals(roles.logOf("A"), ["x"]);
});

Deno.test("... or it is finished by the next leader that hears of it, and only then is chosen", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.propose("A", "late");
  roles.lose(/^/);
  roles.campaign("B");
  roles.lose(/>C/);
  roles.deliverAll();
  assertEquals(roles.logOf("B"), ["late"]);
});

Deno.test("accepts of a deposed leader arrive late and are refused", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.propose("A", "old");
  roles.campaign("B");
  roles.deliver(/B>C prepare|C>B promise/);
  roles.deliver(/C>B promise/);
  assert(roles.leads("B") && roles.leads("A"));
  roles.propose("B", "new");
  roles.deliver(/B>C accept/);
  roles.deliver(/C>B accepted/);
  assertEquals(roles.logOf("B"), ["new"]);
  roles.deliver(/A>[BC] accept/);
  assertEquals(roles.underWay.filter((text) => text.includes("nack")), [
    "B>A nack 1.A, promised 2.B",
    "C>A nack 1.A, promised 2.B",
  ]);
  roles.deliverAll();
  assert(!roles.leads("A"));
  for (const id of THREE) assertEquals(roles.logOf(id), ["new"], id);
});

Deno.test("of two reported values the one of the higher ballot is finished, though fewer have it", () => {
  const roles = new Roles([..."ABCDE"]);
  lead(roles, "A");
  roles.propose("A", "low");
  roles.deliver(/>B accept/); // A and B: low@1.A
  roles.lose(/^/);
  roles.campaign("E");
  roles.deliver(/>[CD] prepare/);
  roles.deliver(/promise/);
  roles.propose("E", "high");
  roles.deliver(/>C accept/); // E and C: high
  roles.lose(/^/);
  roles.campaign("B");
  roles.campaign("B");
  roles.lose(/>[DE]/);
  roles.deliverAll();
  assert(roles.leads("B"));
  assertEquals(roles.logOf("B"), ["high"]);
});

Deno.test("a slow leader and a gap: the gap becomes a no-op, what follows keeps its place", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  for (const value of ["a", "b", "c"]) roles.propose("A", value);
  roles.lose(/ 2=b/);
  roles.deliver(/>B accept 1.A [13]/);
  roles.lose(/^/);
  roles.campaign("C");
  roles.lose(/>A/);
  roles.deliverAll();
  assertEquals(roles.logOf("C"), ["a", "no-op", "c"]);
  // A had accepted b itself, alone: it is never chosen.
  roles.campaign("A");
  roles.deliverAll();
  roles.campaign("A");
  roles.deliverAll();
  assertEquals(roles.logOf("A"), ["a", "no-op", "c"]);
});

Deno.test("duels end when one leaves off: each prepare is above what refused the last", () => {
  const roles = new Roles(THREE);
  for (let round = 0; round < 10; round++) {
    for (const id of ["A", "C"]) {
      roles.campaign(id);
      roles.deliver(/prepare/);
      roles.lose(/promise/);
      roles.deliver(/nack/);
    }
  }
  roles.campaign("A");
  roles.deliverAll();
  assert(roles.leads("A"));
});

/** One step of a random schedule; numbers are taken modulo what there is. */
interface Step {
  readonly does:
    | "campaign"
    | "propose"
    | "deliver"
    | "double"
    | "lose"
    | "crash";
  readonly at: number;
}

const steps = fc.array(
  fc.record({
    does: fc.oneof(
      { weight: 14, arbitrary: fc.constant<Step["does"]>("deliver") },
      { weight: 3, arbitrary: fc.constant<Step["does"]>("propose") },
      {
        weight: 3,
        arbitrary: fc.constantFrom<Step["does"]>(
          ...["double", "lose", "campaign", "crash"] as const,
        ),
      },
    ),
    at: fc.nat(1e6),
  }),
  { minLength: 100, maxLength: 400, size: "max" },
);

/** Every log is compared with the longest that was ever seen. */
class Agreement {
  readonly chosen: string[] = [];
  readonly proposed = new Set(["no-op"]);

  check(roles: Roles): void {
    for (const id of roles.cals) {
      roles.logOf(id).forEach((value, i) => {
        assert(this.proposed.has(value), `${value} was never proposed`);
        const before = this.chosen[i] ??= value;
        assertEquals(value, before, `slot ${i + 1}, as ${id} learned it`);
      });
    }
  }
}

function take(roles: Roles, step: Step, agreement: Agreement): void {
  const id = roles.cals[step.at % roles.cals.length]!;
  const place = step.at % Math.max(1, roles.underWay.length);
  const some = roles.underWay.length > 0;
  if (step.does === "campaign") roles.campaign(id);
  else if (step.does === "crash") roles.crash(id);
  else if (step.does === "propose") {
    const leaders = roles.cals.filter((cal) => roles.leads(cal));
    const leader = leaders[step.at % leaders.length];
    if (leader === undefined) return roles.campaign(id);
    const value = `v${agreement.proposed.size}`;
    agreement.proposed.add(value);
    roles.propose(leader, value);
  } else if (some && step.does === "lose") roles.loseAt(place);
  else if (some) roles.deliverAt(place, { keep: step.does === "double" });
}

Deno.test("only a single value is chosen, and only one that has been proposed: random schedules", () => {
  let slots = 0;
  const property = fc.property(
    fc.constantFrom(2, 3, 3, 5),
    steps,
    (size, schedule) => {
      const roles = new Roles([..."ABCDE"].slice(0, size));
      const agreement = new Agreement();
      for (const step of schedule) {
        take(roles, step, agreement);
        agreement.check(roles);
      }
      // Liveness: when all is delivered, and one alone wants to lead, it does.
      roles.deliverAll();
      for (let i = 0; i === 0 || (i < 3 && !roles.leads("B")); i++) {
        roles.campaign("B");
        roles.deliverAll();
      }
      assert(roles.leads("B"), "B leads after healing");
      agreement.proposed.add("last");
      roles.propose("B", "last");
      roles.deliverAll();
      agreement.check(roles);
      assertEquals(roles.logOf("B").at(-1), "last");
      slots += roles.logOf("B").length;
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 400 });
  // The schedules must have got somewhere, or they show nothing.
  assert(slots > 2_000, `Only ${slots} slots were decided`);
});
