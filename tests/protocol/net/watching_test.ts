/**
 * A watch as items: what waits comes in order, and its end is told once.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "../../../protocol/net/mod.ts";
import { DoozerError } from "../../../store/mod.ts";
import { serveNode } from "./servers.ts";

const EVENTS = 3_000;

Deno.test("a watch tells all, each once, however many wait to be taken", async () => {
  await using node = await serveNode();
  using client = await connect(node.uri);
  const rev = await client.rev() + 1;
  const watch = client.watch("/w/*", { rev, onTooLate: "fail" });
  const writes = Array.from({ length: EVENTS }, () => client.set("/w/a", "x"));
  await Promise.all(writes);
  let last = rev - 1;
  for (let n = 0; n < EVENTS - 1; n++) {
    const { value } = await watch.next();
    assertEquals(value!.rev, last + 1);
    last = value!.rev;
  }
  assertEquals((await watch.next()).value?.rev, last + 1);
  await watch.return();
});

Deno.test("a watch that has ended with an error says so once", async () => {
  await using node = await serveNode();
  using client = await connect(node.uri);
  const watch = client.watch("/[", { rev: 1 });
  await assertRejects(() => watch.next(), DoozerError, "BAD_GLOB");
  assertEquals((await watch.next()).done, true);
  const left = client.watch("/[", { rev: 1 });
  await client.rev();
  await left.return();
  assertEquals((await left.next()).done, true, "nobody wants to know");
});
