/**
 * Each question about a rev to come is answered once, or forgotten.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { AskedRevs, costOfQuestion } from "../../store/asked_revs.ts";
import type { Waiter } from "../../store/mod.ts";

class Listener implements Waiter {
  readonly told: string[] = [];

  waitEnded(): void {}

  revReached(ticket: number, rev: number): void {
    this.told.push(`${ticket}: ${rev}`);
  }

  take(): string[] {
    return this.told.splice(0);
  }
}

Deno.test("AskedRevs tells each of its rev, once, in order of revs", () => {
  const asked = new AskedRevs();
  const waiter = new Listener();
  const revs = [5, 3, 4, 6, 3];
  revs.forEach((rev, ticket) => asked.ask(rev, { waiter, ticket, bytes: 10 }));
  asked.reached(2);
  asked.reached(4);
  asked.reached(4);
  assertEquals([waiter.take(), asked.count], [["2: 4"], 4]);
  asked.reachedUpTo(5);
  assertEquals([waiter.take(), asked.count], [["1: 3", "4: 3", "0: 5"], 1]);
  asked.reachedUpTo(6);
  assertEquals([asked.count, asked.bytes], [0, 0]);
});

Deno.test("AskedRevs forgets one waiter's questions, and what they cost", () => {
  const asked = new AskedRevs();
  const [one, other] = [new Listener(), new Listener()];
  for (const waiter of [one, other, one]) {
    asked.ask(3, { waiter, ticket: 1, bytes: 100 });
  }
  const cost = costOfQuestion({ waiter: one, ticket: 1, bytes: 100 });
  assert(cost > 100);
  assertEquals(asked.bytes, 3 * cost);
  asked.forget(4, one);
  asked.forget(3, one);
  asked.forget(3, one);
  assertEquals([asked.count, asked.bytes], [1, cost]);
  asked.reached(3);
  assertEquals([one.take(), other.take()], [[], ["1: 3"]]);
});
