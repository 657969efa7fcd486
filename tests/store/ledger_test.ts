/**
 * What a ledger does with files of before its history; what it does with
 * mutations is tested as the store's.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { LIMITS, NO_STAMP } from "../../store/mod.ts";
import { Ledger } from "../../store/ledger.ts";
import { DIRECTORY_BYTES, NODE_BYTES } from "../../store/tree.ts";
import { del, set, textOf } from "./changes.ts";

function bodyOf(text: string) {
  const bytes = new TextEncoder().encode(text);
  return { bytes, start: 0, length: bytes.length };
}

function ledgerOf(...files: [path: string, rev: number][]): Ledger {
  const ledger = new Ledger({ firstRev: 10, hash: 0 });
  for (const [path, rev] of files) {
    const body = bodyOf(`body of ${path}`);
    assertEquals(ledger.restore({ path, rev, body }), undefined);
  }
  return ledger;
}

Deno.test("Ledger.restore() adds a file that was there before", () => {
  const ledger = ledgerOf(["/a/b", 3], ["/a/c/d", 9]);
  const cost = 2 * NODE_BYTES + 2 * DIRECTORY_BYTES;
  const lengths = "/a/b/a/c/d".length + "body of /a/bbody of /a/c/d".length;
  assertEquals([ledger.files, ledger.liveBytes], [2, cost + lengths]);
  assertEquals(ledger.history.bytes, 0);
  assertEquals(ledger.change(set("/a/b", "new", 2), NO_STAMP), {
    code: "REV_MISMATCH",
  });
  assertEquals(ledger.change(set("/a/b", "new", 3), NO_STAMP), 10);
  assertEquals(ledger.change(del("/a/c/d"), NO_STAMP), 11);
  const { tree, versions, history } = ledger;
  assertEquals(history.previousOf(10), 3);
  const state = versions.stateAt(tree.find("/a/c/d")!, 10);
  assertEquals([state.type, state.rev], ["file", 9]);
  if (state.type === "file") assertEquals(textOf(state), "body of /a/c/d");
  assertEquals(versions.stateAt(tree.find("/a/c")!, 10).type, "directory");
  assertEquals(versions.stateAt(tree.find("/a/c")!, 11).type, "missing");
});

Deno.test("Ledger.restore() refuses what cannot be, without a trace", () => {
  const ledger = ledgerOf(["/a/b", 3]);
  const before = [ledger.files, ledger.liveBytes, ledger.tree.size];
  const large = new Uint8Array(LIMITS.valueBytes + 1);
  const tooLarge = { bytes: large, start: 0, length: large.length };
  const rows = [
    ["/a/b/c", bodyOf(""), "NOTDIR"],
    ["/a", bodyOf(""), "ISDIR"],
    ["/", bodyOf(""), "ISDIR"],
    ["/x//y", bodyOf(""), "BAD_PATH"],
    ["/x", tooLarge, "LIMIT"],
  ] as const;
  for (const [path, body, code] of rows) {
    assertEquals(ledger.restore({ path, rev: 1, body })?.code, code, path);
    assertEquals([ledger.files, ledger.liveBytes, ledger.tree.size], before);
  }
});

Deno.test("Ledger forgets a restored file as any other", () => {
  const ledger = ledgerOf(["/a/b", 3]);
  ledger.change(del("/a/b"), NO_STAMP);
  ledger.change({ type: "nop" }, NO_STAMP);
  assertEquals(ledger.tree.size, 3);
  ledger.forgetFirst();
  assertEquals([ledger.tree.size, ledger.liveBytes, ledger.files], [1, 0, 0]);
  assertEquals(ledger.tree.find("/a"), undefined);
});
