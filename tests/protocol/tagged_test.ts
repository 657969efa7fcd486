/**
 * What has a tag is found by it, and nothing else is.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Tagged } from "../../protocol/tagged.ts";

interface Thing {
  readonly name: string;
  readonly tag: number | undefined;
}

function thing(name: string, tag?: number): Thing {
  return { name, tag };
}

Deno.test("Tagged gives those with a tag, once, as they came", () => {
  const all: Tagged<Thing> = new Tagged();
  const things = [thing("a", 1), thing("b", 2), thing("c", 1), thing("d", 1)];
  for (const one of things) all.add(one);
  const names = (tag: number) => all.take(tag).map(({ name }) => name);
  assertEquals([1, 2, 3].map((tag) => all.has(tag)), [true, true, false]);
  assertEquals([names(3), names(1), names(1)], [[], ["a", "c", "d"], []]);
  assertEquals([1, 2, 3].map((tag) => all.has(tag)), [false, true, false]);
  assertEquals([names(2), names(2)], [["b"], []]);
});

Deno.test("Tagged forgets one, and leaves the others with its tag", () => {
  const all: Tagged<Thing> = new Tagged();
  const [a, b, c] = [thing("a", 1), thing("b", 1), thing("c", 1)];
  all.add(a);
  all.delete(b);
  assertEquals(all.has(1), true, "b was never added");
  all.add(b);
  all.delete(a);
  all.delete(a);
  all.add(c);
  assertEquals(all.take(1), [b, c]);
  for (const one of [a, b]) all.add(one);
  for (const one of [a, b]) all.delete(one);
  assertEquals([all.has(1), all.take(1)], [false, []]);
  all.add(c);
  all.delete(c);
  assertEquals(all.has(1), false);
  all.add(c);
  all.clear();
  assertEquals(all.has(1), false);
});

Deno.test("Tagged does not find what has no tag", () => {
  const all: Tagged<Thing> = new Tagged();
  const none = thing("a");
  all.add(none);
  all.delete(none);
  assertEquals([all.has(0), all.take(0)], [false, []]);
});
