/**
 * The usual settings, and lineages.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { newLineage, NODE_DEFAULTS } from "../../consensus/mod.ts";

Deno.test("nobody is cleared unless that is asked for; requests end after 5 s", () => {
  assertEquals(NODE_DEFAULTS.seatTimeoutTicks, 0);
  assertEquals(NODE_DEFAULTS.requestTimeoutTicks, 500);
});

Deno.test("newLineage() makes 16 characters, of 32 that are easily told apart", () => {
  assertEquals(newLineage(() => 0), "A".repeat(16));
  assertEquals(newLineage(() => 0.999999), "7".repeat(16));
  const found = new Set<string>();
  for (let i = 0; i < 32; i++) found.add(newLineage(() => i / 32)[0]!);
  assertEquals(found.size, 32);
  let draws = 0;
  const lineage = newLineage(() => (draws++ % 32) / 32);
  assert(/^[A-Z2-7]{16}$/.test(lineage), lineage);
  assertEquals(draws, 16);
});
