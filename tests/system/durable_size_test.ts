/**
 * Many files, and many writes: how long a restart takes, how long writes
 * pause for a checkpoint, and how much of the disk is used.
 *
 * Figures are printed; the bounds are generous, for machines that do other
 * things at the same time.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Client } from "../../protocol/net/connect.ts";
import { connectTo, until } from "./cluster_nodes.ts";
import { filesIn, Scratch, startAgain, startDurable } from "./durable_nodes.ts";
import type { NodeProcess } from "./node_process.ts";

const FILES = 100_000;
/** The target is 2 s. */
const RESTART_MS_MAX = 6_000;
/** The target is 50 ms. */
const GAP_MS_MAX = 500;
const MIB = 1 << 20;
/** Requests of one client that are under way at once. */
const OUTSTANDING = 500;
const REQUEST_MS = 20_000;

/** Writes so many times, some at once. */
async function writeAll(
  client: Client,
  { count, pathOf, value }: {
    count: number;
    pathOf: (n: number) => string;
    value: string;
  },
): Promise<void> {
  for (let n = 0; n < count; n += OUTSTANDING) {
    const length = Math.min(OUTSTANDING, count - n);
    await Promise.all(
      Array.from({ length }, (_, i) => client.set(pathOf(n + i), value)),
    );
  }
}

/** The files' paths: 1,000 in each of 100 directories. */
function manyPaths(n: number): string {
  return `/many/${Math.floor(n / 1_000)}/${n}`;
}

function snapshotsIn(directory: string): { name: string; size: number }[] {
  return filesIn(directory).filter(({ name }) => /^snapshot-\d+$/.test(name));
}

/** Kills a node and starts it again; prints how long that took. */
async function restart(
  node: NodeProcess,
  { directory, what }: { directory: string; what: string },
): Promise<NodeProcess> {
  await node.stop("SIGKILL");
  const files = filesIn(directory).map(({ name, size }) =>
    `${name.replace(/-0+/, " ")} ${(size / MIB).toFixed(1)} MiB`
  );
  const before = performance.now();
  const again = await startAgain(node);
  const ms = performance.now() - before;
  console.log(
    `${FILES} files from ${what} (${files.join(", ")}): ` +
      `${Math.round(ms)} ms from the start to serving; the target is 2000 ms`,
  );
  try {
    using client = await connectTo(again.addr, REQUEST_MS);
    const { value } = await client.get(manyPaths(FILES - 1));
    assertEquals(new TextDecoder().decode(value), VALUE);
    assert(ms < RESTART_MS_MAX, `It took ${ms} ms`);
    return again;
  } catch (error) {
    await again.stop("SIGKILL");
    throw error;
  }
}

const VALUE = "the value of a file, of 40 bytes or so";

Deno.test(`${FILES} files: restart, and a checkpoint under load`, async () => {
  await using scratch = await Scratch.make();
  const directory = `${scratch.path}/data`;
  let node = await startDurable(directory);
  try {
    {
      using client = await connectTo(node.addr, REQUEST_MS);
      const all = { count: FILES, pathOf: manyPaths, value: VALUE };
      await writeAll(client, all);
    }
    node = await restart(node, { directory, what: "the log" });
    const gap = await longestGap(node, directory);
    console.log(
      `a checkpoint of ${FILES} files under load: ${Math.round(gap)} ms ` +
        "without an acknowledged write; the target is 50 ms",
    );
    assert(gap < GAP_MS_MAX, `${gap} ms without an acknowledged write`);
    node = await restart(node, { directory, what: "a snapshot" });
  } finally {
    await node.stop("SIGKILL");
  }
});

/**
 * Has eight clients write till a checkpoint has begun and come to its end;
 * returns the longest time between two acknowledgements meanwhile.
 */
async function longestGap(
  { addr }: NodeProcess,
  directory: string,
): Promise<number> {
  const seen = new Set<string>();
  const { name: first = "" } = snapshotsIn(directory).at(-1) ?? {};
  let isOver = false;
  let last = performance.now();
  let longest = 0;
  const work = async (n: number): Promise<void> => {
    using client = await connectTo(addr, REQUEST_MS);
    while (!isOver) {
      await client.set(`/load/${n}`, "x".repeat(2_000));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
  };
  const workers = Promise.all(Array.from({ length: 8 }, (_, n) => work(n)));
  try {
    // The second that comes began under this load, too.
    await until("there were two snapshots", () => {
      const { name = "" } = snapshotsIn(directory).at(-1) ?? {};
      if (name !== first) seen.add(name);
      return Promise.resolve(seen.size > 1);
    });
  } finally {
    isOver = true;
    await workers;
  }
  return longest;
}

const KIB_4 = "x".repeat(4_096);

for (
  const { files, writes } of [
    { files: 100, writes: 15_000 },
    { files: 4_000, writes: 30_000 },
  ]
) {
  Deno.test(`${writes} overwrites of ${files} files of 4 KiB: the disk's use`, async () => {
    await using scratch = await Scratch.make();
    const directory = `${scratch.path}/data`;
    await using node = await startDurable(directory, ["-hist", "100"]);
    using client = await connectTo(node.addr, REQUEST_MS);
    const pathOf = (n: number) => `/f/${n % files}`;
    let most = { ratio: 0, used: 0, state: 0 };
    const seen = new Set<string>();
    for (let n = 0; n < writes; n += 200) {
      const count = 200;
      const from = n;
      const some = { count, pathOf: (i: number) => pathOf(from + i) };
      await writeAll(client, { ...some, value: KIB_4 });
      const used = bytesUsed(directory);
      const [newest] = snapshotsIn(directory).toReversed();
      if (newest !== undefined) seen.add(newest.name);
      // The state as it is now, of which the newest may hold a part.
      const live = Math.min(n, files) * KIB_4.length;
      const state = Math.max(newest?.size ?? 0, live);
      assert(used <= 3 * state + 16 * MIB, `${used} bytes for ${state}`);
      const ratio = used / state;
      if (newest !== undefined && used > most.used) {
        most = { ratio, used, state };
      }
    }
    const ratio = most.ratio.toFixed(1);
    const [used, state] = [most.used, most.state].map((bytes) =>
      (bytes / MIB).toFixed(1)
    );
    console.log(
      `${seen.size} checkpoints; at most ${used} MiB used, ${ratio} times ` +
        `the state of ${state} MiB`,
    );
    assert(seen.size >= 3, `${seen.size} checkpoints`);
  });
}

/** What the files take on the disk. */
function bytesUsed(directory: string): number {
  let bytes = 0;
  for (const { name } of filesIn(directory)) {
    try {
      bytes += (Deno.statSync(`${directory}/${name}`).blocks ?? 0) * 512;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}
