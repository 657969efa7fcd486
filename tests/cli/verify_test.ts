/**
 * `verify` tells what is whole from what is not, and changes nothing.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { verify } from "../../cli/verify.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { backupOf, FakeTools, foundOf, runWith } from "./offline.ts";
import { smallBackend } from "./offline.ts";
import { runFake } from "./fake_io.ts";

const DIRECTORY = Deno.cwd();

function verifyFound(
  tools: FakeTools,
  ...args: string[]
): ReturnType<typeof runWith> {
  const words = ["verify", DIRECTORY, ...args];
  return runWith((call) => verify(call, tools), { args: words });
}

Deno.test("verify tells what a whole directory holds", async () => {
  const tools = new FakeTools();
  tools.found = foundOf(smallBackend());
  const run = await verifyFound(tools);
  assertEquals([run.status, run.stderr, tools.done], [0, "", ["close"]]);
  assertEquals(run.stdout.split("\n"), [
    `node     ${STATUS.id}, starts: 3`,
    `cluster  local, lineage ${STATUS.lineage}`,
    "rev      4, kept from 1",
    "files    2",
    "log      slot 3 is the last that is whole",
    "size     snapshot 3.0 KiB, log 2.0 KiB",
    "health   whole",
    "",
  ]);
  tools.found = foundOf(smallBackend());
  const json = await verifyFound(tools, "-o", "json");
  assertEquals(JSON.parse(json.stdout), {
    kind: "directory",
    id: STATUS.id,
    cluster: "local",
    lineage: STATUS.lineage,
    parent: "",
    incarnation: 3,
    rev: 4,
    firstRev: 1,
    files: 2,
    applied: 3,
    snapshotBytes: 3072,
    logBytes: 2048,
    torn: null,
    damage: null,
    whole: true,
  });
});

Deno.test("verify takes a torn end for whole, and damage not", async () => {
  const tools = new FakeTools();
  const torn = { file: "log-000000000003", offset: 900, bytes: 124 };
  tools.found = { ...foundOf(smallBackend()), torn };
  const run = await verifyFound(tools);
  assertEquals(run.status, 0);
  assertStringIncludes(run.stdout, '124 bytes from byte 900 of "log-');
  const damage = { file: "log-000000000002", offset: 77, why: "it is odd" };
  tools.found = { ...foundOf(smallBackend()), damage };
  const bad = await verifyFound(tools);
  assertEquals(bad.status, 2);
  assertStringIncludes(
    bad.stdout,
    'DAMAGED: "log-000000000002", at byte 77: it is odd\n',
  );
  assertStringIncludes(bad.stdout, `doozer recover --data ${DIRECTORY}`);
  tools.found = { ...foundOf(smallBackend()), damage };
  const json = await verifyFound(tools, "-o", "json");
  const { whole, damage: told } = JSON.parse(json.stdout);
  assertEquals([json.status, whole, told], [2, false, damage]);
});

Deno.test("verify of an empty directory says so", async () => {
  const run = await verifyFound(new FakeTools());
  assertEquals([run.status, run.stdout], [2, ""]);
  assertStringIncludes(run.stderr, "There are no data in");
});

Deno.test("verify reads a backup, from a file or standard input", async () => {
  const bytes = backupOf(smallBackend());
  const file = await Deno.makeTempFile({ prefix: "doozer-verify-" });
  try {
    Deno.writeFileSync(file, bytes);
    const run = await runFake(["verify", file]);
    assertEquals([run.status, run.stderr], [0, ""]);
    assertStringIncludes(run.stdout, "rev      4, kept from 1\n");
    assertEquals(await runFake(["verify", "-"], { stdin: bytes }), run);
    Deno.writeFileSync(file, bytes.subarray(0, -1));
    const bad = await runFake(["verify", file]);
    assertEquals([bad.status, bad.stdout], [2, ""]);
    assertStringIncludes(
      bad.stderr,
      `Cannot use the backup "${file}": at byte`,
    );
    // A file that is given up early is closed, too.
    Deno.writeFileSync(file, new Uint8Array(1 << 20));
    assertEquals((await runFake(["verify", file])).status, 2);
    const json = await runFake(["verify", "-o", "json", file]);
    assertEquals([json.status, JSON.parse(json.stdout).whole], [2, false]);
  } finally {
    await Deno.remove(file);
  }
  const none = await runFake(["verify", file]);
  assertEquals(none.status, 2);
  assertStringIncludes(none.stderr, `Cannot verify "${file}": `);
});
