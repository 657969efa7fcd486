/**
 * The binary in the smallest container there is: PID 1 of its own namespace,
 * in a read-only root that holds only it, the libraries it is linked to and
 * /proc, as uid 65532, with an empty environment. And how long one `get`
 * takes from the start of its process to its end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { runDoozer } from "./node_process.ts";

const BINARY = Deno.env.get("DOOZER_CMD") ?? "";
const UID = 65532;
const GETS = 30;
const END_MS = 10_000;

const obstacle = await findObstacle();

Deno.test({
  name: `the binary runs as PID 1 of a container with nothing else${obstacle}`,
  ignore: obstacle !== "",
  fn: async (t) => {
    const root = await Deno.makeTempDir({ prefix: "doozer-root-" });
    try {
      await buildRoot(root);
      const container = await startContainer(root);
      const { uri, pid } = container;
      let ended = false;
      try {
        await t.step("it is as confined as it should be", () => inspect(pid));
        await t.step("it serves", () => setAndGet(uri));
        await t.step("get takes its time", () => timeGets(uri));
        await t.step("SIGTERM ends it with status 0", async () => {
          ended = true;
          assertEquals(await container.end("SIGTERM"), 0);
        });
      } finally {
        if (!ended) await container.end("SIGKILL");
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

/** Why this machine cannot run the test; empty if it can. */
async function findObstacle(): Promise<string> {
  if (Deno.build.os !== "linux") return "; needs Linux";
  if (!isElf(BINARY)) return "; needs DOOZER_CMD to name a compiled binary";
  if (Deno.uid() !== 0) return "; needs root";
  const args = ["--fork", "--pid", "--mount", "true"];
  const { success } = await new Deno.Command("unshare", { args }).output();
  return success ? "" : "; needs the right to make namespaces";
}

function isElf(path: string): boolean {
  if (path === "") return false;
  using file = Deno.openSync(path);
  const magic = new Uint8Array(4);
  file.readSync(magic);
  return new TextDecoder().decode(magic) === "\x7fELF";
}

/** Fills a folder with the binary, its libraries and a place for /proc. */
async function buildRoot(root: string): Promise<void> {
  await Deno.chmod(root, 0o755);
  await Deno.mkdir(`${root}/proc`);
  await Deno.copyFile(BINARY, `${root}/doozer`);
  await Deno.chmod(`${root}/doozer`, 0o755);
  const { stdout } = await new Deno.Command("ldd", { args: [BINARY] }).output();
  const listed = new TextDecoder().decode(stdout);
  const libraries = listed.match(/\/\S+(?= \(0x)/g) ?? [];
  assert(libraries.some((library) => library.includes("libc.so")), listed);
  for (const library of libraries) {
    const folder = library.slice(0, library.lastIndexOf("/"));
    await Deno.mkdir(`${root}${folder}`, { recursive: true });
    await Deno.copyFile(library, `${root}${library}`);
  }
}

// `exec` all the way, so that doozer itself is PID 1 and gets the signals.
const ENTER = `set -eu
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
exec env -i "$(command -v chroot)" --userspec=${UID}:${UID} "$1" \\
  /doozer serve -l 127.0.0.1:0`;

/** A node in its container. */
interface Container {
  readonly uri: string;
  /** The node's process, as seen from outside. */
  readonly pid: number;
  /** Sends the node a signal and returns the exit status. */
  end(signal: Deno.Signal): Promise<number>;
}

async function startContainer(root: string): Promise<Container> {
  const unshare = ["--fork", "--kill-child", "--pid", "--mount"];
  const child = new Deno.Command("unshare", {
    args: [...unshare, "sh", "-c", ENTER, "sh", root],
    stdin: "null",
    stdout: "inherit",
    stderr: "piped",
  }).spawn();
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  let address: string | undefined;
  while (address === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`${(await child.status).code}: ${said}`);
    said += value;
    address = /127\.0\.0\.1:\d+(?=\D)/.exec(said)?.[0];
  }
  const drained = drain(reader);
  const pid = childOf(child.pid);
  const end = async (signal: Deno.Signal): Promise<number> => {
    Deno.kill(pid, signal);
    // What does not end by then fails the test by its status.
    const deadline = setTimeout(() => Deno.kill(pid, "SIGKILL"), END_MS);
    const [{ code }] = await Promise.all([child.status, drained]);
    clearTimeout(deadline);
    return code;
  };
  return { uri: `doozer:?ca=${address}`, pid, end };
}

/** Reads to the end: a writer whose pipe is full would stand still. */
async function drain(
  reader: ReadableStreamDefaultReader<string>,
): Promise<void> {
  while (!(await reader.read()).done);
}

/** The one child of a process. */
function childOf(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`));
}

/** Asks the kernel whether the confinement is what the test claims. */
async function inspect(pid: number): Promise<void> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  assert(/^NSpid:\s+\d+\s+1$/m.test(status), status);
  assert(new RegExp(`^Uid:\\s+${UID}\\s+${UID}`, "m").test(status), status);
  assertEquals(await Deno.readTextFile(`/proc/${pid}/environ`), "");
  const mounts = await Deno.readTextFile(`/proc/${pid}/mounts`);
  const points = mounts.trim().split("\n").map((line) => line.split(" "));
  assertEquals(points.map((point) => point[1]), ["/", "/proc"]);
  assert(points[0]?.[3]?.split(",").includes("ro"), mounts);
}

async function setAndGet(uri: string): Promise<void> {
  const value = new Uint8Array([0, 255, 10, 98]);
  await runDoozer(uri, { args: ["set", "/a", "0"], stdin: value, status: 0 });
  const { stdout } = await runDoozer(uri, { args: ["get", "/a"], status: 0 });
  assertEquals(stdout, value);
}

/** A benchmark, printed for who reads; machines differ too much to assert. */
async function timeGets(uri: string): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < GETS; i++) {
    const before = performance.now();
    await runDoozer(uri, { args: ["get", "/a"], status: 0 });
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const [least, median, most] = [0, GETS / 2, GETS - 1].map((i) =>
    `${Math.round(times[i] ?? 0)} ms`
  );
  console.log(
    `doozer get, process start to exit: median ${median} of ${GETS} ` +
      `(${least} to ${most}; target: below 80 ms)`,
  );
}
