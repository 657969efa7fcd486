/**
 * The disk is full: a file system of some MiB is mounted over a node's data
 * directory, and a filler takes what is left. Writes are refused with the
 * reason, reads go on; when there is space again all goes on by itself.
 *
 * The mount is seen by the node alone, and ends with it.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Client, DoozerError } from "../../protocol/net/connect.ts";
import { connectTo, statusAt, until } from "./cluster_nodes.ts";
import { ClusterWitness } from "./cluster_witness.ts";
import { Scratch, startAgain, startDurable } from "./durable_nodes.ts";
import { type NodeProcess, startNodeProcess } from "./node_process.ts";

/** Of the small disk; the node's own files need some of it. */
const DISK = "8m";

/** Words that begin a command line whose program has a small disk there. */
function smallDiskAt(path: string): string[] {
  const mount = `mount -t tmpfs -o size=${DISK},mode=700 tmpfs "$1"`;
  const shell = `set -e; ${mount}; shift; exec "$@"`;
  return ["unshare", "-m", "sh", "-c", shell, "sh", path];
}

/** Runs a shell command where the node sees its disk; `$1` is the directory. */
async function atDisk(
  { pid }: NodeProcess,
  { path, command }: { path: string; command: string },
): Promise<void> {
  const args = ["-t", String(pid), "-m", "sh", "-c", command, "sh", path];
  const { success, stderr } = await new Deno.Command("nsenter", { args })
    .output();
  assert(success, new TextDecoder().decode(stderr));
}

/** Takes all space that is left; `dd` fails when there is no more. */
function fill(node: NodeProcess, path: string): Promise<void> {
  const command = 'dd if=/dev/zero of="$1/.filler" bs=4k 2>&1 || true';
  return atDisk(node, { path, command });
}

function makeRoom(node: NodeProcess, path: string): Promise<void> {
  return atDisk(node, { path, command: 'rm "$1/.filler"' });
}

const WHY_NOT = await whyNot();

async function whyNot(): Promise<string> {
  if (Deno.build.os !== "linux") return "; it needs Linux";
  const path = await Deno.makeTempDir({ prefix: "doozer-mount-" });
  try {
    const [program, ...args] = [...smallDiskAt(path), "true"];
    const { success } = await new Deno.Command(program!, { args }).output();
    return success ? "" : "; it needs root, to mount a small disk";
  } catch {
    return "; there is no unshare here";
  } finally {
    await Deno.remove(path);
  }
}

/** What came of a write: its rev, or its error. */
async function write(client: Client, path: string): Promise<unknown> {
  try {
    return await client.set(path, "x".repeat(4_000));
  } catch (error) {
    if (error instanceof DoozerError) return error;
    throw error;
  }
}

Deno.test({
  name: `a lone node with a full disk reads, and resumes${WHY_NOT}`,
  ignore: WHY_NOT !== "",
  fn: async () => {
    await using scratch = await Scratch.make();
    const path = `${scratch.path}/data`;
    await Deno.mkdir(path);
    await using node = await startNodeProcess({
      args: ["--data", path, "--request-timeout", "1"],
      within: smallDiskAt(path),
    });
    using client = await connectTo(node.addr, 8_000);
    await client.set("/kept", "value");
    await fill(node, path);
    const refused = await until("a write is refused", async () => {
      const outcome = await write(client, "/x");
      return outcome instanceof DoozerError && outcome.code !== "UNKNOWN" &&
        outcome;
    });
    assertEquals(refused.code, "UNAVAILABLE", refused.message);
    assertStringIncludes(refused.detail, "No space left on device");
    assertStringIncludes(refused.detail, path);
    const { value } = await client.get("/kept", { read: "linearizable" });
    assertEquals(new TextDecoder().decode(value), "value");
    const local = await client.get("/kept", { read: "local" });
    assertEquals(local.value, value);
    await client.rev();
    const before = performance.now();
    assert(await write(client, "/y") instanceof DoozerError);
    const ms = performance.now() - before;
    assert(ms < 900, `The refusal took ${ms} ms, though the reason is known`);
    await makeRoom(node, path);
    await until("it takes writes again", async () => {
      return typeof await write(client, "/x") === "number";
    });
  },
});

Deno.test({
  name: `of three nodes one has a full disk${WHY_NOT}`,
  ignore: WHY_NOT !== "",
  fn: async () => {
    for (const who of ["follower", "leader"]) {
      await using scratch = await Scratch.make();
      const data = `${scratch.path}/nodes`;
      const path = `${scratch.path}/small`;
      for (const made of [data, path]) await Deno.mkdir(made);
      await using first = await startDurable(`${data}/0`);
      const args = ["-a", first.addr];
      await using second = await startDurable(`${data}/1`, args);
      await using small = await startNodeProcess({
        args: ["--data", path, ...args],
        within: smallDiskAt(path),
      });
      const nodes = [first, second, small];
      await seatAll(nodes);
      if (who === "leader") await untilLeads(small, [first, second]);
      const addrs = nodes.map(({ addr }) => addr);
      await using witness = await ClusterWitness.start({ addrs: () => addrs });
      await fill(small, path);
      witness.takeGapMs();
      for (let n = 0; n < 20; n++) await witness.progress();
      const command = 'test $(stat -f -c %a "$1") = 0';
      await atDisk(small, { path, command }); // It is full, and still so.
      const gap = witness.takeGapMs();
      console.log(`${who} with a full disk: ${gap} ms without a write`);
      assert(gap < 10_000, `${gap} ms without a write`);
      await until("another one leads", async () => {
        return (await statusAt(small.addr))?.role === "follower";
      });
      await makeRoom(small, path);
      await until("it has space, and caught up", async () => {
        const [a, b] = [await statusAt(small.addr), await statusAt(first.addr)];
        return a !== undefined && b !== undefined && a.rev >= b.rev;
      });
      // Its vote counts again: with one of the others gone, writes go on.
      await second.stop("SIGKILL");
      await witness.progress();
      await using _again = await startAgain(second);
      await witness.finish();
    }
  },
});

async function seatAll(nodes: readonly NodeProcess[]): Promise<void> {
  using client = await connectTo(nodes[0]!.addr, 5_000);
  for (const n of [1, 2]) await client.set(`/ctl/cal/${n}`, "", { rev: 0 });
  await until("all have seats", async () => {
    const all = await Promise.all(nodes.map(({ addr }) => statusAt(addr)));
    return all.every((status) => status?.ready && status.canLose === 1);
  });
}

/** Stops whoever else leads for a moment, till this one does. */
async function untilLeads(
  node: NodeProcess,
  others: readonly NodeProcess[],
): Promise<void> {
  await until("the small one leads", async () => {
    const status = await statusAt(node.addr);
    if (status?.role === "leader") return true;
    for (const other of others) {
      const known = await statusAt(other.addr);
      if (known?.role !== "leader") continue;
      Deno.kill(other.pid, "SIGSTOP");
      try {
        await until("another one leads", async () => {
          const all = [node, ...others].filter((one) => one !== other);
          const found = await Promise.all(all.map((one) => statusAt(one.addr)));
          return found.some((status) => status?.role === "leader");
        });
      } finally {
        Deno.kill(other.pid, "SIGCONT");
      }
    }
    return false;
  });
}
