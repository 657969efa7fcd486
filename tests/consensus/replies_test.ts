/**
 * Replies: each command's own outcome, in the order in which they were taken.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { Replies } from "../../consensus/mod.ts";
import { AssertionError, type Outcome } from "../../store/mod.ts";

/** So many commands wait, from number 1 on. */
function waiting(count: number) {
  const replies = new Replies();
  const told: string[] = [];
  const add = (number: number) => {
    const settled = (outcome: Outcome) =>
      void told.push(
        `${number} ${typeof outcome === "number" ? outcome : outcome.code}`,
      );
    replies.add(number, { settled });
  };
  for (let number = 1; number <= count; number++) add(number);
  return { replies, told, add };
}

Deno.test("C6: Replies settle one by one, in order", () => {
  const { replies, told } = waiting(3);
  replies.settle(1, 41);
  replies.settle(2, { code: "ISDIR" });
  assertEquals([told, replies.first], [["1 41", "2 ISDIR"], 3]);
  // Whoever was told is not told again.
  replies.settle(1, 50);
  assertEquals(told.length, 2);
});

Deno.test("C6: Replies stop where a command is passed over, or out of order", () => {
  const { replies, add } = waiting(3);
  assertThrows(() => replies.settle(2, 1), AssertionError, "C6");
  assertThrows(() => add(9), AssertionError, "C6");
});

Deno.test("Replies settle all up to a number alike, and begin at 1 again", () => {
  const { replies, told, add } = waiting(3);
  assertThrows(() => replies.restart(), AssertionError, "C6");
  replies.settleUpTo(2, { code: "UNKNOWN" });
  replies.settleUpTo(3, 7);
  assertEquals(told, ["1 UNKNOWN", "2 UNKNOWN", "3 7"]);
  replies.restart();
  add(1);
  replies.settle(1, 8);
  assertEquals([told.at(-1), replies.first], ["1 8", 2]);
});

Deno.test("Replies keep their order while many are settled", () => {
  const { replies, told, add } = waiting(10_000);
  for (let number = 1; number <= 9_000; number++) {
    replies.settle(number, number);
  }
  add(10_001);
  replies.settleUpTo(10_001, 5);
  assertEquals(told.length, 10_001);
  assertEquals([told[8_999], told[9_000]], ["9000 9000", "9001 5"]);
});
