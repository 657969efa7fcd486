/**
 * The index asks those whom an event may concern, and finds all of them.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compileGlob } from "../../store/mod.ts";
import { Tree } from "../../store/tree.ts";
import { WaitIndex } from "../../store/wait_index.ts";
import { matchesSlowly } from "./model.ts";

const GLOBS = [
  "/",
  "/*",
  "/**",
  "/a",
  "/a/*",
  "/a/**",
  "/a*",
  "/a/b",
  "/a/b/?",
  "/*/b",
  "/**/c",
  "/b/c/d",
  "/b/c/**",
];
const PATHS = ["/", "/a", "/a/b", "/a/b/c", "/b/b", "/b/c/d", "/ab", "/x/y/c"];

function follow(text: string) {
  return { glob: compileGlob(text) };
}

function found<F extends { glob: { text: string } }>(
  index: WaitIndex<F & { glob: ReturnType<typeof compileGlob> }>,
  path: string,
): string[] {
  const tree = new Tree();
  const sets = index.matching(tree, tree.find(path) ?? tree.ensure(path));
  assert(sets.every((set) => set.size > 0), "no set is empty");
  return sets.flatMap((set) => [...set]).map(({ glob }) => glob.text).sort();
}

Deno.test("WaitIndex finds all that match a path, each once", () => {
  const index: WaitIndex<ReturnType<typeof follow>> = new WaitIndex();
  for (const text of [...GLOBS, ...GLOBS]) index.add(follow(text));
  assertEquals([index.size, index.all().length], [26, 26]);
  for (const path of PATHS) {
    const expected = GLOBS.filter((text) => matchesSlowly(text, path));
    assertEquals(found(index, path), [...expected, ...expected].sort(), path);
  }
});

Deno.test("WaitIndex forgets who is removed, and his path or directory", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.constantFrom(...GLOBS), fc.nat()), { maxLength: 40 }),
    (steps) => {
      const index: WaitIndex<ReturnType<typeof follow>> = new WaitIndex();
      const here: ReturnType<typeof follow>[] = [];
      for (const [text, at] of steps) {
        if (at % 3 > 0 || here.length === 0) {
          const one = follow(text);
          index.add(one);
          here.push(one);
        } else index.remove(here.splice(at % here.length, 1)[0]!);
        assertEquals(new Set(index.all()), new Set(here));
        const keys = here.map(({ glob }) =>
          glob.literal ? glob.text : `in ${glob.directory}`
        );
        assertEquals([index.size, index.keys], [
          here.length,
          new Set(keys).size,
        ]);
        for (const path of PATHS) {
          const expected = here.map(({ glob }) => glob.text)
            .filter((glob) => matchesSlowly(glob, path)).sort();
          assertEquals(found(index, path), expected);
        }
      }
    },
  ));
});
