/**
 * Clusters that found themselves: from a list that all nodes have, and with the
 * help of another cluster that is their name service.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../protocol/net/connect.ts";
import { Cluster, freeAddresses, print, statusAt } from "./cluster_nodes.ts";
import { seatsOf, until } from "./cluster_nodes.ts";
import { runDoozer, spawn, startNodeProcess, text } from "./node_process.ts";

Deno.test("--join: three nodes found a cluster, in any order", async () => {
  const addrs = freeAddresses(3);
  await using cluster = await Cluster.join(addrs, { args: ["-c", "trio"] });
  await cluster.untilSeated(3);
  const ids = new Set<string>();
  for (const addr of addrs) {
    const status = (await statusAt(addr))!;
    assertEquals([status.cluster, status.addr], ["trio", addr]);
    ids.add(status.lineage);
  }
  assertEquals(ids.size, 1, "There are several clusters");
  await print(cluster.nodes[0]!.uri, "set", "/x", "-1");
  // One that is started again with the same words finds the others.
  const [again] = cluster.nodes;
  await cluster.kill(again!);
  await cluster.add({ args: ["-l", again!.addr, "--join", addrs.join(",")] });
  await cluster.untilSeated(3);
  await print(again!.uri, "get", "--local", "/x");
});

Deno.test("--join: nobody serves before all are there, and says so", async () => {
  const addrs = freeAddresses(3).toSorted();
  const [first = "", second = "", third = ""] = addrs;
  const join = (addr: string, list: readonly string[]) =>
    spawn(["serve", "-l", addr, "--join", list.join(",")]);
  // One of the two that are there has another list: it is awaited, too.
  const children = [join(first, addrs), join(second, [second, third])];
  const told = children.map(() => "");
  const drained = children.map(async (child, n) => {
    await child.stdin.close();
    await child.stdout.cancel();
    for await (const chunk of child.stderr) told[n] += text(chunk);
  });
  try {
    await until("they say whom they await", () => {
      const all = told.join("");
      return Promise.resolve(
        all.includes(`Waiting for ${second} with this list`) &&
          all.includes(`Waiting for ${third}`),
      );
    });
    await runDoozer(`doozer:?ca=${first}`, { args: ["nop"], status: 5 });
  } finally {
    // Even before it serves, a node ends when it is told to.
    for (const child of children) child.kill("SIGTERM");
    const codes = children.map(async (child) => (await child.status).code);
    assertEquals(await Promise.all(codes), [0, 0]);
    await Promise.all(drained);
  }
  assert(!told.join("").includes("serves"), told.join(""));
});

Deno.test("a name service: one founds, the others find it", async () => {
  await using service = await startNodeProcess();
  const args = ["-c", "example", "-timeout", "1"];
  const env = { DOOZER_BOOT_URI: service.uri };
  await using cluster = await Cluster.boot(3, { args, env });
  const addrs = cluster.addrs.toSorted();
  const ids = await Promise.all(
    cluster.addrs.map(async (addr) => (await statusAt(addr))!.id),
  );
  const booted = await print(service.uri, "get", "/ctl/boot/example");
  assert(ids.includes(booted), `${booted} booted, of ${ids}`);
  assertEquals((await entries(service.uri)).toSorted(), addrs);
  // Clients find it, too.
  const named = ["get", "-b", service.uri, "-a", "doozer:?cn=example"];
  assertEquals(await print("", ...named, "/ctl/name"), "example");
  await seatAll(cluster);
  await leaveOneByOne(cluster, service.uri);
});

async function seatAll(cluster: Cluster): Promise<void> {
  const { uri } = cluster.nodes[0]!;
  for (const n of [1, 2]) await print(uri, "add", `/ctl/cal/${n}`);
  await cluster.untilSeated(3);
}

/** One is killed, one is told to stop, then the last. */
async function leaveOneByOne(cluster: Cluster, uri: string): Promise<void> {
  const killed = await cluster.follower();
  await cluster.kill(killed);
  await until("the entry of a node that was killed is removed", async () => {
    return !(await entries(uri)).includes(killed.addr);
  });
  const stopped = await cluster.follower();
  await cluster.kill(stopped, "SIGTERM");
  const [last] = cluster.nodes;
  assertEquals(await entries(uri), [last!.addr]);
  await until("the last one is alone", async () => {
    const status = await statusAt(last!.addr);
    return status?.members.length === 1 && seatsOf(status).length === 1;
  });
  await cluster.kill(last!, "SIGTERM");
  assertEquals(await entries(uri), []);
  // Its cluster has ended: another of that name may begin.
  await runDoozer(uri, { args: ["get", "/ctl/boot/example"], status: 3 });
}

/** The addresses that the name service has of the cluster. */
async function entries(uri: string): Promise<string[]> {
  using client = await connect(uri, { discover: false });
  const files = await Array.fromAsync(client.walk("/ctl/ns/example/*"));
  return files.map(({ value }) => text(value));
}

Deno.test("a name service that knows dead nodes only: who boots says so", async () => {
  await using service = await startNodeProcess();
  const [dead = ""] = freeAddresses(1);
  const entry = { args: ["add", "/ctl/ns/example/DEAD"], stdin: dead };
  await runDoozer(service.uri, { ...entry, status: 0 });
  const child = spawn(
    ["serve", "-l", "127.0.0.1:0", "-c", "example", "-b", service.uri],
  );
  await Promise.all([child.stdin.close(), child.stdout.cancel()]);
  let told = "";
  for await (const chunk of child.stderr) {
    told += text(chunk);
    if (told.includes("Waiting for")) child.kill("SIGTERM");
  }
  assertEquals((await child.status).code, 0);
  assertStringIncludes(told, `a node of "example" (${dead})`);
  await runDoozer(service.uri, {
    args: ["get", "/ctl/boot/example"],
    status: 3,
  });
});
