/**
 * Why a node cannot link, for people and as an exit status.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { explain } from "../../cli/failure.ts";
import { adviseOnLink, isFinal } from "../../cli/link_failure.ts";
import { LinkError } from "../../protocol/net/mod.ts";

Deno.test("adviseOnLink() says what to do, and the status fits", async (t) => {
  const rows: readonly [LinkError["refusal"], number, string, boolean][] = [
    [undefined, 5, "Is a node running there?", false],
    ["NOT_READY", 5, "start that one first", false],
    ["SECRET", 4, "DOOZER_PEERSECRET", true],
    ["CLUSTER", 2, "Say -c", true],
    ["SELF", 2, "another node", true],
    ["VERSION", 2, "the same version", true],
  ];
  for (const [refusal, status, hint, final] of rows) {
    await t.step(refusal ?? "nobody answers", () => {
      const error = new LinkError("Cannot link to x: why", { refusal });
      const failure = explain(adviseOnLink(error), { deed: "serve" });
      assertEquals(failure.exit, status);
      assertEquals(failure.message, "Cannot link to x: why");
      assert(failure.hint.includes(hint), failure.hint);
      assertEquals(isFinal(error), final);
    });
  }
});
