/**
 * Insistence: what may have been lost is said again, and nothing else.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Insistence, Learner, Members } from "../../consensus/mod.ts";
import { type CalSet, type Outgoing, Proposer } from "../../consensus/mod.ts";
import { read, readValue, showMessage } from "./words.ts";

const ABC: CalSet = { from: 1, cals: ["A", "B", "C"] };

/** A's proposer among these sets of cals, and what it would say again. */
function bench(...sets: readonly CalSet[]) {
  const members = new Members();
  members.load({ applied: 0, sets, seats: [] });
  const proposer = new Proposer("A");
  const learner = new Learner();
  const insistence = new Insistence({ members, proposer, learner });
  const cals = sets[0]!.cals;
  const campaign = () => proposer.campaign(1, { round: 1, node: "B" });
  const promise = (from: string) => {
    const { round, node } = proposer.ballot;
    const promise = read("promise", `${round}.${node} from 1`);
    proposer.promised(from, { promise, cals });
  };
  const propose = (...values: readonly string[]) => {
    for (const value of values) {
      const accept = proposer.propose(readValue(value));
      learner.open(accept.seqn, { ...accept, cals });
    }
  };
  const accept = (from: string, seqn: number) =>
    learner.accepted(from, { seqn, ballot: proposer.ballot });
  return { insistence, proposer, campaign, promise, propose, accept };
}

function show(messages: readonly Outgoing[]): string[] {
  return messages.map(({ to, message }) => `${to}: ${showMessage(message)}`);
}

Deno.test("promises() asks nobody for one who neither campaigns nor leads", () => {
  const { insistence, proposer, campaign } = bench(ABC);
  assertEquals(insistence.promises(), []);
  campaign();
  proposer.abandon();
  assertEquals(insistence.promises(), []);
});

Deno.test("promises() asks the cals that have not promised, at the ballot in use", () => {
  const { insistence, campaign, promise } = bench(ABC);
  campaign();
  promise("B");
  assertEquals(show(insistence.promises()), [
    "A: prepare 2.A from 1",
    "C: prepare 2.A from 1",
  ]);
});

Deno.test("promises() of a leader asks cals of sets to come, from its next slot on", () => {
  const { insistence, campaign, promise, propose } = bench(ABC, {
    from: 70,
    cals: ["A", "B", "D"],
  });
  campaign();
  for (const cal of "ABC") promise(cal);
  propose("x", "y");
  assertEquals(show(insistence.promises()), ["D: prepare 2.A from 3"]);
});

Deno.test("slots() sends to those whose votes are missing; to one only, if one is given", () => {
  const { insistence, campaign, promise, propose, accept } = bench(ABC);
  campaign();
  for (const cal of "AB") promise(cal);
  assertEquals(insistence.slots(), []);
  propose("x", "y");
  accept("A", 1);
  assertEquals(show(insistence.slots()), [
    "B: accept 2.A 1=x",
    "C: accept 2.A 1=x",
    "A: accept 2.A 2=y",
    "B: accept 2.A 2=y",
    "C: accept 2.A 2=y",
  ]);
  assertEquals(show(insistence.slots("A")), ["A: accept 2.A 2=y"]);
  accept("C", 1);
  assertEquals(show(insistence.slots("B")), ["B: accept 2.A 2=y"]);
  assertEquals(insistence.slots("D"), []);
});

Deno.test("slots() sends the first 8 at most, so that a new link is not flooded", () => {
  const { insistence, campaign, promise, propose } = bench(ABC);
  campaign();
  for (const cal of "AB") promise(cal);
  propose(...Array.from({ length: 20 }, (_, at) => `v${at + 1}`));
  assertEquals(
    show(insistence.slots("C")),
    [1, 2, 3, 4, 5, 6, 7, 8].map((seqn) => `C: accept 2.A ${seqn}=v${seqn}`),
  );
});
