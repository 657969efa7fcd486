/**
 * `backup` writes what a node holds, and leaves nothing else behind.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { joinBytes } from "../../cli/output.ts";
import { runCommandLine } from "../../cli/mod.ts";
import {
  type DataFileHeader,
  ImageReader,
  readHeader,
  readPieces,
} from "../../protocol/mod.ts";
import { LIMITS, Store } from "../../store/mod.ts";
import { STATUS } from "../protocol/fake_backend.ts";
import { type FakeNode, serveFake } from "../protocol/net/servers.ts";
import { doozerCommand } from "../system/process.ts";
import { FakeIo, type FakeOptions } from "./fake_io.ts";
import { HEADER } from "./offline.ts";

interface Place extends AsyncDisposable {
  readonly node: FakeNode;
  readonly directory: string;
  readonly file: string;
}

/** A node with some files, and an empty directory. */
async function begin(): Promise<Place> {
  const node = await serveFake();
  for (let i = 0; i < 3; i++) {
    node.backend.write(`/d/${i}`, new Uint8Array(LIMITS.valueBytes).fill(i));
  }
  const directory = await Deno.makeTempDir({ prefix: "doozer-backup-" });
  return {
    node,
    directory,
    file: `${directory}/b.doozer`,
    async [Symbol.asyncDispose]() {
      node[Symbol.dispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function backup(
  { node }: Place,
  { args = [], ...options }: FakeOptions & { args?: readonly string[] } = {},
): Promise<FakeIo & { status?: number }> {
  const io: FakeIo & { status?: number } = new FakeIo(options);
  const uri = `doozer:?ca=${node.addr}`;
  io.status = await runCommandLine(["backup", "-a", uri, ...args], io);
  return io;
}

function filesIn({ directory }: Place): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

/** What a backup holds, read without the command's own code. */
function readBackup(
  bytes: Uint8Array,
): { header: DataFileHeader; store: Store } {
  const read = readHeader(bytes);
  if ("why" in read) throw new Error(read.why);
  const reader = new ImageReader();
  const source = {
    size: bytes.length,
    read: ({ offset, length }: { offset: number; length: number }) =>
      bytes.subarray(offset, offset + length),
  };
  const damage = readPieces(source, {
    offset: read.length,
    visit: (piece, last) => reader.add(piece, last),
  });
  assertEquals(damage, undefined);
  const store = new Store();
  store.adopt(reader.finish());
  return { header: read.header, store };
}

Deno.test("backup writes a file of its own, whole", async () => {
  await using place = await begin();
  const { file, node } = place;
  const run = await backup(place, { args: [file] });
  assertEquals([run.status, run.stderr], [0, ""]);
  assertStringIncludes(run.stdout, 'Backed up "local" at rev 3, kept from 1: ');
  assertStringIncludes(run.stdout, `lineage ${STATUS.lineage}, to "${file}"\n`);
  assertEquals(filesIn(place), ["b.doozer"]);
  if (Deno.build.os !== "windows") {
    assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
  }
  const { header, store } = readBackup(Deno.readFileSync(file));
  assertEquals(header, HEADER);
  assertEquals([store.rev, store.hash], [3, node.backend.store.hash]);
  assertEquals(node.backend.asked, 1);
  const local = await backup(place, { args: ["--local", "--force", file] });
  assertEquals([local.status, node.backend.asked], [0, 1]);
});

Deno.test("backup to standard output writes nothing else there", async () => {
  await using place = await begin();
  for (const args of [[], ["-"]]) {
    const run = await backup(place, { args });
    assertEquals(run.status, 0);
    assertEquals(readBackup(joinBytes(run.written)).store.rev, 3);
    assertStringIncludes(run.stderr, "to standard output\n");
  }
  const json = await backup(place, { args: ["-o", "json"] });
  assertEquals(readBackup(joinBytes(json.written)).store.rev, 3);
  assertEquals(JSON.parse(json.stderr).rev, 3);
  const gone = await backup(place, { outputClosed: true });
  assertEquals(gone.status, 2, "half a backup is no success");
  assertStringIncludes(gone.stderr, "its reader has gone");
});

Deno.test("backup -o json tells what came of it", async () => {
  await using place = await begin();
  const { file } = place;
  const run = await backup(place, { args: ["-o", "json", file] });
  assertEquals(JSON.parse(run.stdout), {
    rev: 3,
    firstRev: 1,
    files: 3,
    bytes: Deno.statSync(file).size,
    cluster: STATUS.cluster,
    lineage: STATUS.lineage,
  });
});

Deno.test("backup replaces nothing without --force, and no device with it", async () => {
  await using place = await begin();
  const { file, directory } = place;
  Deno.writeTextFileSync(file, "mine");
  const refused = await backup(place, { args: [file] });
  assertEquals(refused.status, 2);
  assertStringIncludes(refused.stderr, "it is there already\nChoose another");
  assertEquals(Deno.readTextFileSync(file), "mine");
  assertEquals((await backup(place, { args: ["--force", file] })).status, 0);
  assertEquals(readBackup(Deno.readFileSync(file)).store.rev, 3);
  const odd = await backup(place, { args: ["--force", directory] });
  assertEquals(odd.status, 2);
  assertStringIncludes(odd.stderr, "is no regular file");
  Deno.writeTextFileSync(`${file}2.part`, "of another");
  const busy = await backup(place, { args: [`${file}2`] });
  assertStringIncludes(busy.stderr, '.part" is there, from a backup that');
  assertEquals(Deno.readTextFileSync(`${file}2.part`), "of another");
  const forced = await backup(place, { args: ["--force", `${file}2`] });
  assertEquals([forced.status, filesIn(place)], [0, ["b.doozer", "b.doozer2"]]);
});

Deno.test("backup leaves nothing behind when it fails", async () => {
  await using place = await begin();
  const { backend } = place.node;
  backend.readRefusal = { code: "UNAVAILABLE", detail: "No quorum answers" };
  const noQuorum = await backup(place, { args: [place.file] });
  assertEquals([noQuorum.status, filesIn(place)], [5, []]);
  assertStringIncludes(noQuorum.stderr, "with --local");
  backend.readRefusal = undefined;
  const nowhere = await backup(place, { args: [`${place.directory}/x/y`] });
  assertEquals([nowhere.status, backend.asked], [2, 1]);
  // What comes is checked: a head that names no cals could not be restored.
  backend.headBytes = new Uint8Array(0);
  const bad = await backup(place, { args: [place.file] });
  assertEquals([bad.status, filesIn(place)], [2, []]);
  assertStringIncludes(bad.stderr, "Cannot use the backup: The head names no");
});

Deno.test("backup ends on an interrupt, and tidies up", async () => {
  if (Deno.build.os === "windows") return;
  await using place = await begin();
  const { backend } = place.node;
  backend.confirmsAtOnce = false;
  const asked = Promise.withResolvers<void>();
  const confirmRead = backend.confirmRead.bind(backend);
  backend.confirmRead = (reply) => {
    confirmRead(reply);
    asked.resolve();
  };
  const [program = "", ...args] = doozerCommand();
  const uri = `doozer:?ca=${place.node.addr}`;
  // A process of its own: the signal would end all the tests.
  const child = new Deno.Command(program, {
    args: [...args, "backup", "-a", uri, place.file],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  await asked.promise;
  assertEquals(filesIn(place), ["b.doozer.part"]);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  assertEquals([code, filesIn(place)], [2, []]);
  assertStringIncludes(new TextDecoder().decode(stderr), "It was interrupted");
});

Deno.test("backup shows no bytes to a person, but how far it is", async () => {
  await using place = await begin();
  const refused = await backup(place, { outputIsTerminal: true });
  assertEquals([refused.status, refused.written], [127, []]);
  assertStringIncludes(refused.stderr, 'Name a file: "doozer backup FILE"');
  const args = [place.file];
  const shown = await backup(place, { args, errorIsTerminal: true });
  assertStringIncludes(shown.stderr, "of the state at rev 3");
  assert(shown.stderr.endsWith("\r\x1b[K"), "the line is taken away");
});

Deno.test("--lineage holds every command to one history", async () => {
  await using place = await begin();
  const uri = `doozer:?ca=${place.node.addr}`;
  const run = async (...args: string[]): Promise<FakeIo> => {
    const io = new FakeIo();
    const status = await runCommandLine([...args, "-a", uri], io);
    io.stdout += `${status}`;
    return io;
  };
  const good = await run("rev", "--lineage", STATUS.lineage);
  assertEquals(good.stdout.at(-1), "0");
  for (const args of [["rev"], ["get", "/d/1"], ["backup"], ["status"]]) {
    const bad = await run(...args, "--lineage", "OTHER");
    assertEquals(bad.stdout, "2", `${args}`);
    assertStringIncludes(bad.stderr, "the one that is meant is OTHER");
  }
});
