/**
 * Ids: their form, and that they differ.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { randomId } from "../../cli/random_id.ts";

Deno.test("randomId() draws 16 characters of A-Z and 2-7, all of them", () => {
  const ids = Array.from({ length: 1000 }, randomId);
  for (const id of ids) assert(/^[A-Z2-7]{16}$/.test(id), id);
  assertEquals(new Set(ids).size, ids.length);
  assertEquals(new Set(ids.join("")).size, 32);
});
