/**
 * What a node does with the data directory that it finds: goes on, begins
 * anew, is repaired, or stops.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assertThrows } from "@std/assert";
import { openDataDirectory } from "../../cli/data_directory.ts";
import { AdvisedError } from "../../cli/failure.ts";
import { type Memory, readMemory, tellOutdated } from "../../cli/memory.ts";
import { parseName, readHeader } from "../../protocol/mod.ts";
import { Cluster, clusterOf } from "../consensus/cluster.ts";
import { longId } from "../consensus/disk_words.ts";
import { type Files, lone, withFile } from "../consensus/histories.ts";
import { KeptLog } from "../protocol/net/kept_log.ts";

const LOG = "log-000000000001";

/** What came of reading a directory with these files. */
interface Read {
  readonly memory: Memory | AdvisedError;
  readonly log: KeptLog;
  readonly path: string;
  /** The data files that are there then. */
  readonly left: readonly string[];
  /** Those that were set aside. */
  readonly aside: readonly string[];
}

async function read(
  files: Files,
  others: readonly string[] = [],
  clusterName?: string,
): Promise<Read> {
  const path = await Deno.makeTempDir({ prefix: "doozer-memory-" });
  try {
    for (const [name, bytes] of files) {
      await Deno.writeFile(`${path}/${name}`, bytes);
    }
    const directory = await openDataDirectory(path);
    const log = new KeptLog();
    try {
      const memory = tryToRead(() =>
        readMemory(directory, { others, clusterName, log })
      );
      const left = directory.disk.list().filter((name) => parseName(name));
      return { memory, log, path, left, aside: namesIn(`${path}/set-aside-1`) };
    } finally {
      directory.close();
    }
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

function tryToRead(run: () => Memory): Memory | AdvisedError {
  try {
    return run();
  } catch (error) {
    if (error instanceof AdvisedError) return error;
    throw error;
  }
}

function namesIn(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** The memory, which has to be of this kind. */
function as<K extends Memory["how"]>(
  how: K,
  memory: Memory | AdvisedError,
): Memory & { how: K } {
  if (memory instanceof AdvisedError) throw memory;
  assertEquals(memory.how, how);
  return memory as Memory & { how: K };
}

function loneFiles(): Files {
  return lone(1).diskOf("A").files();
}

/** The files, with a bit of the log's first batch wrong. */
function damage(files: Files): Files {
  const log = logOf(files);
  const bytes = files.get(log)!.slice();
  const read = readHeader(bytes);
  const at = "length" in read ? read.length + 25 : 0;
  bytes[at] = bytes[at]! ^ 1;
  return withFile(files, log, bytes);
}

function logOf(files: Files): string {
  return [...files.keys()].find((name) => parseName(name)?.kind === "log")!;
}

function dataFiles(files: Files): string[] {
  return [...files.keys()].filter((name) => parseName(name)).sort();
}

Deno.test("readMemory(): an empty directory is that of a node which never was", async () => {
  const { memory } = await read(new Map());
  assertEquals(memory, { how: "blank" });
});

Deno.test("readMemory(): what is whole is gone on with", async () => {
  const files = loneFiles();
  const { memory, left, log } = await read(files);
  const { found } = as("resume", memory);
  assertEquals(found.header.node, longId("A"));
  assertEquals(left.toSorted(), dataFiles(files));
  assertEquals(log.lines, []);
});

Deno.test("readMemory(): a directory of another cluster is refused, and left alone", async () => {
  const cluster = clusterOf("AB", { durable: true });
  for (let starts = 0; starts < 2; starts++) {
    cluster.restart("B");
    cluster.tick(30);
  }
  const files = cluster.diskOf("B").files();
  const { memory, left } = await read(files, [], "other");
  if (!(memory instanceof AdvisedError)) throw new Error(memory.how);
  assertStringIncludes(memory.detail, 'of the cluster "local", not "other"');
  assertEquals(left.toSorted(), dataFiles(files));
  as("resume", (await read(files, [], "local")).memory);
});

Deno.test("readMemory(): a torn end is told, and is no reason to stop", async () => {
  const files = loneFiles();
  const torn = withFile(files, LOG, files.get(LOG)!.slice(0, -1));
  const { memory, log } = await read(torn);
  as("resume", memory);
  assertEquals(log.lines.length, 1);
  assertStringIncludes(log.lines[0]!, `The last write to ${LOG} is not whole`);
});

Deno.test("readMemory(): damage on a node of a cluster: its id is given up, its files are set aside", async () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(20); // The addresses are written down by and by.
  const files = damage(cluster.diskOf("B").files());
  const { memory, left, aside, log } = await read(files);
  const { lost } = as("repair", memory);
  assertEquals(lost.id, longId("B"));
  assertEquals(lost.contacts.toSorted(), ["A:1", "C:1"]);
  assertEquals([left, aside], [[], dataFiles(files)]);
  const file = logOf(files);
  assertStringIncludes(log.lines.join(), `damaged: ${file} at byte `);
});

Deno.test("readMemory(): damage on a lone node: it stops, touches nothing, and says what can be done", async () => {
  const files = damage(loneFiles());
  const { memory, left, aside, path } = await read(files);
  if (!(memory instanceof AdvisedError)) throw new Error(memory.how);
  assertStringIncludes(memory.detail, `"${path}": ${LOG} is damaged at byte `);
  assertStringIncludes(memory.hint, `doozer recover --data ${path}`);
  assertStringIncludes(memory.hint, "doozer restore FILE --data DIR");
  assertEquals([left, aside], [dataFiles(files), []]);
});

Deno.test("readMemory(): ... also where -a names a node: it was alone, nobody else has the state", async () => {
  const cluster = new Cluster({ durable: true });
  cluster.found("A");
  cluster.tick(20); // It is written down by and by that there is nobody else.
  const files = damage(cluster.diskOf("A").files());
  const { memory } = await read(files, ["b:1"]);
  assert(memory instanceof AdvisedError);
});

Deno.test("readMemory(): ... unless nothing says that it was alone", async () => {
  const files = new Map(damage(loneFiles()));
  files.delete("contacts");
  const { memory } = await read(files, ["b:1"]);
  const lost = { id: longId("A"), contacts: ["b:1"] };
  assertEquals(memory, { how: "repair", lost });
});

Deno.test("readMemory(): a repair that was cut short goes on; so does one whose files are gone", async () => {
  const cluster = clusterOf("ABC", { durable: true });
  cluster.tick(20);
  const all = cluster.diskOf("B").files();
  const blank = new Cluster({ durable: true });
  blank.add("A").attach("L");
  blank.tick(30);
  const contacts = all.get("contacts")!;
  for (const rest of [[], [...blank.diskOf("A").files()]]) {
    const files = new Map(rest).set("contacts", contacts);
    const { lost } = as("repair", (await read(files)).memory);
    assertEquals(lost.id, longId("B"));
    assertEquals(lost.contacts.toSorted(), ["A:1", "C:1"]);
  }
});

Deno.test("readMemory(): who was stopped before it had a state begins anew", async () => {
  const cluster = new Cluster({ durable: true });
  cluster.add("A").attach("L");
  cluster.tick(30);
  const files = cluster.diskOf("A").files();
  assert(files.has(LOG));
  const { memory, left, aside } = await read(files);
  assertEquals(memory, { how: "blank" });
  // There is nothing in it that anybody could want.
  assertEquals([left, aside], [[], []]);
});

Deno.test("readMemory(): a founder that has accepted something has a state, marked or not", async () => {
  const cluster = new Cluster({ durable: true });
  const node = cluster.add("A");
  node.found({ cluster: "local", lineage: "L" });
  cluster.settle(); // No time goes on: nothing is marked.
  const { memory } = await read(cluster.diskOf("A").files());
  const { found } = as("resume", memory);
  assertEquals(found.applied, 0);
  assert(found.accepted.length > 0);
});

Deno.test("readMemory(): a directory that cannot be read is an error of the system", async () => {
  const path = await Deno.makeTempDir({ prefix: "doozer-memory-" });
  const directory = await openDataDirectory(path);
  await Deno.remove(path, { recursive: true });
  const reads = () => readMemory(directory, { others: [], log: new KeptLog() });
  assertThrows(reads, AdvisedError, `"${path}"`);
  directory.close();
});

Deno.test("tellOutdated(): a node that nobody can bring up to date stops, its files stay", () => {
  const log = new KeptLog();
  const id = longId("A");
  tellOutdated({ id, contacts: ["b:1"] }, log);
  assertStringIncludes(log.lines.join(), `Node ${id} is given up`);
  const error = assertThrows(
    () => tellOutdated({ id, contacts: [] }, log),
    AdvisedError,
  );
  assertStringIncludes(error.detail, "as if that were an old copy");
  assertStringIncludes(error.hint, "doozer recover --data");
});
