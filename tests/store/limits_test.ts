/**
 * The limits fit together: what one lets through, the next has room for.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";

Deno.test("LIMITS are positive whole numbers", () => {
  for (const [name, value] of Object.entries(LIMITS)) {
    assert(Number.isSafeInteger(value) && value > 0, name);
  }
});

Deno.test("LIMITS has the documented values", () => {
  assertEquals(LIMITS.valueBytes, 1_048_576);
  assertEquals(LIMITS.frameBytes, 1_048_576 + 65_536);
  assertEquals(LIMITS.pathBytes, 1024);
  assertEquals(LIMITS.historyRevs, 360_000);
  assertEquals(LIMITS.connections, 1024);
  assertEquals(LIMITS.requestsInFlight, 1000);
  assertEquals(LIMITS.waitsPerConnection, 1000);
});

Deno.test("LIMITS leave room for the largest file in what holds it", () => {
  const largest = LIMITS.valueBytes + LIMITS.pathBytes;
  assert(LIMITS.frameBytes >= largest + 1024, "a frame has fields, too");
  assert(LIMITS.treeBytes >= 64 * largest);
  assert(LIMITS.historyBytes >= 64 * largest);
  assert(LIMITS.unreadBytesHard >= 2 * LIMITS.frameBytes);
  assert(LIMITS.unreadBytesSoft < LIMITS.unreadBytesHard);
  assert(LIMITS.waitsPerConnection <= LIMITS.requestsInFlight);
});
