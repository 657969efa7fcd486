/**
 * What the verbs see is types only. What is held here is that a connection is
 * all of it, and that the module brings no code with it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import * as asker from "../../protocol/asker.ts";
import type { Asker } from "../../protocol/asker.ts";
import { FakeBackend, FakeClient } from "./fake_backend.ts";

Deno.test("a connection is what asks", () => {
  const backend = new FakeBackend();
  const { connection } = new FakeClient(backend);
  const seen: Asker = connection;
  assertEquals(seen.backend, backend);
  seen.writes.propose(7, { type: "nop" });
  assertEquals([backend.held, seen.may("write")], [1, true]);
  assertEquals(seen.held.cancel(7), false, "a write cannot be taken back");
});

Deno.test("asker.ts holds types only", () => {
  assertEquals(Object.keys(asker), []);
});
