/**
 * The grammar of paths, held against a second one that is written by hand.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { isPath, LIMITS, nameOf, parentOf } from "../../store/mod.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NAME = new Set(`${LETTERS}0123456789.-_:@~+,=`);

/** The grammar again, without regular expressions. */
function isPathByHand(text: string): boolean {
  if (text === "/") return true;
  const [before, ...names] = text.split("/");
  if (before !== "" || names.length === 0) return false;
  return names.every((name) =>
    name !== "" && name !== "." && name !== ".." &&
    [...name].every((character) => NAME.has(character))
  );
}

const GOOD = [
  "/",
  "/a",
  "/t/a",
  "/T/A9",
  "/t/-",
  "/t/...",
  "/t/.hidden",
  "/t/a.",
  "/t/..a",
  "/foo_bar",
  "/t/a=b",
  "/t/a:b",
  "/t/a+b",
  "/t/a@b",
  "/t/~",
  "/t/a,b",
  "/ctl/node/JHOSHEKVCFZB5OZB/addr",
  "/" + "n".repeat(1000),
  "/t" + "/x".repeat(200),
  "/" + "n".repeat(LIMITS.pathBytes - 1),
];

const BAD = [
  "",
  "a",
  "abc",
  "a/b",
  "//",
  "/t//a",
  "//t",
  "/t/",
  "/t/a/",
  "/.",
  "/..",
  "/t/.",
  "/t/..",
  "/./t",
  "/../t",
  "/a b",
  " /a",
  "/a ",
  "/t/a\n",
  "/t/\na",
  "/t/a\r",
  "/t/a\0",
  "/t/a\t",
  "/t/*",
  "/t/a?",
  "/t/**",
  "/t/%41",
  "/t/[ab]",
  "/t/a\\b",
  "/t/#",
  "/t/a;b",
  "/t/世",
  "/t/é",
  "/t/\u212a", // The Kelvin sign, which some foldings take for a K.
  "/t/\ud800",
  "/" + "n".repeat(LIMITS.pathBytes),
  "/t".repeat(LIMITS.pathBytes),
];

Deno.test("isPath() takes every path of the grammar", () => {
  for (const path of GOOD) assertEquals(isPath(path), true, path);
});

Deno.test("isPath() refuses everything else", () => {
  for (const path of BAD) assertEquals(isPath(path), false, path);
});

Deno.test("isPath() decides alike for every character in every place", () => {
  for (let code = 0; code < 0x300; code++) {
    const character = String.fromCharCode(code);
    for (const text of [`/${character}`, `/a${character}b`, `${character}a`]) {
      assertEquals(isPath(text), isPathByHand(text), `code ${code}: ${text}`);
    }
  }
});

Deno.test("isPath() decides alike for every text of up to 6 characters", () => {
  const alphabet = ["/", "a", ".", "*", "\n"];
  let texts = [""];
  for (let length = 0; length <= 6; length++) {
    for (const text of texts) {
      assertEquals(isPath(text), isPathByHand(text), JSON.stringify(text));
    }
    texts = texts.flatMap((text) => alphabet.map((last) => text + last));
  }
});

Deno.test("parentOf() and nameOf() take a path apart at its last slash", () => {
  const rows: [path: string, parent: string, name: string][] = [
    ["/", "/", ""],
    ["/a", "/", "a"],
    ["/a/b", "/a", "b"],
    ["/a/b.c/d-e", "/a/b.c", "d-e"],
  ];
  for (const [path, parent, name] of rows) {
    assertEquals([parentOf(path), nameOf(path)], [parent, name], path);
  }
});
