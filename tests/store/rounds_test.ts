/**
 * Whoever takes turns gets the same share, in large steps or in small ones.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Rounds, type TakesTurns } from "../../store/rounds.ts";

interface Taker extends TakesTurns {
  readonly name: string;
  readonly step: number;
}

function taker(name: string, step: number): Taker {
  return { name, step, share: 0 };
}

/** Who had so many turns, each of which uses one step. */
function take(rounds: Rounds<Taker>, turns: number): string {
  const names: string[] = [];
  for (const one of rounds.turns()) {
    names.push(one.name);
    rounds.use(one, one.step);
    if (names.length === turns) break;
  }
  return names.join("");
}

Deno.test("Rounds give turns to all, in the order in which they came", () => {
  const rounds: Rounds<Taker> = new Rounds();
  for (const name of "abc") rounds.add(taker(name, 1));
  assertEquals([rounds.size, rounds.all().length], [3, 3]);
  assertEquals(take(rounds, 7), "abcabca");
  assertEquals(take(rounds, 3), "bca");
});

Deno.test("Rounds let nobody use more than a share before the others", () => {
  const rounds: Rounds<Taker> = new Rounds();
  const [large, small] = [taker("L", 1024), taker("s", 8)];
  for (const one of [large, small]) rounds.add(one);
  const round = `L${"s".repeat(128)}`;
  assertEquals(take(rounds, 2 * 129), round + round);
  // Whose step is larger than a share is not better off than with one.
  const huge = taker("H", 9000);
  rounds.delete(large);
  rounds.add(huge);
  const names = take(rounds, 1000);
  assert(names.split("H").length <= 2 + 1000 / 128, names);
});

Deno.test("Rounds take in a new one with the next round", () => {
  const rounds: Rounds<Taker> = new Rounds();
  const one = taker("a", 512);
  rounds.add(one);
  assertEquals(take(rounds, 1), "a");
  const other = taker("b", 512);
  rounds.add(other);
  assertEquals(take(rounds, 5), "ababa");
});

Deno.test("Rounds forget who is removed, also in a turn", () => {
  const rounds: Rounds<Taker> = new Rounds();
  const all = [..."abcd"].map((name) => taker(name, 1));
  for (const one of all) rounds.add(one);
  const [a, b, c, d] = all;
  const names: string[] = [];
  for (const one of rounds.turns()) {
    names.push(one.name);
    if (one === a) {
      rounds.delete(a);
      rounds.delete(b!);
      rounds.add(b!);
    }
    if (one === c) rounds.delete(c);
    rounds.use(one, 1);
    if (names.length === 5) break;
  }
  assertEquals(names.join(""), "acddd");
  rounds.delete(a!);
  rounds.delete(d!);
  assertEquals(rounds.all(), [b!]);
  rounds.delete(b!);
  assertEquals([rounds.size, [...rounds.turns()]], [0, []]);
});
