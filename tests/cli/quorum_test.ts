/**
 * Reading with a quorum, and without: what is asked, and what is advised.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { serveFake } from "../protocol/net/servers.ts";
import { runFake } from "./fake_io.ts";

const READS = ["get /d/a", "stat /d/a", "ls /d", "find /d", "rev"];
const NO_QUORUM = { code: "UNAVAILABLE", detail: "No quorum answers" } as const;

Deno.test("reading commands are linearizable, unless --local is given", async (t) => {
  using node = await serveFake();
  const { backend } = node;
  backend.write("/d/a", "v");
  const run = (line: string) =>
    runFake([...line.split(" "), "-a", `doozer:?ca=${node.addr}`]);
  for (const line of READS) {
    await t.step(`doozer ${line}`, async () => {
      backend.readRefusal = undefined;
      backend.asked = 0;
      const wanted = await run(line);
      assertEquals([wanted.status, wanted.stderr, backend.asked], [0, "", 1]);
      backend.readRefusal = NO_QUORUM;
      const refused = await run(line);
      assertEquals([refused.status, refused.stdout], [5, ""]);
      const message = `[UNAVAILABLE] No quorum answers (asked ${node.addr})`;
      assertStringIncludes(refused.stderr, message);
      assertStringIncludes(refused.stderr, "--local");
      backend.asked = 0;
      assertEquals(await run(`${line} --local`), wanted);
      if (line !== "rev") {
        assertEquals(await run(`${line} --at-least 1`), wanted);
        assertEquals(await run(`${line} -r 1`), wanted);
      }
      assertEquals(backend.asked, 0, "nobody else is asked");
    });
  }
});

Deno.test("wait and watch need no quorum", async () => {
  using node = await serveFake();
  node.backend.readRefusal = NO_QUORUM;
  node.backend.write("/d/a", "v");
  const args = ["wait", "-r", "1", "/d/*", "-a", `doozer:?ca=${node.addr}`];
  const run = await runFake(args);
  assertEquals([run.status, run.stdout], [0, "/d/a 1 set 1\nv\n"]);
});

Deno.test("--at-least waits for the rev, and tells where the server is", async () => {
  using node = await serveFake({ timeLimits: { sweepMs: 5 } });
  const { backend } = node;
  backend.write("/d/a", "1");
  backend.minRevMs = 20;
  const uri = `doozer:?ca=${node.addr}`;
  for (const verb of ["get /d/a", "ls /d"]) {
    const args = [...verb.split(" "), "-a", uri, "--at-least", "3"];
    const late = await runFake(args);
    assertEquals([late.status, late.stdout], [5, ""]);
    assertStringIncludes(
      late.stderr,
      "at rev 1, the read asked for at least 3",
    );
  }
  backend.minRevMs = 600_000;
  const { waits } = backend.store;
  const waiting = Promise.withResolvers<void>();
  const { whenRev } = waits;
  waits.whenRev = (...asked) => {
    waiting.resolve();
    return whenRev.apply(waits, asked);
  };
  const read = runFake(["get", "/d/a", "-a", uri, "-at-least", "3"]);
  await waiting.promise;
  backend.write("/d/a", "2");
  backend.write("/d/a", "3");
  assertEquals((await read).stdout, "3");
});
