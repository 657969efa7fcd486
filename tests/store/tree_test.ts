/**
 * Nodes come with what needs them and go when nothing does.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { AssertionError } from "../../store/error.ts";
import { NO_NODE, ROOT_NODE, Tree, Turns } from "../../store/tree.ts";

/** Makes the path a file at the rev, as the store does. */
function create(tree: Tree, path: string, rev: number): number {
  const node = tree.ensure(path);
  const turns = tree.turn(node, true, rev);
  tree.setHead(node, rev);
  return turns;
}

/** Removes the file at the rev, as the store does. */
function remove(tree: Tree, path: string, rev: number): number {
  const node = tree.find(path)!;
  const turns = tree.turn(node, false, rev);
  tree.setHead(node, rev);
  return turns;
}

function entriesOf(tree: Tree, node: number): number[] {
  const found: number[] = [];
  let entry = tree.directoryOf(node)?.first ?? NO_NODE;
  for (; entry !== NO_NODE; entry = tree.entryAfter(entry)) found.push(entry);
  return found.sort((a, b) => a - b);
}

function isDirectory(tree: Tree, path: string): boolean {
  const node = tree.find(path);
  return node !== undefined && tree.isDirectory(node);
}

Deno.test("Tree begins with the root alone, a directory for ever", () => {
  const tree = new Tree();
  assertEquals(tree.size, 1);
  assertEquals(tree.find("/"), ROOT_NODE);
  assertEquals(tree.pathOf(ROOT_NODE), "/");
  assertEquals(tree.parentOf(ROOT_NODE), ROOT_NODE);
  assertEquals(tree.isDirectory(ROOT_NODE), true);
  assertEquals(tree.wasDirectory(ROOT_NODE, 0), true);
  assertEquals(tree.isFile(ROOT_NODE), false);
});

Deno.test("Tree.ensure() makes a node once, with all above it", () => {
  const tree = new Tree();
  const node = tree.ensure("/a/b/c");
  assertEquals(tree.size, 4);
  assertEquals(tree.ensure("/a/b/c"), node);
  const above = tree.find("/a/b")!;
  assertEquals(tree.parentOf(node), above);
  assertEquals(tree.pathOf(tree.parentOf(above)), "/a");
  assertEquals(entriesOf(tree, above), [node]);
  assertEquals(tree.ensure("/a/b"), above);
  assertEquals(tree.headOf(node), 0);
});

Deno.test("Tree.turn() says how many directories came and went", () => {
  const tree = new Tree();
  assertEquals(create(tree, "/a/b/c", 1), 2);
  assertEquals(create(tree, "/a/b/d", 2), 0);
  assertEquals(create(tree, "/a/e/f", 3), 1);
  assertEquals(create(tree, "/g", 4), 0);
  assertEquals(remove(tree, "/a/b/c", 5), 0);
  assertEquals(isDirectory(tree, "/a/b"), true);
  assertEquals(remove(tree, "/a/b/d", 6), 1);
  assertEquals(isDirectory(tree, "/a/b"), false);
  assertEquals(isDirectory(tree, "/a"), true);
  assertEquals(remove(tree, "/a/e/f", 7), 2);
  assertEquals(isDirectory(tree, "/a"), false);
  assertEquals(tree.directoryOf(ROOT_NODE)!.live, 1);
});

Deno.test("Tree.turn() marks every directory above with the rev", () => {
  const tree = new Tree();
  create(tree, "/a/b/c", 1);
  create(tree, "/a/b/d", 2);
  create(tree, "/z", 3);
  const shapeOf = (path: string) =>
    tree.directoryOf(tree.find(path)!)!.shapeRev;
  assertEquals(["/", "/a", "/a/b"].map(shapeOf), [3, 2, 2]);
});

Deno.test("Tree.wasDirectory() knows each rev of its coming and going", () => {
  const tree = new Tree();
  create(tree, "/a/b", 2);
  remove(tree, "/a/b", 4);
  create(tree, "/a/c", 5);
  create(tree, "/a/b", 6);
  remove(tree, "/a/c", 7);
  remove(tree, "/a/b", 9);
  const node = tree.find("/a")!;
  const was = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    .filter((rev) => tree.wasDirectory(node, rev));
  assertEquals(was, [2, 3, 5, 6, 7, 8]);
  tree.dropTurns(tree.find("/a/b")!, 4);
  const known = [4, 5, 6, 7, 8, 9].filter((rev) =>
    tree.wasDirectory(node, rev)
  );
  assertEquals(known, [5, 6, 7, 8]);
  assertEquals(tree.wasDirectory(tree.find("/a/b")!, 6), false);
});

Deno.test("Tree.turn() stops where nothing changes", () => {
  const tree = new Tree();
  create(tree, "/a", 1);
  assertThrows(() => create(tree, "/a", 2), AssertionError);
  remove(tree, "/a", 2);
  assertThrows(() => remove(tree, "/a", 3), AssertionError);
});

Deno.test("S4: Tree.turn() stops at a file below a file", () => {
  const tree = new Tree();
  create(tree, "/a", 1);
  assertThrows(() => create(tree, "/a/b", 2), AssertionError, "S4");
  assertThrows(() => create(tree, "/a/b/c", 2), AssertionError, "S4");
});

Deno.test("Tree.prune() keeps a node that is a file, a base or retained", () => {
  const tree = new Tree();
  create(tree, "/a/b", 5);
  const node = tree.find("/a/b")!;
  tree.prune(node, 5);
  assertEquals(tree.size, 3);
  tree.setBase(node, 5, { ref: 0, length: 0 });
  tree.prune(node, 6);
  assertEquals(tree.size, 3);
  tree.clearBase(node);
  tree.prune(node, 6);
  assertEquals(tree.size, 1);
});

Deno.test("Tree.prune() takes the directories that nothing else needs", () => {
  const tree = new Tree();
  for (const path of ["/a/b/c/d", "/a/b/e", "/a/f/g"]) tree.ensure(path);
  assertEquals(tree.size, 8);
  tree.prune(tree.find("/a/b")!, 1);
  assertEquals(tree.size, 8);
  tree.prune(tree.find("/a/b/c/d")!, 1);
  assertEquals(tree.find("/a/b/c"), undefined);
  assertEquals(tree.size, 6);
  tree.prune(tree.find("/a/b/e")!, 1);
  assertEquals([tree.find("/a/b"), tree.size], [undefined, 4]);
  tree.prune(tree.find("/a/f/g")!, 1);
  assertEquals(tree.size, 1);
  assertEquals(entriesOf(tree, ROOT_NODE), []);
});

Deno.test("Tree lists the entries that are left, wherever one goes", () => {
  for (const order of [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]]) {
    const tree = new Tree();
    const nodes = [0, 1, 2, 3].map((i) => tree.ensure(`/d/${i}`));
    const directory = tree.find("/d")!;
    const left = new Set(nodes);
    for (const i of order) {
      assertEquals(entriesOf(tree, directory), [...left].sort((a, b) => a - b));
      tree.prune(nodes[i]!, 1);
      left.delete(nodes[i]!);
    }
    assertEquals([tree.find("/d"), tree.size], [undefined, 1]);
  }
});

Deno.test("Tree uses a pruned number again, as if it were new", () => {
  const tree = new Tree();
  create(tree, "/a/b", 1);
  const old = tree.find("/a/b")!;
  tree.turn(old, false, 2);
  tree.setBase(old, 1, { ref: 77, length: 7 });
  tree.clearBase(old);
  tree.prune(old, 3);
  const node = tree.ensure("/x");
  const other = tree.ensure("/y");
  assert([node, other].includes(old), "the number is used again");
  for (const reused of [node, other]) {
    assertEquals(tree.headOf(reused), 0);
    assertEquals(tree.baseRevOf(reused), 0);
    assertEquals(tree.baseBodyOf(reused), 0);
    assertEquals(tree.isFile(reused), false);
    assertEquals(tree.isDirectory(reused), false);
    assertEquals(tree.wasDirectory(reused, 1), false);
    assertEquals(tree.parentOf(reused), ROOT_NODE);
  }
});

Deno.test("Tree keeps its columns while it grows", () => {
  const tree = new Tree();
  const nodes = Array.from({ length: 1000 }, (_, i) => {
    create(tree, `/d${i % 10}/f${i}`, i + 1);
    const node = tree.find(`/d${i % 10}/f${i}`)!;
    tree.setBase(node, i + 5, { ref: i * 2 ** 17, length: i });
    return node;
  });
  assertEquals(new Set(nodes).size, 1000);
  nodes.forEach((node, i) => {
    assertEquals(tree.pathOf(node), `/d${i % 10}/f${i}`);
    assertEquals(tree.pathOf(tree.parentOf(node)), `/d${i % 10}`);
    assertEquals([tree.headOf(node), tree.isFile(node)], [i + 1, true]);
    assertEquals(tree.baseRevOf(node), i + 5);
    assertEquals(tree.baseBodyOf(node), i * 2 ** 17);
    assertEquals(tree.baseLengthOf(node), i);
  });
});

Deno.test("Turns counts as a plain list does while it forgets", () => {
  const turns = new Turns();
  let kept: number[] = [];
  for (let rev = 3; rev < 1500; rev += 1 + rev % 4) {
    turns.add(rev);
    kept.push(rev);
    if (rev % 3 === 0) {
      const upTo = rev - 100;
      turns.dropUpTo(upTo);
      kept = kept.filter((rev) => rev > upTo);
    }
    for (const after of [0, rev - 101, rev - 50, rev - 1, rev, rev + 1]) {
      const count = kept.filter((rev) => rev > after).length;
      assertEquals(turns.countAfter(after), count, `after ${after}`);
    }
  }
  turns.dropUpTo(1e9);
  assertEquals(turns.countAfter(0), 0);
});
