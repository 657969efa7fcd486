/**
 * `deno task bench`: what a node of this machine does in a second, and what it
 * holds in memory. The node is a process of its own, started as the tests do.
 *
 * Compare two versions in one sitting only, and look at ratios: a number from
 * another machine, or another day, says nothing.
 *
 * @module
 */
import { encodeText, VERBS } from "../../protocol/mod.ts";
import { connect } from "../../protocol/net/mod.ts";
import { type NodeProcess, startNodeProcess } from "../system/node_process.ts";
import { load, type LoadResult } from "./load.ts";

const BODY = new Uint8Array(128).fill(0x78);
const KEYS = 10_000;
const SECONDS = Number(Deno.env.get("BENCH_SECONDS") ?? 3);

/** A file's path; so many files to a directory. */
function pathOf(i: number, perDirectory = 100): string {
  const directory = Math.floor(i / perDirectory);
  return `/bench/d${String(directory).padStart(5, "0")}/k${
    String(i).padStart(7, "0")
  }`;
}

const set = (path: string) => ({
  verb: VERBS.SET,
  path,
  rev: -1,
  value: BODY,
});

function row(what: string, figure: string): void {
  console.log(`${what.padEnd(58)} ${figure}`);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function rate(result: LoadResult): string {
  return `${count(result.perSecond)}/s, p50 ${count(result.p50)} us, p99 ${
    count(result.p99)
  } us`;
}

/** Resident memory of a process in bytes; 0 where /proc is missing. */
function residentBytes(pid: number): number {
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function fill(node: NodeProcess, files: number): Promise<void> {
  await load({
    addr: node.addr,
    connections: 8,
    outstanding: 512,
    requests: files,
    request: (i) => set(pathOf(i)),
  });
}

async function requests(): Promise<void> {
  await using node = await startNodeProcess();
  await fill(node, KEYS);
  const random = () => pathOf(Math.floor(Math.random() * KEYS));
  const asks = {
    SET: () => set(random()),
    GET: () => ({ verb: VERBS.GET, path: random() }),
  };
  for (const [verb, request] of Object.entries(asks)) {
    for (const [outstanding, connections] of [[64, 8], [64, 64], [1, 1]]) {
      const result = await load({
        addr: node.addr,
        connections: connections!,
        outstanding: outstanding!,
        seconds: SECONDS,
        request,
      });
      row(
        `${verb}, ${outstanding} outstanding on ${connections} connections`,
        rate(result),
      );
    }
  }
}

async function lists(): Promise<void> {
  await using node = await startNodeProcess();
  await fill(node, KEYS);
  using client = await connect(node.uri);
  const rev = await client.rev();
  for (const [files, glob] of [[KEYS, "/bench/**"], [100, "/bench/d00000/*"]]) {
    const start = performance.now();
    let found = 0;
    for await (const _ of client.walk(String(glob), { rev })) found++;
    if (found !== files) throw new Error(`Found ${found} of ${files} files`);
    const ms = performance.now() - start;
    row(
      `WALK of ${files} files, an entry a request`,
      `${ms.toFixed(1)} ms, ${(1_000 * ms / found).toFixed(1)} us a file`,
    );
  }
}

/** A write costs the same in a large directory as in a small one. */
async function directories(): Promise<void> {
  await using node = await startNodeProcess();
  for (const files of [10, 8_000]) {
    const request = (i: number) => set(`/size${files}/k${i % files}`);
    const result = await load({
      addr: node.addr,
      connections: 8,
      outstanding: 64,
      seconds: SECONDS,
      request,
    });
    row(`SET in a directory of ${files} files`, rate(result));
  }
}

async function memory(): Promise<void> {
  const files = 100_000;
  for (const revs of [2_000, 360_000]) {
    await using node = await startNodeProcess({ args: ["-hist", `${revs}`] });
    const idle = residentBytes(node.pid);
    await fill(node, files);
    const filled = residentBytes(node.pid);
    let most = filled;
    for (let part = 0; part < 4; part++) {
      await load({
        addr: node.addr,
        connections: 8,
        outstanding: 64,
        requests: 250_000,
        request: () => set(pathOf(Math.floor(Math.random() * files))),
      });
      most = Math.max(most, residentBytes(node.pid));
    }
    const MIB = 1 << 20;
    row(
      `memory, ${count(files)} files of 128 B, -hist ${count(revs)}`,
      `idle ${(idle / MIB).toFixed(0)}, filled ${(filled / MIB).toFixed(0)}, ` +
        `overwriting ${(most / MIB).toFixed(0)} MiB`,
    );
  }
}

/** Starting a client, asking, and ending it. */
async function commandLine(): Promise<void> {
  await using node = await startNodeProcess();
  using client = await connect(node.uri);
  await client.set("/a", encodeText("hello"));
  const { doozerCommand } = await import("../system/process.ts");
  const [program, ...args] = doozerCommand();
  const times: number[] = [];
  for (let i = 0; i < 21; i++) {
    const start = performance.now();
    const { success } = await new Deno.Command(program, {
      args: [...args, "get", "/a"],
      env: { DOOZER_URI: node.uri },
    }).output();
    if (!success) throw new Error("doozer get failed");
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  row(
    "doozer get, from process start to exit",
    `median ${times[10]!.toFixed(0)} ms`,
  );
}

if (import.meta.main) {
  await requests();
  await directories();
  await lists();
  await memory();
  await commandLine();
  const { watchBench } = await import("./watch_bench.ts");
  await watchBench();
  const { historyBench } = await import("./history_bench.ts");
  await historyBench();
  const { waitsBench } = await import("./waits_bench.ts");
  waitsBench();
}
