/**
 * The language of patterns, held against a second matcher that is written in
 * another way, and against patterns that are meant to hurt.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { compileGlob, DoozerError, LIMITS } from "../../store/mod.ts";
import { matchesSlowly } from "./model.ts";

const P = "/t/g/ab";

/** Pattern, path, whether it matches; the first rows as the original did. */
const MATCHES: [glob: string, path: string, matches: boolean][] = [
  ["/t/g/ab", P, true],
  ["/t/g/??", P, true],
  ["/t/g/?", P, false],
  ["/t/g/???", P, false],
  ["/t/g/*b", P, true],
  ["/t/g/ab*", P, true],
  ["/t/*", P, false],
  ["/t/**", P, true],
  ["/**/ab", P, true],
  ["/t/*/ab", P, true],
  ["/*/*/*", P, true],
  ["/t**", P, true],
  ["/t/g/**", P, true],
  ["/t/g/ab**", P, true],
  ["/**b", P, true],
  ["/t?g/ab", P, false],
  ["/***", P, true],
  ["/t/g/a**", P, true],
  ["/t/*?*", P, false],
  ["/t/g/*?*", P, true],
  ["/t/g/*?", P, true],
  ["/T/**", P, false],
  ["/t/g/a.", P, false],
  ["/t/g/..", P, false],
  ["/t/g/ab/**", P, false],
  ["/**/**/**", P, true],
  ["/**/**/**/**", P, false],
  ["/**a?", P, true],
  ["/**a", P, false],
  ["/t/**/**/ab", P, false],
  // A NOP is an event on the root.
  ["/", "/", true],
  ["/*", "/", true],
  ["/**", "/", true],
  ["/?", "/", false],
  ["/", "/a", false],
  // No character has another meaning.
  ["/a.b", "/aXb", false],
  ["/a+", "/aa", false],
  ["/a.*", "/a.b", true],
  ["/a.*", "/ab", false],
  ["/a-z", "/b", false],
];

const GOOD = ["/", "/*", "/a*?**", "/a/..", "/_:@~+,=", "/**/b"];
const BAD = ["", "a", "*", "//", "/a/", "/a//b", "/[ab]", "/a b", "/a\n"];
const BAD_TOO = ["/{a,b}", "/\\*", "/t/\u4e16", "/a\0", "**", "?/a", "/!a"];

const pattern = fc.array(fc.constantFrom(..."ab/*?.", "**", "/a"), {
  maxLength: 12,
}).map((parts) => `/${parts.join("")}`);
const path = fc.array(fc.constantFrom(..."ab/."), { maxLength: 14 })
  .map((parts) => `/${parts.join("")}`);

function compile(text: string): ReturnType<typeof compileGlob> | undefined {
  try {
    return compileGlob(text);
  } catch {
    return undefined;
  }
}

Deno.test("Glob.matches() decides the known cases", () => {
  for (const [glob, path, matches] of MATCHES) {
    assertEquals(compileGlob(glob).matches(path), matches, `${glob} ${path}`);
    assertEquals(matchesSlowly(glob, path), matches, `slow: ${glob} ${path}`);
  }
});

Deno.test("compileGlob() takes the grammar and refuses all else", () => {
  for (const text of GOOD) assertEquals(compileGlob(text).text, text);
  for (const text of [...BAD, ...BAD_TOO]) {
    const error: DoozerError = assertThrows(
      () => compileGlob(text),
      DoozerError,
    );
    assertEquals(error.code, "BAD_GLOB", text);
    assertEquals(error.detail, `invalid glob pattern: ${text}`);
  }
});

Deno.test("compileGlob() takes the longest glob and no longer one", () => {
  compileGlob("/" + "*".repeat(LIMITS.pathBytes - 1));
  const text = "/" + "*".repeat(LIMITS.pathBytes);
  const error: DoozerError = assertThrows(
    () => compileGlob(text),
    DoozerError,
  );
  assertEquals(error.code, "LIMIT");
  // Both numbers, and not the text: an answer must not grow with the request.
  const { detail } = error;
  assertEquals(detail, "The glob has 1025 characters, the limit is 1024");
});

Deno.test("compileGlob() says where matches can lie", () => {
  const rows: [string, string, boolean, string, number | undefined][] = [
    ["/", "/", true, "/", 1],
    ["/a", "/a", true, "/", 1],
    ["/a/b", "/a/b", true, "/a", 2],
    ["/*", "/", false, "/", 1],
    ["/a*", "/a", false, "/", 1],
    ["/a/*", "/a/", false, "/a", 2],
    ["/a/b?/c", "/a/b", false, "/a", 3],
    ["/a/b/**", "/a/b/", false, "/a/b", undefined],
    ["/a**/c", "/a", false, "/", undefined],
  ];
  for (const [text, prefix, literal, directory, slashes] of rows) {
    const glob = compileGlob(text);
    assertEquals(
      [glob.prefix, glob.literal, glob.directory, glob.slashes],
      [prefix, literal, directory, slashes],
      text,
    );
  }
});

Deno.test("Glob.matches() agrees with a slow matcher on all short texts", () => {
  const patterns = texts("a/*?", 5).map((text) => `/${text}`);
  const paths = texts("a/b", 4).map((text) => `/${text}`);
  let compared = 0;
  for (const text of patterns) {
    const glob = compile(text);
    if (glob === undefined) continue;
    for (const path of paths) {
      compared++;
      assertEquals(
        glob.matches(path),
        matchesSlowly(text, path),
        `${text} ${path}`,
      );
    }
  }
  assert(compared > 50_000, `only ${compared} pairs were compared`);
});

Deno.test("Glob.matches() agrees with a slow matcher on random texts", () => {
  fc.assert(
    fc.property(pattern, path, (text, path) => {
      const glob = compile(text);
      if (glob === undefined) return;
      assertEquals(glob.matches(path), matchesSlowly(text, path));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("Glob's prefix, directory and slashes hold for every match", () => {
  fc.assert(
    fc.property(pattern, path, (text, path) => {
      const glob = compile(text);
      if (glob === undefined || !glob.matches(path)) return;
      assert(path.startsWith(glob.prefix));
      if (path !== "/" && glob.directory !== "/") {
        assert(path.startsWith(`${glob.directory}/`));
      }
      const slashes = path.split("/").length - 1;
      assertEquals(glob.slashes ?? slashes, slashes);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("S8: Glob.matches() is not slowed down by a hostile pattern", () => {
  const long = "/" + "a".repeat(LIMITS.pathBytes - 1);
  const deep = "/a".repeat(LIMITS.pathBytes / 2);
  const parts = ["*", "**", "*a", "**a", "*?", "?*", "*a*b", "/**", "/*a*"];
  const started = performance.now();
  for (const part of parts) {
    const times = Math.floor((LIMITS.pathBytes - 2) / part.length);
    const slash = part.startsWith("/") ? "" : "/";
    const glob = compileGlob(`${slash}${part.repeat(times)}b`);
    for (let i = 0; i < 20; i++) {
      assertEquals(glob.matches(long), false);
      assertEquals(glob.matches(deep), false);
    }
  }
  // A matcher that backtracks would need longer than the universe has.
  assert(performance.now() - started < 10_000);
});

/** All texts over the alphabet of up to so many characters. */
function texts(alphabet: string, length: number): string[] {
  const all = [""];
  for (let from = 0, i = 0; i < length; i++) {
    const to = all.length;
    for (; from < to; from++) {
      for (const character of alphabet) all.push(all[from] + character);
    }
  }
  return all;
}
