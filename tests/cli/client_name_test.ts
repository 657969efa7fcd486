/**
 * What the command line calls itself.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { clientName } from "../../cli/client_name.ts";
import { LIMITS } from "../../store/mod.ts";
import { FakeIo } from "./fake_io.ts";

Deno.test("clientName() is USER@HOST, as far as the limit allows", () => {
  const name = (env: Record<string, string>, host = "web1") =>
    clientName(new FakeIo({ env }), () => host);
  assertEquals(name({ USER: "ann", LOGNAME: "bob" }), "ann@web1");
  assertEquals(name({ LOGNAME: "bob" }), "bob@web1");
  assertEquals(name({}), "web1");
  // Whole characters, counted in bytes.
  const long = name({}, "é".repeat(LIMITS.sessionNameBytes));
  assertEquals(long, "é".repeat(LIMITS.sessionNameBytes / 2));
  const odd = name({}, `x${"é".repeat(LIMITS.sessionNameBytes)}`);
  assertEquals(odd, `x${"é".repeat(LIMITS.sessionNameBytes / 2 - 1)}`);
});
