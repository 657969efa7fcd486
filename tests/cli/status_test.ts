/**
 * `status` and `members`, against a node that says what it is told to.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeHealth } from "../../cli/status.ts";
import type { NodeStatus } from "../../protocol/net/mod.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { serveFake } from "../protocol/net/servers.ts";
import { runFake } from "./fake_io.ts";

const OTHER = { hostname: "b", version: "0.1.0", leader: false };

/** Three seats, of which one is free, and an observer. */
const THREE: NodeStatus = {
  ...STATUS,
  members: [
    { ...OTHER, id: "OBSERVER", addr: "c:1", seat: null, reachable: true },
    { ...OTHER, id: "SECOND", addr: "b:1", seat: "1", reachable: false },
    ...STATUS.members,
  ],
  seats: [...STATUS.seats, { name: "1", id: "SECOND" }, { name: "2", id: "" }],
  canLose: 1,
};

Deno.test("describeHealth() is one sentence", () => {
  const rows: [Partial<NodeStatus>, string][] = [
    [{}, "ready; can lose 0 more nodes with a vote: the next loss stops all"],
    [{ canLose: 1 }, "ready; can lose 1 more node with a vote"],
    [{ canLose: 2 }, "ready; can lose 2 more nodes with a vote"],
    [
      { ready: false, reason: "it copies the state", canLose: 1 },
      "not ready: it copies the state; can lose 1 more",
    ],
    [
      { ready: false, reason: "no leader", canLose: -1 },
      "not ready: no leader; no quorum: writes fail, --local reads",
    ],
    [{ ready: false }, "not ready: it does not say why"],
  ];
  for (const [fields, begins] of rows) {
    const health = describeHealth({ ...STATUS, ...fields });
    assertEquals(health.slice(0, begins.length), begins);
  }
});

Deno.test("status prints a table, and 0 only where the node is ready", async () => {
  using node = await serveFake();
  const args = ["status", "-a", `doozer:?ca=${node.addr}`];
  node.backend.told = THREE;
  const run = await runFake(args);
  assertEquals([run.status, run.stderr], [0, ""]);
  assertEquals(
    run.stdout,
    `node     LKVNVWZVOEM5N4WO at 127.0.0.1:8046, doozer 0.1.0
cluster  local, lineage 5F3KQZPTWJ7XGY2A
role     leader
leader   LKVNVWZVOEM5N4WO at 127.0.0.1:8046
rev      7, kept from 1
log      slot 3 is applied, 3 is decided
storage  in memory
health   ready; can lose 1 more node with a vote
members
  seat  id                addr            role
  0     LKVNVWZVOEM5N4WO  127.0.0.1:8046  leader    reachable
  1     SECOND            b:1             cal       unreachable
  -     OBSERVER          c:1             observer  reachable
  2     (free)
`,
  );
  const json = await runFake([...args, "-o", "json"]);
  assertEquals([json.status, JSON.parse(json.stdout)], [0, THREE]);
  node.backend.told = {
    ...STATUS,
    ready: false,
    reason: "it hears no leader",
    leader: null,
    durable: true,
    lineage: "",
  };
  const bad = await runFake(args);
  assertEquals([bad.status, bad.stderr], [5, ""]);
  assertStringIncludes(bad.stdout, "health   not ready: it hears no leader;");
  assertStringIncludes(bad.stdout, "leader   none that this node knows\n");
  assertStringIncludes(bad.stdout, "storage  on disk\n");
  assertStringIncludes(bad.stdout, "cluster  local\n");
  assertEquals((await runFake([...args, "-o", "json"])).status, 5);
});

Deno.test("status of a node that does not answer is 5, on standard error", async () => {
  const node = await serveFake();
  node[Symbol.dispose]();
  const run = await runFake(["status", "-a", `doozer:?ca=${node.addr}`]);
  assertEquals([run.status, run.stdout], [5, ""]);
  assertStringIncludes(run.stderr, "[UNAVAILABLE] No server can be reached");
});

Deno.test("status needs the right to read", async () => {
  using node = await serveFake({ secrets: { ro: "secret" } });
  const args = ["status", "-a", `doozer:?ca=${node.addr}`];
  assertEquals((await runFake(args)).status, 4);
  const env = { DOOZER_ROSECRET: "secret" };
  assertEquals((await runFake(args, { env })).status, 0);
});

Deno.test("members prints a line for each, seats first", async () => {
  using node = await serveFake();
  node.backend.told = THREE;
  const args = ["members", "-a", `doozer:?ca=${node.addr}`];
  const run = await runFake(args);
  assertEquals(
    run.stdout,
    `0  LKVNVWZVOEM5N4WO  127.0.0.1:8046  leader    reachable
1  SECOND            b:1             cal       unreachable
-  OBSERVER          c:1             observer  reachable
`,
  );
  const json = await runFake([...args, "-o", "json"]);
  const rows = json.stdout.trimEnd().split("\n").map((row) => JSON.parse(row));
  assertEquals(rows, [2, 1, 0].map((i) => THREE.members[i]));
});
