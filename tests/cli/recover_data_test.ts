/**
 * `recover --data` says what it would go on from, and does it when told to.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DataTools } from "../../cli/data_tools.ts";
import { recoverDirectory } from "../../cli/recover_data.ts";
import { readDirectory, replay, writeDirectory } from "../../consensus/mod.ts";
import { encodeCommand, WireWriter } from "../../protocol/mod.ts";
import { DoozerError } from "../../store/mod.ts";
import { Cluster } from "../consensus/cluster.ts";
import type { MemoryDisk } from "../consensus/memory_disk.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { FakeTools, foundOf, runWith, smallBackend } from "./offline.ts";
import { type FakeOptions, runFake } from "./fake_io.ts";

async function recover(
  tools: DataTools,
  { args = [], ...options }: FakeOptions & { args?: string[] } = {},
): ReturnType<typeof runWith> {
  const data = await Deno.makeTempDir({ prefix: "doozer-recover-" });
  try {
    const words = ["recover", "--data", data, ...args];
    return await runWith(
      (call) => recoverDirectory(call, { data, tools }),
      { ...options, args: words },
    );
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

function toolsWith(found: Partial<FakeTools["found"]> = {}): FakeTools {
  const tools = new FakeTools();
  tools.found = { ...foundOf(smallBackend()), ...found };
  return tools;
}

/** A slot that was accepted: nothing but a leadership. */
function accepted(seqn: number) {
  const ballot = { round: 2, node: STATUS.id };
  const writer = new WireWriter();
  encodeCommand(writer, { kind: "lead", ballot });
  return { seqn, ballot, value: writer.written().slice() };
}

Deno.test("recover --data goes on as the first of a new lineage", async () => {
  const tools = toolsWith();
  const run = await recover(tools, { args: ["--yes"] });
  assertEquals([run.status, tools.done], [0, [
    "open",
    "write",
    "close",
  ]]);
  const { machine, node, lineage, parent, number, old } = tools.written!;
  assertEquals(number, 3);
  assertEquals(old, ["log-000000000002", "snapshot-000000000002"]);
  assertEquals(tools.written!.claim, tools.found!.claim);
  assertEquals(parent, STATUS.lineage);
  assert(node === STATUS.id && lineage !== parent);
  assertEquals([...machine.members.seats.values()], [node]);
  assertStringIncludes(run.stderr, "from rev 4 (kept from 1), slot 3.");
  assertStringIncludes(run.stdout, `The node ${node} goes on from rev 4`);
  const json = await recover(toolsWith(), { args: ["--yes", "-o", "json"] });
  const { recovered, rev } = JSON.parse(json.stdout);
  assertEquals([recovered, rev, json.status], [true, 4, 0]);
});

Deno.test("recover --data asks first", async () => {
  const terminal = { inputIsTerminal: true };
  const no = toolsWith();
  const refused = await recover(no, { ...terminal, stdin: "no\n" });
  assertEquals([refused.status, no.done], [2, ["open", "close"]]);
  assertStringIncludes(refused.stderr, `The node ${STATUS.id} of the cluster`);
  const yes = toolsWith();
  const done = await recover(yes, { ...terminal, stdin: "lkvn\n" });
  assertEquals([done.status, yes.done.length], [0, 3]);
  const pipe = toolsWith();
  assertEquals((await recover(pipe, { stdin: "yes\n" })).status, 127);
  assertEquals(pipe.written, undefined);
});

Deno.test("recover --data adopts what was accepted without a gap", async () => {
  const found = { accepted: [accepted(4), accepted(5), accepted(7)] };
  const tools = toolsWith(found);
  const run = await recover(tools, { args: ["--yes"] });
  assertEquals(tools.written?.machine.applied, 5);
  assertStringIncludes(run.stderr, "The last 2 slots were accepted, and not");
  const damage = { file: "log-000000000003", offset: 7, why: "it is odd" };
  const damaged = toolsWith({ ...found, damage });
  const told = await recover(damaged, { args: ["--yes"] });
  assertEquals([told.status, damaged.written?.machine.applied], [0, 3]);
  assertStringIncludes(told.stderr, 'DAMAGED: "log-000000000003", at byte 7');
});

Deno.test("recover --data refuses where there is nothing to go on from", async () => {
  const empty = new FakeTools();
  const run = await recover(empty, { args: ["--yes"] });
  assertEquals([run.status, empty.done], [2, ["open", "close"]]);
  assertStringIncludes(run.stderr, "it holds no state");
  const damage = { file: "snapshot-000000000003", offset: 7, why: "it is odd" };
  const lost = toolsWith({ damage, image: undefined, applied: 0 });
  const told = await recover(lost, { args: ["--yes"] });
  assertEquals([told.status, lost.written], [2, undefined]);
  assertStringIncludes(told.stderr, 'before the damage of "snapshot-0000');
});

/** Tools for a directory in memory, of which the last list may be left out. */
function toolsOf(disk: MemoryDisk, { cutShort = false } = {}): DataTools {
  const open = () =>
    Promise.resolve({ disk, path: "memory", close: () => undefined });
  return {
    open,
    replay,
    look: () => ({ disk, path: "memory", [Symbol.dispose]: () => undefined }),
    read: () => readDirectory(disk),
    write(_, directory) {
      for (const ops of writeDirectory(directory)) {
        disk.perform("snapshot", { ops, done: () => undefined });
        disk.runAll();
        if (cutShort) return Promise.reject(new DoozerError("OTHER", "^C"));
      }
      return Promise.resolve();
    },
  };
}

/** What a node alone leaves that was started so often, with a file `/a`. */
function leftBy(starts: number): MemoryDisk {
  const cluster = new Cluster({ durable: true });
  cluster.found("A");
  for (let start = 2; start <= starts; start++) {
    cluster.restart("A");
    cluster.tickUntil(() => cluster.of("A").status().ready);
  }
  cluster.write("A", "/a");
  cluster.tick(200); // Then it stands in the log that this is decided.
  return cluster.diskOf("A").crash("written");
}

/** Starts a node there; tells what comes of a write. */
function writeThere(disk: MemoryDisk): unknown {
  const cluster = new Cluster({ durable: true });
  const node = cluster.add("A", { disk, found: readDirectory(disk) });
  node.resume(readDirectory(disk)!);
  cluster.tickUntil(() => node.status().ready);
  assertEquals(node.store.get("/a").type, "file");
  return cluster.write("A", "/b");
}

Deno.test("recover --data ends the node's own session: it may not know how often it began", async () => {
  const disk = leftBy(4);
  // Of the segments nothing is known but that they were there.
  const found = readDirectory(disk)!;
  const claim = { incarnation: 0, start: 0, position: 0 };
  const damage = { file: "log-000000000001", offset: 7, why: "it is odd" };
  const tools = toolsOf(disk);
  const run = await recover(
    { ...tools, read: () => ({ ...found, claim, damage }) },
    { args: ["--yes"] },
  );
  assertEquals([run.status, run.stderr.includes("DAMAGED")], [0, true]);
  const { sessions, store } = replay(readDirectory(disk)!);
  assertEquals([sessions.size, store.get("/ctl/node").type], [0, "missing"]);
  assertEquals(typeof writeThere(disk), "number");
});

Deno.test("recover --data that is cut short leaves what was there, whatever was never finished", async () => {
  const disk = leftBy(2);
  disk.put("log-000000000003.part", new Uint8Array(10));
  disk.put("snapshot-000000000009.part", new Uint8Array(10));
  const cut = await recover(toolsOf(disk, { cutShort: true }), {
    args: ["--yes"],
  });
  assertEquals(cut.status, 2);
  assert(disk.list().includes("log-000000000003"));
  assertEquals(readDirectory(disk)?.damage, undefined);
  const whole = await recover(toolsOf(disk), { args: ["--yes"] });
  const names = disk.list().filter((name) => name !== "contacts");
  assertEquals([whole.status, names], [0, [
    "log-000000000004",
    "snapshot-000000000004",
  ]]);
  assertEquals(typeof writeThere(disk), "number");
});

Deno.test("recover --data says why it fails", async () => {
  const tools = toolsWith();
  tools.failure = new DoozerError("OTHER", "No space is left");
  const run = await recover(tools, { args: ["--yes"] });
  assertEquals([run.status, run.stdout], [2, ""]);
  assertStringIncludes(run.stderr, "doozer: No space is left");
  assertEquals(tools.done.at(-1), "close");
});

Deno.test("recover takes an address or a directory, which must be there", async () => {
  assertEquals((await runFake(["recover"])).status, 127);
  const both = await runFake(["recover", "--data", "x", "127.0.0.1:1"]);
  assertEquals(both.status, 127);
  const none = await runFake(["recover", "--yes", "--data", "/no/such/place"]);
  assertEquals(none.status, 2);
  assertStringIncludes(none.stderr, 'Cannot recover "/no/such/place"');
});
