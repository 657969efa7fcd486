/**
 * The roles of several nodes agree, in schedules chosen by hand: the classical
 * dangers of Paxos, and those of changing who votes.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ALPHA } from "../../consensus/mod.ts";
import { Roles } from "./roles.ts";

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
  assertEquals(roles.underWay.slice(1), [
    "A>B decided 1.A up to 1",
    "A>C decided 1.A up to 1",
  ]);
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
  assert(!roles.leads("A"));
  roles.learn("A", "C");
  roles.deliverAll();
  assertEquals(roles.logOf("A"), ["x"]);
  lead(roles, "A");
  roles.propose("A", "y");
  roles.deliverAll();
  assertEquals(roles.logOf("A"), ["x", "y"]);
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

Deno.test("a node that lacks slots learns them from one that has them, and then can lead", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  for (const value of ["x", "y"]) {
    roles.propose("A", value);
    roles.lose(/>C/);
    roles.deliverAll();
  }
  assertEquals([roles.logOf("B"), roles.logOf("C")], [["x", "y"], []]);
  roles.campaign("C");
  roles.deliverAll();
  assert(!roles.leads("C"), "those who have applied the slots forgot them");
  roles.learn("C", "B");
  roles.deliverAll();
  assertEquals(roles.logOf("C"), ["x", "y"]);
  lead(roles, "C");
});

Deno.test("C16: a leader that was overtaken learns so from whoever has applied more", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.campaign("B");
  roles.deliverAll({ lose: />A/ });
  roles.propose("B", "new");
  roles.deliverAll({ lose: />A/ });
  assert(roles.leads("A") && roles.leads("B"));
  roles.learn("A", "C");
  roles.deliverAll();
  assertEquals([roles.leads("A"), roles.logOf("A")], [false, ["new"]]);
});

Deno.test("C11: a change of seats is decided by the old cals, and counts ALPHA slots later", () => {
  const roles = new Roles(THREE, ["D"]);
  lead(roles, "A");
  roles.propose("A", "+D");
  assertEquals([roles.logOf("A"), roles.calsOf("A")], [[], THREE]);
  // The leader fills the slots between, so that the change takes effect.
  roles.deliverAll({ lose: /[CD]>|>[CD]/ });
  assertEquals(roles.appliedBy("A"), ALPHA);
  assertEquals(roles.calsOf("A"), [...THREE, "D"]);
  // Of four cals two are no quorum: the next slot needs a third.
  roles.propose("A", "with D");
  roles.deliverAll({ lose: /[CD]>|>[CD]/ });
  assertEquals(roles.appliedBy("A"), ALPHA);
  while (!roles.logOf("A").includes("with D")) {
    const before = roles.appliedBy("A");
    roles.insist("A");
    roles.deliverAll({ lose: />C/ });
    assert(roles.appliedBy("A") > before);
  }
});

Deno.test("C11: a leader without the promises of the new cals does not propose for them", () => {
  const roles = new Roles(["A"], ["B", "C"]);
  roles.campaign("A");
  roles.lose(/^/);
  assert(roles.canPropose("A"));
  roles.propose("A", "+B");
  roles.lose(/^/);
  assertEquals(roles.calsOf("A"), ["A", "B"]);
  assert(roles.leads("A") && !roles.canPropose("A"));
  roles.insist("A");
  roles.deliver(/>B prepare/);
  roles.deliver(/promise/);
  assert(roles.canPropose("A"));
});

Deno.test("C13: a node that took over a state keeps its promise to a candidate", () => {
  const roles = new Roles(THREE);
  lead(roles, "A");
  roles.propose("A", "x");
  roles.lose(/>C/);
  roles.deliverAll();
  roles.campaign("B");
  roles.deliver(/B>C prepare/);
  roles.lose(/^/);
  roles.copy("C", "A");
  roles.propose("A", "y");
  roles.deliver(/A>C accept/);
  assertEquals(roles.underWay.filter((line) => line.startsWith("C>")), [
    "C>A nack 1.A, promised 2.B",
  ]);
});

Deno.test("C5: a leader that comes back passes over what it knows to be decided", () => {
  const roles = new Roles(THREE, ["D"]);
  lead(roles, "A");
  roles.propose("A", "+D");
  roles.deliver(/ accept.* 1=/);
  roles.deliver(/accepted 1.A 1$/);
  // All slots into the set with D are decided, but for slot 2.
  roles.deliverAll({ lose: / 2=|decided/ });
  assertEquals(roles.appliedBy("A"), 1);
  // Without C and D nobody can propose in that set.
  roles.campaign("A");
  roles.deliverAll({ lose: /[CD]>|>[CD]/ });
  assertEquals(roles.appliedBy("A"), 1 + ALPHA);
  roles.insist("A");
  roles.deliverAll();
  assert(roles.canPropose("A"));
  roles.propose("A", "on");
  roles.deliverAll();
  assertEquals(roles.logOf("A").at(-1), "on");
});
