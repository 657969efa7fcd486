/**
 * Did-you-mean.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { editDistance, nearestWord } from "../../cli/suggest.ts";

Deno.test("editDistance() counts letters to change", () => {
  const rows: readonly [string, string, number][] = [
    ["", "", 0],
    ["get", "get", 0],
    ["", "get", 3],
    ["get", "", 3],
    ["gte", "get", 1], // swapped
    ["gt", "get", 1],
    ["gett", "get", 1],
    ["got", "get", 1],
    ["watsh", "watch", 1],
    ["kitten", "sitting", 3],
  ];
  for (const [from, to, distance] of rows) {
    assertEquals(editDistance(from, to), distance, `${from} ${to}`);
    assertEquals(editDistance(to, from), distance, `${to} ${from}`);
  }
});

Deno.test("nearestWord() guesses only what is near", () => {
  const known = ["get", "set", "stat", "watch", "ls", "rev"];
  const rows: readonly [string, string | undefined][] = [
    ["gte", "get"],
    ["sett", "set"],
    ["wacth", "watch"],
    ["stats", "stat"],
    ["frob", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [word, guess] of rows) {
    assertEquals(nearestWord(word, known), guess, word);
  }
});
