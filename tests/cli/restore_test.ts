/**
 * `restore` makes the directory of a new node, or nothing at all.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { restore } from "../../cli/restore.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { runFake } from "./fake_io.ts";
import { backupOf, FakeTools, runWith, smallBackend } from "./offline.ts";

interface Place extends AsyncDisposable {
  readonly directory: string;
  readonly file: string;
  readonly data: string;
  names(): string[];
}

async function begin(): Promise<Place> {
  const directory = await Deno.makeTempDir({ prefix: "doozer-restore-" });
  const file = `${directory}/b.doozer`;
  Deno.writeFileSync(file, backupOf(smallBackend()));
  return {
    directory,
    file,
    data: `${directory}/data`,
    names: () =>
      [...Deno.readDirSync(directory)].map(({ name }) => name).sort(),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function run(
  tools: FakeTools,
  args: readonly string[],
  options = {},
): ReturnType<typeof runWith> {
  const words = ["restore", ...args];
  return runWith((call) => restore(call, tools), { ...options, args: words });
}

function textOf(tools: FakeTools, path: string): string {
  const { store } = tools.written!.machine;
  const state = store.get(path, store.rev);
  if (state.type !== "file") return state.type;
  const { bytes, start, length } = state;
  return new TextDecoder().decode(bytes.subarray(start, start + length));
}

Deno.test("restore makes a new node of the backup's state", async () => {
  await using place = await begin();
  const { file, data } = place;
  for (const words of [[file], [], ["-"]]) {
    const tools = new FakeTools();
    const stdin = words[0] === file ? "" : Deno.readFileSync(file);
    const made = await run(tools, [...words, "--data", data], { stdin });
    assertEquals([made.status, made.stderr], [0, ""]);
    assertEquals(tools.done, ["open", "write", "close"]);
    const { machine, node, lineage, parent } = tools.written!;
    assertEquals(parent, STATUS.lineage);
    assert(node !== STATUS.id && lineage !== parent && node !== lineage);
    assertEquals([...machine.members.seats], [["/ctl/cal/0", node]]);
    assertEquals(machine.sessions.all(), []);
    assertEquals(textOf(tools, "/d/a"), "3");
    assertEquals(textOf(tools, "/ctl/lineage/parent"), STATUS.lineage);
    assertEquals(textOf(tools, "/ctl/cal/0"), node);
    const old = machine.store.get("/d/a", 2);
    assert(old.type === "file" && old.rev === 2, "the history is there");
    assertStringIncludes(made.stdout, `node ${node}: doozer serve --data`);
    await Deno.remove(data, { recursive: true });
  }
  const json = await run(new FakeTools(), [file, "--data", data, "-o", "json"]);
  const { cluster, parent, rev, files } = JSON.parse(json.stdout);
  assertEquals([cluster, parent, rev, files], ["local", STATUS.lineage, 6, 3]);
});

Deno.test("restore leaves nothing behind when it fails", async () => {
  await using place = await begin();
  const { file, data } = place;
  const tools = new FakeTools();
  Deno.writeFileSync(file, backupOf(smallBackend()).subarray(0, -3));
  const bad = await run(tools, [file, "--data", data]);
  assertEquals([bad.status, tools.done, place.names()], [2, [], ["b.doozer"]]);
  assertStringIncludes(bad.stderr, "the file ends within a piece");
  Deno.writeFileSync(file, backupOf(smallBackend()));
  tools.failure = new Deno.errors.WriteZero("no space");
  await run(tools, [file, "--data", data]);
  assertEquals(tools.done, ["open", "write", "close"]);
  assertEquals(place.names(), ["b.doozer"], "it was not there before");
  Deno.mkdirSync(data);
  await run(tools, [file, "--data", data]);
  assertEquals(place.names(), ["b.doozer", "data"]);
  assertEquals([...Deno.readDirSync(data)], [], "it was empty before");
});

Deno.test("restore touches no directory that holds anything", async () => {
  await using place = await begin();
  const { file, data } = place;
  const tools = new FakeTools();
  Deno.mkdirSync(data);
  Deno.writeTextFileSync(`${data}/mine`, "x");
  const full = await run(tools, [file, "--data", data]);
  assertEquals([full.status, tools.done], [2, []]);
  assertStringIncludes(full.stderr, 'it is not empty, it holds "mine"');
  assertEquals(Deno.readTextFileSync(`${data}/mine`), "x");
  const odd = await run(tools, [file, "--data", file]);
  assertEquals([odd.status, tools.done], [2, []]);
});

Deno.test("restore needs --data, and no person to type a backup", async () => {
  const tools = new FakeTools();
  assertEquals((await run(tools, ["x"])).status, 127);
  const typed = await run(tools, ["--data", "x"], { inputIsTerminal: true });
  assertEquals([typed.status, tools.done], [127, []]);
});

Deno.test("restore, verify and recover do it on a real disk", async () => {
  await using place = await begin();
  const { file, data } = place;
  const line = (...args: string[]) => runFake([...args, "-o", "json"]);
  const made = await line("restore", file, "--data", data);
  assertEquals([made.status, made.stderr], [0, ""]);
  const restored = JSON.parse(made.stdout);
  const seen = await line("verify", data);
  assertEquals([seen.status, seen.stderr], [0, ""]);
  const { id, lineage, rev, files } = JSON.parse(seen.stdout);
  assertEquals([id, lineage], [restored.id, restored.lineage]);
  assertEquals([rev, files], [restored.rev, restored.files]);
  const again = await line("restore", file, "--data", data);
  assertEquals(again.status, 2, "it holds a node");
  const went = await line("recover", "--yes", "--data", data);
  assertEquals(went.status, 0, went.stderr);
  const after = JSON.parse((await line("verify", data)).stdout);
  assertEquals([after.id, after.parent], [id, lineage]);
  assert(after.lineage !== lineage && after.whole);
  const [log = ""] = [...Deno.readDirSync(data)].map(({ name }) => name)
    .filter((name) => name.startsWith("snapshot-"));
  const bytes = Deno.readFileSync(`${data}/${log}`);
  bytes[bytes.length - 9]! ^= 1;
  Deno.writeFileSync(`${data}/${log}`, bytes);
  const damaged = await line("verify", data);
  const told = JSON.parse(damaged.stdout);
  assertEquals([damaged.status, told.whole, told.damage.file], [2, false, log]);
});
