/**
 * Real files through real processes: the configuration of the machine that
 * runs the test, binary files among it, loaded through the command line,
 * watched from a second process, read back byte for byte at two revisions; and
 * sixteen processes that race to become master.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { LIMITS } from "../../store/mod.ts";
import { runDoozer, startNodeProcess, startWatch } from "./node_process.ts";

const TEXT_FILES = 80;
const BINARY_FILES_PER_ROOT = 8;
const AT_ONCE = 4;
/** A test that hangs must fail instead; none comes near. */
const HANG_MS = 300_000;

/** A file as it shall stand in the tree. */
interface Item {
  readonly path: string;
  readonly value: Uint8Array;
}

Deno.test({
  name: "a real configuration tree comes back byte for byte",
  timeout: HANG_MS,
  fn: testRealTree,
});

Deno.test({
  name: "of 16 processes that race for a file one wins",
  timeout: HANG_MS,
  fn: testMasterElection,
});

async function testRealTree(): Promise<void> {
  await using node = await startNodeProcess();
  const uri = node.uri;
  const items = collectItems();
  assert(items.length >= 50, `Only ${items.length} files to load`);
  const start = await currentRev(uri);
  await using watch = startWatch(uri, ["-r", `${start + 1}`, "/machine/**"]);

  const changes = new Map<number, string>();
  await inParallel(items, async (item) => {
    changes.set(await setItem(uri, item), describeSet(item));
  });
  const loaded = await currentRev(uri);
  assertEquals(loaded, start + items.length);

  const after = new Map(items.map((item) => [item.path, item.value]));
  await inParallel(overwritesOf(items), async (item) => {
    changes.set(await setItem(uri, item), describeSet(item));
    after.set(item.path, item.value);
  });
  let rev = await currentRev(uri);
  for (const { path } of items.filter((_, index) => index % 25 === 1)) {
    await runDoozer(uri, { args: ["del", path, "-1"], status: 0 });
    changes.set(++rev, `${path} del `);
    after.delete(path);
  }

  await inParallel(items, async ({ path, value }) => {
    const args = ["get", "-r", `${loaded}`, path];
    const { stdout } = await runDoozer(uri, { args, status: 0 });
    assertSameBytes(stdout, { value, path });
  });
  await inParallel(items, async ({ path }) => {
    const value = after.get(path) ?? new Uint8Array();
    const args = ["get", "-r", `${rev}`, path];
    const status = after.has(path) ? 0 : 3;
    const { stdout } = await runDoozer(uri, { args, status });
    assertSameBytes(stdout, { value, path });
  });
  await assertWatched(watch, changes);
}

async function testMasterElection(): Promise<void> {
  await using node = await startNodeProcess();
  const uri = node.uri;
  const names = Array.from({ length: 16 }, (_, index) => `process ${index}`);
  const codes = await Promise.all(names.map(async (name) => {
    const args = ["add", "/master"];
    return (await runDoozer(uri, { args, stdin: encode(name) })).code;
  }));
  const winners = names.filter((_, index) => codes[index] === 0);
  assertEquals(winners.length, 1, `Exit statuses: ${codes}`);
  assertEquals(codes.filter((code) => code === 1).length, 15, `${codes}`);
  await inParallel(names, async () => {
    const args = ["get", "/master"];
    const { stdout } = await runDoozer(uri, { args, status: 0 });
    assertEquals(new TextDecoder().decode(stdout), winners[0]);
  });
}

/** Reads records until all changes were told; they come in order of revs. */
async function assertWatched(
  watch: AsyncIterable<Uint8Array>,
  changes: ReadonlyMap<number, string>,
): Promise<void> {
  const revs = [...changes.keys()].sort((a, b) => a - b);
  let buffer = new Uint8Array();
  for await (const chunk of watch) {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    buffer = joined;
    for (;;) {
      const record = cutRecord(buffer);
      if (record === null) break;
      buffer = buffer.slice(record.end);
      assertEquals(record.rev, revs.shift());
      const same = record.text === changes.get(record.rev);
      assert(same, `The watch tells another change at rev ${record.rev}`);
    }
    if (revs.length === 0) break;
  }
  assertEquals(revs, [], "Changes that the watch did not tell");
  assertEquals(buffer.length, 0);
}

/** The first record of a watch: `PATH REV set|del LENGTH\nBODY\n`. */
function cutRecord(
  buffer: Uint8Array,
): { rev: number; text: string; end: number } | null {
  const newline = buffer.indexOf(10);
  if (newline < 0) return null;
  const head = new TextDecoder().decode(buffer.subarray(0, newline));
  const [path, rev, kind, length] = head.split(" ");
  const end = newline + 1 + Number(length) + 1;
  if (buffer.length < end) return null;
  assertEquals(buffer[end - 1], 10, `No newline ends the body of ${head}`);
  const body = buffer.subarray(newline + 1, end - 1).toHex();
  return { rev: Number(rev), text: `${path} ${kind} ${body}`, end };
}

/** Says where they differ, not what they hold: it is the machine's own. */
function assertSameBytes(got: Uint8Array, { value, path }: Item): void {
  assertEquals(got.length, value.length, `Length of "${path}"`);
  const at = got.findIndex((byte, index) => byte !== value[index]);
  assertEquals(at, -1, `First byte of "${path}" that differs`);
}

function describeSet({ path, value }: Item): string {
  return `${path} set ${value.toHex()}`;
}

async function setItem(uri: string, { path, value }: Item): Promise<number> {
  const args = ["set", path, "-1"];
  const { stdout } = await runDoozer(uri, { args, stdin: value, status: 0 });
  return Number(new TextDecoder().decode(stdout));
}

async function currentRev(uri: string): Promise<number> {
  const { stdout } = await runDoozer(uri, { args: ["rev"], status: 0 });
  return Number(new TextDecoder().decode(stdout));
}

/** Every fourth file, turned round and a little longer. */
function overwritesOf(items: readonly Item[]): Item[] {
  return items.filter((_, index) => index % 4 === 0).map(({ path, value }) => ({
    path,
    value: value.toReversed().slice(0, LIMITS.valueBytes - 1),
  }));
}

function collectItems(): Item[] {
  const text = collectBelow("/etc", TEXT_FILES);
  const binary = ["/bin", "/usr/bin", "/usr/lib"].flatMap((root) =>
    collectBelow(root, BINARY_FILES_PER_ROOT)
  );
  // Every byte there is, and none at all, wherever the test runs.
  const bytes = Uint8Array.from({ length: 512 }, (_, index) => index);
  return [...text, ...binary, { path: "/machine/bytes", value: bytes }, {
    path: "/machine/empty",
    value: new Uint8Array(),
  }];
}

/** Small files that all may read, under names that the tree allows. */
function collectBelow(root: string, count: number): Item[] {
  const items = new Map<string, Item>();
  const pending = [root];
  for (let dir = pending.shift(); dir !== undefined; dir = pending.shift()) {
    for (const entry of readSorted(dir)) {
      const file = `${dir}/${entry.name}`;
      if (entry.isDirectory) pending.push(file);
      if (!entry.isFile || items.size >= count) continue;
      const path = `/machine${file.replace(/[^A-Za-z0-9.\-_:@~+,=/]/g, "-")}`;
      const value = readSmall(file);
      if (value === null || path.length > LIMITS.pathBytes) continue;
      if (!items.has(path)) items.set(path, { path, value });
    }
    if (items.size >= count) break;
  }
  return [...items.values()];
}

function readSorted(dir: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(dir)].sort((a, b) => a.name < b.name ? -1 : 1);
  } catch {
    return []; // Not there, or not for us.
  }
}

function readSmall(file: string): Uint8Array | null {
  try {
    const { size, mode } = Deno.statSync(file);
    const isSecret = ((mode ?? 0) & 0o004) === 0;
    if (size > LIMITS.valueBytes || isSecret) return null;
    return Deno.readFileSync(file);
  } catch {
    return null; // Not for us.
  }
}

/** Does the work for all items, a few at a time: the machine may be small. */
async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      await work(item);
    }
  }));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
