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
  assertEquals([asked.count, asked.bytes, asked.revs], [0, 0, 0]);
});

Deno.test("AskedRevs forgets a question, and what it cost", () => {
  const asked = new AskedRevs();
  const [one, other] = [new Listener(), new Listener()];
  const questions = [one, other, one].map((waiter, ticket) => {
    const question = { waiter, ticket, bytes: 100 };
    asked.ask(3, question);
    return question;
  });
  const cost = costOfQuestion(questions[0]!);
  assert(cost > 100);
  assertEquals(asked.bytes, 3 * cost);
  asked.forget(4, questions[0]!);
  assertEquals(asked.count, 3, "it is about another rev");
  asked.forget(3, questions[0]!);
  asked.forget(3, questions[0]!);
  assertEquals([asked.count, asked.bytes], [2, 2 * cost]);
  asked.reached(3);
  assertEquals([one.take(), other.take()], [["2: 3"], ["1: 3"]]);
  asked.forget(3, questions[1]!);
  assertEquals([asked.count, asked.bytes, asked.revs], [0, 0, 0]);
});

Deno.test("AskedRevs forgets one of many as quickly as one of few", () => {
  const asked = new AskedRevs();
  const waiter = new Listener();
  const questions = Array.from({ length: 100_000 }, (_, ticket) => {
    const question = { waiter, ticket, bytes: 0 };
    asked.ask(3, question);
    return question;
  });
  // Looking at all of the others each time would take a minute.
  const begun = performance.now();
  for (const question of questions) asked.forget(3, question);
  const ms = performance.now() - begun;
  assert(ms < 5_000, `${ms} ms`);
  assertEquals([asked.count, asked.bytes, asked.revs], [0, 0, 0]);
});
